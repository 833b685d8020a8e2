# SPDX-License-Identifier: Apache-2.0
"""A restore that nobody could finish is refused before a container stops: the tasks of the role, with fakes of the modules."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import packed
from tests.unit.roles import fake_role

BACKUP = "example-20260102T030405Z"
RESTORE = [("containers_absent", "stopped"), ("restore", None)]


def run(directory: pathlib.Path, saved: list[str], restored: list[str]) -> fake_role.Run:
    """Restore a backup with the parts *saved* on a host whose services restore others."""
    parts = packed.pack({"restores": [{"name": name, "once": False, "container": {"name": name}} for name in restored]})
    variables: dict[str, t.Any] = {
        "ansible_connection": "local",
        "backup": BACKUP,
        "backup_key_file": "/nowhere",
        "backup_name": BACKUP,
        "cloud_image_prefix": "",
        "cloud_image_tag": "1",
        "cloud_name": "example",
        "service_model": {"containers": [], "parts": parts},
        "__backup_info": {"manifest": {"hosts": ["one"], "parts": [{"name": name} for name in saved]}},
    }
    role = {"import_role": {"name": "caisson.openstack.backup", "tasks_from": "restore"}}
    play = {"hosts": "all", "gather_facts": False, "tasks": [role]}
    return fake_role.run(directory, [play], {"control": {"hosts": {"one": variables}}}, ["backup"], ["containers_absent", "restore"], {})


@pytest.mark.parametrize("restored", [["mariadb"], ["mariadb", "glance"]])
def test_what_is_in_the_backup_is_restored(tmp_path: pathlib.Path, restored: list[str]) -> None:
    done = run(tmp_path, ["mariadb", "secrets"], restored)
    assert done.code == 0, done.text
    assert [(call["name"], call.get("state")) for call in done.calls] == RESTORE


def test_data_that_no_service_takes_are_named_before_a_container_stops(tmp_path: pathlib.Path) -> None:
    done = run(tmp_path, ["mariadb", "glance", "secrets"], ["glance"])
    assert (done.code != 0, done.calls) == (True, [])
    assert f"no container was stopped: {BACKUP} has mariadb, which no service of one restores" in done.text
