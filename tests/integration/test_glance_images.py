# SPDX-License-Identifier: Apache-2.0
"""Glance does not start where its images are not, as its own image finds out with its own database library."""

from __future__ import annotations

import pathlib
import sqlite3
import subprocess

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import connect

from .conftest import Lab

SCRIPT = pathlib.Path(__file__).parents[2] / "roles/glance/files/images_present.py"


def _run(directory: pathlib.Path, expectation: str) -> subprocess.CompletedProcess[str]:
    """Run the script as the job does, with the database and the images in *directory*."""
    mounts = [f"--volume={directory}/glance-api.conf:/etc/glance/glance-api.conf:ro", f"--volume={directory}/data:/var/lib/glance"]
    command = ["docker", "run", "--rm", "--interactive", "--network=none", "--user=0:0", *mounts, Lab(connect()).image("glance")]
    return subprocess.run(
        [*command, "/opt/openstack/bin/python", "-", expectation], input=SCRIPT.read_text("utf-8"), capture_output=True, text=True
    )


def _database(directory: pathlib.Path, *locations: tuple[str, str, int]) -> None:
    (directory / "data").mkdir()
    (directory / "glance-api.conf").write_text("[DEFAULT]\na = 1\na = 2\n[database]\nconnection = sqlite:////var/lib/glance/g.db\n")
    with sqlite3.connect(directory / "data/g.db") as connection:
        connection.execute("CREATE TABLE image_locations (image_id TEXT, value TEXT, deleted INT)")
        connection.executemany("INSERT INTO image_locations VALUES (?, ?, ?)", locations)


def test_images_that_another_host_has_are_not_left_behind(tmp_path: pathlib.Path) -> None:
    _database(tmp_path, ("a", "file:///x/a", 0), ("a", "file:///y/a", 0), ("b", "file:///x/b", 1), ("c", "file:///x/c", 0))
    refused = _run(tmp_path, "expected")
    assert refused.returncode == 1
    assert "the database has 2 images, but this host has no directory of images yet" in refused.stderr
    assert _run(tmp_path, "lost").returncode == 0
    (tmp_path / "data/images").mkdir()
    assert _run(tmp_path, "expected").returncode == 0


@pytest.mark.parametrize("locations", [[], [("b", "file:///x/b", 1)], [("d", "rbd://pool/d", 0)]])
def test_without_images_of_its_own_glance_may_start_anywhere(tmp_path: pathlib.Path, locations: list[tuple[str, str, int]]) -> None:
    _database(tmp_path, *locations)
    assert _run(tmp_path, "expected").returncode == 0
