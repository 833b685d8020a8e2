# SPDX-License-Identifier: Apache-2.0
"""Looks at the host of scenario ``default`` with testinfra."""

from __future__ import annotations

import json
import typing as t

import pytest
from testinfra.host import Host


@pytest.fixture(scope="module")
def host(reach: t.Callable[[str], Host]) -> Host:
    """The one host."""
    return reach("10.199.0.21")


def test_systemd_runs_the_engine(host: Host) -> None:
    service = host.service("docker")
    assert service.is_running
    assert service.is_enabled
    assert json.loads(host.file("/etc/docker/daemon.json").content_string)["live-restore"] is True


def test_the_service_is_a_plain_process(host: Host) -> None:
    # the engine asks every half minute
    healthy = "$(docker inspect -f {{.State.Health.Status}} memcached)"
    host.run_expect([0], f"timeout 90 bash -c 'until [[ {healthy} = healthy ]]; do sleep 1; done'")
    container = host.docker("memcached").inspect()
    assert container["HostConfig"]["ReadonlyRootfs"]
    assert not container["HostConfig"]["Privileged"]
    status = host.file(f"/proc/{container['State']['Pid']}/status").content_string
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    assert fields["Uid"].split()[0] == "42457"


def test_it_listens_where_the_inventory_says(host: Host) -> None:
    assert host.socket("tcp://10.199.0.21:11211").is_listening
    assert not host.socket("tcp://0.0.0.0:11211").is_listening


def test_it_outlives_a_restart_of_the_engine(host: Host) -> None:
    before = host.docker("memcached").inspect()["State"]["StartedAt"]
    engine = host.service("docker").systemd_properties["MainPID"]
    host.run_expect([0], "systemctl restart docker")
    assert host.service("docker").systemd_properties["MainPID"] != engine
    assert host.docker("memcached").inspect()["State"]["StartedAt"] == before
