# SPDX-License-Identifier: Apache-2.0
"""What is killed comes back by itself; the virtual machine does not notice."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import docker
import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from tests import engine_lock
from tests.cloud.conftest import ARTIFACTS, Cloud
from tests.cloud.machines import machine
from tests.cloud.pinger import Pinger
from tests.cloud.recovery import kill, unsound, wait

#: With the userspace datapath packets are forwarded by ovs-vswitchd, which forwards none while it has no connection to its database.
#: It tries to connect again after one second, then after two and four.
_DATA_PLANE = {"openvswitch_db", "openvswitch_vswitchd"}
_LONGEST_GAP = 8  # seconds


def test_each_killed_container_comes_back(cloud: Cloud, server: dict[str, t.Any]) -> None:
    engine = Engine(docker.APIClient())
    process, names = machine(), sorted(cloud.containers)
    lines = []
    for name in names:
        with Pinger(server["floating_ip"]) as pinger:
            seconds = kill(engine, name)
            if name in _DATA_PLANE:
                wait("the server answers again", lambda: _answers(server["floating_ip"]))
        lines.append(f"{name:28} {seconds:6.1f} s  {pinger.lost:4} of {pinger.sent} pings lost, longest gap {pinger.longest_gap:.2f} s")
        print(lines[-1])
        assert machine() == process, f"the machine died with {name}"
        if name in _DATA_PLANE:
            assert pinger.longest_gap < _LONGEST_GAP, f"no answer for {pinger.longest_gap:.1f} s with {name}"
        else:
            assert not pinger.gaps, f"pings lost with {name}"
    # the clients of a broker or a database that was away wait longer with each try to reach it again
    seconds = wait("everything is healthy again", lambda: not unsound(engine, names))
    lines.append(f"{'everything':28} {seconds:6.1f} s  after the last one")
    (ARTIFACTS / "recovery.txt").write_text("\n".join(lines) + "\n")


def _answers(address: str) -> bool:
    return subprocess.run(["ping", "-c", "1", "-W", "1", address], check=False, capture_output=True).returncode == 0


def test_a_killed_engine_takes_nothing_with_it(cloud: Cloud, server: dict[str, t.Any]) -> None:
    before = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    with engine_lock.exclusive(), Pinger(server["floating_ip"]) as pinger:
        _engine("pkill", "--signal", "KILL")
        wait("the engine is gone", lambda: not _engine("pgrep"))
        # a service manager would do it by itself; without one the playbook does
        cloud.play("engine")
    assert {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()} == before
    assert not pinger.gaps
    assert unsound(Engine(docker.APIClient()), before) == []
    cloud.play("status")


def _engine(*command: str) -> str:
    """Run pgrep or pkill for the engine of this machine, not for engines of containers; return what it prints."""
    options = ["--ns", str(os.getpid()), "--nslist", "pid", "--exact", "dockerd"]
    return subprocess.run([*command, *options], check=False, capture_output=True, text=True).stdout


def test_a_dead_database_in_the_middle_of_a_run_is_told(cloud: Cloud) -> None:
    client = docker.APIClient()
    command = ["ansible-playbook", "-i", "inventory/aio/hosts.yml", "caisson.openstack.site", "-e", '{"keystone_token_expiration": 7201}']
    with subprocess.Popen(command, cwd=cloud.root, env=cloud.environment, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        lines = iter(run.stdout)
        # the stage of MariaDB itself would start it again
        assert any("Create, start, reload and replace containers of stage infrastructure] *" in line for line in lines), (
            "the run ended before that stage"
        )
        assert any(line.startswith(("ok: ", "changed: ")) for line in lines), "the task failed by itself"
        # to the engine this is an operator's wish: it does not come back by itself
        client.kill("mariadb")
        text = run.stdout.read()
    assert run.returncode == 2
    assert "mariadb" in text
    assert "Traceback" not in text
    cloud.play("site")
    cloud.play("status")


@pytest.mark.usefixtures("server")
def test_a_full_disk_is_told_and_loses_nothing(cloud: Cloud) -> None:
    small = pathlib.Path("/etc/caisson")
    saved = pathlib.Path("/var/tmp/caisson-etc")
    subprocess.run(["cp", "-a", str(small), str(saved)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "none", str(small)], check=True)
    try:
        subprocess.run(f"cp -a {saved}/. {small}/ && head -c 1m /dev/zero >{small}/full 2>/dev/null", shell=True, check=False)
        text = cloud.play("site", "-e", '{"cloud_debug": true}', check=False)
        assert "No space left on device" in text
        assert "fix this and run it again" in text
        broken = [path for path in saved.rglob("*") if path.is_file() and not (small / path.relative_to(saved)).stat().st_size]
        assert not broken
    finally:
        subprocess.run(["umount", str(small)], check=True)
        subprocess.run(["rm", "-rf", str(saved)], check=True)
    cloud.play("site")
    cloud.play("status")
