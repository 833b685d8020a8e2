# SPDX-License-Identifier: Apache-2.0
"""Three control hosts with a journal each, of which one was away, lost its copy, or was not reached by a run that was cut off."""

from __future__ import annotations

import dataclasses
import io
import json
import pathlib
import typing as t
from unittest import mock

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal as journals
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Rollout
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal_file import JournalFile
from ansible_collections.caisson.openstack.plugins.modules import rollout
from tests.unit.rollouts import BEGIN, a_rollout

OPEN = a_rollout()
ENDED = dataclasses.replace(OPEN, phase="finalized", revision=OPEN.revision + 3)
LATER = dataclasses.replace(OPEN, id="20261201T101010", phase="planned", revision=0, events=[])
HOSTS = ("control-1", "control-2", "control-3")


class Cloud:
    """Control hosts, each a directory, and a run that goes over them as the tasks of the role do."""

    def __init__(self, root: pathlib.Path, copies: t.Sequence[Rollout | None]) -> None:
        self._paths = {host: root / host / "rollout.json" for host in HOSTS}
        for path, copy in zip(self._paths.values(), copies, strict=True):
            path.parent.mkdir()
            if copy:
                JournalFile(path).replace(copy)

    def copies(self) -> list[Rollout | None]:
        """Return what the hosts have."""
        return [JournalFile(path).read() for path in self._paths.values()]

    def claim(self, wanted: Rollout | None = None, run: str = "mine", reached: t.Sequence[str] = HOSTS) -> list[str]:
        """Claim on each host that the run reached; return what was said against it."""
        known = journals.newest(self.copies())
        plain = {"journal": journals.dump(wanted) if wanted else {}, "known": journals.dump(known) if known else {}}
        return [said for host in reached if (said := self.call(host, run, state="claimed", **plain).get("msg"))]

    def note(self, phase: str, run: str = "mine", reached: t.Sequence[str] = HOSTS) -> list[str]:
        """Note that a phase is reached on each host that the run reached; return what was said against it."""
        return [said for host in reached if (said := self.call(host, run, state="noted", phase=phase).get("msg"))]

    def call(self, place: str, run: str = "mine", **args: t.Any) -> dict[str, t.Any]:
        """Call the module for one host; return what it answers."""
        holder = {"run": run, "who": "ada", "where": "desk", "pid": 1, "seen": BEGIN}
        with patch_module_args({"path": str(self._paths[place]), "holder": holder, **args}), mock.patch("sys.stdout", io.StringIO()) as out:
            with pytest.raises(SystemExit):
                rollout.main()
            return t.cast(dict[str, t.Any], json.loads(out.getvalue()))


@pytest.fixture
def cloud(tmp_path: pathlib.Path) -> t.Callable[..., Cloud]:
    """Make a cloud whose control hosts have these copies."""
    return lambda *copies: Cloud(tmp_path, copies)


#: What hosts may have when the newest copy is that of the first: all the same, an older one, none, one of another rollout.
OTHERS = [(None, None), (OPEN, None), (None, OPEN), (dataclasses.replace(OPEN, revision=2), OPEN)]


@pytest.mark.parametrize("others", [*OTHERS, (ENDED, ENDED), (ENDED, OPEN)])
def test_a_rollout_begins_where_the_newest_copy_has_ended_though_an_old_one_is_open(
    cloud: t.Callable[..., Cloud], others: tuple[Rollout | None, ...]
) -> None:
    made = cloud(ENDED, *others)
    assert made.claim(LATER) == []
    first, second, third = made.copies()
    assert first == second == third
    assert first
    assert (first.id, first.phase) == (LATER.id, "planned")


@pytest.mark.parametrize("others", OTHERS)
def test_an_open_rollout_is_gone_on_with_from_the_newest_copy(cloud: t.Callable[..., Cloud], others: tuple[Rollout | None, ...]) -> None:
    newest = dataclasses.replace(OPEN, phase="finalizing", revision=OPEN.revision + 5)
    made = cloud(*others, newest)
    assert made.claim(newest) == []
    assert made.note("finalized") == []
    first, second, third = made.copies()
    # each note has a time of its own
    assert first and second and third
    assert {copy.phase for copy in (first, second, third)} == {"finalized"}
    assert {copy.revision for copy in (first, second, third)} == {newest.revision + 2}


def test_a_rollout_whose_end_reached_one_host_only_is_over(cloud: t.Callable[..., Cloud]) -> None:
    made = cloud(OPEN, OPEN, OPEN)
    assert made.claim(OPEN) == []
    assert made.note("rolled_back", reached=HOSTS[:1]) == []
    newest = journals.newest(made.copies())
    assert newest
    assert not newest.open
    assert made.claim(LATER, run="next") == []
    assert {copy.id for copy in made.copies() if copy} == {LATER.id}


