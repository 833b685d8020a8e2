# SPDX-License-Identifier: Apache-2.0
"""A backup of the cloud, the loss of everything, and the way back."""

from __future__ import annotations

import hashlib
import json
import pathlib
import shutil
import subprocess
import time
import typing as t

import docker
import pytest

from tests.cloud.api import Api
from tests.cloud.conftest import NAME, OWN, Cloud, recap
from tests.cloud.leaks import Secrets

HERE = pathlib.Path("/var/lib/caisson/backups")


@pytest.fixture(scope="module")
def output(cloud: Cloud, server: dict[str, t.Any]) -> str:
    """What a backup with a copy on the controller shows to those who want to see everything."""
    return cloud.play("backup", "-vvv", "--diff", "-e", f"backup_fetch_dir={cloud.root}/copies")


@pytest.fixture(scope="module")
def backup(output: str) -> pathlib.Path:
    """The newest backup."""
    return max(path for path in HERE.iterdir() if not path.name.endswith(".partial"))


def secrets(cloud: Cloud) -> Secrets:
    """Return all that must not be seen."""
    key = (cloud.root / "inventory/aio/backup_key.txt").read_text()
    found = Secrets()
    found.add({name: value for name, value in cloud.secrets.items() if name not in {"rotation", "generation"}})
    found.add({"backup_key.txt": [line for line in key.splitlines() if not line.startswith("#")]})
    return found


def records(cloud: Cloud) -> dict[str, t.Any]:
    """Return what users of the cloud have, as the APIs tell it."""
    api = Api(cloud)
    servers = api.get("compute", "/servers/detail?all_tenants=1")["servers"]
    return {
        "servers": [{key: item[key] for key in ("id", "name", "addresses", "image", "key_name")} for item in servers],
        "images": {item["id"]: (item["name"], item["status"], item["os_hash_value"]) for item in api.get("image", "/v2/images")["images"]},
        "users": {item["id"]: item["name"] for item in api.get("identity", "/v3/users")["users"]},
        **{
            kind: sorted(item["id"] for item in api.get("network", f"/v2.0/{kind}")[kind])
            for kind in ("networks", "subnets", "ports", "routers", "floatingips", "security_groups", "security_group_rules")
        },
    }


def northbound(cloud: Cloud) -> set[str]:
    """Return the names of ports and routers in OVN's northbound database."""
    command = ["docker", "exec", "ovn_nb_db", "ovn-nbctl", "--format=csv", "--no-headings", "--columns=name", "list"]
    found = [
        subprocess.run([*command, table], check=True, capture_output=True, text=True).stdout
        for table in ("Logical_Switch_Port", "Logical_Router")
    ]
    return {line for text in found for line in text.splitlines()}


def test_a_backup_shows_no_secret(cloud: Cloud, output: str, backup: pathlib.Path) -> None:
    hidden = secrets(cloud)
    assert len(hidden) >= 15
    assert hidden.found("output", output) == []
    for path in backup.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert hidden.found(path.name, path.read_text(encoding="latin-1")) == []
    assert (cloud.root / "inventory/aio/backup_key.txt").stat().st_mode & 0o777 == 0o600


def test_a_backup_has_what_cannot_be_made_again(cloud: Cloud, backup: pathlib.Path) -> None:
    manifest = json.loads((backup / "manifest.json").read_text())
    assert [part["name"] for part in manifest["parts"]] == ["secrets", "mariadb", "ovn_nb", "glance", "nova_compute"]
    assert (manifest["cloud"], manifest["host"], manifest["hosts"]) == (NAME, "aio", ["aio"])
    copy = cloud.root / "copies" / backup.name / "aio"
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {path.name: path.read_bytes() for path in backup.iterdir()}


def test_a_running_cloud_is_not_restored_over(cloud: Cloud, backup: pathlib.Path) -> None:
    started = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    text = cloud.play("restore", "-e", f"backup={backup.name}", check=False)
    assert "nothing was restored: aio is not empty" in " ".join(text.split())
    assert {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()} == started


def test_a_damaged_backup_is_refused_before_anything_is_touched(cloud: Cloud, backup: pathlib.Path) -> None:
    started = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    damaged = HERE / f"{NAME}-20000101T000000Z"
    shutil.copytree(backup, damaged)
    try:
        data = bytearray((damaged / "glance.zst.age").read_bytes())
        data[len(data) // 2] ^= 1
        (damaged / "glance.zst.age").write_bytes(data)
        text = cloud.play("restore", "-e", f"backup={damaged.name}", "-e", "restore_overwrite=true", check=False)
    finally:
        shutil.rmtree(damaged)
    assert "glance.zst.age is not the file that was written" in " ".join(text.split())
    assert recap(text)["changed"] == 0
    assert {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()} == started


def test_a_lost_cloud_comes_back(cloud: Cloud, backup: pathlib.Path) -> None:
    before, ports, secrets_file = records(cloud), northbound(cloud), cloud.root / "inventory/aio/secrets.yml"
    kept = secrets_file.read_bytes()
    assert before["servers"] and before["images"] and before["floatingips"] and ports
    cloud.play("destroy", "-e", f"destroy_confirm={NAME}")
    assert not docker.APIClient().containers(all=True, filters=OWN)
    # a fresh host and a fresh controller: what is left is the copy and the key
    shutil.rmtree(HERE)
    secrets_file.unlink()
    cloud.play("restore", "-e", f"backup={backup.name}", "-e", f"backup_fetch_dir={cloud.root}/copies")
    assert secrets_file.read_bytes() == kept
    assert secrets_file.stat().st_mode & 0o777 == 0o600
    assert records(cloud) == before
    assert northbound(cloud) == ports
    assert recap(cloud.play("status"))["failed"] == 0


def test_images_are_what_they_were(cloud: Cloud, backup: pathlib.Path) -> None:
    api = Api(cloud)
    for item in api.get("image", "/v2/images")["images"]:
        assert hashlib.sha512(api.read("image", f"/v2/images/{item['id']}/file")).hexdigest() == item["os_hash_value"]


def test_a_server_gets_a_new_disk_and_answers_where_it_did(cloud: Cloud, server: dict[str, t.Any]) -> None:
    api = Api(cloud)
    (found,) = api.get("compute", "/servers/detail?all_tenants=1")["servers"]
    assert found["status"] == "ERROR"
    api.post("compute", f"/servers/{found['id']}/action", {"rebuild": {"imageRef": found["image"]["id"]}})
    ping = ["ping", "-c", "1", "-W", "1", server["floating_ip"]]
    deadline = time.monotonic() + 90
    while subprocess.run(ping, capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, api.get("compute", f"/servers/{found['id']}")
    assert found["id"] == server["server"]
