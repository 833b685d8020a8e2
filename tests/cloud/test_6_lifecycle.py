# SPDX-License-Identifier: Apache-2.0
"""Stop, start, and remove everything. The last tests of the cloud."""

from __future__ import annotations

import pathlib

import docker

from tests.cloud.conftest import NAME, OWN, Cloud, recap
from tests.cloud.machines import machines


def test_stop_stops_and_site_starts(cloud: Cloud) -> None:
    cloud.play("stop")
    assert not [name for name, data in cloud.containers.items() if data["State"]["Running"]]
    assert recap(cloud.play("status", check=False))["failed"] == 1
    cloud.play("site")
    assert recap(cloud.play("status"))["failed"] == 0


def test_destroy_asks_for_the_name_of_the_cloud(cloud: Cloud) -> None:
    text = cloud.play("destroy", "-e", "destroy_confirm=yes", check=False)
    assert "Nothing was deleted" in text
    assert cloud.containers


def test_destroy_leaves_nothing_of_a_cloud_that_was_stopped(cloud: Cloud) -> None:
    cloud.verify()
    assert machines()
    cloud.play("stop")
    # servers outlive the containers
    assert machines()
    cloud.play("destroy", "-e", f"destroy_confirm={NAME}")
    assert not machines()
    client = docker.APIClient()
    assert not client.containers(all=True, filters=OWN)
    volumes = {volume["Name"] for volume in client.volumes()["Volumes"] or []}
    assert not volumes & {"mariadb_data", "rabbitmq_data", "glance", "nova_compute", "openvswitch_db", "ovn_nb_db", "ovn_sb_db"}
    for path in ("/etc/caisson", "/run/caisson", "/var/lib/caisson/state.json", "/var/lib/caisson/metrics"):
        assert not pathlib.Path(path).exists()
    interfaces = {path.name for path in pathlib.Path("/sys/class/net").iterdir()}
    assert not interfaces & {"br-int", "br-ex", "ovs-netdev"}
    assert not list(pathlib.Path("/run/netns").glob("ovnmeta-*"))
