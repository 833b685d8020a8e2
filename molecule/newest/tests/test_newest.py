# SPDX-License-Identifier: Apache-2.0
"""What the newest ansible-core does with this collection, on the controller of scenario ``newest``."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
from testinfra.host import Host

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture(scope="module")
def controller(reach: t.Callable[[str], Host]) -> Host:
    """The host that has the newest ansible-core."""
    return reach("10.199.0.31")


def run(controller: Host, command: str) -> str:
    """Run a command in the repository on the controller; return what it printed."""
    done = controller.run(f"cd /root/caisson && {command}")
    print(done.stdout, done.stderr)
    assert done.rc == 0, f"{command} ended with {done.rc}"
    return t.cast(str, done.stdout)


def play(controller: Host, playbook: str, *arguments: str) -> str:
    """Run a playbook; a warning is a failure, because it tells what the next version of Ansible refuses."""
    text = run(controller, " ".join(["play", playbook, *arguments, "2>&1"]))
    assert "WARNING" not in text
    return text


def test_the_controller_has_the_version_of_the_requirements(controller: Host) -> None:
    wanted = re.search(r"^ansible-core==(\S+)$", (ROOT / "requirements-newest.txt").read_text(), re.MULTILINE)
    assert wanted
    text = run(controller, ".venv/bin/ansible --version")
    assert f"[core {wanted[1]}]" in text
    assert "python version = 3.13." in text


def test_every_definition_is_planned(controller: Host) -> None:
    text = play(controller, "plan")
    for name in ("mariadb", "keystone_api", "glance_api", "placement_api", "nova_compute", "neutron_ovn_agent", "horizon", "prometheus"):
        assert re.search(rf"create +container {name} ", text)


def test_a_deployment_is_complete_and_has_nothing_left_to_change(controller: Host) -> None:
    assert "control1: 1 container created (memcached)" in play(controller, "site", "-e services=memcached")
    assert "Plan: nothing to change on 1 host." in play(controller, "plan", "-e services=memcached")
    assert "1 containers: all healthy, no drift" in play(controller, "status", "-e services=memcached")


def test_the_unit_tests_pass(controller: Host) -> None:
    assert re.search(r"^=+ [0-9]+ passed in ", run(controller, "make test-unit"), re.MULTILINE)


def test_the_sanity_tests_pass(controller: Host) -> None:
    run(controller, "make sanity 2>&1")
