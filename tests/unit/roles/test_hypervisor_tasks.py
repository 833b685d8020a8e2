# SPDX-License-Identifier: Apache-2.0
"""What the tasks for a hypervisor refuse, and that nothing is changed then; run by Ansible with fakes of the modules."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.unit.roles import fake_role

SERVICE = {"state": "down", "forced_down": False, "status": "enabled", "updated_at": "2026-11-28T12:00:00"}


def server(name: str, why: str = "", kept: bool = False) -> dict[str, t.Any]:
    return {"id": name, "name": name, "why": why, "kept": kept, "lost": "its local disks"}


@pytest.fixture
def run(tmp_path: pathlib.Path) -> t.Callable[..., fake_role.Run]:
    """Runs an entry point of the role for compute1; the script answers with *answer* to each step."""

    def call(entry: str, answer: dict[str, t.Any], **variables: t.Any) -> fake_role.Run:
        role = {"import_role": {"name": "caisson.openstack.hypervisor", "tasks_from": entry}}
        play = {"hosts": "all", "gather_facts": False, "tasks": [role]}
        host: dict[str, t.Any] = {
            "ansible_connection": "local",
            "hypervisor_host": "compute1",
            "nova_group": "control",
            "nova_compute_group": "compute",
        }
        host |= {"cloud_region": "one", "cloud_admin_auth": {}, "cloud_image_prefix": "", "cloud_image_tag": "1", "cloud_name": "x"}
        host |= {"cloud_overrides_dir": "/x", **variables}
        groups = {name: {"hosts": dict.fromkeys(items, host)} for name, items in (("control", ["c1"]), ("compute", ["compute1"]))}
        result = {"service": SERVICE, "servers": [], "failed": [], "left": [], "changed": True, **answer}
        return fake_role.run(tmp_path, [play], groups, ["hypervisor"], ["container_script"], {"container_script ": {"result": result}})

    return call


def steps(done: fake_role.Run) -> list[str]:
    """Return the steps that were taken, each once and on the control host."""
    assert all(call["delegate_to"] == "c1" for call in done.calls)
    return [call["parameters"]["step"] for call in done.calls]


def test_servers_are_named_before_they_move(run: t.Callable[..., fake_role.Run]) -> None:
    done = run("maintenance", {"servers": [server("web"), server("db", "it is stopped", kept=True)]})
    assert (done.code, steps(done)) == (0, ["survey", "drain"])
    assert "web moves" in done.text and "db stays: it is stopped" in done.text


def test_nothing_is_changed_if_a_server_cannot_move(run: t.Callable[..., fake_role.Run]) -> None:
    done = run("maintenance", {"servers": [server("web"), server("gpu", "it has a device")]})
    assert done.code != 0 and steps(done) == ["survey"]
    assert "Nothing was changed, because servers cannot leave compute1: gpu: it has a device." in done.text
    assert steps(run("maintenance", {"servers": [server("gpu", "it has a device")]}, hypervisor_keep_others="true")) == ["survey", "drain"]


def test_a_hypervisor_that_is_not_empty_is_an_error(run: t.Callable[..., fake_role.Run]) -> None:
    done = run("maintenance", {"servers": [server("web")], "failed": ["web: no host"]})
    assert done.code != 0 and "not all servers have left it" in done.text and "web: no host" in done.text


def test_a_hypervisor_is_returned_to_service(run: t.Callable[..., fake_role.Run]) -> None:
    assert steps(run("maintenance", {"servers": [server("gpu", "it has a device")]}, hypervisor_state="enabled")) == ["survey", "enable"]


def test_a_rollout_is_refused_before_servers_that_cannot_move_keep_it_waiting(run: t.Callable[..., fake_role.Run]) -> None:
    hosts = {"hypervisor_hosts": ["compute1"]}
    done = run("movable", {"servers": [server("web on compute1"), server("db on compute1", "it is stopped", kept=True)]}, **hosts)
    assert (done.code, steps(done)) == (0, ["surveys"]) and "db on compute1 stays: it is stopped" in done.text
    stuck = {"servers": [server("gpu on compute1", "it has a device")]}
    done = run("movable", stuck, **hosts)
    assert done.code != 0 and "servers cannot leave their hypervisors: gpu on compute1: it has a device." in done.text
    assert run("movable", stuck, hypervisor_keep_others=True, **hosts).code == 0


@pytest.mark.parametrize("entry", ["maintenance", "evacuate", "leave"])
def test_another_host_is_refused(run: t.Callable[..., fake_role.Run], entry: str) -> None:
    done = run(entry, {}, hypervisor_host="c1")
    assert done.code != 0 and done.calls == [] and "'c1' is no host of group compute" in done.text


def test_a_host_is_evacuated_only_when_it_is_off(run: t.Callable[..., fake_role.Run], tmp_path: pathlib.Path) -> None:
    up = {"service": {**SERVICE, "state": "up"}}
    for answer, variables, message in (
        (up, {"hypervisor_fenced": True}, "the compute service on compute1 is up"),
        ({}, {}, "the host may still run its servers"),
        ({}, {"hypervisor_fence_command": ["false"]}, "non-zero return code"),
    ):
        done = run("evacuate", {"servers": [server("web")], **answer}, **variables)
        assert done.code != 0 and steps(done) == ["losses"] and message in done.text
    assert steps(run("evacuate", {}, hypervisor_fenced="true")) == ["losses", "evacuate"]
    done = run("evacuate", {"servers": [server("web")]}, hypervisor_fence_command=["touch", str(tmp_path / "off")])
    assert steps(done) == ["losses", "evacuate"] and (tmp_path / "off").exists()
    assert "web is rebuilt: it loses its local disks" in done.text


def test_a_host_that_is_needed_is_not_removed(run: t.Callable[..., fake_role.Run]) -> None:
    known = {"service": "s", "agents": {"1": "ovn-controller"}, "providers": {}, "aggregates": [], "up": True}
    done = run("leave", {**known, "servers": ["web (ACTIVE)"]})
    assert done.code != 0 and steps(done) == ["records"] and "compute1 still has servers: web (ACTIVE)" in done.text
    done = run("leave", known, nova_group="control:compute", hypervisor_api_host="c1")
    assert done.code != 0 and steps(done) == ["records"] and "also runs control services" in done.text
    done = run("leave", known, hypervisor_gone=True)
    assert done.code != 0 and steps(done) == ["records"] and "is up, so it is not gone for good" in done.text
    done = run("leave", known)
    assert steps(done) == ["records", "disable"] and "agent ovn-controller" in done.text


def test_what_the_apis_still_know_is_an_error(run: t.Callable[..., fake_role.Run]) -> None:
    done = run("forget", {"left": {"agents": {"1": "ovn-controller"}}})
    assert done.code != 0 and "The APIs still know compute1" in done.text
    assert "Remove compute1 from" in run("forget", {"left": {}}).text
