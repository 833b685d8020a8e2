# SPDX-License-Identifier: Apache-2.0
"""What several control hosts mean for services that keep something on one of them."""

from __future__ import annotations

import pathlib
import typing as t

import yaml

from tests.unit.roles.rendering import Host, render

HOST_CAPABILITIES = {"virt_type": "qemu", "ovs_datapath": "netdev", "apparmor": False, "cgroup_version": 2}
_CONTROL = ["c1", "c2", "c3"]


def _models(directory: pathlib.Path, **variables: t.Any) -> dict[str, Host]:
    hosts = {name: {"cloud_address": f"192.0.2.{number}"} for number, name in enumerate([*_CONTROL, "n1"], start=11)}
    children = {"control": _CONTROL, "network": ["n1"], "compute": ["n1"]}
    groups: dict[str, t.Any] = {name: {"hosts": {member: {} for member in members}} for name, members in children.items()}
    file = directory / "hosts.yml"
    file.write_text(yaml.safe_dump({"all": {"hosts": hosts, "children": groups, "vars": variables}}), encoding="utf-8")
    return render(file, directory, {"cloud_host_capabilities": HOST_CAPABILITIES})


def _glance(models: dict[str, Host]) -> dict[str, list[str]]:
    """Return the volumes of Glance on each host that has it."""
    return {host: item["volumes"] for host, model in models.items() for item in model["containers"] if item["name"] == "glance_api"}


def test_images_are_on_the_first_host_unless_all_share_a_directory(tmp_path: pathlib.Path) -> None:
    models = _models(tmp_path)
    assert _glance(models).keys() == {"c1"}
    assert "glance:/var/lib/glance" in _glance(models)["c1"]
    balancer = next(file["content"] for file in models["c2"]["files"] if file["path"].endswith("haproxy.cfg"))
    assert "192.0.2.11:19292" in balancer
    assert "192.0.2.12:19292" not in balancer
    shared = _models(tmp_path, glance_shared_path="/srv/images")
    assert _glance(shared).keys() == set(_CONTROL)
    assert all("/srv/images:/var/lib/glance" in volumes for volumes in _glance(shared).values())
