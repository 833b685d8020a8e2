# SPDX-License-Identifier: Apache-2.0
"""Another operator, whose checkout has no secrets file, cannot harm the cloud."""

from __future__ import annotations

import pathlib
import shutil

import pytest

from tests.cloud.conftest import Cloud, recap, run
from tests.cloud.test_2a_plan import world


@pytest.fixture
def checkout(cloud: Cloud, tmp_path: pathlib.Path) -> pathlib.Path:
    """The inventory as version control has it."""
    shutil.copytree(cloud.root / "inventory/aio", tmp_path / "aio", ignore=shutil.ignore_patterns("secrets.yml", "backup_key.txt"))
    return tmp_path / "aio"


@pytest.mark.parametrize("playbook", ["cloud", "rotate", "upgrade", "status"])
def test_without_its_secrets_nothing_changes(cloud: Cloud, checkout: pathlib.Path, playbook: str) -> None:
    before = world(cloud)
    command = ["ansible-playbook", "-i", str(checkout / "hosts.yml"), f"caisson.openstack.{playbook}"]
    text = run(command, cloud.root, "identity.log", check=False)
    assert "secrets.yml does not exist: its secrets would be generated again" in " ".join(text.split())
    assert (recap(text)["failed"], recap(text)["changed"]) == (1, 0)
    assert world(cloud) == before
    assert not (checkout / "secrets.yml").exists()


def test_access_makes_no_secrets_up(cloud: Cloud, checkout: pathlib.Path) -> None:
    command = ["ansible-playbook", "-i", str(checkout / "hosts.yml"), "caisson.openstack.access"]
    text = run(command, cloud.root, "identity.log", check=False)
    assert "it does not exist, and this playbook does not generate secrets of services" in " ".join(text.split())
    assert not (checkout / "secrets.yml").exists()


def test_another_name_is_said_once_and_not_for_each_port(cloud: Cloud) -> None:
    text = " ".join(cloud.play("plan", "-e", "cloud_name=other", check=False).split())
    assert "cloud_name was changed: this host runs cloud 'caisson' with these secrets" in text
    assert "stop that" not in text


def test_another_name_of_the_host_is_refused(cloud: Cloud, checkout: pathlib.Path) -> None:
    hosts = checkout / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("aio:", "node-1:"))
    secrets = f"cloud_secrets_file={cloud.root}/inventory/aio/secrets.yml"
    command = ["ansible-playbook", "-i", str(hosts), "caisson.openstack.plan", "-e", secrets]
    text = run(command, cloud.root, "identity.log", check=False)
    assert "this machine is host aio of cloud 'caisson', and the inventory calls it node-1" in " ".join(text.split())
