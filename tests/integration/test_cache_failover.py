# SPDX-License-Identifier: Apache-2.0
"""One of three servers of memcached stands still: what clients with the product's own configuration notice."""

from __future__ import annotations

import json
import pathlib
import subprocess
import time
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import connect
from tests.definitions import switches
from tests.unit.roles.rendering import render
from tests.unit.roles.test_definitions import HOST_CAPABILITIES_OF

from .conftest import Lab

pytestmark = pytest.mark.long

HOSTS = {f"control{number}": f"10.199.5.{10 + number}" for number in (1, 2, 3)}
NETWORK, SUBNET = "caisson-test-cache", "10.199.5.0/24"
CLIENT = pathlib.Path(__file__).with_name("cache_client.py")
SECONDS = 15
#: What a wait may take beyond its time-out on a shared machine, and less than the defaults of the libraries are longer.
SLACK = 0.4


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The file of Nova in a cloud with three servers."""
    directory = tmp_path_factory.mktemp("cache")
    hosts = {host: {"ansible_host": address, "ansible_connection": "local"} for host, address in HOSTS.items()}
    groups: dict[str, t.Any] = {name: {"hosts": {"control1": {}}} for name in ("control", "network", "compute")}
    groups["caches"] = {"hosts": {host: {} for host in HOSTS}}
    inventory = directory / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "children": groups, "vars": {"memcached_group": "caches"}}}))
    variables = {"cloud_release": "2026.1", "cloud_host_capabilities": HOST_CAPABILITIES_OF["2026.1"], "cloud_tls": False, **switches()}
    files = {file["path"]: file["content"] for file in render(inventory, directory, variables)["control1"]["files"]}
    found = directory / "nova.conf"
    found.write_text(files["nova_api/config/nova.conf"])
    return found


@pytest.fixture(scope="module")
def servers() -> t.Iterator[Lab]:
    lab = Lab(connect())
    subprocess.run(["docker", "network", "create", "--subnet", SUBNET, NETWORK], check=True, capture_output=True)
    try:
        for host, address in HOSTS.items():
            command = ["docker", "run", "--detach", "--name", lab.name(host), "--label", lab.label, "--network", NETWORK, "--ip", address]
            command += ["--user", "42457:42457", lab.image("memcached"), "memcached", "-l", address, "-m", "16", "-U", "0"]
            subprocess.run(command, check=True, capture_output=True)
        yield lab
    finally:
        lab.clean()
        subprocess.run(["docker", "network", "rm", NETWORK], check=False, capture_output=True)


def use(lab: Lab, kind: str, config: pathlib.Path) -> dict[str, t.Any]:
    """Use the cache while a server stands still, and return what the client says."""
    name = lab.name(kind)
    command = ["docker", "run", "--detach", "--name", name, "--label", lab.label, "--network", NETWORK, "--user", "0:0"]
    command += ["--volume", f"{CLIENT}:/client.py:ro", "--volume", f"{config}:/config:ro", lab.image("openstack")]
    command += ["sh", "-c", f"exec $(ls /opt/*/bin/python | head -n 1) /client.py {kind} /config {SECONDS}"]
    subprocess.run(command, check=True, capture_output=True)
    deadline = time.monotonic() + 120
    while b"ready" not in lab.client.logs(name, stderr=False):
        assert time.monotonic() < deadline and lab.client.inspect_container(name)["State"]["Running"], lab.client.logs(name)
        time.sleep(0.2)
    lab.client.pause(lab.name("control2"))
    try:
        lab.client.wait(name, timeout=300)
    finally:
        lab.client.unpause(lab.name("control2"))
    result: dict[str, t.Any] = json.loads(lab.client.logs(name, stderr=False).splitlines()[-1])
    print(kind, result)
    return result


@pytest.mark.parametrize(("kind", "timeout"), [("oslo", 0.5), ("tokens", 1.0)])
def test_a_server_that_stands_still_costs_one_wait(servers: Lab, config: pathlib.Path, kind: str, timeout: float) -> None:
    result = use(servers, kind, config)
    assert result["errors"] == [] and result["calls"] > 100
    long = [taken for taken in result["slow"] if taken > 0.9 * timeout]
    assert 1 <= len(long) <= 2, result["slow"]
    assert max(long) < timeout + SLACK
