# SPDX-License-Identifier: Apache-2.0
"""What a backup is: a directory of encrypted parts and a manifest. Pure, but for looking into directories.

The manifest is readable without the key, so that anything can ask how old a backup is. It is signed with the key: whoever has
only the public half of it could encrypt a part, but not put it into a backup.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import pathlib
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec

#: Version of the layout that this file describes.
FORMAT = 1
MANIFEST = "manifest.json"
#: The part that holds the controller's file of secrets.
SECRETS = "secrets"
#: Ends the name of a backup that is being made, or whose making was cut off.
UNFINISHED = ".partial"
_SIGNATURE = "signature"
_MEBIBYTE = 1 << 20


class BackupError(Exception):
    """A backup cannot be made or used; the message says why and what to do."""


@dataclasses.dataclass
class Part:
    """An encrypted file: sizes in bytes and digests, of the file and of what it holds. ``image`` is what read the content."""

    name: str
    size: int
    sha256: str
    content_size: int
    content_sha256: str
    image: str = ""
    volumes: list[str] = dataclasses.field(default_factory=list)

    @property
    def file(self) -> str:
        """Name of the file in the backup's directory."""
        return encrypted_name(self.name)


@dataclasses.dataclass
class Manifest:
    """What a backup of one host holds; ``hosts`` are all that have one of the same name, ``time`` is UTC."""

    cloud: str
    release: str
    host: str
    hosts: list[str]
    time: str
    parts: list[Part]
    format: int = FORMAT

    def part(self, name: str) -> Part | None:
        """Return one part, or None."""
        return next((part for part in self.parts if part.name == name), None)


def encrypted_name(part: str) -> str:
    """Return the name of the file of a part."""
    return f"{part}.zst.age"


def keys(identity: str) -> list[str]:
    """Return the private keys in the text of a key file; the first is in use, the others open what it cannot.

    Raises:
        BackupError: if there is none.
    """
    found = re.findall(r"^AGE-SECRET-KEY-1[0-9A-Z]+$", identity, re.MULTILINE)
    if not found:
        raise BackupError("the key file of backups contains no age key (a line AGE-SECRET-KEY-1...)")
    return found


def dump(manifest: Manifest, key: str) -> str:
    """Return the text of a manifest, signed with a private *key*."""
    data = dataclasses.asdict(manifest)
    return json.dumps({**data, _SIGNATURE: _signature(data, key)}, indent=1) + "\n"


def load(text: str, private_keys: t.Iterable[str], where: str) -> Manifest:
    """Return what the text of a manifest says, if it was signed with one of *private_keys*; *where* names it in messages.

    Raises:
        BackupError: if it was not, or is not one that this version can read.
    """
    try:
        data = json.loads(text)
        signature = data.pop(_SIGNATURE)
        number = data.get("format")
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise BackupError(f"{where} is damaged: it is not a signed manifest") from error
    if number != FORMAT:
        raise BackupError(f"{where} has format {number}, this version of the collection reads {FORMAT}; use the version that made it")
    if not any(hmac.compare_digest(str(signature), _signature(data, key)) for key in private_keys):
        raise BackupError(f"{where} was not signed with the key of this inventory: it belongs to another cloud, or was changed")
    try:
        return dataclass_spec.load(Manifest, data, where)
    except dataclass_spec.SchemaError as error:
        raise BackupError(f"{where} is damaged: {error}") from error


def _signature(data: t.Mapping[str, t.Any], key: str) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def misfits(manifest: Manifest, cloud: str, release: str, host: str) -> list[str]:
    """Return why a backup must not be restored to a host of a cloud, one sentence for each reason."""
    found = []
    if manifest.cloud != cloud:
        found.append(f"it belongs to cloud {manifest.cloud}, this one is {cloud} (cloud_name)")
    if manifest.host != host:
        found.append(f"it belongs to host {manifest.host}, this one is {host}")
    if _version(manifest.release) > _version(release):
        found.append(f"it is of release {manifest.release}, newer than {release} (cloud_release): databases cannot be downgraded")
    return found


def _version(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))


def finished(directory: pathlib.Path, cloud: str) -> list[str]:
    """Return the names of the backups of *cloud* in a directory, the oldest first."""
    pattern = re.compile(re.escape(cloud) + r"-\d{8}T\d{6}Z")
    found = [path.parent.name for path in directory.glob(f"*/{MANIFEST}")]
    return sorted(name for name in found if pattern.fullmatch(name))


def surplus(names: t.Sequence[str], keep: int) -> list[str]:
    """Return which of *names*, the oldest first, are too many."""
    return list(names[: max(0, len(names) - keep)])


def check_space(needed: int, free: int, directory: str) -> None:
    """Refuse to begin what might not fit; *needed* and *free* in bytes.

    Raises:
        BackupError: if less is free than the data take before they are compressed.
    """
    if needed > free:
        what = f"{directory} has {free // _MEBIBYTE} MiB free, the data take up to {-(-needed // _MEBIBYTE)} MiB"
        raise BackupError(f"{what}; make room, or name another directory (backup_dir)")


class Measure:
    """Counts and digests what goes by."""

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()

    def __call__(self, data: bytes) -> None:
        """Take one piece."""
        self.size += len(data)
        self._digest.update(data)

    @property
    def sha256(self) -> str:
        """Digest of all pieces so far, in hexadecimal."""
        return self._digest.hexdigest()


def measure_file(path: pathlib.Path) -> Measure:
    """Return size and digest of a file.

    Raises:
        OSError: if it cannot be read.
    """
    measure = Measure()
    with path.open("rb") as stream:
        while piece := stream.read(_MEBIBYTE):
            measure(piece)
    return measure
