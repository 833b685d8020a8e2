# SPDX-License-Identifier: Apache-2.0
"""A virtual machine lives on while the containers under it are replaced by others."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import docker
import pytest

from tests.cloud.conftest import Cloud
from tests.cloud.machines import machine
from tests.cloud.pinger import Pinger


def boot_id(cloud: Cloud, address: str, tmp_path: pathlib.Path) -> str:
    """Return what tells one boot of the guest from the next, by SSH."""
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text(cloud.secrets["verify_ssh_key"])
    options = [
        "-i",
        str(key),
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "LogLevel=ERROR",
    ]
    command = ["ssh", *options, f"root@{address}", "cat /proc/sys/kernel/random/boot_id"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def other_image(cloud: Cloud, container: str, kind: str = "other", command: t.Sequence[str] = ("true",)) -> str:
    """Give the image of a container a further layer under another name, what *command* leaves; return the name as definitions write it."""
    client, image = docker.APIClient(), cloud.containers[container]["Image"]
    created = client.create_container(image=image, command=list(command), user="0:0")
    client.start(created)
    assert client.wait(created)["StatusCode"] == 0
    other = client.commit(created["Id"])
    client.remove_container(created)
    # releases with the same packages share an image: it has the tags of them all
    for reference in client.inspect_image(image)["RepoTags"]:
        client.tag(other["Id"], f"caisson/{kind}_{container}", reference.rpartition(":")[2])
    return f"{kind}_{container}"


def replace(cloud: Cloud, service: str, container: str) -> str:
    """Converge with another image for one container; return what the run printed."""
    overrides = {f"{service}_service_overrides": {"containers": [{"name": container, "image": other_image(cloud, container)}]}}
    return cloud.play("site", "-e", json.dumps(overrides))


@pytest.mark.parametrize(("service", "container"), [("libvirt", "libvirt"), ("nova", "nova_compute"), ("ovn", "ovn_controller")])
def test_a_replacement_costs_the_machine_nothing(
    cloud: Cloud, server: dict[str, t.Any], service: str, container: str, tmp_path: pathlib.Path
) -> None:
    address = server["floating_ip"]
    before = machine(), boot_id(cloud, address, tmp_path), cloud.containers[container]["Image"]
    with Pinger(address) as pinger:
        replace(cloud, service, container)
    print(f"{container} replaced: {pinger.lost} of {pinger.sent} pings lost, longest gap {pinger.longest_gap:.2f} s")
    assert cloud.containers[container]["Image"] != before[2]
    assert (machine(), boot_id(cloud, address, tmp_path)) == before[:2]
    assert not pinger.gaps


def test_the_gap_of_a_new_switch_is_short(cloud: Cloud, server: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    address = server["floating_ip"]
    before = machine(), boot_id(cloud, address, tmp_path)
    with Pinger(address) as pinger:
        replace(cloud, "openvswitch", "openvswitch_vswitchd")
    print(f"switch replaced: {pinger.lost} of {pinger.sent} pings lost, longest gap {pinger.longest_gap:.2f} s")
    assert (machine(), boot_id(cloud, address, tmp_path)) == before
    # the userspace datapath ends with its process, so the gap is never nothing
    assert pinger.longest_gap < 10


def test_a_machine_that_would_be_killed_forbids_the_replacement(cloud: Cloud, server: dict[str, t.Any]) -> None:
    process, container = machine(), cloud.containers["libvirt"]
    groups = pathlib.Path(f"/proc/{process}/cgroup").read_text().splitlines()
    home = {line.split(":")[1]: line.split(":")[2] for line in groups}
    freezer = pathlib.Path("/sys/fs/cgroup/freezer")
    inside = freezer / "docker" / container["Id"]
    assert inside.is_dir(), "this test knows the layout of cgroup v1"
    (inside / "cgroup.procs").write_text(str(process))
    try:
        overrides = {"libvirt_service_overrides": {"containers": [{"name": "libvirt", "stop_timeout": 31}]}}
        text = cloud.play("site", "-e", json.dumps(overrides), check=False)
    finally:
        (freezer / home["freezer"].lstrip("/") / "cgroup.procs").write_text(str(process))
    assert "would be killed with it" in text
    assert cloud.containers["libvirt"]["Id"] == container["Id"]
    assert machine() == process


def test_afterwards_everything_is_as_defined_again(cloud: Cloud, server: dict[str, t.Any]) -> None:
    process = machine()
    cloud.play("site")
    assert "changed=0" in cloud.play("site")
    assert machine() == process
