# SPDX-License-Identifier: Apache-2.0
"""What an operator says of processors and memory, of servers and of containers, and what becomes of it."""

from __future__ import annotations

import configparser
import functools
import pathlib
import tempfile
import typing as t

from tests.unit.roles.rendering import ROOT, Host, render

#: What Nova does by itself is not written: a hypervisor is not restarted to be told it.
_DEFAULTS = {"DEFAULT": ["allocation_ratio", "reserved_host"], "compute": ["_set"], "libvirt": ["cpu_models"]}


@functools.cache
def _usual() -> Host:
    return _aio()


def _aio(**settings: t.Any) -> Host:
    capabilities = {"virt_type": "kvm", "ovs_datapath": "system", "cgroup_version": 2, "apparmor": True, "interface": "eth0"}
    variables = {"cloud_release": "2026.1", "cloud_host_capabilities": capabilities, **settings}
    with tempfile.TemporaryDirectory() as directory:
        return render(ROOT / "inventory/aio/hosts.yml", pathlib.Path(directory), variables)["aio"]


def _nova(host: Host) -> configparser.RawConfigParser:
    (file,) = (file for file in host["files"] if file["path"].startswith("nova_compute/") and file["path"].endswith("/nova.conf"))
    parser = configparser.RawConfigParser(default_section="none")
    parser.read_string(file["content"])
    return parser


def test_what_is_not_set_is_left_to_nova() -> None:
    found = _nova(_usual())
    for section, parts in _DEFAULTS.items():
        options = found[section] if found.has_section(section) else {}
        assert not [option for option in options if any(part in option for part in parts)], section
    assert found["libvirt"]["cpu_mode"] == "host-model"


def test_processors_and_memory_of_servers_are_configured() -> None:
    found = _nova(
        _aio(
            nova_cpu_dedicated_set="4-7",
            nova_cpu_shared_set="2,3",
            nova_reserved_host_memory_mb=0,
            nova_cpu_allocation_ratio=2.5,
            nova_ram_allocation_ratio=1,
            nova_cpu_models=["Skylake-Server", "Cascadelake-Server"],
        )
    )
    assert dict(found["compute"]) == {"cpu_dedicated_set": "4-7", "cpu_shared_set": "2,3"}
    assert (found["DEFAULT"]["cpu_allocation_ratio"], float(found["DEFAULT"]["ram_allocation_ratio"])) == ("2.5", 1)
    assert found["DEFAULT"]["reserved_host_memory_mb"] == "0"
    assert "reserved_host_cpus" not in found["DEFAULT"]
    assert (found["libvirt"]["cpu_mode"], found["libvirt"]["cpu_models"]) == ("custom", "Skylake-Server,Cascadelake-Server")


def test_limits_reach_the_containers_of_a_service_and_no_other() -> None:
    limited = _aio(cloud_container_limits={"neutron": {"cpuset_cpus": "0-1"}, "nova_compute": {"memory": "3g"}})["containers"]
    usual = {item["name"]: item for item in _usual()["containers"]}
    for item in limited:
        assert item["cpuset_cpus"] == ("0-1" if item["service"] == "neutron" else "")
        assert item["memory"] == ("3g" if item["name"] == "nova_compute" else usual[item["name"]]["memory"])
        assert item["cpu_shares"] == 0
    assert {item["service"] for item in limited if item["cpuset_cpus"]} == {"neutron"}
