# SPDX-License-Identifier: Apache-2.0
"""What several control hosts mean for services that keep something on one of them."""

from __future__ import annotations

import pathlib
import typing as t

import yaml

from tests.unit.roles.rendering import Host, render

HOST_CAPABILITIES = {"virt_type": "qemu", "ovs_datapath": "netdev", "apparmor": False, "cgroup_version": 2, "interface": "eth0"}
_CONTROL = ["c1", "c2", "c3"]


def _models(directory: pathlib.Path, of: str, zones: t.Mapping[str, str] | None = None, **variables: t.Any) -> dict[str, Host]:
    """Return the models of the hosts that a pattern names, in a region of three control hosts and two hypervisors."""
    names = [*_CONTROL, "n1", "n2"]
    hosts: dict[str, t.Any] = {name: {"cloud_address": f"192.0.2.{number}"} for number, name in enumerate(names, start=11)}
    for host, zone in (zones or {}).items():
        hosts[host]["zone"] = zone
    children = {"control": _CONTROL, "network": ["n1"], "compute": ["n1", "n2"]}
    groups: dict[str, t.Any] = {name: {"hosts": {member: {} for member in members}} for name, members in children.items()}
    file = directory / "hosts.yml"
    file.write_text(yaml.safe_dump({"all": {"hosts": hosts, "children": groups, "vars": variables}}), encoding="utf-8")
    return render(file, directory, {"cloud_host_capabilities": HOST_CAPABILITIES}, "--limit", of)


def _glance(models: dict[str, Host]) -> dict[str, list[str]]:
    """Return the volumes of Glance on each host that has it."""
    return {host: item["volumes"] for host, model in models.items() for item in model["containers"] if item["name"] == "glance_api"}


def test_images_are_on_the_first_host_unless_all_share_a_directory(tmp_path: pathlib.Path) -> None:
    models = _models(tmp_path, "control")
    assert _glance(models).keys() == {"c1"}
    assert "glance:/var/lib/glance" in _glance(models)["c1"]
    balancer = next(file["content"] for file in models["c2"]["files"] if file["path"].endswith("haproxy.cfg"))
    assert "192.0.2.11:19292" in balancer
    assert "192.0.2.12:19292" not in balancer
    shared = _models(tmp_path, "control", glance_shared_path="/srv/images")
    assert _glance(shared).keys() == set(_CONTROL)
    assert all("/srv/images:/var/lib/glance" in volumes for volumes in _glance(shared).values())


def _zone_settings(models: dict[str, Host]) -> tuple[t.Any, t.Any, dict[str, str]]:
    """Return the job of Nova's zones without its script and its triggers, and by host what Neutron learns of it."""
    job = next(job for job in models["c1"]["jobs"] if job["name"] == "nova_availability_zones")
    options = {}
    for host in ("n1", "n2"):
        settings = next(item["container"]["command"] for item in models[host]["jobs"] if item["name"] == "openvswitch_settings")
        options[host] = next(item.partition("cms-options=")[2] for item in settings if "cms-options" in item)
    return job["container"]["command"], job["triggers"], options


def test_without_zones_nothing_is_said_of_them(tmp_path: pathlib.Path) -> None:
    assert _zone_settings(_models(tmp_path, "c1:compute")) == (["true"], [], {"n1": "enable-chassis-as-gw", "n2": "enable-chassis-as-gw"})


def test_nova_and_neutron_learn_the_zones(tmp_path: pathlib.Path) -> None:
    models = _models(tmp_path, "c1:compute", zones={"n1": "az1", "n2": ""}, openvswitch_gateway=False)
    command, triggers, options = _zone_settings(models)
    zones = '{"az1": ["n1"], "": ["n2"]}'
    assert command == ["/opt/openstack/bin/python", "-", zones, "RegionOne"]
    assert triggers == [zones]
    assert options == {"n1": "availability-zones=az1", "n2": '""'}
