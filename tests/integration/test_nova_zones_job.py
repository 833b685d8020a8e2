# SPDX-License-Identifier: Apache-2.0
"""The job of the availability zones in Nova's own image: it logs in with the configuration of the service and finds Nova in the catalog."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import connect
from tests.fake_cloud import PASSWORD, REGION, USER, FakeCloud
from tests.unit.roles.test_nova_zones import SCRIPT, FakeNova

from .conftest import Lab

_FILE = pathlib.Path(__file__).parents[2] / "roles/nova/files/availability_zones.py"
_CONFIG = """
[service_user]
auth_type = password
auth_url = {url}
username = {user}
password = {password}
project_domain_name = Default
user_domain_name = Default
project_name = service
"""


class _Cloud(FakeCloud):
    """Answers requests for aggregates as Nova does, and which version Keystone has."""

    def __init__(self) -> None:
        super().__init__()
        self.nova = FakeNova()

    def answer(self, method: str, path: str, token: str, body: t.Any) -> tuple[int, dict[str, str], t.Any]:
        if path.startswith("/identity") and method == "GET":
            links = [{"rel": "self", "href": f"{self.url}/identity/v3"}]
            return 200, {"Content-Type": "application/json"}, {"version": {"id": "v3.14", "status": "stable", "links": links}}
        path = path.replace("/identity/v3", "/identity")
        prefix, found, rest = path.partition("/os-aggregates")
        if not found or token not in self.tokens:
            return super().answer(method, path, token, body)
        assert prefix == "/compute"
        try:
            return 200, {}, self.nova.send(method, found + rest, body)
        except SCRIPT["RefusalError"] as error:
            return 409, {}, {"conflictingRequest": {"code": 409, "message": str(error)}}


def _run(cloud: _Cloud, directory: pathlib.Path, zones: dict[str, list[str]]) -> subprocess.CompletedProcess[str]:
    config = directory / "nova.conf"
    config.write_text(_CONFIG.format(url=f"{cloud.auth['auth_url']}/v3", user=USER, password=PASSWORD))
    command = ["docker", "run", "--rm", "--interactive", "--network=host", f"--volume={config}:/etc/nova/nova.conf:ro"]
    command += [Lab(connect()).image("nova"), "/opt/openstack/bin/python", "-", json.dumps(zones), REGION]
    return subprocess.run(command, input=_FILE.read_text("utf-8"), capture_output=True, text=True)


def test_zones_are_made_and_a_refusal_names_the_host(tmp_path: pathlib.Path) -> None:
    with _Cloud() as cloud:
        done = _run(cloud, tmp_path, {"az1": ["n1"], "az2": ["n2"]})
        assert done.returncode == 0, done.stderr
        assert cloud.nova.zones == {"az1": ["n1"], "az2": ["n2"]}
        cloud.nova.pinned = {"n1"}
        refused = _run(cloud, tmp_path, {"az2": ["n1", "n2"]})
        assert refused.returncode == 1
        assert "host n1 leaves zone az1: refused:" in refused.stderr
        assert "contain instances in this zone" in refused.stderr
        assert PASSWORD not in refused.stderr
