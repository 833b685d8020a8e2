# SPDX-License-Identifier: Apache-2.0
"""How a backup of a host comes about, with a fake engine and a fake encryptor; with real ones: tests/integration/test_backup.py."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.backup import creation, manifest
from ansible_collections.caisson.openstack.plugins.module_utils.backup.creation import BackupRequest, HostBackups
from ansible_collections.caisson.openstack.plugins.module_utils.backup.encryption import Encryptor
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError, Part
from ansible_collections.caisson.openstack.plugins.module_utils.engine.attach import Sink
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import BackupSpec, ContainerSpec
from tests.unit.builders import a_state

SPEC = ContainerSpec(name="db", service="mariadb", image="mariadb:1", command=["run"], volumes=["data:/var/lib", "/etc:/etc"])
DATABASE = BackupSpec(name="databases", service="mariadb", container=SPEC, path="/var/lib", command=["dump"], restore=["load"])
REQUEST = BackupRequest(
    name="example-20260102T030405Z",
    parts=[DATABASE],
    secrets=b"all: of them",
    cloud="example",
    release="2026.1",
    host="control1",
    hosts=["control1"],
    keep=2,
)
OLD = ["example-20260101T000000Z", "example-20260101T010000Z"]


class FakeEngine:
    """One container, whose data take *size* KiB, and whose dump is ``rows`` unless it fails."""

    def __init__(self) -> None:
        self.state: ContainerState | None = a_state("db")
        self.size = "8\t/var/lib\n"
        self.code = 0

    def container(self, _name: str) -> ContainerState | None:
        return self.state

    def exec(self, _name: str, command: list[str], timeout: int = 60, sink: Sink | None = None) -> ExecResult:
        if command != ["dump"]:
            return ExecResult(0, self.size, "")
        assert (sink, timeout) != (None, 60)
        t.cast(Sink, sink)(b"rows")
        return ExecResult(self.code, "", "lost")


class FakeEncryptor:
    """Writes what it gets as it is."""

    keys: t.ClassVar[list[str]] = ["AGE-SECRET-KEY-1"]

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory

    def encrypt(self, name: str, produce: t.Callable[[Sink], object]) -> Part:
        pieces: list[bytes] = []
        produce(pieces.append)
        (self._directory / manifest.encrypted_name(name)).write_bytes(b"".join(pieces))
        return Part(name, 4, "digest", 4, "digest")

    def encrypt_bytes(self, name: str, content: bytes) -> Part:
        return self.encrypt(name, lambda sink: sink(content))

    def verify(self, part: Part) -> None:
        assert (self._directory / part.file).is_file()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def host(engine: FakeEngine, tmp_path: pathlib.Path) -> HostBackups:
    for name in OLD:
        (tmp_path / name).mkdir()
        (tmp_path / name / manifest.MANIFEST).touch()
    return HostBackups(t.cast(Engine, engine), tmp_path, lambda scratch: t.cast(Encryptor, FakeEncryptor(scratch)), 7)


def test_a_plan_names_the_files_and_the_backups_that_are_removed(host: HostBackups, tmp_path: pathlib.Path) -> None:
    plan = host.plan(REQUEST)
    assert (plan.before, plan.after, plan.removed) == (OLD, [OLD[1], REQUEST.name], [OLD[0]])
    assert plan.files == [manifest.MANIFEST, *map(manifest.encrypted_name, [manifest.SECRETS, "databases"])]
    assert host.plan(dataclasses.replace(REQUEST, secrets=b"")).files[1:] == [manifest.encrypted_name("databases")]
    assert sorted(path.name for path in tmp_path.iterdir()) == OLD


@pytest.mark.parametrize("state", [None, a_state("db", running=False)])
def test_data_of_a_container_that_does_not_run_cannot_be_read(host: HostBackups, engine: FakeEngine, state: ContainerState | None) -> None:
    engine.state = state
    with pytest.raises(BackupError, match="databases: container db does not run on this host"):
        host.plan(REQUEST)


def test_data_that_are_missing_or_do_not_fit_are_refused(host: HostBackups, engine: FakeEngine) -> None:
    engine.size = ""
    with pytest.raises(BackupError, match="databases: container db has no /var/lib"):
        host.plan(REQUEST)
    engine.size = f"{2**50} /var/lib"
    with pytest.raises(BackupError, match="free"):
        host.plan(REQUEST)


def test_a_name_that_is_taken_is_refused(host: HostBackups) -> None:
    with pytest.raises(BackupError, match=f"{OLD[0]} exists already"):
        host.plan(dataclasses.replace(REQUEST, name=OLD[0]))


def test_a_backup_has_its_parts_and_a_manifest_with_images_and_volumes(host: HostBackups, tmp_path: pathlib.Path) -> None:
    left = tmp_path / f"cut_off{manifest.UNFINISHED}"
    left.mkdir()
    assert host.make(REQUEST) == 8
    made = tmp_path / REQUEST.name
    assert sorted(path.name for path in made.iterdir()) == sorted(host_files())
    assert (made / manifest.encrypted_name("databases")).read_bytes() == b"rows"
    found = manifest.load((made / manifest.MANIFEST).read_text(), FakeEncryptor.keys, "here")
    assert (found.host, found.hosts, found.release) == ("control1", ["control1"], "2026.1")
    assert [(part.name, part.image, part.volumes) for part in found.parts] == [
        (manifest.SECRETS, "", []),
        ("databases", "mariadb:1", ["data"]),
    ]
    assert not left.exists()


def host_files() -> list[str]:
    return [manifest.MANIFEST, manifest.encrypted_name(manifest.SECRETS), manifest.encrypted_name("databases")]


def test_nothing_is_left_of_a_backup_that_fails(host: HostBackups, engine: FakeEngine, tmp_path: pathlib.Path) -> None:
    engine.code = 3
    with pytest.raises(BackupError, match="cannot read databases in container db: exit code 3; output: lost"):
        host.make(REQUEST)
    assert sorted(path.name for path in tmp_path.iterdir()) == OLD


def test_two_backups_are_not_made_at_once(host: HostBackups, tmp_path: pathlib.Path) -> None:
    with creation._alone(tmp_path), pytest.raises(BackupError, match=f"another backup is being made in {tmp_path}"):
        host.make(REQUEST)


def test_old_backups_are_removed_and_those_that_cannot_be_are_named(host: HostBackups, tmp_path: pathlib.Path) -> None:
    (error,) = host.remove([OLD[0], "gone"])
    assert error.startswith("cannot remove the old backup gone: ")
    assert [path.name for path in tmp_path.iterdir()] == [OLD[1]]
