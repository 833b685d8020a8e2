# SPDX-License-Identifier: Apache-2.0
"""What a host remembers between runs."""

from __future__ import annotations

import concurrent.futures
import pathlib

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateError, StateFile


@pytest.fixture(name="path")
def _path(tmp_path: pathlib.Path) -> str:
    return str(tmp_path / "deep" / "state.json")


def test_nothing_is_known_at_first(path: str) -> None:
    assert StateFile(path).get("jobs", "sync") is None
    assert not pathlib.Path(path).exists()


def test_what_is_put_is_there_for_the_next_run(path: str) -> None:
    StateFile(path).put("jobs", "sync", {"image": "x"})
    assert StateFile(path).get("jobs", "sync") == {"image": "x"}


def test_none_forgets(path: str) -> None:
    state = StateFile(path)
    state.put("jobs", "sync", 1)
    state.put("jobs", "sync", None)
    state.put("jobs", "never", None)
    assert StateFile(path).get("jobs", "sync") is None


def test_threads_do_not_lose_each_others_entries(path: str) -> None:
    state = StateFile(path)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: state.put("jobs", str(number), number), range(50)))
    assert [StateFile(path).get("jobs", str(number)) for number in range(50)] == list(range(50))
    assert [entry.name for entry in pathlib.Path(path).parent.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"jobs": []}', "\xff"])
def test_a_broken_file_is_named_with_the_remedy(path: str, text: str) -> None:
    pathlib.Path(path).parent.mkdir()
    pathlib.Path(path).write_bytes(text.encode("latin-1"))
    with pytest.raises(StateError) as caught:
        StateFile(path)
    assert path in str(caught.value)
    assert "remove it to have every job run again" in str(caught.value)


def test_a_section_is_replaced_as_a_whole(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "state.json"
    state = StateFile(str(path))
    state.put("files", "old", 1)
    state.put("jobs", "sync", {})
    state.replace("files", {"new": 2})
    assert StateFile(str(path)).section("files") == {"new": 2}
    assert StateFile(str(path)).get("jobs", "sync") == {}
    assert StateFile(str(path)).section("nothing") == {}
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.stat().st_mtime_ns
    state.replace("files", {"new": 2})
    assert path.stat().st_mtime_ns == before
