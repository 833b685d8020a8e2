# SPDX-License-Identifier: Apache-2.0
"""What is found on a hypervisor and in which order it is removed, against a fake engine."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import hypervisor
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from tests.unit.builders import a_state

ANSWERS = {"virsh": "instance-1\n\n", "ovs-vsctl": "br-ex\nbr-int\n", "ovs-appctl": "netdev@ovs-netdev"}


class FakeEngine:
    """Containers that answer; every change is noted, as those of the host are."""

    def __init__(self, *names: str, stopped: t.Collection[str] = (), mute: str = "", broken: str = "") -> None:
        self.names, self.stopped, self.mute, self.broken = names, {*stopped}, mute, broken
        self.calls: list[str] = []

    def container(self, name: str) -> ContainerState | None:
        return a_state(name, running=name not in self.stopped) if name in self.names else None

    def exec(self, name: str, command: list[str]) -> ExecResult:
        self.calls.append(f"{name}: {' '.join(command[-2:])}")
        return ExecResult(1, "", "no") if name == self.mute else ExecResult(0, ANSWERS[command[0]], "")

    def start(self, name: str) -> None:
        if name == self.broken:
            raise EngineError(f"cannot start {name}: no such image")
        self.calls.append(f"start {name}")
        self.stopped.discard(name)

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


_NEEDED = ("openvswitch_db", "openvswitch_vswitchd", "libvirt")


def test_what_knows_of_servers_and_bridges_is_started_if_it_was_stopped(tmp_path: pathlib.Path) -> None:
    engine = FakeEngine(*_NEEDED, stopped=_NEEDED)
    assert hypervisor.start(t.cast(Engine, engine)) == []
    assert [call for call in engine.calls if call.startswith("start")] == [f"start {name}" for name in _NEEDED]
    assert hypervisor.find(t.cast(Engine, engine), tmp_path) == hypervisor.HypervisorLeftovers(["instance-1"], ["br-ex", "br-int"], [], [])


def test_what_runs_or_was_removed_is_not_started() -> None:
    engine = FakeEngine("libvirt", "openvswitch_db")
    assert hypervisor.start(t.cast(Engine, engine)) == []
    assert engine.calls == []


def test_what_cannot_be_started_or_asked_is_told() -> None:
    engine = FakeEngine(*_NEEDED, stopped=_NEEDED, mute="libvirt", broken="openvswitch_db")
    assert hypervisor.start(t.cast(Engine, engine), timeout=0) == [
        "cannot start openvswitch_db: no such image; what openvswitch_db knows of was not removed",
        "libvirt does not answer 0 s after its start; what it knows of was not removed",
    ]


def test_what_would_create_bridges_again_is_stopped_first(tmp_path: pathlib.Path) -> None:
    engine = FakeEngine("libvirt", "openvswitch_db", "ovn_controller", "openvswitch_vswitchd")
    found = hypervisor.HypervisorLeftovers(["vm"], ["br-int"], ["tap"], ["ns"])
    assert hypervisor.remove(t.cast(Engine, engine), found, engine.run, tmp_path) == []
    assert engine.calls == [
        "libvirt: destroy vm",
        "stop ovn_controller",
        "openvswitch_db: del-br br-int",
        "stop openvswitch_vswitchd",
        "ip rule delete iif br-int prohibit",
        "ip link delete tap",
        "ip netns delete ns",
    ]


def test_the_tap_of_a_bridge_that_the_switch_left_is_removed(tmp_path: pathlib.Path) -> None:
    for name in ("br-ex", "br-int"):
        (tmp_path / "sys/class/net" / name).mkdir(parents=True)
    # what br-int is on the kernel's datapath cannot be deleted as a link
    (tmp_path / "sys/class/net/br-ex/tun_flags").touch()
    engine = FakeEngine("openvswitch_db")
    found = hypervisor.HypervisorLeftovers([], ["br-ex", "br-int"], [], [])
    warnings = hypervisor.remove(t.cast(Engine, engine), found, engine.run, tmp_path)
    assert [call for call in engine.calls if call.startswith("ip link")] == ["ip link delete br-ex"]
    # nothing was really deleted here
    still = "the network interface {} is still there; remove it with: {}"
    datapath = "ovs-dpctl del-dp ovs-system (package openvswitch-switch), or restart the host"
    assert warnings == [still.format("br-ex", "ip link delete br-ex"), still.format("br-int", datapath)]


def test_a_namespace_that_is_still_there_is_told(root: pathlib.Path) -> None:
    engine = FakeEngine()
    warnings = hypervisor.remove(t.cast(Engine, engine), hypervisor.HypervisorLeftovers([], [], [], ["ovnmeta-a"]), engine.run, root)
    assert warnings == ["the network namespace ovnmeta-a is still there; remove it with: ip netns delete ovnmeta-a"]


def test_what_could_not_be_removed_is_told(tmp_path: pathlib.Path) -> None:
    engine = FakeEngine("libvirt", "openvswitch_db", mute="libvirt")
    found = hypervisor.HypervisorLeftovers(["vm"], ["br-ex"], [], [])
    assert hypervisor.remove(t.cast(Engine, engine), found, engine.run, tmp_path) == ["the virtual machine vm was not removed: no"]
