# SPDX-License-Identifier: Apache-2.0
"""Files that are replaced in one step, and are on the disk afterwards."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write


def _mode(path: pathlib.Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    """A file that is there already, and that everybody may read."""
    made = tmp_path / "there.conf"
    made.write_text("old")
    made.chmod(0o644)
    return made


def test_a_new_file_is_readable_by_its_owner_only(path: pathlib.Path) -> None:
    atomic_write.write(path, "new")
    assert (path.read_text(), _mode(path)) == ("new", 0o600)


def test_content_mode_and_owner_are_as_wanted(path: pathlib.Path) -> None:
    atomic_write.write(path, b"\x00new", 0o640, (os.getuid(), os.getgid()))
    assert (path.read_bytes(), _mode(path), path.stat().st_gid) == (b"\x00new", 0o640, os.getgid())


def test_a_copy_has_content_and_mode_of_its_source(path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"\xff" * 100_000)
    source.chmod(0o751)
    atomic_write.copy(source, path)
    assert (path.read_bytes(), _mode(path)) == (source.read_bytes(), 0o751)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            atomic_write.write(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_file_and_directory_are_on_the_disk_in_this_order(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(str(pathlib.Path(f"/proc/self/fd/{descriptor}").readlink())))
    atomic_write.write(path, "new")
    file, directory = synced
    # the file by its first name, before it takes the place of the old one
    assert (pathlib.Path(file).parent, pathlib.Path(file).name.startswith(f".{path.name}.")) == (path.parent, True)
    assert directory == str(path.parent)
