# SPDX-License-Identifier: Apache-2.0
"""One command from a clone to a server that answers, and to nothing left of it."""

from __future__ import annotations

import pathlib
import re
import stat

import docker

from tests.cloud.conftest import Cloud, recap
from tests.cloud.machines import machines


def test_a_server_answered_on_its_floating_ip(cloud: Cloud) -> None:
    text = " ".join(cloud.first_run.split())
    assert re.search(r"was active after [\d.]+ s; [\d.]+ answered ping [\d.]+ s and SSH [\d.]+ s later", text)
    assert recap(cloud.first_run)["failed"] == 0


def test_the_run_says_where_everything_is_and_how_long_it_took(cloud: Cloud) -> None:
    for word in ("API ", "Dashboard ", "clouds.yaml", "s  total"):
        assert word in cloud.first_run


def test_every_container_is_healthy(cloud: Cloud) -> None:
    text = cloud.play("status")
    assert recap(text)["failed"] == 0
    assert len(cloud.containers) >= 27
    # verification took longer than the first check of any container
    states = {name: data["State"]["Health"]["Status"] for name, data in cloud.containers.items()}
    assert {name: state for name, state in states.items() if state != "healthy"} == {}


def test_nothing_is_left_of_the_server(cloud: Cloud) -> None:
    assert machines() == []
    assert not list(pathlib.Path("/run/netns").glob("ovnmeta-*"))
    client = docker.APIClient()
    made = client.exec_create("nova_compute", ["ls", "/var/lib/nova/instances"])
    names = set(client.exec_start(made["Id"]).decode().split())
    assert names <= {"_base", "locks", "compute_nodes", "compute_id"}


def test_secrets_are_for_their_owner_only_and_in_no_output(cloud: Cloud) -> None:
    for name in ("secrets.yml", "clouds.yaml"):
        assert stat.S_IMODE((cloud.root / "inventory/aio" / name).stat().st_mode) == 0o600
    values = [value for value in cloud.secrets.values() if isinstance(value, str)]
    assert values
    assert not [value for value in values if value in cloud.first_run]
