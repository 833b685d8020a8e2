# SPDX-License-Identifier: Apache-2.0
"""What is text at the end of a run."""

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.plugin_utils.output.run_summary import HEIGHT, Play, changes, lines


def test_what_a_task_changed_is_taken_from_its_result() -> None:
    outcome: dict[str, t.Any] = {"kind": "container", "name": "api", "action": "replace", "state": "done"}
    assert changes({"outcomes": [outcome, {**outcome, "name": "db", "action": "none"}, {**outcome, "name": "x", "state": "failed"}]}) == [
        ("container replaced", "api")
    ]
    assert changes({"changes": [{"path": "api/config/x.conf", "reason": "content"}]}) == [("file written", "api/config/x.conf")]
    assert changes({"changes": ["service glance (image): it does not exist"]}) == []


def test_changes_come_first_by_host() -> None:
    changed = [("container replaced", "api"), ("container replaced", "db"), ("container replaced", "api"), ("file written", "x")]
    text = lines([Play("Cloud", 5.0)], {"c1": changed})
    assert text == ["  c1: 2 containers replaced (api, db); 1 file written (x)", "    5.0 s  Cloud", "    5.0 s  total"]


def test_the_slowest_tasks_of_a_play_are_named() -> None:
    tasks = [("quick", 0.5), ("slow", 3.0), ("slower", 9.0)]
    assert lines([Play("Cloud", 12.5, tasks), Play("Nobody", 0.0)], {})[:3] == [
        "   12.5 s  Cloud",
        "        9.0 s  slower",
        "        3.0 s  slow",
    ]


_PLAYS = st.lists(
    st.builds(Play, st.just("play"), st.floats(0, 100), st.lists(st.tuples(st.just("task"), st.floats(0, 50)), max_size=9)), max_size=12
)


@given(_PLAYS, st.integers(0, 3000))
def test_a_summary_fits_a_screen(plays: list[Play], hosts: int) -> None:
    changed = {f"h{number}": [("container started", f"c{at}") for at in range(30)] for number in range(hosts)}
    assert len(lines(plays, changed)) <= max(HEIGHT, len(plays) + HEIGHT // 2 + 1)
