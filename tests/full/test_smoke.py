# SPDX-License-Identifier: Apache-2.0
"""The public test suite: its smoke tests of APIs pass, are told of while they run, show no secret and leave nothing."""

from __future__ import annotations

import pathlib
import re
from xml.etree import ElementTree

import docker
import pytest

from tests.cloud.conftest import LABEL, NAME, Cloud, recap


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
    rows = docker.APIClient().containers(all=True, filters={"label": [f"{LABEL}cloud={NAME}", f"{LABEL}service=toolbox"]})
    assert rows == []


def test_a_test_that_fails_fails_the_run(cloud: Cloud) -> None:
    """One expectation is wrong on purpose: that the default domain has another id."""
    options = '{"tempest_options": {"identity": {"default_domain_id": "wrong"}}}'
    text = cloud.play("tempest", "-e", "tempest_regex=DefaultDomainTestJSON", "-e", options, check=False)
    assert recap(text)["failed"] == 1
    assert "FAILED tempest.api.identity.v3.test_domains.DefaultDomainTestJSON.test_default_domain_exists" in text
    document = pathlib.Path(cloud.root / "inventory/aio/tempest/junit.xml").read_text()
    assert 'failures="1"' in document
