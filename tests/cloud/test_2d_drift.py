# SPDX-License-Identifier: Apache-2.0
"""What hands changed is told, and put right without touching anything else."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import docker
import pytest

from tests.cloud.conftest import CONFIGURATION, LABEL, NAME, Cloud, credentials


def edit(path: str) -> None:
    """Add a line to a file of the configuration."""
    file = CONFIGURATION / path
    file.write_text(file.read_text() + "\n# by hand\n")


def give_a_capability(client: docker.APIClient, name: str) -> None:
    """Put a container in the place of another as a hurried hand would: all labels the same, and more rights."""
    seen = client.inspect_container(name)
    client.remove_container(name, force=True)
    config, host = seen["Config"], {**seen["HostConfig"], "CapAdd": ["NET_ADMIN"]}
    options = {"command": config["Cmd"], "user": config["User"], "labels": config["Labels"], "environment": config["Env"]}
    client.start(client.create_container(seen["Image"], host_config=host, name=name, **options))


def add_a_container(client: docker.APIClient) -> None:
    labels = {f"{LABEL}cloud": NAME, f"{LABEL}service": "memcached", f"{LABEL}container": "memcached_old"}
    image = client.inspect_container("memcached")["Image"]
    client.start(client.create_container(image, command=["sleep", "1000"], labels=labels, name="memcached_old"))


def harm(client: docker.APIClient, account: str) -> None:
    """Do what hands do to a cloud, in each way to another container; *account* is glance's in the database."""
    edit("glance_api/config/glance-api.conf")
    edit("placement_api/config/placement.conf")
    client.restart("placement_api")
    (CONFIGURATION / "horizon/config/left.conf").write_text("x = 1\n")
    (CONFIGURATION / "nova_api/config/nova.conf").chmod(0o644)
    subprocess.run(["docker", "update", "--restart=no", "memcached"], check=True, capture_output=True)
    give_a_capability(client, "nova_novncproxy")
    client.remove_container("nova_scheduler", force=True)
    client.stop("neutron_periodic")
    add_a_container(client)
    made = client.exec_create("mariadb", ["mariadb", "-e", f"REVOKE ALL ON `glance`.* FROM {account}@'%'"])
    assert client.exec_start(made["Id"]) == b""


#: Kind, name and action of each step that undoes the harm to what hosts have, and a part of its reason.
TOLD = {
    ("file", "glance_api/config/glance-api.conf", "write"): "content",
    ("file", "placement_api/config/placement.conf", "write"): "content",
    ("file", "horizon/config/left.conf", "remove"): "no longer defined",
    ("file", "nova_api/config/nova.conf", "write"): "mode 0644",
    ("container", "placement_api", "restart"): "it started with configuration that was edited by hand",
    ("container", "memcached", "replace"): "restart_policy: no -> unless-stopped",
    ("container", "nova_novncproxy", "replace"): 'capabilities: ["NET_ADMIN"] -> none',
    ("container", "nova_scheduler", "create"): "it does not exist",
    ("container", "neutron_periodic", "start"): "it is exited",
    ("container", "memcached_old", "remove"): "it is not defined for this host",
}


@pytest.fixture(scope="module")
def client() -> docker.APIClient:
    """The engine."""
    return docker.APIClient()


def status(cloud: Cloud, directory: pathlib.Path) -> tuple[int, dict[str, t.Any]]:
    """Return exit code and JSON of the playbook status."""
    command = ["ansible-playbook", "-i", "inventory/aio/hosts.yml", "caisson.openstack.status", "-e", f"status={directory}/status.json"]
    done = subprocess.run(command, cwd=cloud.root, env=cloud.environment, capture_output=True, text=True, check=False)
    return done.returncode, json.loads((directory / "status.json").read_text())


def test_a_cloud_that_is_as_it_should_be_has_no_drift(cloud: Cloud, tmp_path: pathlib.Path) -> None:
    code, found = status(cloud, tmp_path)
    assert (code, found["faults"], found["drifted"], found["drift"]) == (0, [], False, {})
    assert {row["name"] for row in found["hosts"]["aio"]["containers"]} == set(cloud.containers)


def test_drift_is_told_and_exactly_that_is_put_right(cloud: Cloud, client: docker.APIClient, tmp_path: pathlib.Path) -> None:
    # which of the pair is in use depends on the rotations before
    account, _password = credentials(cloud.secrets, "glance_database_password", "glance")
    told = {**TOLD, ("database", f"user {account}: it has no access to database glance", "change"): ""}
    harm(client, account)
    code, found = status(cloud, tmp_path)
    assert code == 2
    assert found["faults"] == [
        "aio: nova_scheduler is missing",
        "aio: neutron_periodic is down or not healthy",
    ]
    steps = {
        (step["kind"], step["name"], step["action"]): "; ".join(step["reasons"]) for steps in found["drift"].values() for step in steps
    }
    assert steps.keys() == told.keys()
    assert not [(key, reason) for key, reason in steps.items() if told[key] not in reason]

    before = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    cloud.play("site")
    after = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    changed = {name for name in after.keys() | before.keys() if before.get(name) != after.get(name)}
    assert changed == {name for kind, name, _action in TOLD if kind == "container"}
    code, found = status(cloud, tmp_path)
    assert (code, found["faults"], found["drift"]) == (0, [], {})
