# SPDX-License-Identifier: Apache-2.0
"""The configuration directories of a host: compare with what is wanted, write what differs, remove what is left over."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write, masking, packed
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import digest


@dataclasses.dataclass(frozen=True)
class WantedFile:
    """A file as it should be; ``path`` is relative to the root of the tree. Of a ``hidden`` one nothing is shown."""

    path: str
    content: str
    mode: str
    gid: int
    sensitive: bool
    hidden: bool = False

    def shown(self, content: str, secrets: list[str]) -> str:
        """Return *content* of the file as people may see it."""
        return f"{masking.MASK}\n" if self.hidden else masking.mask(content, secrets, self.sensitive)


@dataclasses.dataclass
class FileChange:
    """A file that is not as it should be, why, and since when, in seconds since 1970.

    ``by_hand`` says that it is not as this collection left it either.
    """

    path: str
    reason: str
    before: str = ""
    after: str = ""
    since: float = 0.0
    by_hand: bool = False

    @property
    def container(self) -> str:
        """Name of the container that the file is for."""
        return self.path.partition("/")[0]


@dataclasses.dataclass
class WantedTree:
    """All files of a host. ``directories`` are managed whole: what is not wanted there is removed."""

    directories: list[str]
    files: list[WantedFile]
    secrets: list[str]


def unpack(payload: str) -> WantedTree:
    """Return what the model packed."""
    data = packed.unpack(payload)
    return WantedTree(data["directories"], [WantedFile(**item) for item in data["files"]], data["secrets"])


def select(wanted: WantedTree, containers: t.Container[str]) -> WantedTree:
    """Return what is wanted for some containers only."""
    files = [file for file in wanted.files if file.path.partition("/")[0] in containers]
    return WantedTree([name for name in wanted.directories if name in containers], files, wanted.secrets)


def plan(root: pathlib.Path, wanted: WantedTree, written: t.Mapping[str, str] | None = None) -> list[FileChange]:
    """Return every difference between the tree below *root* and what is wanted.

    *written* is what :func:`digests` returned of the tree that was written last.
    """
    written = written or {}
    changes = [change for change in (_compare(root, file, wanted.secrets, written.get(file.path)) for file in wanted.files) if change]
    for path in _leftovers(root, wanted):
        since = (root / path).stat().st_mtime
        changes.append(FileChange(path, "no longer defined", "(removed)\n", since=since, by_hand=bool(written) and path not in written))
    return changes


def digests(wanted: WantedTree, before: t.Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what is to be remembered of files that were written: a digest of each, by path.

    Of *before* remains what lies in directories that are not *wanted*: a run may be for some services only.
    """
    others = {path: value for path, value in (before or {}).items() if path.partition("/")[0] not in wanted.directories}
    return others | {file.path: digest(file.content) for file in wanted.files}


def edited(changes: t.Iterable[FileChange]) -> dict[str, float]:
    """Return the containers whose files hands changed, each with the time since which one is not what it should be."""
    since: dict[str, float] = {}
    for change in (change for change in changes if change.by_hand):
        since[change.container] = min(change.since, since.get(change.container, change.since))
    return since


def diff(root: pathlib.Path, change: FileChange) -> dict[str, str]:
    """Return a change as Ansible shows it."""
    path = str(root / change.path)
    return {"before_header": path, "after_header": f"{path} ({change.reason})", "before": change.before, "after": change.after}


def apply(root: pathlib.Path, wanted: WantedTree, changes: t.Sequence[FileChange]) -> None:
    """Make the changes that :func:`plan` found; each file is replaced in one step.

    What is left over goes first, because a file may stand where a directory is wanted, or the other way round.
    """
    files = {file.path: file for file in wanted.files}
    for change in changes:
        if change.path not in files:
            (root / change.path).unlink(missing_ok=True)
            _remove_empty(root, (root / change.path).parent)
    for change in changes:
        if change.path in files:
            _write(root, files[change.path])


def _compare(root: pathlib.Path, file: WantedFile, secrets: list[str], written: str | None) -> FileChange | None:
    path = root / file.path
    try:
        current = path.read_bytes().decode(errors="replace")
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        # when it went is not known, but its directory changed then
        since = path.parent.stat().st_mtime if path.parent.is_dir() else 0.0
        return FileChange(file.path, "new", "", file.shown(file.content, secrets), since, by_hand=written is not None)
    if current != file.content:
        before, after = file.shown(current, secrets), file.shown(file.content, secrets)
        by_hand = written is not None and written != digest(current)
        return FileChange(file.path, "content" if before != after else "a secret", before, after, status.st_mtime, by_hand)
    mode = f"{status.st_mode & 0o7777:04o}"
    if (mode, status.st_uid, status.st_gid) != (file.mode, 0, file.gid):
        return FileChange(file.path, f"mode {mode} {status.st_uid}:{status.st_gid} -> {file.mode} 0:{file.gid}")
    return None


def _leftovers(root: pathlib.Path, wanted: WantedTree) -> list[str]:
    known = {file.path for file in wanted.files}
    found = []
    for directory in wanted.directories:
        for base, _directories, names in os.walk(root / directory):
            found += [str((pathlib.Path(base) / name).relative_to(root)) for name in names]
    return sorted(path for path in found if path not in known)


def _write(root: pathlib.Path, file: WantedFile) -> None:
    path = root / file.path
    _make_directories(root, path.parent, file.gid)
    atomic_write.write(path, file.content, int(file.mode, 8), (0, file.gid))


def _make_directories(root: pathlib.Path, directory: pathlib.Path, gid: int) -> None:
    if directory == root:
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
        return
    _make_directories(root, directory.parent, gid)
    directory.mkdir(mode=0o750, exist_ok=True)
    if directory.stat().st_gid != gid:
        os.chown(directory, 0, gid)
    directory.chmod(0o750)


def _remove_empty(root: pathlib.Path, directory: pathlib.Path) -> None:
    while directory != root and not any(directory.iterdir()):
        directory.rmdir()
        directory = directory.parent
