# SPDX-License-Identifier: Apache-2.0
"""What is found on a hypervisor and in which order it is removed, against a fake engine."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import hypervisor
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from tests.unit.builders import a_state

ANSWERS = {"virsh": "instance-1\n\n", "ovs-vsctl": "br-ex\nbr-int\n"}


class FakeEngine:
    """Containers that answer; every change is noted, as those of the host are."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.calls: list[str] = []

    def container(self, name: str) -> ContainerState | None:
        return a_state(name) if name in self.names else None

    def exec(self, name: str, command: list[str]) -> ExecResult:
        self.calls.append(f"{name}: {' '.join(command[-2:])}")
        return ExecResult(0, ANSWERS[command[0]], "")

    def stop(self, name: str, _timeout: int) -> None:
        self.calls.append(f"stop {name}")

    def run(self, command: list[str]) -> None:
        self.calls.append(" ".join(command))


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    for name in ("run/netns/ovnmeta-b", "run/netns/ovnmeta-a", "run/netns/other", "sys/class/net/ovs-netdev", "sys/class/net/eth0"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def test_everything_is_found_and_nothing_else(root: pathlib.Path) -> None:
    found = hypervisor.find(t.cast(Engine, FakeEngine("libvirt", "openvswitch_db")), root)
    assert found == hypervisor.HypervisorLeftovers(["instance-1"], ["br-ex", "br-int"], ["ovs-netdev"], ["ovnmeta-a", "ovnmeta-b"])
    assert found.lines().splitlines()[:2] == ["domains: instance-1", "bridges: br-ex"]


def test_containers_that_do_not_run_are_not_asked(tmp_path: pathlib.Path) -> None:
    engine = FakeEngine()
    assert hypervisor.find(t.cast(Engine, engine), tmp_path) == hypervisor.HypervisorLeftovers([], [], [], [])
    assert engine.calls == []


def test_what_would_create_bridges_again_is_stopped_first() -> None:
    engine = FakeEngine("libvirt", "openvswitch_db", "ovn_controller", "openvswitch_vswitchd")
    hypervisor.remove(t.cast(Engine, engine), hypervisor.HypervisorLeftovers(["vm"], ["br-int"], ["tap"], ["ns"]), engine.run)
    assert engine.calls == [
        "libvirt: destroy vm",
        "stop ovn_controller",
        "openvswitch_db: del-br br-int",
        "stop openvswitch_vswitchd",
        "ip rule delete iif br-int prohibit",
        "ip link delete tap",
        "ip netns delete ns",
    ]
