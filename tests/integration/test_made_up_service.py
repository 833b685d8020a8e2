# SPDX-License-Identifier: Apache-2.0
"""A service that is nothing but the data shown in docs/add-a-service.md is deployed, changed and removed."""

from __future__ import annotations

import json
import pathlib
import re
import sys
import typing as t
import urllib.request

import docker
import pytest
import yaml

from tests import plays
from tests.cloud.records import TEST_CLOUD

ROOT = pathlib.Path(__file__).parents[2]

pytestmark = [pytest.mark.alone, pytest.mark.usefixtures("whole_host")]
CLOUD = f"{TEST_CLOUD}made-up"
URL = "http://127.0.9.7:8000/greeting.json"


@pytest.fixture
def site(tmp_path: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """A directory with the role and the play of the documentation, and an inventory."""
    blocks = re.findall(r"```yaml\n(---\n.*?)```", (ROOT / "docs/add-a-service.md").read_text(), re.DOTALL)
    for place, text in zip(("roles/hello/defaults/main.yml", "roles/hello/vars/main/service.yml", "hello.yml"), blocks, strict=False):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "cloud_address": "127.0.9.7",
        "cloud_name": CLOUD,
    }
    inventory = {"all": {"hosts": {"here": host}, "children": {"control": {"hosts": {"here": {}}}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    yield tmp_path
    play(tmp_path, "-e", '{"hello_service_overrides": {"enabled": false}}')
    assert docker.APIClient().containers(all=True, filters={"label": f"org.caisson.cloud={CLOUD}"}) == []


def play(site: pathlib.Path, *arguments: str, check: bool = True) -> str:
    return plays.run(site, plays.command("hosts.yml", "hello.yml", *arguments), check).stdout


def greeting() -> str:
    with urllib.request.urlopen(URL, timeout=5) as answer:
        return json.load(answer)["text"]


def test_a_made_up_service_is_deployed_changed_and_removed(site: pathlib.Path) -> None:
    # the identity of its cloud, files, container
    assert "changed=3" in play(site)
    assert greeting() == "Good morning"
    started = docker.APIClient().inspect_container("hello")["State"]["StartedAt"]
    assert "changed=0" in play(site)
    # a file that nobody has to be told about
    assert "changed=1" in play(site, "-e", "hello_greeting='Good evening'")
    assert greeting() == "Good evening"
    assert docker.APIClient().inspect_container("hello")["State"]["StartedAt"] == started


def test_a_wrong_key_is_refused_with_the_right_one(site: pathlib.Path) -> None:
    text = play(site, "-e", '{"hello_service_overrides": {"containers": [{"name": "hello", "capabilites": ["NET_ADMIN"]}]}}', check=False)
    assert "unknown key; did you mean 'capabilities'?" in text
    assert "nothing was changed" in text
    assert docker.APIClient().containers(all=True, filters={"label": f"org.caisson.cloud={CLOUD}"}) == []


def test_a_container_that_does_not_get_healthy_is_reported_with_its_output(site: pathlib.Path) -> None:
    command = ["sh", "-c", "echo the disk is on fire; exit 3"]
    overrides = {"hello_service_overrides": {"containers": [{"name": "hello", "command": command, "start_timeout": 5}]}}
    text = play(site, "-e", json.dumps(overrides), check=False)
    assert "container hello of service hello" in text
    assert "the disk is on fire" in text


def test_overrides_from_files_are_merged_weakest_first(site: pathlib.Path) -> None:
    for place, value in (("hello", "service"), ("groups/control/hello", "group"), ("hosts/here/hello", "host")):
        path = site / "config" / place / "greeting.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"text": value, value: True}))
    play(site)
    with urllib.request.urlopen(URL, timeout=5) as answer:
        assert json.load(answer) == {"text": "host", "service": True, "group": True, "host": True}
