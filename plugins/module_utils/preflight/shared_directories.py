# SPDX-License-Identifier: Apache-2.0
"""Directories of a host that all hosts of a service share, such as a mount of NFS. Pure, but for :func:`read`."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

#: File systems that a host has for itself.
_LOCAL = re.compile(r"(ext[234]|xfs|btrfs|zfs|f2fs|jfs|reiserfs|vfat|exfat|ntfs3?|tmpfs|ramfs|devtmpfs|overlay|squashfs|iso9660)")


@dataclasses.dataclass(frozen=True)
class SharedDirectory:
    """A directory that must be a mount which other hosts have as well; ``setting`` is the variable that names it."""

    path: str
    setting: str


@dataclasses.dataclass(frozen=True)
class Mount:
    """What is mounted at a path: the kind of the file system, and where it comes from."""

    kind: str
    source: str


def read() -> dict[str, Mount]:
    """Return what is mounted on this host, by mount point."""
    return parse(pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace"))


def parse(mountinfo: str) -> dict[str, Mount]:
    """Return by mount point what ``/proc/self/mountinfo`` shows; see proc_pid_mountinfo(5)."""
    found = {}
    for line in mountinfo.splitlines():
        fields = [re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field) for field in line.split()]
        end = fields.index("-")
        # of mounts upon each other the last one is seen
        root = fields[3].rstrip("/")
        found[fields[4]] = Mount(fields[end + 1], fields[end + 2] + root)
    return found


def errors(directories: t.Iterable[SharedDirectory], mounts: t.Mapping[str, Mount]) -> t.Iterator[str]:
    """Yield why a directory cannot be one that hosts share."""
    for item in directories:
        what, mount = f"{item.setting} is '{item.path}'", mounts.get(_plain(item.path))
        if mount is None:
            yield f"{what}, which is no mount point of this host; mount the shared file system there, at each boot (/etc/fstab)"
        elif _LOCAL.fullmatch(mount.kind):
            yield (
                f"{what}, where this host has a file system of its own ({mount.kind}); mount one there that all hosts share, such as NFS "
                "or CephFS"
            )


def sources(directories: t.Iterable[SharedDirectory], mounts: t.Mapping[str, Mount]) -> dict[str, str]:
    """Return by variable what is mounted at each directory, so that hosts can be compared."""
    found = {item.setting: mounts.get(_plain(item.path)) for item in directories}
    return {setting: f"{mount.source} ({mount.kind})" for setting, mount in found.items() if mount}


def _plain(path: str) -> str:
    return path.rstrip("/") or "/"
