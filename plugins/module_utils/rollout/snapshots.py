# SPDX-License-Identifier: Apache-2.0
"""What the containers of a host were before a rollout came to them: specification, image and configuration, for the way back."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shutil
import stat
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write, dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec

DEFAULT_ROOT = pathlib.Path("/var/lib/caisson/rollout")
_NAME = "snapshot.json"


@dataclasses.dataclass(kw_only=True)
class Snapshot:
    """A container as rollout ``rollout`` found it; without ``spec`` it did not exist. ``digests`` are those of its files by path."""

    rollout: str
    name: str
    spec: t.Optional[ContainerSpec] = None
    digests: dict[str, str] = dataclasses.field(default_factory=dict)


def previous(wanted: ContainerSpec, current: ContainerState) -> ContainerSpec:
    """Return the specification that *current* was made from, to be used with the very image that it runs.

    What steers a run only, and is not kept with a container, is taken from *wanted*.

    Raises:
        ValueError: if something else made the container.
    """
    try:
        kept = json.loads(current.labels.get(specs.LABEL_SPEC, ""))
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        raise ValueError(f"{wanted.name} was not made by this collection and could not be rolled back")
    known = {field.name for field in dataclasses.fields(ContainerSpec)}
    values = dataclasses.asdict(wanted) | {key: value for key, value in kept.items() if key in known}
    values |= {
        "image": current.image_id,
        "protected_processes": current.protected_processes,
        "reload_digest": current.labels.get(specs.LABEL_RELOAD, ""),
    }
    return dataclass_spec.construct(ContainerSpec, values)


class Snapshots:
    """The snapshots of a host.

    Args:
        config: where the configuration of containers is, a directory for each.
        root: where snapshots are kept.
    """

    def __init__(self, config: pathlib.Path, root: pathlib.Path = DEFAULT_ROOT) -> None:
        self._config = config
        self._root = root

    def get(self, name: str) -> Snapshot | None:
        """Return the snapshot of a container, or None.

        Raises:
            OSError: if it cannot be read.
            ValueError: if it is damaged.
        """
        path = self._root / name / _NAME
        try:
            return dataclass_spec.construct(Snapshot, json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
        except (TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"the snapshot {path} is damaged ({error}): restore it, or bring {name} to its definition by hand") from error

    def of_rollout(self, name: str, rollout: str) -> Snapshot | None:
        """Return the snapshot of a container if it was made for *rollout*, or None."""
        found = self.get(name)
        return found if found and found.rollout == rollout else None

    def keep(self, rollout: str, wanted: ContainerSpec, current: ContainerState | None, digests: t.Mapping[str, str]) -> None:
        """Keep what a container is, unless this rollout did so already: a run that was cut off may have changed it since.

        Raises:
            OSError: if it cannot be written; nothing is kept then.
            ValueError: if something else made the container.
        """
        if self.of_rollout(wanted.name, rollout):
            return
        spec = previous(wanted, current) if current else None
        own = {path: value for path, value in digests.items() if path.partition("/")[0] == wanted.name}
        scratch = self._root / f".{wanted.name}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700, parents=True)
        _copy(self._config / wanted.name, scratch / "files")
        text = json.dumps(dataclasses.asdict(Snapshot(rollout=rollout, name=wanted.name, spec=spec, digests=own)))
        atomic_write.write(scratch / _NAME, text)
        shutil.rmtree(self._root / wanted.name, ignore_errors=True)
        scratch.rename(self._root / wanted.name)
        atomic_write.sync(self._root)

    def put_back(self, snapshot: Snapshot) -> None:
        """Put the files of a container back, each in one step; what came since goes.

        Raises:
            OSError: if that is not possible.
        """
        target, source = self._config / snapshot.name, self._root / snapshot.name / "files"
        # the deepest first: a directory that goes is empty by then
        for path in sorted(target.rglob("*"), reverse=True):
            kept = source / path.relative_to(target)
            if path.is_dir() and not kept.is_dir():
                path.rmdir()
            elif not path.is_dir() and not kept.is_file():
                path.unlink()
        _copy(source, target)


def _files(directory: pathlib.Path) -> list[pathlib.Path]:
    """Return all files below a directory, relative to it."""
    return [path.relative_to(directory) for path in sorted(directory.rglob("*")) if not path.is_dir()]


def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copy a tree with modes and owners, each file in one step; a directory that is not there is an empty one."""
    for directory in [source, *(path for path in sorted(source.rglob("*")) if path.is_dir())] if source.is_dir() else []:
        copy = target / directory.relative_to(source)
        copy.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
        os.chown(copy, status.st_uid, status.st_gid)
        copy.chmod(stat.S_IMODE(status.st_mode))
    for path in _files(source):
        atomic_write.copy(source / path, target / path)
