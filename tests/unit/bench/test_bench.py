# SPDX-License-Identifier: Apache-2.0
"""The table of the bench."""

from __future__ import annotations

from tests.bench.__main__ import Figure, Run, table


def test_a_missed_budget_says_by_how_much() -> None:
    assert Figure("x", 12.0, "s", 10).verdict == "missed by 2.0 s"
    assert Figure("x", 10.0, "s", 10).verdict == "within"
    assert Figure("x", 10.0, "s").verdict == ""
    assert "missed by 2.0 s" in table([Figure("x", 12.0, "s", 10)])


def test_task_rounds_are_counted_from_the_output() -> None:
    assert Run(1, 1, "PLAY [x]\n\nTASK [a] ***\nok\nTASK [b] ***\n").task_rounds == 2
