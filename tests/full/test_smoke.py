# SPDX-License-Identifier: Apache-2.0
"""The public test suite: its smoke tests of APIs pass, are told of while they run, show no secret and leave nothing."""

from __future__ import annotations

import pathlib
import re
import subprocess
import typing as t
from xml.etree import ElementTree

import docker
import pytest

from tests import runs
from tests.cloud.api import Api
from tests.cloud.conftest import LABEL, NAME, Cloud, recap
from tests.cloud.recovery import wait


@pytest.fixture(scope="module")
def smoke(cloud: Cloud) -> str:
    return cloud.play("tempest", "-vvv", "-e", r"tempest_regex=api\.(identity|image|network)\..*smoke")


def test_the_smoke_tests_pass(smoke: str, cloud: Cloud) -> None:
    # the playbook itself compares what the APIs and the hypervisors have before and after
    assert recap(smoke)["failed"] == 0
    found = re.search(r"(\d+) passed, (\d+) skipped, (\d+) excluded, 0 failed", smoke)
    assert found and int(found[1]) >= 60, smoke[-3000:]
    suite = ElementTree.parse(cloud.root / "inventory/aio/tempest/junit.xml").getroot()
    assert suite.get("tests") == str(sum(int(number) for number in found.groups()))
    assert suite.get("failures") == "0"


def test_a_run_says_how_far_it_is(smoke: str) -> None:
    assert re.search(r"^aio: \d+ tests, \d+ at a time; \d+ more are excluded$", smoke, re.MULTILINE)
    assert re.search(r"^aio: \d+ of \d+ tests \(.*passed.*\); now (api|scenario)\.", smoke, re.MULTILINE)


def test_no_secret_shows(smoke: str, cloud: Cloud) -> None:
    text = smoke + (cloud.root / "inventory/aio/tempest/junit.xml").read_text()
    assert not [name for name, value in cloud.secrets.items() if isinstance(value, str) and value in text]


def test_no_container_is_left(smoke: str) -> None:
    rows = docker.APIClient().containers(all=True, filters={"label": [f"{LABEL}cloud={NAME}", f"{LABEL}service=container_script"]})
    assert rows == []


def test_what_was_killed_is_stopped_and_cleaned_up_by_the_next(cloud: Cloud) -> None:
    """A server, with the account and the network that the suite makes for it, whose names are not ours to choose."""
    command = ["ansible-playbook", "-i", "inventory/aio/hosts.yml", "caisson.openstack.tempest", "-e", r"tempest_regex=scenario\..*smoke"]
    run = subprocess.Popen(command, cwd=cloud.root, env=cloud.environment, stdout=subprocess.DEVNULL)
    api = Api(cloud)
    try:
        wait("a server of the suite is active", lambda: "ACTIVE" in [server["status"] for server in servers(api)])
    finally:
        runs.kill(run)
    assert recap(cloud.play("tempest", "-e", "tempest_regex=DefaultDomainTestJSON"))["failed"] == 0
    assert servers(api) == []
    for service, path in (("identity", "/v3/users"), ("identity", "/v3/projects"), ("network", "/v2.0/networks")):
        (found,) = (value for value in api.get(service, path).values() if isinstance(value, list))
        assert [item["name"] for item in found if item["name"].startswith("tempest-")] == []


def servers(api: Api) -> list[dict[str, t.Any]]:
    """Return the servers of the suite."""
    found = api.get("compute", "/servers/detail?all_tenants=1")["servers"]
    return [row for row in found if row["name"].startswith("tempest-")]


def test_a_test_that_fails_fails_the_run(cloud: Cloud) -> None:
    """One expectation is wrong on purpose: that the default domain has another id."""
    options = '{"tempest_options": {"identity": {"default_domain_id": "wrong"}}}'
    text = cloud.play("tempest", "-e", "tempest_regex=DefaultDomainTestJSON", "-e", options, check=False)
    assert recap(text)["failed"] == 1
    assert "FAILED tempest.api.identity.v3.test_domains.DefaultDomainTestJSON.test_default_domain_exists" in text
    document = pathlib.Path(cloud.root / "inventory/aio/tempest/junit.xml").read_text()
    assert 'failures="1"' in document
