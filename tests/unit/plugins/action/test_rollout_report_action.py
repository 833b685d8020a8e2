# SPDX-License-Identifier: Apache-2.0
"""The report of a rollout is shown, and kept if asked."""

from __future__ import annotations

import dataclasses
import pathlib
import types
import typing as t
from unittest import mock

import pytest

from ansible_collections.caisson.openstack.plugins.action import rollout_report
from ansible_collections.caisson.openstack.plugins.module_utils.prober.availability import ApiFigures, Figures, Gap, PingFigures, Series
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal as rollout
from ansible_collections.caisson.openstack.plugins.plugin_utils import controller
from tests.unit.rollouts import BEGIN, a_rollout

JOURNAL = rollout.dump(a_rollout())

#: As the prober tells it.
FIGURES = Figures(
    since=BEGIN,
    until=BEGIN + 20,
    unwatched=0.0,
    apis={"compute": ApiFigures(asked=80, failed=2, retried=3, availability=97.5, longest_gap=0.6, slowest=1.0, error="503", gaps=[])},
    pings={
        "198.51.100.7": PingFigures(
            sent=900, lost=3, longest_gap=0.4, slowest=0.1, gaps=[Gap(begin=BEGIN + 2, end=BEGIN + 2.4, lost=3, kind="ping")]
        )
    },
    step=10,
    timeline={"compute": Series(asked=[40, 40], failed=[0, 2], slowest=[0.1, 1.0])},
)


def run(check: bool = False, **args: t.Any) -> dict[str, t.Any]:
    """Return the result of the action."""
    task = types.SimpleNamespace(args=args, check_mode=check, async_val=0, action="rollout_report")
    action = rollout_report.ActionModule(t.cast(t.Any, task), *[mock.MagicMock() for _ in range(5)])
    return action.run(task_vars={})


def test_the_summary_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(controller, "_display", types.SimpleNamespace(display=shown.append))
    result = run(journal=JOURNAL, figures=dataclasses.asdict(FIGURES))
    assert [line for line in shown if "compute: 97.50 %" in line]
    assert [line for line in shown if "198.51.100.7" in line and "3" in line]
    assert shown == result["summary"]
    assert (result["changed"], result["file"]) == (False, "")
    assert shown[0].startswith("Rollout 20261121-140200 of example: 2025.2 -> 2026.1")


def test_the_page_is_for_its_owner_only_and_written_once(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "rollout.html"
    assert run(journal=JOURNAL, file=str(path))["changed"] is True
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert run(journal=JOURNAL, file=str(path))["changed"] is False
    assert run(journal={**JOURNAL, "phase": "finalized"}, file=str(path))["changed"] is True


def test_check_mode_writes_nothing(tmp_path: pathlib.Path) -> None:
    result = run(check=True, journal=JOURNAL, file=str(tmp_path / "rollout.html"))
    assert result["changed"] is True
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(Exception, match=r"cannot write the report to .*lost/rollout.html: No such file"):
        run(journal=JOURNAL, file=str(tmp_path / "lost" / "rollout.html"))


def test_what_is_no_journal_is_refused() -> None:
    with pytest.raises(Exception, match=r"journal.phase: expected one of planned"):
        run(journal={**JOURNAL, "phase": "lost"})
