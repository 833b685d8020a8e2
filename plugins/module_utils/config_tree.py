# SPDX-License-Identifier: Apache-2.0
"""The configuration directories of a host: compare with what is wanted, write what differs, remove what is left over."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import pathlib
import typing as t
import zlib

_MASK = "********"


@dataclasses.dataclass(frozen=True)
class WantedFile:
    """A file as it should be; ``path`` is relative to the root of the tree."""

    path: str
    content: str
    mode: str
    gid: int
    sensitive: bool


@dataclasses.dataclass
class Change:
    """A file that is not as it should be, and why."""

    path: str
    reason: str
    before: str = ""
    after: str = ""


@dataclasses.dataclass
class Wanted:
    """All files of a host. ``directories`` are managed whole: what is not wanted there is removed."""

    directories: list[str]
    files: list[WantedFile]
    secrets: list[str]


def unpack(payload: str) -> Wanted:
    """Return what the model packed."""
    data = json.loads(zlib.decompress(base64.b64decode(payload)))
    return Wanted(data["directories"], [WantedFile(**item) for item in data["files"]], data["secrets"])


def plan(root: pathlib.Path, wanted: Wanted) -> list[Change]:
    """Return every difference between the tree below *root* and what is wanted."""
    changes = [change for change in (_compare(root, file, wanted.secrets) for file in wanted.files) if change]
    return changes + [Change(path, "not wanted any more", before="(removed)\n") for path in _leftovers(root, wanted)]


def apply(root: pathlib.Path, wanted: Wanted, changes: t.Iterable[Change]) -> None:
    """Make the changes that :func:`plan` found; each file is replaced in one step."""
    files = {file.path: file for file in wanted.files}
    for change in changes:
        if change.path in files:
            _write(root, files[change.path])
        else:
            (root / change.path).unlink()
            _remove_empty(root, (root / change.path).parent)


def _compare(root: pathlib.Path, file: WantedFile, secrets: list[str]) -> Change | None:
    path = root / file.path
    try:
        current = path.read_text(encoding="utf-8", errors="replace")
        status = path.stat()
    except FileNotFoundError:
        return Change(file.path, "new", "", _mask(file.content, secrets, file.sensitive))
    if current != file.content:
        before, after = _mask(current, secrets, file.sensitive), _mask(file.content, secrets, file.sensitive)
        return Change(file.path, "content" if before != after else "a secret", before, after)
    mode = f"{status.st_mode & 0o7777:04o}"
    if (mode, status.st_uid, status.st_gid) != (file.mode, 0, file.gid):
        return Change(file.path, f"mode {mode} {status.st_uid}:{status.st_gid} -> {file.mode} 0:{file.gid}")
    return None


def _mask(text: str, secrets: list[str], sensitive: bool) -> str:
    """Return *text* with secrets blotted out; of a sensitive file also every value that its own lines call a secret."""
    for secret in secrets:
        text = text.replace(secret, _MASK)
    return "".join(_mask_line(line) for line in text.splitlines(keepends=True)) if sensitive else text


_SECRET_WORDS = ("password", "secret", "connection", "transport_url", "key", "default_pass")


def _mask_line(line: str) -> str:
    for separator in ("=", ":"):
        name, found, _value = line.partition(separator)
        if found:
            hidden = any(word in name.strip().lower() for word in _SECRET_WORDS)
            return f"{name}{separator} {_MASK}\n" if hidden else line
    # a line without a name, such as a key file, is all secret
    return f"{_MASK}\n" if line.strip() and not line.lstrip().startswith(("[", "#", "{", "}")) else line


def _leftovers(root: pathlib.Path, wanted: Wanted) -> list[str]:
    known = {file.path for file in wanted.files}
    found = []
    for directory in wanted.directories:
        for base, _directories, names in os.walk(root / directory):
            found += [str((pathlib.Path(base) / name).relative_to(root)) for name in names]
    return sorted(path for path in found if path not in known)


def _write(root: pathlib.Path, file: WantedFile) -> None:
    path = root / file.path
    _make_directories(root, path.parent, file.gid)
    scratch = path.with_name(f".{path.name}.new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(file.content)
        os.fchown(stream.fileno(), 0, file.gid)
        os.fchmod(stream.fileno(), int(file.mode, 8))
    scratch.replace(path)


def _make_directories(root: pathlib.Path, directory: pathlib.Path, gid: int) -> None:
    if directory == root:
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
        return
    _make_directories(root, directory.parent, gid)
    if not directory.exists():
        directory.mkdir()
        os.chown(directory, 0, gid)
        directory.chmod(0o750)


def _remove_empty(root: pathlib.Path, directory: pathlib.Path) -> None:
    while directory != root and not any(directory.iterdir()):
        directory.rmdir()
        directory = directory.parent
