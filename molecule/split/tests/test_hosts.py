# SPDX-License-Identifier: Apache-2.0
"""Looks at the two hosts of the cloud of scenario ``split`` with testinfra, while the server of the verification runs."""

from __future__ import annotations

import json
import typing as t

import pytest
from testinfra.host import Host

EVERYWHERE = {"rsyslog", "node_exporter", "process_exporter"}
HYPERVISOR = {
    *("libvirt", "nova_compute", "neutron_ovn_agent", "openvswitch_db", "openvswitch_vswitchd", "ovn_controller", "libvirt_exporter"),
    *EVERYWHERE,
}


@pytest.fixture(scope="module")
def control(reach: t.Callable[[str], Host]) -> Host:
    """The host of the control plane."""
    return reach("10.199.0.11")


@pytest.fixture(scope="module")
def compute(reach: t.Callable[[str], Host]) -> Host:
    """The hypervisor."""
    return reach("10.199.0.12")


def containers(host: Host) -> dict[str, str]:
    """Return state and health of each container by name."""
    lines = host.check_output("docker ps --all --format '{{json .}}'").splitlines()
    return {row["Names"]: row["Status"] for row in map(json.loads, lines)}


def test_each_host_runs_what_its_groups_say(control: Host, compute: Host) -> None:
    assert set(containers(compute)) == HYPERVISOR
    assert {"mariadb", "rabbitmq", "haproxy", "keystone_api", "nova_api", "neutron_api", "horizon"} <= set(containers(control))
    assert set(containers(control)) & HYPERVISOR == EVERYWHERE


def test_every_container_is_healthy(control: Host, compute: Host) -> None:
    # the engine asks every half minute, some containers every minute
    waiting = 'docker ps --all --format {{.Status}} | grep -vF "(healthy)"'
    for host in (control, compute):
        host.run_expect([0], f"timeout 120 bash -c 'while {waiting}; do sleep 1; done'")


def test_the_machine_runs_on_the_hypervisor_outside_its_container(control: Host, compute: Host) -> None:
    assert not control.process.filter(comm="qemu-system-x86")
    machine = compute.process.get(comm="qemu-system-x86")
    groups = compute.file(f"/proc/{machine.pid}/cgroup").content_string.splitlines()
    # what the engine kills with the container are the processes in its cgroup of devices or, without one, in the one hierarchy
    homes = [line for line in groups if "devices" in line.split(":")[1].split(",")] or [line for line in groups if line.startswith("0::")]
    assert homes
    assert not [line for line in homes if "/docker" in line]


def test_the_machine_answers_on_its_floating_ip(control: Host, compute: Host) -> None:
    query = "docker exec ovn_nb_db ovn-nbctl --bare --columns=external_ip find nat type=dnat_and_snat"
    address = control.check_output(query).strip()
    compute.run_expect([0], f"timeout 10 bash -c '</dev/tcp/{address}/22'")


def test_apis_listen_on_the_host_of_the_load_balancer_only(control: Host, compute: Host) -> None:
    assert control.socket("tcp://10.199.0.11:5000").is_listening
    assert not compute.socket("tcp://10.199.0.12:5000").is_listening


def test_configuration_with_secrets_is_for_root_and_its_service_only(control: Host, compute: Host) -> None:
    for host in (control, compute):
        # what all clients trust is no secret
        assert host.check_output("find /etc/caisson -type f -perm /o=r ! -name ca.crt") == ""
