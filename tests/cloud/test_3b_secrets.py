# SPDX-License-Identifier: Apache-2.0
"""No secret shows: not in what a run prints, nor in processes, containers, images, logs, or what Ansible leaves behind."""

from __future__ import annotations

import os
import pathlib
import secrets
import subprocess
import sys
import typing as t

import docker
import pytest

from tests.cloud import leaks
from tests.cloud.conftest import LABEL, NAME, Cloud
from tests.cloud.leaks import LOGS, Secrets, Watcher, at_rest

VERBOSE = ["-vvv", "--diff"]


@pytest.fixture
def known(cloud: Cloud) -> Secrets:
    """What the secrets file holds."""
    found = Secrets()
    found.add(values(cloud))
    assert len(found) >= 15
    return found


def values(cloud: Cloud) -> dict[str, t.Any]:
    """Return the secrets without what the file says about their rotation and their age."""
    return {name: value for name, value in cloud.secrets.items() if name not in {"rotation", "generation"}}


def test_a_run_that_changes_nothing_shows_no_secret(cloud: Cloud, known: Secrets) -> None:
    with Watcher() as watcher:
        text = cloud.play("site", "--check", *VERBOSE)
    assert "TASK [caisson.openstack.service : observe" in text
    assert known.found("output", text) + watcher.found(known) == []


def test_no_secret_is_in_what_is_kept(cloud: Cloud, known: Secrets) -> None:
    assert at_rest(known) == []


# -- the tests above can fail -----------------------------------------------------------------------------------


@pytest.fixture
def planted() -> tuple[Secrets, str]:
    """A secret of nobody, to be put where none may be."""
    found, value = Secrets(), secrets.token_hex(16)
    found.add({"planted": ["short", {"key": value}]})
    return found, value


@pytest.mark.parametrize("where", ["cmdline", "environ"])
def test_a_process_that_shows_one_is_seen(planted: tuple[Secrets, str], where: str) -> None:
    known, value = planted
    script = "import time; time.sleep(0.5)"
    arguments, variables = ([value], {}) if where == "cmdline" else ([], {"SECRET": value})
    with Watcher() as watcher:
        subprocess.run([sys.executable, "-c", script, *arguments], env={**os.environ, **variables}, check=True)
    assert watcher.found(known) == [f"process {where}: planted"]


def test_a_container_that_shows_one_is_seen(cloud: Cloud, planted: tuple[Secrets, str]) -> None:
    known, value = planted
    client = docker.APIClient()
    image = cloud.containers["memcached"]["Image"]
    with Watcher() as watcher:
        options: dict[str, t.Any] = {"command": ["echo", value], "environment": {"SECRET": value}, "labels": {f"{LABEL}cloud": NAME}}
        made = client.create_container(image=image, name="leaks", **options)
        try:
            client.start(made["Id"])
            client.wait(made["Id"])
            client.commit(made["Id"], repository="leaks", conf={"Env": [f"SECRET={value}"]})
            kept = at_rest(known)
        finally:
            client.remove_container(made["Id"], force=True)
            client.remove_image("leaks", force=True)
    assert "inspect of /leaks: planted" in watcher.found(known)
    assert {"inspect of /leaks: planted", "log of /leaks: planted", "image ['leaks:latest']: planted"} <= set(kept)


@pytest.mark.parametrize("directory", [LOGS, leaks.REMAINS[0], leaks.REMAINS[-1]], ids=str)
def test_a_file_that_holds_one_is_seen(planted: tuple[Secrets, str], directory: pathlib.Path) -> None:
    known, value = planted
    path = directory / "deeper" / "leak.log"
    path.parent.mkdir(parents=True)
    try:
        path.write_text(f"password={value}\n")
        assert f"{path}: planted" in at_rest(known)
    finally:
        path.unlink()
        path.parent.rmdir()


def test_a_key_is_known_by_a_line_that_is_its_own() -> None:
    known = Secrets()
    certificate = "-----BEGIN CERTIFICATE-----\nthis-is-public-and-longer-than-the-key\n-----END CERTIFICATE-----\n"
    key = "-----BEGIN PRIVATE KEY-----\nthe-kind-of-the-key-and-its-length\nabcdefghijklmnop\nqrs\n-----END PRIVATE KEY-----\n"
    known.add({"key": certificate + key, "short": "abc"})
    assert len(known) == 1
    assert known.found("there", "x abcdefghijklmnop y") == ["there: key"]
    assert known.found("there", "the-kind-of-the-key-and-its-length this-is-public-and-longer-than-the-key") == []
