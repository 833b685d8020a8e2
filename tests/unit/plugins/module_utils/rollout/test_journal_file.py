# SPDX-License-Identifier: Apache-2.0
"""The file of the journal: what is read back, what a cut leaves, and that a note costs the same in a cloud of any size."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
import typing as t
from unittest import mock

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Holder, Rollout, RolloutError
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal_file import JournalFile
from tests.unit.rollouts import BEGIN, TRACE, a_large_rollout, a_rollout, event

HELD = dataclasses.replace(a_rollout(), holder=Holder(run="mine", who="ada", where="desk", pid=1, seen=BEGIN))


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    """Return the file of a rollout that this run holds."""
    path = tmp_path / "rollout.json"
    JournalFile(path).replace(HELD)
    return path


def note(path: pathlib.Path, host: str = "compute-2", state: t.Any = "begun", detail: str = "") -> Rollout:
    """Note a step as the module does, and return what the whole journal should be."""
    file = JournalFile(path)
    before, brief = file.read(), file.state()
    happened = event(99, "roll", state, host, "compute", detail)
    file.append(journal.note(brief, "mine", BEGIN + 5, happened))
    return journal.note(before, "mine", BEGIN + 5, happened)


def test_a_host_without_a_file_has_no_journal(tmp_path: pathlib.Path) -> None:
    file = JournalFile(tmp_path / "rollout.json")
    assert (file.read(), file.state()) == (None, None)


def test_a_journal_is_read_as_it_was_written(path: pathlib.Path) -> None:
    assert JournalFile(path).read() == HELD
    for changed in (dataclasses.replace(HELD, events=[], holder=None), dataclasses.replace(HELD, updates=[], durations=[], checks=[])):
        JournalFile(path).replace(changed)
        assert JournalFile(path).read() == changed
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_state_has_all_but_what_grows_with_the_cloud(path: pathlib.Path) -> None:
    nothing: dict[str, t.Any] = {name: [] for name in ("updates", "packages", "migrations", "ahead", "checks", "events", "durations")}
    assert JournalFile(path).state() == dataclasses.replace(HELD, **nothing)


# longer than what is read at once from the end
@pytest.mark.parametrize("detail", ["", TRACE, "x" * 8192, "x" * 100_000, "line\nand \N{SNOWMAN} line"])
def test_notes_are_added(path: pathlib.Path, detail: str) -> None:
    for state in ("begun", "failed", "reverted", "begun", "done"):
        wanted = note(path, state=state, detail=detail)
        assert JournalFile(path).read() == wanted
    found = JournalFile(path).state()
    assert found
    assert (found.revision, found.phase) == (HELD.revision + 5, "expanded")


def test_a_note_that_was_cut_off_anywhere_is_not_read_and_is_reupdated_by_the_next(path: pathlib.Path) -> None:
    before = path.read_bytes()
    kept = note(path, detail=TRACE)
    noted = path.read_bytes()
    assert noted.startswith(before)
    for length in range(len(before), len(noted)):
        path.write_bytes(noted[:length])
        assert JournalFile(path).read() == HELD
        assert note(path, detail=TRACE) == kept
        assert path.read_bytes() == noted


def test_a_note_is_on_the_disk_before_it_counts(path: pathlib.Path) -> None:
    sizes: list[int] = []
    with mock.patch.object(os, "fsync", lambda number: sizes.append(os.fstat(number).st_size)):
        note(path)
    assert sizes == [path.stat().st_size]


def test_a_journal_replaces_another_in_one_step(path: pathlib.Path) -> None:
    with mock.patch.object(os, "fsync", side_effect=OSError("full")), pytest.raises(OSError, match="full"):
        JournalFile(path).replace(dataclasses.replace(HELD, id="20261201T101010"))
    assert JournalFile(path).read() == HELD
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


# -- what is refused ----------------------------------------------------------------------------------------------


def _edited(text: str, line: int, new: str) -> str:
    lines = text.splitlines(keepends=True)
    lines[line] = new
    return "".join(lines)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda _text: "", "it was truncated after line 0"),
        (lambda text: text.splitlines(keepends=True)[0], "it was truncated after line 1"),
        (lambda text: _edited(text, 0, '{"format": 4}\n'), "it has format 4, this version of the collection writes 3"),
        (lambda text: _edited(text, -1, '{"revision": 7, "phase": "lost", "holder": null}\n'), "journal.phase: expected one of planned"),
        (lambda text: _edited(text, -1, '{"event": {}}\n'), "'revision'"),
        (lambda text: _edited(text, -1, "[]\n"), "."),
        (lambda text: _edited(text, -1, "torn\n"), "Expecting value"),
    ],
)
def test_a_damaged_file_is_refused_and_not_taken_for_none(path: pathlib.Path, damage: t.Callable[[str], str], why: str) -> None:
    path.write_text(damage(path.read_text()))
    with pytest.raises(RolloutError, match=f"cannot use the journal .*{why}.*Copy that of another control host over it"):
        JournalFile(path).read()
    with pytest.raises(RolloutError, match="cannot use the journal"):
        JournalFile(path).state()


def test_damage_in_the_middle_is_found_when_all_is_read(path: pathlib.Path) -> None:
    path.write_text(_edited(path.read_text(), 5, '{"event": {"at": "soon"}}\n'))
    with pytest.raises(RolloutError, match=r"journal.events\[3\].at: expected a number"):
        JournalFile(path).read()


def test_a_file_that_is_one_document_is_read_and_then_written_anew(path: pathlib.Path) -> None:
    path.write_text(json.dumps(journal.dump(HELD), indent=1) + "\n")
    assert JournalFile(path).read() == HELD
    assert JournalFile(path).state() == HELD
    JournalFile(path).replace(HELD)
    assert JournalFile(path).read() == HELD
    assert path.read_text().startswith('{"format":3,"cloud":"example"')


# -- what a note costs ---------------------------------------------------------------------------------------------


class _Counted:
    """A file that counts the bytes that are read and written."""

    def __init__(self, stream: t.BinaryIO, counts: dict[str, int]) -> None:
        self._stream, self._counts = stream, counts

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> t.Any:
        found = getattr(self._stream, name)
        if name not in ("read", "readline", "write"):
            return found

        def call(*args: t.Any) -> t.Any:
            answer = found(*args)
            self._counts[name] = self._counts.get(name, 0) + (answer if isinstance(answer, int) else len(answer))
            return answer

        return call


def _counted(path: pathlib.Path, original: t.Callable[..., t.Any], counts: dict[str, int], mode: str) -> _Counted:
    return _Counted(original(path, mode), counts)


def test_a_note_reads_and_writes_the_same_in_a_cloud_of_any_size(path: pathlib.Path) -> None:
    found = []
    for hosts in (5, 500):
        JournalFile(path).replace(dataclasses.replace(a_large_rollout(hosts), holder=HELD.holder))
        counts: dict[str, int] = {}
        with mock.patch.object(pathlib.Path, "open", functools.partialmethod(_counted, pathlib.Path.open, counts)):
            file = JournalFile(path)
            state = file.state()
            file.append(journal.note(state, "mine", BEGIN, event(1, "roll", "begun", "host-3", "compute")))
        found.append(counts)
    small, big = found
    # the number of changes is a part of the line
    assert abs(big["write"] - small["write"]) <= len("2000")
    assert big["write"] < 400
    # the first line, and one block from the end for each of state and note
    assert big["read"] + big["readline"] < 2 * 8192 + 200
    assert path.stat().st_size > 100_000
