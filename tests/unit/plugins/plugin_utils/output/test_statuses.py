# SPDX-License-Identifier: Apache-2.0
"""What people and monitoring are told of a cloud."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.output import plans
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Rollout
from ansible_collections.caisson.openstack.plugins.plugin_utils.output import statuses
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates

_ROW = {
    "name": "api",
    "service": "x",
    "status": "running",
    "health": "healthy",
    "image": "sha256:0a1b2c3d4e5f6a7b",
    "since": "2026-01-02T03:04:05.6Z",
}
_INFO: dict[str, t.Any] = {"containers": [_ROW], "missing": [], "faulty": []}
_STEP = {"kind": "container", "name": "api", "action": "replace", "reasons": ["files: as in its image -> /x changed"]}


_NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


def _status(
    info: t.Any = None, steps: t.Sequence[t.Any] = (), hosts: t.Sequence[str] = ("c1",), ending: t.Sequence[t.Any] = ()
) -> statuses.Status:
    plan = plans.make("caisson", {"c1": {"steps": list(steps)}}, {}, [], _NOW)
    return statuses.make(plan, {"c1": info or _INFO}, hosts, ending)


def test_a_sound_cloud_is_said_to_be_so() -> None:
    found = _status()
    assert (found.faults, found.drifted) == ([], False)
    lines = statuses.lines(found)
    assert lines[1].split() == ["c1", "api", "running", "healthy", "0a1b2c3d4e5f", "2026-01-02T03:04:05"]
    assert lines[-1] == "1 hosts, 1 containers: all healthy, no drift"


def test_every_fault_names_its_host() -> None:
    found = _status({**_INFO, "missing": ["db"], "faulty": ["api"]}, hosts=["c1", "c2"])
    assert found.faults == ["c1: db is missing", "c1: api is down or not healthy", "c2: it did not answer, or could not be examined"]
    assert "FAULT c1: db is missing" in statuses.lines(found)


def test_drift_is_told_with_its_reason() -> None:
    found = _status(steps=[_STEP])
    assert found.drifted
    assert any("/x changed" in line for line in statuses.lines(found))
    assert statuses.lines(found)[-1].endswith("with drift")


@pytest.mark.parametrize(("days", "fault"), [(14, False), (13, True), (-1, True)])
def test_a_certificate_that_is_about_to_end_is_a_fault(days: int, fault: bool) -> None:
    made = _NOW + datetime.timedelta(days=days, seconds=1) - certificates.LIFE
    authority = certificates.make_authority(made)
    texts = {"API": certificates.make_certificate(authority, ["192.0.2.1"], made), "CA": authority}
    found = _status(ending=statuses.expiries(texts, _NOW))
    line = f"certificate API (CN=192.0.2.1) ends {_NOW + datetime.timedelta(days=days):%Y-%m-%d}, in {days} days"
    assert line in statuses.lines(found)
    assert found.faults == ([line] if fault else [])
    assert [item["days_left"] for item in json.loads(statuses.dump(found))["certificates"] if item["name"] == "API"] == [days]


def test_monitoring_gets_json() -> None:
    data = json.loads(statuses.dump(_status(steps=[_STEP])))
    assert (data["cloud"], data["drifted"], data["faults"]) == ("caisson", True, [])
    assert data["drift"]["c1"][0]["name"] == "api"
    assert data["hosts"]["c1"]["containers"][0]["health"] == "healthy"


def test_a_rollout_in_progress_is_shown() -> None:
    known = Rollout(cloud="caisson", id="20261121T140205", release_from="2026.1", release_to="2026.2", phase="expanded", revision=7)
    ended = dataclasses.replace(known, phase="finalized", revision=8)

    def told(*copies: Rollout) -> tuple[list[str], str]:
        plan = plans.make("caisson", {"c1": {"steps": []}}, {}, [journal.dump(copy) for copy in copies], _NOW)
        found = statuses.make(plan, {"c1": _INFO}, ["c1"])
        return [line for line in statuses.lines(found) if "rollout" in line], json.loads(statuses.dump(found))["rollout"]

    assert told(known) == (["The rollout 2026.1 -> 2026.2 is open (expanded)."], "rollout 2026.1 -> 2026.2 is open (expanded)")
    # one control host was away when it ended
    assert told(known, ended, known) == ([], "")
