# SPDX-License-Identifier: Apache-2.0
"""What hands changed is told, and put right without touching anything else."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import docker
import pytest

from tests.cloud.conftest import LABEL, NAME, Cloud, recap


@pytest.fixture
def client() -> docker.APIClient:
    """The engine."""
    return docker.APIClient()


def edit_a_file(_client: docker.APIClient) -> None:
    path = pathlib.Path("/etc/caisson/glance_api/config/glance-api.conf")
    path.write_text(path.read_text() + "\n# by hand\n")


def edit_a_file_and_restart(client: docker.APIClient) -> None:
    edit_a_file(client)
    client.restart("glance_api")


def leave_a_file(_client: docker.APIClient) -> None:
    pathlib.Path("/etc/caisson/glance_api/config/left.conf").write_text("x = 1\n")


def open_a_file(_client: docker.APIClient) -> None:
    pathlib.Path("/etc/caisson/glance_api/config/glance-api.conf").chmod(0o644)


def change_a_policy(_client: docker.APIClient) -> None:
    subprocess.run(["docker", "update", "--restart=no", "memcached"], check=True, capture_output=True)


def give_a_capability(client: docker.APIClient) -> None:
    """Put a container in the place of another as a hurried hand would: all labels the same, and more rights."""
    seen = client.inspect_container("memcached")
    client.remove_container("memcached", force=True)
    host = client.create_host_config(
        cap_drop=["ALL"], cap_add=["NET_ADMIN"], network_mode="host", restart_policy={"Name": "unless-stopped"}
    )
    config = seen["Config"]
    made = client.create_container(
        seen["Image"], command=config["Cmd"], user=config["User"], labels=config["Labels"], host_config=host, name="memcached"
    )
    client.start(made)


def remove_a_container(client: docker.APIClient) -> None:
    client.remove_container("memcached", force=True)


def add_a_container(client: docker.APIClient) -> None:
    labels = {f"{LABEL}cloud": NAME, f"{LABEL}service": "memcached", f"{LABEL}container": "memcached_old"}
    image = client.inspect_container("memcached")["Image"]
    client.start(client.create_container(image, command=["sleep", "1000"], labels=labels, name="memcached_old"))


def take_a_right(client: docker.APIClient) -> None:
    made = client.exec_create("mariadb", ["mariadb", "-e", "REVOKE ALL ON glance.* FROM glance@'%'"])
    client.exec_start(made["Id"])


@pytest.mark.parametrize(
    ("harm", "told", "touched"),
    [
        (edit_a_file, "write file glance_api/config/glance-api.conf content", set()),
        (edit_a_file_and_restart, "restart container glance_api it started with configuration that was edited by hand", {"glance_api"}),
        (leave_a_file, "remove file glance_api/config/left.conf not wanted any more", set()),
        (open_a_file, "write file glance_api/config/glance-api.conf mode 0644", set()),
        (change_a_policy, "replace container memcached restart_policy: no -> unless-stopped", {"memcached"}),
        (give_a_capability, 'capabilities: ["NET_ADMIN"] -> none', {"memcached"}),
        (remove_a_container, "create container memcached it does not exist", {"memcached"}),
        (add_a_container, "remove container memcached_old it is not defined for this host", set()),
        (take_a_right, "user glance: it has no access to database glance", set()),
    ],
)
def test_drift_is_told_and_exactly_that_is_put_right(
    cloud: Cloud, client: docker.APIClient, tmp_path: pathlib.Path, harm: t.Callable[[docker.APIClient], None], told: str, touched: set[str]
) -> None:
    harm(client)
    before = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    text = cloud.play("status", "-e", f"status={tmp_path}/status.json", check=False)
    assert told in " ".join(text.split())
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["drifted"]
    cloud.play("site")
    after = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    assert {name for name in after if before.get(name) != after[name]} == touched
    assert not {name for name in before if name not in after and name != "memcached_old"}
    assert recap(cloud.play("status"))["failed"] == 0


def test_a_cloud_that_is_as_it_should_be_has_no_drift(cloud: Cloud, tmp_path: pathlib.Path) -> None:
    cloud.play("status", "-e", f"status={tmp_path}/status.json")
    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["faults"], status["drifted"], status["drift"]) == ([], False, {})
    assert {row["name"] for row in status["hosts"]["aio"]["containers"]} == set(cloud.containers)


def test_a_dead_container_is_a_fault_for_monitoring(cloud: Cloud, client: docker.APIClient) -> None:
    client.stop("memcached")
    command = ["ansible-playbook", "-i", "inventory/aio/hosts.yml", "caisson.openstack.status"]
    done = subprocess.run(command, cwd=cloud.root, env=cloud.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "FAULT aio: memcached is down or not healthy" in done.stdout
    cloud.play("site")
