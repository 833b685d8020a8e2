# SPDX-License-Identifier: Apache-2.0
"""Where a host keeps which cloud it belongs to, and what else tells it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write, dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import state_file
from ansible_collections.caisson.openstack.plugins.module_utils.identity import identity
from ansible_collections.caisson.openstack.plugins.module_utils.identity.identity import Expected, Record, Seen

SECTION = "identity"
#: A second copy, beside the configuration: a state file that was lost or is another host's is noticed.
COPY = "/etc/caisson/cloud.json"
CONFIGURATION = "/etc/caisson"
#: What a machine is known by, the most reliable first.
_MACHINE = {"product": "/sys/class/dmi/id/product_uuid", "system": "/etc/machine-id"}
_LARGEST = 2**20  # bytes of a file that is searched
_WORD = re.compile(rb"[A-Za-z0-9_-]{16,}")  # what secrets are made of that the collection makes


@dataclasses.dataclass(frozen=True)
class Places:
    """Where things are on a host."""

    state: str = state_file.DEFAULT_PATH
    copy: str = COPY
    configuration: str = CONFIGURATION


def machine() -> dict[str, str]:
    """Return digests of what identifies the machine; what changes with each boot is left out."""
    mounts, found = _mount_points(), {}
    for name, path in _MACHINE.items():
        try:
            text = pathlib.Path(path).read_text(encoding="utf-8").strip().lower()
        except (OSError, UnicodeDecodeError):
            continue
        # systemd mounts one that is made at boot over a file that it cannot write
        if text and path not in mounts:
            found[name] = hashlib.sha256(f"caisson {name} {text}".encode()).hexdigest()[:16]
    return found


def _mount_points(mountinfo: str = "/proc/self/mountinfo") -> set[str]:
    """Return all mount points; see proc_pid_mountinfo(5).

    A file's device number does not tell: where the root file system is an overlay, a file may have another one than its directory.
    """
    return {line.split()[4] for line in pathlib.Path(mountinfo).read_text("utf-8", "surrogateescape").splitlines()}


def look(expected: Expected, containers: t.Iterable[str], places: Places) -> Seen:
    """Return what the host has; *containers* are the names of those of the cloud, empty for a job."""
    damaged = []
    record = copy = None
    try:
        record = _load(state_file.StateFile(places.state).section(SECTION), places.state)
    except (state_file.StateError, ValueError) as error:
        damaged.append(str(error).partition(";")[0])
    try:
        copy = _load(json.loads(pathlib.Path(places.copy).read_text(encoding="utf-8")), places.copy)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        damaged.append(f"cannot read {places.copy}: {str(error).partition(';')[0]}")
    names = tuple(sorted(filter(None, containers)))
    return Seen(
        record=record,
        copy=copy,
        state_file=pathlib.Path(places.state).exists(),
        machine=machine(),
        containers=names,
        agrees=bool(names and not record and not copy and _agrees(expected, places.configuration)),
        damaged=tuple(damaged),
    )


def keep(record: Record, places: Places, forget: bool = False) -> None:
    """Write both copies; with *forget* nothing else of the state file stays.

    Raises:
        OSError: if the host refuses.
    """
    if forget:
        pathlib.Path(places.state).unlink(missing_ok=True)
    copy = pathlib.Path(places.copy)
    copy.parent.mkdir(parents=True, exist_ok=True)
    atomic_write.write(copy, json.dumps(dataclasses.asdict(record), indent=1) + "\n")
    state_file.StateFile(places.state).replace(SECTION, dataclasses.asdict(record))


def _load(data: t.Any, where: str) -> Record | None:
    try:
        return dataclass_spec.load(Record, data, where) if data != {} else None
    except dataclass_spec.SchemaError as error:
        raise ValueError(f"{where} was not written by this collection ({' '.join(str(error).split())})") from error


def _agrees(expected: Expected, directory: str) -> bool:
    """Return whether a secret of the controller is in the configuration of the host."""
    wanted = set(expected.proof)
    for path in pathlib.Path(directory).rglob("*"):
        if path.is_file() and path.stat().st_size <= _LARGEST:
            words = {word.decode() for word in _WORD.findall(path.read_bytes())}
            if wanted & {identity.proof(expected.salt, word) for word in words}:
                return True
    return False
