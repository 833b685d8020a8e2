# SPDX-License-Identifier: Apache-2.0
"""What a host must be, asked of a real kernel: network interfaces in a namespace of their own, and a clock that is wrong."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import subprocess
import sys
import typing as t
import uuid

import pytest
import yaml

from tests import plays

ROOT = pathlib.Path(__file__).parents[2]
EXTERNAL = {"name": "br-ex", "setting": "openvswitch_external_interface"}
TUNNEL = {"name": "br-tunnel", "address": "10.0.0.5/24", "setting": "openvswitch_tunnel_interface"}
_CLOCK = "import time\nreal = time.time\ntime.time = lambda: real() + {}\n"
_PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - caisson.openstack.host_check: {address: 127.0.0.1, cloud: none-of-this-name}
"""


class Namespace:
    """A network of its own with interfaces that lead nowhere, and the module in it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def ip(self, *commands: str) -> None:
        for command in commands:
            subprocess.run(["ip", "-n", self._name, *command.split()], check=True)

    def errors(self, ssh: str = "", **arguments: t.Any) -> list[str]:
        """Return why the host is refused, when somebody came from address *ssh*."""
        return list(self.check(ssh, **arguments).get("errors", []))

    def check(self, ssh: str = "", **arguments: t.Any) -> dict[str, t.Any]:
        """Return the answer of the module, when somebody came from address *ssh*."""
        environment = {key: value for key, value in os.environ.items() if key != "SSH_CONNECTION"} | {"PYTHONPATH": str(ROOT / ".dev")}
        if ssh:
            environment["SSH_CONNECTION"] = f"{ssh} 40000 192.0.2.11 22"
        module = "ansible_collections.caisson.openstack.plugins.modules.host_check"
        # sudo leaves the variable out, the shell above it still has it
        unset = ["sh", "-c", 'env -u SSH_CONNECTION "$@"; exit $?', "sh"]
        done = subprocess.run(
            ["ip", "netns", "exec", self._name, *unset, sys.executable, "-m", module],
            env=environment,
            input=json.dumps({"ANSIBLE_MODULE_ARGS": {"address": "127.0.0.1", "cloud": "none-of-this-name", **arguments}}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def network() -> t.Iterator[Namespace]:
    """A host with three interfaces: one that it uses itself, one that is free, one that is part of a bond."""
    name = f"caisson-test-{uuid.uuid4().hex[:8]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        made = Namespace(name)
        made.ip(
            "link set lo up",
            *(f"link add {card} type veth peer name {card}far" for card in ("eth0", "eth1", "eth2")),
            *(f"link set {card} up" for card in ("eth0", "eth0far", "eth1")),
            "address add 192.0.2.11/24 dev eth0",
            "route add default via 192.0.2.1",
            "link add team type bridge",
            "link set eth2 master team",
        )
        yield made
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def _bridge(template: dict[str, str], interface: str) -> list[dict[str, str]]:
    return [{**template, "interface": interface}]


def test_the_interface_of_the_host_is_not_given_away(network: Namespace) -> None:
    (error,) = network.errors(ssh="192.0.2.99", bridges=_bridge(EXTERNAL, "eth0"))
    for word in ("the default route goes", "SSH connection of this run from 192.0.2.99", "it has address 192.0.2.11/24"):
        assert word in error
    network.ip("route del default", "address flush dev eth0", "address add 192.0.2.11/32 dev lo", "route add 192.0.2.99 dev eth0")
    (error,) = network.errors(ssh="192.0.2.99", bridges=_bridge(EXTERNAL, "eth0"))
    assert "routes to 192.0.2.99 go through it; the SSH connection of this run" in error


def test_what_is_part_of_another_bridge_or_does_not_exist_is_refused(network: Namespace) -> None:
    (error,) = network.errors(bridges=_bridge(EXTERNAL, "eth2"))
    assert "it is a port of team" in error
    (error,) = network.errors(bridges=_bridge(EXTERNAL, "eth7"))
    assert "has no such network interface (it has: eth0, eth0far, eth1, " in error


def test_an_address_moves_to_the_bridge(network: Namespace) -> None:
    tunnel: dict[str, t.Any] = {"bridges": _bridge(TUNNEL, "eth1"), "tunnel_address": "10.0.0.5", "mtu": 1500}
    assert network.errors(ssh="192.0.2.99", **tunnel) == []
    network.ip("address add 10.0.0.5/24 dev eth1")
    assert network.errors(ssh="192.0.2.99", **tunnel) == []
    # as the switch does it, see vswitchd.j2
    network.ip(
        "link add br-tunnel type bridge", "address flush dev eth1", "address replace 10.0.0.5/24 dev br-tunnel", "link set br-tunnel up"
    )
    assert network.errors(ssh="192.0.2.99", **tunnel) == []
    network.ip("address add 10.0.0.6/24 dev eth1")
    assert len(network.errors(**tunnel)) == 1


def test_packets_fit(network: Namespace) -> None:
    network.ip("link set eth1 mtu 1400", "link set eth0 mtu 1450")
    errors = network.errors(bridges=_bridge(EXTERNAL, "eth1"), tunnel_address="192.0.2.11", mtu=1500)
    assert [error.split(":")[0] for error in errors] == [
        "neutron_mtu is 1500, and interface eth1 (openvswitch_external_interface) has an MTU of 1400",
        "neutron_mtu is 1500, and interface eth0 (cloud_tunnel_address 192.0.2.11) has an MTU of 1450",
    ]
    assert network.errors(bridges=_bridge(EXTERNAL, "eth1"), tunnel_address="192.0.2.11", mtu=1400) == []


def test_services_listen_where_the_host_is(network: Namespace) -> None:
    errors = network.errors(api_address="192.0.2.200", tunnel_address="192.0.2.201")
    assert ["192.0.2.200, on which its load balancer is to listen" in errors[0], "cloud_tunnel_address 192.0.2.201" in errors[1]] == [
        True
    ] * 2
    network.ip("address add 192.0.2.200/32 dev eth0")
    assert network.errors(api_address="192.0.2.200", tunnel_address="192.0.2.11") == []


@pytest.fixture
def neighbour(network: Namespace) -> t.Iterator[Namespace]:
    """A machine in the network of eth0."""
    name = f"caisson-test-{uuid.uuid4().hex[:8]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        network.ip(f"link set eth0far netns {name}")
        made = Namespace(name)
        made.ip("link set lo up", "address add 192.0.2.12/24 dev eth0far", "link set eth0far up")
        yield made
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def test_who_has_the_virtual_address_is_found_out(network: Namespace, neighbour: Namespace) -> None:
    asked: dict[str, t.Any] = {"address": "192.0.2.11", "virtual_addresses": [{"address": "192.0.2.100"}]}

    def found() -> tuple[bool, str]:
        answer = network.check(**asked)["virtual_addresses"]["192.0.2.100"]
        return answer["here"], answer["at"]

    assert found() == (False, "")
    neighbour.ip("link set eth0far address 02:00:00:00:00:12", "address add 192.0.2.100/32 dev eth0far")
    assert found() == (False, "02:00:00:00:00:12")
    # it was there a moment ago, and the kernel remembers it
    neighbour.ip("address del 192.0.2.100/32 dev eth0far")
    assert found() == (False, "")
    network.ip("address add 192.0.2.100/32 dev eth0")
    assert found() == (True, "")
    (error,) = network.errors(**{**asked, "virtual_addresses": [{"address": "198.51.100.9"}]})
    assert "198.51.100.9 is not in the networks of interface eth0 (192.0.2.0/24)" in error
    (error,) = network.errors(address="192.0.2.11", virtual_addresses=[{"address": "192.0.2.100", "interface": "eth7"}])
    assert "keepalived_interface is 'eth7'" in error


def test_who_has_a_virtual_ipv6_address_is_found_out(network: Namespace, neighbour: Namespace) -> None:
    network.ip("address add fd00:ca::11/64 dev eth0 nodad")
    neighbour.ip("link set eth0far address 02:00:00:00:00:12", "address add fd00:ca::12/64 dev eth0far nodad")
    asked: dict[str, t.Any] = {"address": "192.0.2.11", "virtual_addresses": [{"address": "fd00:ca::100"}]}
    assert network.check(**asked)["virtual_addresses"] == {"fd00:ca::100": {"here": False, "at": ""}}
    neighbour.ip("address add fd00:ca::100/128 dev eth0far nodad")
    assert network.check(**asked)["virtual_addresses"]["fd00:ca::100"] == {"here": False, "at": "02:00:00:00:00:12"}
    neighbour.ip("address del fd00:ca::100/128 dev eth0far")
    network.ip("address add fd00:ca::100/128 dev eth0 nodad")
    assert network.check(**asked)["virtual_addresses"]["fd00:ca::100"] == {"here": True, "at": ""}
    (error,) = network.errors(**{**asked, "virtual_addresses": [{"address": "fd00:cb::9"}]})
    assert "fd00:cb::9 is not in the networks of interface eth0 (192.0.2.0/24, fd00:ca::/64" in error


def test_hosts_that_are_not_reached_are_found_out(network: Namespace, neighbour: Namespace) -> None:
    peers = [{"host": host, "address": address, "ports": [4567, 3306]} for host, address in (("b", "192.0.2.12"), ("c", "192.0.2.13"))]
    assert network.check(address="192.0.2.11", peers=peers)["unreachable"] == [{**peers[1], "ports": [3306, 4567]}]
    # as a firewall does that drops packets
    neighbour.ip("route add blackhole 192.0.2.11/32")
    assert [item["host"] for item in network.check(address="192.0.2.11", peers=peers)["unreachable"]] == ["b", "c"]
    assert network.check(address="192.0.2.11", peers=peers[:0])["clock"] > 0


def _play(directory: pathlib.Path, seconds: float, play: str = _PLAY) -> str:
    """Return what a run says of a host whose clock is *seconds* ahead; only Python is told so, because this machine needs its own."""
    (directory / "sitecustomize.py").write_text(_CLOCK.format(seconds), "utf-8")
    interpreter = directory / "python"
    interpreter.write_text(f'#!/bin/sh\nPYTHONPATH={directory} exec {sys.executable} "$@"\n', "utf-8")
    interpreter.chmod(0o755)
    (directory / "play.yml").write_text(play, "utf-8")
    command = plays.command("here,", "play.yml", "-c", "local", "-e", f"ansible_python_interpreter={interpreter}")
    done = plays.run(directory, command, COLUMNS="500")
    return f"{done.returncode}\n{done.stdout}"


def test_a_clock_that_is_wrong_is_refused_and_one_that_is_not_quite_right_gets_a_warning(tmp_path: pathlib.Path) -> None:
    right, warned, refused = (_play(tmp_path, seconds) for seconds in (0, -20, 3600))
    assert right.startswith("0\n") and "the clock of the host" not in right
    assert warned.startswith("0\n") and "behind the controller's" in warned and "WARNING" in warned
    assert refused.startswith("2\n") and "ahead of the controller's, more than the 30 s allowed" in " ".join(refused.split())


@pytest.mark.parametrize(
    ("present", "kept"),
    [(None, {}), ("", {}), (" \n", {}), ('{"debug": true, "log-opts": {"a": "b"}}', {"debug": True, "log-opts": {"a": "b"}})],
)
def test_the_options_of_an_engine_are_kept_and_an_empty_file_has_none(
    tmp_path: pathlib.Path, present: str | None, kept: dict[str, t.Any]
) -> None:
    tasks = yaml.safe_load((ROOT / "roles/engine/tasks/manage.yml").read_text("utf-8"))
    (content,) = (task["ansible.builtin.copy"]["content"] for task in tasks if "ansible.builtin.copy" in task)
    found = {} if present is None else {"content": base64.b64encode(present.encode()).decode()}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars_files": [str(ROOT / "roles/engine/vars/main.yml"), str(ROOT / "roles/engine/defaults/main.yml")],
        "vars": {"__engine_present": found},
        "tasks": [{"ansible.builtin.copy": {"dest": str(tmp_path / "daemon.json"), "content": content, "mode": "0600"}}],
    }
    said = _play(tmp_path, 0, yaml.safe_dump([play]))
    assert said.startswith("0\n"), said
    assert json.loads((tmp_path / "daemon.json").read_text("utf-8")) == {**kept, "live-restore": True}
