# SPDX-License-Identifier: Apache-2.0
"""What a measurement says of figures that changed."""

from __future__ import annotations

import pathlib

from tests.bench import figures
from tests.bench.figures import Figure


def test_only_what_grew_by_more_than_the_tolerance_is_worse() -> None:
    measured = [Figure("slow", 1.3, "s"), Figure("noise", 1.1, "s"), Figure("better", 0.5, "s"), Figure("new", 9, "s")]
    assert figures.worse(measured, {"slow": 1.0, "noise": 1.0, "better": 1.0}) == ["slow: 1.3 s, was 1: +30%"]


def test_the_table_has_the_figure_before_and_the_budget() -> None:
    lines = figures.table([Figure("model", 0.5, "s", 0.25), Figure("start", 1, "s")], {"model": 2.0}).splitlines()
    assert lines[1].split() == ["model", "0.5", "s", "2", "0.25", "s", "missed", "by", "0.25", "s"]
    assert lines[2].split() == ["start", "1", "s"]


def test_what_was_not_measured_stays_in_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "figures.json"
    assert figures.read(path) == {}
    figures.write(path, [Figure("a", 1, "s"), Figure("b", 2, "MiB")])
    figures.write(path, [Figure("b", 3.14159, "MiB")])
    assert figures.read(path) == {"a": 1.0, "b": 3.142}


def test_a_missed_budget_says_by_how_much() -> None:
    assert Figure("x", 12.0, "s", 10).verdict == "missed by 2 s"
    assert Figure("x", 10.0, "s", 10).verdict == "within"
    assert Figure("x", 10.0, "s").verdict == ""
