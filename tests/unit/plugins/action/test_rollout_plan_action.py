# SPDX-License-Identifier: Apache-2.0
"""A rollout is planned, shown, and kept if asked."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import types
import typing as t
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.caisson.openstack.plugins.action import rollout_plan
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal as rollout
from ansible_collections.caisson.openstack.plugins.plugin_utils import controller
from tests.unit.rollouts import a_rollout

ENDED = dataclasses.replace(a_rollout(), phase="finalized")
_UPDATE = {"container": "nova_compute", "service": "nova", "image_from": "sha256:1", "image_to": "sha256:2", "reasons": [], "impact": ""}
_RELEASES = {"new_image": True, "release_from": "2026.1", "release_to": "2026.2", "lock_from": "", "lock_to": ""}
ASKED: dict[str, t.Any] = {
    "cloud": "example",
    "release": "2026.2",
    "updates": {"compute-1": [{**_UPDATE, **_RELEASES}]},
    "gates": {"compute-1": [{"container": "nova_compute", "tier": "compute"}]},
}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that the action prints."""
    lines: list[str] = []
    monkeypatch.setattr(controller, "_display", types.SimpleNamespace(display=lines.append))
    return lines


def run(*journals: rollout.Rollout, check: bool = True, **args: t.Any) -> dict[str, t.Any]:
    """Return the result of the action where control hosts have these journals."""
    asked = {**ASKED, "journals": [rollout.dump(journal) for journal in journals], **args}
    task = types.SimpleNamespace(args=asked, check_mode=check, async_val=0, action="rollout_plan")
    action = rollout_plan.ActionModule(t.cast(t.Any, task), *[mock.MagicMock() for _ in range(5)])
    return action.run(task_vars={})


def test_a_plan_says_how_long_it_takes_and_keeps_why(shown: list[str], tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plan.json"
    result = run(ENDED, file=str(path))
    # backup, expand, verification and one hypervisor
    assert result["estimate"] == {"seconds": 151 + 35 + 92 + 46, "rollouts": ["2025.2 -> 2026.1 of 2026-11-21"], "guessed": []}
    assert any(line.startswith("About 5 min") for line in shown)
    kept = json.loads(path.read_text())
    assert kept.pop("preconditions")["backup_age"] == -1
    assert (kept.pop("estimate"), kept) == (result["estimate"], result["journal"])
    assert {sample["container"]: sample["seconds"] for sample in kept["durations"]}["nova_compute"] == 46


def test_a_plan_says_what_it_begins_in_and_is_refused_without_disk_space(shown: list[str], tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plan.json"
    disk_free = {"compute-1": {"directory": "/var/lib/docker", "free": 999}}
    with pytest.raises(AnsibleActionFail, match="compute-1 has 999 MiB free in /var/lib/docker; 1000 are needed"):
        run(disk_free=disk_free, minimum_disk=1000, backup_age=7500, file=str(path))
    assert "Backup: the newest is 2 h 5 min old, a new one is made first." in shown
    assert "Free disk space: 999 MiB or more, the least in /var/lib/docker of compute-1." in shown
    assert json.loads(path.read_text())["preconditions"]["disk_free"] == disk_free


def test_a_first_plan_says_that_it_cannot_tell(shown: list[str]) -> None:
    assert run()["estimate"] == {}
    assert any(line.startswith("The duration is unknown") for line in shown)


def test_the_end_of_a_rollout_says_nothing_of_how_long_the_upgrade_took(shown: list[str]) -> None:
    known = dataclasses.replace(
        a_rollout(), durations=[rollout.DurationSample(phase="roll", container="mariadb", seconds=9, rollout="before")]
    )
    assert run(known, verb="finalize", release="2026.1")["estimate"] == {}
    assert not [line for line in shown if line.startswith(("About", "How long"))]


def test_tiers_of_an_open_rollout_come_in_their_order_whatever_the_order_of_moves(shown: list[str]) -> None:
    known = dataclasses.replace(a_rollout(), updates=a_rollout().updates[::-1])
    result = run(known, verb="finalize", release="2026.1")
    assert result["journal"] == rollout.dump(known)
    assert result["updates"]["compute-2"] == [update for update in result["journal"]["updates"] if update["host"] == "compute-2"]
    assert result["containers_by_tier"]["compute"]["compute-2"] == [
        update["container"] for update in result["updates"]["compute-2"] if update["tier"] == "compute"
    ]
    assert result["tiers"] == ["switch", "ovn", "backend", "identity", "conductor", "worker", "api", "compute"]


def test_a_run_goes_only_to_hosts_that_have_something_to_move(shown: list[str]) -> None:
    assert run(check=False)["hosts_by_tier"] == {"compute": ["compute-1"]}
    assert run()["hosts_by_tier"] == {}
