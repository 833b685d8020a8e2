# SPDX-License-Identifier: Apache-2.0
"""A hypervisor is switched off and on: all of it comes back by itself, the server too."""

from __future__ import annotations

import subprocess
import typing as t

import pytest
from testinfra.host import Host

from tests.molecule.waiting import unhealthy, wait


@pytest.fixture(scope="module")
def rebooted(reach: t.Callable[[str], Host]) -> t.Iterator[tuple[Host, str]]:
    """The hypervisor after its reboot, and the address of the server on it."""
    control, compute = reach("10.199.0.11"), reach("10.199.0.12")
    query = "docker exec ovn_nb_db ovn-nbctl --bare --columns=external_ip find nat type=dnat_and_snat"
    address = control.check_output(query).strip()
    before = compute.check_output("docker inspect --format '{{.State.StartedAt}}' libvirt")
    # the command returns once systemd was told, and has ended all, and the host is started anew
    subprocess.run(["docker", "restart", "--time", "60", "molecule-compute1"], check=True, capture_output=True)
    wait("its containers start", lambda: compute.check_output("docker inspect --format '{{.State.StartedAt}}' libvirt") != before)
    yield compute, address


def test_all_containers_come_back(rebooted: tuple[Host, str]) -> None:
    host, _address = rebooted
    wait("every container is healthy", lambda: not unhealthy(host))


def test_the_server_comes_back(rebooted: tuple[Host, str]) -> None:
    host, address = rebooted
    wait("QEMU runs", lambda: bool(host.process.filter(comm="qemu-system-x86")))
    wait("the server answers", lambda: host.run(f"timeout 5 bash -c '</dev/tcp/{address}/22'").rc == 0)
