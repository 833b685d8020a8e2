# SPDX-License-Identifier: Apache-2.0
"""Encrypted files, with the real tools in real containers."""

from __future__ import annotations

import os
import pathlib
import random
import subprocess
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.backup import encryption
from ansible_collections.caisson.openstack.plugins.module_utils.backup.encryption import Encryptor
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.attach import Sink

from .conftest import Lab

#: The engine has the names of the jobs once.
pytestmark = pytest.mark.alone

SECRET = b"the password is hunter2\n" * 1000


@pytest.fixture
def identity(lab: Lab) -> str:
    return encryption.new_identity(lab.engine, lab.image("client"), lab.cloud)


def encryptor(lab: Lab, identity: str, directory: pathlib.Path, timeout: int = 60) -> Encryptor:
    return Encryptor(lab.engine, lab.image("client"), lab.cloud, identity, directory, timeout)


def test_what_is_encrypted_comes_back_and_is_unreadable_meanwhile(lab: Lab, identity: str, tmp_path: pathlib.Path) -> None:
    part = encryptor(lab, identity, tmp_path).encrypt_bytes("data", SECRET)
    path = tmp_path / "data.zst.age"
    assert (part.content_size, part.size) == (len(SECRET), path.stat().st_size)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().startswith(b"age-encryption.org/v1\n") and b"hunter2" not in path.read_bytes()
    encryptor(lab, identity, tmp_path).verify(part)
    assert encryptor(lab, identity, tmp_path).read(part) == SECRET


def test_large_data_pass_through_in_pieces(lab: Lab, identity: str, tmp_path: pathlib.Path) -> None:
    piece = random.Random(5).randbytes(1 << 20)

    def produce(sink: Sink) -> None:
        for _number in range(64):
            sink(piece)

    part = encryptor(lab, identity, tmp_path).encrypt("data", produce)
    assert part.content_size == 64 << 20
    encryptor(lab, identity, tmp_path).verify(part)


def damage(path: pathlib.Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def cut(path: pathlib.Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


@pytest.mark.parametrize("harm", [lambda path: damage(path, -20), lambda path: damage(path, 30), cut, pathlib.Path.unlink])
def test_a_damaged_part_is_refused(lab: Lab, identity: str, tmp_path: pathlib.Path, harm: t.Callable[[pathlib.Path], object]) -> None:
    part = encryptor(lab, identity, tmp_path).encrypt_bytes("data", SECRET)
    harm(tmp_path / part.file)
    with pytest.raises(BackupError, match="the backup is damaged"):
        encryptor(lab, identity, tmp_path).verify(part)
    with pytest.raises(BackupError, match="the backup is damaged"):
        encryptor(lab, identity, tmp_path).read(part)


def test_a_part_in_the_place_of_another_is_refused(lab: Lab, identity: str, tmp_path: pathlib.Path) -> None:
    ours = encryptor(lab, identity, tmp_path)
    part, other = ours.encrypt_bytes("data", SECRET), ours.encrypt_bytes("other", SECRET[::-1])
    (tmp_path / other.file).rename(tmp_path / part.file)
    with pytest.raises(BackupError, match="is not the file that was written"):
        ours.verify(part)
    with pytest.raises(BackupError, match="differs from what was backed up"):
        ours.open(part, lambda _data: None)


def test_another_key_opens_nothing_and_an_older_one_goes_on_to(lab: Lab, identity: str, tmp_path: pathlib.Path) -> None:
    part = encryptor(lab, identity, tmp_path).encrypt_bytes("data", SECRET)
    new = encryption.new_identity(lab.engine, lab.image("client"), lab.cloud)
    with pytest.raises(BackupError, match="another key"):
        encryptor(lab, new, tmp_path).read(part)
    assert encryptor(lab, new + identity, tmp_path).read(part) == SECRET


def test_the_key_is_on_no_command_line_and_the_data_in_no_log(lab: Lab, identity: str, tmp_path: pathlib.Path) -> None:
    (key,) = encryptor(lab, identity, tmp_path).keys
    seen: list[str] = []

    def look(_data: bytes) -> None:
        for row in lab.client.containers(filters={"label": lab.label}):
            seen.append(str(lab.client.inspect_container(row["Id"])))
            seen.append(lab.client.inspect_container(row["Id"])["HostConfig"]["LogConfig"]["Type"])
        seen.append(subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout)

    part = encryptor(lab, identity, tmp_path).encrypt_bytes("data", SECRET)
    encryptor(lab, identity, tmp_path).open(part, look)
    assert any("--decrypt" in text for text in seen)
    assert "none" in seen
    assert not [text for text in seen if key in text or "hunter2" in text]


def test_a_writer_that_fails_fails_the_part(lab: Lab, identity: str, tmp_path: pathlib.Path) -> None:
    def produce(sink: Sink) -> None:
        sink(SECRET)
        raise BackupError("the database went away")

    with pytest.raises(BackupError, match="went away"):
        encryptor(lab, identity, tmp_path).encrypt("data", produce)


def test_a_directory_that_cannot_be_written_to_is_named(lab: Lab, identity: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "data.zst.age").mkdir()
    with pytest.raises(BackupError, match=r"cannot encrypt data: .*directory"):
        encryptor(lab, identity, tmp_path).encrypt_bytes("data", SECRET)


def test_nothing_is_left_after_a_failure(lab: Lab, identity: str, tmp_path: pathlib.Path) -> None:
    part = encryptor(lab, identity, tmp_path).encrypt_bytes("data", SECRET)
    with pytest.raises(BackupError, match="backup_timeout"):
        encryptor(lab, identity, tmp_path, timeout=0).verify(part)
    assert not lab.client.containers(all=True, filters={"label": lab.label})
