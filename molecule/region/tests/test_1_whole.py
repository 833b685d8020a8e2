# SPDX-License-Identifier: Apache-2.0
"""The region as it was deployed: clusters have all their members, and a second run has nothing to do."""

from __future__ import annotations

import json
import re

import pytest

from tests.molecule.region import ADDRESSES, COMPUTES, CONTROLS, Region
from tests.molecule.waiting import wait

EVERYWHERE = {"rsyslog", "node_exporter", "process_exporter"}
HYPERVISOR = {
    *("libvirt", "nova_compute", "neutron_ovn_agent", "openvswitch_db", "openvswitch_vswitchd", "ovn_controller", "libvirt_exporter"),
    *EVERYWHERE,
}


def test_each_control_host_runs_what_its_group_says(region: Region) -> None:
    for name in CONTROLS:
        assert {"mariadb", "rabbitmq", "haproxy", "keepalived", "keystone_api", "neutron_api"} <= set(region.images(name))
        assert not {"nova_compute", "libvirt"} & set(region.images(name))


@pytest.mark.hypervisors
def test_hypervisors_and_control_hosts_have_nothing_of_each_other(region: Region) -> None:
    for name in COMPUTES:
        assert set(region.images(name)) == HYPERVISOR
    for name in CONTROLS:
        assert "nova_api" in region.images(name)
        assert set(region.images(name)) & HYPERVISOR == EVERYWHERE


def test_every_container_is_healthy(region: Region) -> None:
    # the engine asks every half minute, some containers every minute
    wait("every container is healthy", lambda: not region.unhealthy())


def test_one_host_has_the_address(region: Region) -> None:
    assert sum(region.holds(name) for name in CONTROLS) == 1


def test_the_databases_are_one_cluster(region: Region) -> None:
    query = "SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_local_state_comment', 'wsrep_cluster_state_uuid')"
    found = [dict(line.split("\t") for line in _run(region, name, "mariadb", "mariadb", "-Ne", query)) for name in CONTROLS]
    assert {row["wsrep_cluster_size"] for row in found} == {"3"}
    assert {row["wsrep_local_state_comment"] for row in found} == {"Synced"}
    assert len({row["wsrep_cluster_state_uuid"] for row in found}) == 1


def test_the_brokers_are_one_cluster(region: Region) -> None:
    for name in CONTROLS:
        command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "cluster_status", "--formatter", "json"]
        status = json.loads("".join(_run(region, name, "rabbitmq", *command)))
        assert set(status["running_nodes"]) == {f"rabbit@{ADDRESSES[member]}" for member in CONTROLS}
        assert not status["partitions"]


def test_the_databases_of_the_network_are_clusters(region: Region) -> None:
    for part, database in (("nb", "OVN_Northbound"), ("sb", "OVN_Southbound")):
        for name in CONTROLS:
            container = f"ovn_{part}_db"
            text = "\n".join(_run(region, name, container, "ovn-appctl", "-t", f"/run/ovn/ovn{part}_db.ctl", "cluster/status", database))
            assert "Status: cluster member" in text
            assert len(re.findall(r"^    \S+ \(\S+ at ", text, re.MULTILINE)) == len(CONTROLS), text


def test_apis_listen_at_the_address_of_the_region(region: Region) -> None:
    for name in CONTROLS:
        # on each host, so that whoever has the address can serve
        assert region.hosts[name].socket("tcp://10.199.0.50:5000").is_listening
    for name in COMPUTES:
        assert not region.hosts[name].socket(f"tcp://{ADDRESSES[name]}:5000").is_listening


@pytest.mark.hypervisors
def test_the_machine_runs_on_a_hypervisor_outside_its_container(region: Region) -> None:
    (machine,) = [machine for name in COMPUTES for machine in region.hosts[name].process.filter(comm="qemu-system-x86")]
    assert not any(region.hosts[name].process.filter(comm="qemu-system-x86") for name in CONTROLS)
    (host,) = (region.hosts[name] for name in COMPUTES if region.hosts[name].process.filter(comm="qemu-system-x86"))
    groups = host.file(f"/proc/{machine.pid}/cgroup").content_string.splitlines()
    # what the engine kills with the container are the processes in its cgroup of devices or, without one, in the one hierarchy
    homes = [line for line in groups if "devices" in line.split(":")[1].split(",")] or [line for line in groups if line.startswith("0::")]
    assert homes
    assert not [line for line in homes if "/docker" in line]


def test_configuration_with_secrets_is_for_root_and_its_service_only(region: Region) -> None:
    for host in region.hosts.values():
        # what all clients trust is no secret, and neither are programs
        assert host.check_output("find /etc/caisson -type f -perm /o=r ! -name ca.crt ! -path '*/usr/local/bin/*'") == ""


def test_a_second_run_changes_nothing(region: Region) -> None:
    started = {name: region.started(name) for name in region.hosts}
    region.unchanged()
    assert {name: region.started(name) for name in region.hosts} == started


def test_the_status_is_clean(region: Region) -> None:
    # it fails if a container is not well, or anything differs from its definition
    region.play("status")


def _run(region: Region, host: str, container: str, *command: str) -> list[str]:
    """Return the lines that a command in a container of a host prints."""
    return region.hosts[host].check_output(f"docker exec {container}{' %s' * len(command)}", *command).splitlines()