def test_a_rollout_whose_begin_reached_one_host_only_is_gone_on_with(cloud: t.Callable[..., Cloud]) -> None:
    made = cloud(ENDED, OPEN, None)
    assert made.claim(LATER, reached=HOSTS[:1]) == []
    newest = journals.newest(made.copies())
    assert newest
    assert (newest.id, newest.open) == (LATER.id, True)
    assert made.claim(newest) == []
    first, second, third = made.copies()
    assert first == second == third


def test_an_open_rollout_on_any_host_keeps_another_from_beginning_if_it_is_the_newest(cloud: t.Callable[..., Cloud]) -> None:
    made = cloud(None, dataclasses.replace(ENDED, id="20260101T000000"), OPEN)
    (first, *_more) = made.claim(LATER)
    assert "is open (verified): close it" in first
    assert made.copies()[0] is None


def test_a_run_that_lost_its_place_is_refused_on_the_host_that_was_away_too(cloud: t.Callable[..., Cloud]) -> None:
    made = cloud(OPEN, OPEN, dataclasses.replace(OPEN, revision=2))
    assert made.claim(OPEN, run="mine") == []
    # heard of a moment ago
    assert all("holds the lock of the rollout" in said for said in made.claim(OPEN, run="other"))
    assert made.note("finalizing", run="mine") == []


# -- what the module answers -------------------------------------------------------------------------------------

STEP = {"state": "noted", "phase": "roll", "host": "compute-1", "tier": "compute", "event": "begun"}


def test_a_change_says_what_it_changed_and_sends_no_journal(cloud: t.Callable[..., Cloud]) -> None:
    made = cloud(OPEN, None, None)
    claimed = made.call(HOSTS[0], state="claimed")
    noted = made.call(HOSTS[0], **STEP)
    for before, result in ((OPEN.revision, claimed), (OPEN.revision + 1, noted)):
        assert (result["changed"], result["revision"], "journal" in result) == (True, before + 1, False)
    assert noted["diff"]["before"]["phase"] == "verified"
    assert noted["diff"]["after"]["phase"] == "expanded"
    assert noted["diff"]["after"]["event"]["host"] == "compute-1"
    assert len(json.dumps(noted)) < 2000
    released = made.call(HOSTS[0], state="released")
    assert (released["changed"], released["diff"]["before"]["holder"], released["diff"]["after"]["holder"]) == (True, "ada on desk", "")
    again = made.call(HOSTS[0], state="released")
    assert (again["changed"], again["revision"]) == (False, OPEN.revision + 3)


@pytest.mark.parametrize("args", [{"state": "claimed"}, STEP, {"state": "noted", "phase": "finalizing"}, {"state": "released"}])
def test_check_mode_says_what_would_change_and_writes_nothing(cloud: t.Callable[..., Cloud], args: dict[str, t.Any]) -> None:
    made = cloud(None, None, None)
    made.claim(LATER)
    before = made.copies()
    result = made.call(HOSTS[0], **args, _ansible_check_mode=True)
    assert (result["changed"], result["revision"]) == (True, 2)
    assert made.copies() == before


def test_what_grows_with_the_cloud_is_left_out_if_that_is_asked_for(cloud: t.Callable[..., Cloud]) -> None:
    made = cloud(OPEN, None, None)
    whole, brief = (made.call(HOSTS[0], state="read", brief=brief)["journal"] for brief in (False, True))
    assert journals.load(whole) == OPEN
    assert all(whole[key] == brief[key] for key in ("cloud", "id", "release_from", "release_to", "phase", "revision", "holder"))
    assert (brief["updates"], brief["events"], len(json.dumps(brief)) < 500) == ([], [], True)
    assert made.call(HOSTS[1], state="read", brief=True)["journal"] == {}


def test_a_phase_in_which_all_hosts_are_updated_is_held_against_all_steps(cloud: t.Callable[..., Cloud]) -> None:
    made = cloud(dataclasses.replace(OPEN, phase="expanded"), None, None)
    assert made.call(HOSTS[0], state="claimed")["changed"]
    assert made.call(HOSTS[0], **STEP)["changed"]
    assert made.call(HOSTS[0], state="noted", phase="rolled")["msg"].startswith("not all containers are updated: compute on compute-1")
    assert made.call(HOSTS[0], **{**STEP, "event": "done"})["changed"]
    assert made.call(HOSTS[0], state="noted", phase="rolled")["changed"]
    (copy, *_others) = made.copies()
    assert copy
    assert (copy.phase, [event.state for event in copy.events[-3:]]) == ("rolled", ["begun", "done", "done"])
