# SPDX-License-Identifier: Apache-2.0
"""Backups of a container's data and their way back, by the modules as Ansible runs them."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import pathlib
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.backup import encryption
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import BackupSpec, ContainerSpec

from .conftest import Lab

#: The engine has the names of the jobs once.
pytestmark = pytest.mark.alone

ROOT = pathlib.Path(__file__).parents[2]
READ = ["cat", "/srv/data"]


class Host:
    """A host with one container that has data."""

    def __init__(self, lab: Lab, directory: pathlib.Path) -> None:
        self.lab = lab
        self.directory = directory
        image = lab.image("base")
        self.container = ContainerSpec(
            name=lab.name("one"), service="x", image=image, command=["sleep", "600"], volumes=[f"{lab.name('data')}:/srv"], stop_timeout=0
        )
        self.identity = encryption.new_identity(lab.engine, lab.image("client"), lab.cloud)
        self.start()

    def start(self) -> None:
        self.lab.engine.create(self.container, self.lab.engine.image_id(self.container.image) or "", self.lab.cloud)
        self.lab.engine.start(self.container.name)

    def data(self, new: str = "") -> str:
        command = ["sh", "-c", 'printf %s "$0" >/srv/data', new] if new else READ
        return self.lab.engine.exec(self.container.name, command).stdout

    def name(self, day: int) -> str:
        return f"{self.lab.cloud}-202601{day:02}T000000Z"

    def process(self, module: str, check: bool = False, command: list[str] | None = None, **options: t.Any) -> subprocess.Popen[str]:
        part = BackupSpec("data", "x", self.container, "/srv", command or READ, ["sh", "-ec", "cat >/srv/data"])
        arguments = {
            "identity": self.identity,
            "image": self.lab.image("client"),
            "cloud": self.lab.cloud,
            "timeout": 60,
            "_ansible_check_mode": check,
            **options,
        }
        if module != "backup_info":
            arguments["parts"] = [dataclasses.asdict(part)]
        file = self.directory / f"{module}.json"
        file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        return subprocess.Popen(
            [sys.executable, "-m", f"ansible_collections.caisson.openstack.plugins.modules.{module}", str(file)],
            env={**os.environ, "PYTHONPATH": str(ROOT / ".dev")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, module: str, **options: t.Any) -> dict[str, t.Any]:
        text = self.process(module, **options).communicate(timeout=120)[0]
        return json.loads(text.splitlines()[-1])

    def backup(self, day: int, **options: t.Any) -> dict[str, t.Any]:
        return self.run("backup", **self.options(day), **options)

    def options(self, day: int) -> dict[str, t.Any]:
        return {"name": self.name(day), "directory": str(self.directory / "b"), "hosts": ["h"], "host": "h", "release": "2026.1", "keep": 2}

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in (self.directory / "b").iterdir())


@pytest.fixture
def host(lab: Lab, tmp_path: pathlib.Path) -> Host:
    made = Host(lab, tmp_path)
    made.data("first")
    return made


def test_data_come_back(host: Host) -> None:
    made = host.backup(1)
    assert made["changed"] and made["files"] == ["manifest.json", "data.zst.age"]
    host.data("second")
    path = {"directory": made["path"]}
    shown = host.run("backup_info", host="h", release="2026.1", **path)
    assert shown["occupied"] == [f"container {host.container.name}", f"volume {host.lab.name('data')}"]
    assert "must not run; stop the cloud first" in host.run("restore", **path)["msg"]
    host.lab.engine.remove(host.container.name)
    assert host.run("restore", check=True, **path)["restored"] == ["data"]
    assert host.run("restore", **path) == {**host.run("restore", **path), "changed": True, "restored": ["data"], "missing": []}
    host.start()
    assert host.data() == "first"


def test_a_backup_of_another_host_cloud_or_key_is_refused(host: Host) -> None:
    path = {"directory": host.backup(1)["path"]}
    assert "it belongs to host h, this one is other" in host.run("backup_info", host="other", release="2026.1", **path)["msg"]
    assert "newer than 2025.2" in host.run("backup_info", host="h", release="2025.2", **path)["msg"]
    assert f"it belongs to cloud {host.lab.cloud}" in host.run("backup_info", host="h", release="2026.1", **path, cloud="other")["msg"]
    new = encryption.new_identity(host.lab.engine, host.lab.image("client"), host.lab.cloud)
    assert "not signed with the key" in host.run("backup_info", host="h", release="2026.1", **path, identity=new)["msg"]
    assert "is not a complete backup" in host.run("backup_info", host="h", release="2026.1", directory=str(host.directory))["msg"]


def test_only_as_many_stay_as_are_wanted(host: Host) -> None:
    for day in (1, 2):
        assert host.backup(day)["removed"] == []
    assert host.backup(3, check=True)["removed"] == [host.name(1)]
    assert host.names == [host.name(1), host.name(2)]
    assert host.backup(3)["removed"] == [host.name(1)]
    assert host.names == [host.name(2), host.name(3)]


def test_a_backup_that_fails_leaves_nothing(host: Host) -> None:
    text = host.backup(1, command=["sh", "-c", "echo half; echo the disk died >&2; exit 3"])["msg"]
    assert "no backup was made" in text and "cannot read data" in text and "the disk died" in text
    assert host.names == []


def test_a_killed_backup_is_no_backup(host: Host) -> None:
    process = host.process("backup", **host.options(1), command=["sh", "-c", "cat /srv/data; sleep 30"])
    encrypted = host.directory / "b" / f"{host.name(1)}.partial" / "data.zst.age"
    deadline = time.monotonic() + 30
    while not encrypted.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert host.names == [f"{host.name(1)}.partial"]
    assert host.backup(2)["changed"]
    assert host.names == [host.name(2)]


def test_two_backups_are_not_made_at_once(host: Host) -> None:
    (host.directory / "b").mkdir()
    held = os.open(host.directory / "b", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert "another backup is being made" in host.backup(1)["msg"]
    os.close(held)
    assert host.backup(1)["changed"]


def test_what_cannot_be_read_is_named_before_anything_is_written(host: Host) -> None:
    host.lab.engine.stop(host.container.name, 0)
    assert f"container {host.container.name} does not run" in host.backup(1)["msg"]
    assert not (host.directory / "b").exists()
