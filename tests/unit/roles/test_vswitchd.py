# SPDX-License-Identifier: Apache-2.0
"""What runs beside a switch of the userspace datapath: it is told of links, and looks after the taps of servers."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).parents[3] / "roles" / "openvswitch" / "templates" / "vswitchd.j2"
TAIL = "mtu 1500 qdisc noop state DOWN group default \\    link/ether fe:16:3e:cc:f7:50 brd ff:ff:ff:ff:ff:ff"
REOPEN = "ovs-appctl --timeout=15 dpctl/del-if netdev@ovs-netdev tap0c239482-e6"
TURN_ON = "ip link set dev tap0c239482-e6 up"


def called(directory: pathlib.Path, lines: list[str]) -> list[str]:
    """Return what is called when the kernel tells these lines; no program succeeds."""
    found = re.search(r"^follow_taps\(\) \{\n.*?^\}\n", SCRIPT.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    log = directory / "log"
    log.touch()
    for name in ("ip", "ovs-appctl"):
        program = directory / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >>{log}\nexit 1\n')
        program.chmod(0o755)
    subprocess.run(
        ["bash", "-uc", f"{found[0]}follow_taps"],
        input="".join(f"{line} {TAIL}\n" for line in lines),
        env={"PATH": f"{directory}:{os.environ['PATH']}"},
        text=True,
        check=False,
    )
    return log.read_text().splitlines()


def test_the_switch_lets_go_of_a_tap_that_is_deleted(tmp_path: pathlib.Path) -> None:
    lines = ["16: tap0c239482-e6: <BROADCAST,MULTICAST,UP,LOWER_UP>", "Deleted 16: tap0c239482-e6: <BROADCAST,MULTICAST,PROMISC>"]
    assert called(tmp_path, lines) == [REOPEN]


@pytest.mark.parametrize("flags", ["BROADCAST,MULTICAST", "BROADCAST,MULTICAST,PROMISC", "NO-CARRIER,LOWER_UP"])
def test_a_tap_that_is_off_is_turned_on(tmp_path: pathlib.Path, flags: str) -> None:
    assert called(tmp_path, [f"39: tap0c239482-e6: <{flags}>"]) == [TURN_ON]


@pytest.mark.parametrize("flags", ["UP", "BROADCAST,MULTICAST,PROMISC,UP,LOWER_UP"])
def test_one_that_is_on_is_left_alone(tmp_path: pathlib.Path, flags: str) -> None:
    assert called(tmp_path, [f"39: tap0c239482-e6: <{flags}>"]) == []


@pytest.mark.parametrize("name", ["tap0", "eth0", "br-int", "vethb449344@NONE", "tap5054990a-50@if2", "tap0c239482-e6x", "xtap0c239482-e6"])
def test_links_that_are_no_taps_of_servers_are_left_alone(tmp_path: pathlib.Path, name: str) -> None:
    assert called(tmp_path, [f"7: {name}: <BROADCAST,MULTICAST>", f"Deleted 7: {name}: <BROADCAST,MULTICAST>"]) == []
