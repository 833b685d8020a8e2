# SPDX-License-Identifier: Apache-2.0
"""A plan is shown before anything changes, kept, held against the world, and applied."""

from __future__ import annotations

import hashlib
import json
import pathlib
import re
import stat
import typing as t

import docker

from tests.cloud.conftest import OWN, Cloud, recap
from tests.cloud.records import TEST_CLOUD

#: Two pending changes: of a container's command, and of a file.
CHANGES = json.dumps(
    {
        "memcached_memory": 65,
        "glance_service_overrides": {"files": [{"path": "/etc/glance/glance-api.conf", "content": {"DEFAULT": {"debug": True}}}]},
    }
)


def world(cloud: Cloud) -> str:
    """Return a digest of all that a run could change on the host."""
    client = docker.APIClient()
    files = [path for root in ("/etc/caisson", "/var/lib/caisson") for path in sorted(pathlib.Path(root).rglob("*")) if path.is_file()]
    seen: list[t.Any] = [(str(path), path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes()) for path in files]
    seen += sorted((name, data["Id"], data["State"]["StartedAt"], data["HostConfig"]) for name, data in cloud.containers.items())
    # those of other tests, which may run meanwhile, begin with the name of a test's cloud, or have no name (64 digits)
    names = [volume["Name"] for volume in client.volumes()["Volumes"] or []]
    seen += sorted(name for name in names if not name.startswith(TEST_CLOUD) and not re.fullmatch("[0-9a-f]{64}", name))
    seen += sorted(row["Id"] for row in client.containers(all=True, filters=OWN))
    made = client.exec_create("mariadb", ["mariadb", "-NBe", "CHECKSUM TABLE mysql.global_priv, keystone.user, keystone.endpoint"])
    seen.append(client.exec_start(made["Id"]))
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def test_check_and_plan_change_nothing_and_show_everything(cloud: Cloud, tmp_path: pathlib.Path) -> None:
    before = world(cloud)
    shown = cloud.play("site", "--check", "--diff", "-e", CHANGES)
    planned = cloud.play("plan", "-e", CHANGES, "-e", f"plan={tmp_path}/plan.json")
    assert world(cloud) == before
    assert "+debug = True" in shown or "+debug = true" in shown
    assert '+  "65",' in shown
    for text in (shown, planned):
        assert "aio: 1 file to write, 2 containers to replace" in text
        assert "memcached on aio: tokens are validated again" in text
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o600
    kept = json.loads((tmp_path / "plan.json").read_text())
    assert {(step["kind"], step["name"], step["action"]) for step in kept["hosts"]["aio"]} == {
        ("file", "glance_api/config/glance-api.conf", "write"),
        ("container", "glance_api", "replace"),
        ("container", "memcached", "replace"),
    }
    assert not [value for value in cloud.secrets.values() if isinstance(value, str) and value in (tmp_path / "plan.json").read_text()]


def test_an_approved_plan_is_applied_and_nothing_else(cloud: Cloud, tmp_path: pathlib.Path) -> None:
    plan = f"plan={tmp_path}/plan.json"
    cloud.play("plan", "-e", CHANGES, "-e", plan)
    before = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    # the cloud has changed: what the plan was made for is not what this run is for
    refused = cloud.play("site", "-e", plan, check=False)
    assert "the cloud has changed since the plan" in refused
    assert {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()} == before
    cloud.play("site", "-e", plan, "-e", CHANGES)
    after = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    assert {name for name, started in after.items() if started != before[name]} == {"memcached", "glance_api"}
    # it was applied, so it does not fit any more
    assert "the cloud has changed" in cloud.play("site", "-e", plan, "-e", CHANGES, check=False)
    # back to what the inventory says, from which the following tests start
    cloud.play("site")
    assert recap(cloud.play("site"))["changed"] == 0
