# SPDX-License-Identifier: Apache-2.0
"""Make the backup of one host: check, encrypt each part into an unfinished directory, then give that its name and remove old backups."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import functools
import os
import pathlib
import shutil
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.backup import encryption
from ansible_collections.caisson.openstack.plugins.module_utils.backup import manifest as backups
from ansible_collections.caisson.openstack.plugins.module_utils.backup.encryption import Encryptor
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError
from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write
from ansible_collections.caisson.openstack.plugins.module_utils.engine.attach import Sink
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import BackupSpec

_KIBIBYTE = 2**10


@dataclasses.dataclass(frozen=True, kw_only=True)
class BackupRequest:
    """A backup to make: its name, what goes into it, and how many backups stay.

    ``secrets`` is the content of the controller's secrets file, empty if another host's backup has it. ``hosts`` are all hosts with data.
    """

    name: str
    parts: list[BackupSpec]
    secrets: bytes
    cloud: str
    release: str
    host: str
    hosts: list[str]
    keep: int

    @property
    def part_names(self) -> list[str]:
        """Names of all parts, the secrets included."""
        return [*([backups.SECRETS] if self.secrets else []), *(part.name for part in self.parts)]


@dataclasses.dataclass(frozen=True)
class BackupPlan:
    """The backups of a host before and after, those that are removed, and the files of the new one."""

    before: list[str]
    after: list[str]
    removed: list[str]
    files: list[str]


class HostBackups:
    """The backups of one host.

    Args:
        engine: the host's engine.
        directory: where the backups are, a directory for each.
        encryptor: makes the encrypted files in the directory that it is given.
        timeout: seconds that one part may take.
    """

    def __init__(self, engine: Engine, directory: pathlib.Path, encryptor: t.Callable[[pathlib.Path], Encryptor], timeout: int) -> None:
        self._engine = engine
        self._directory = directory
        self._encryptor = encryptor
        self._timeout = timeout

    def plan(self, request: BackupRequest) -> BackupPlan:
        """Return what *request* would change.

        Raises:
            BackupError: if the data cannot be read, there is no space for them, or the name is taken.
            EngineError: if the engine refuses.
        """
        existing = next(path for path in (self._directory, *self._directory.parents) if path.exists())
        size = sum(self._size(part) for part in request.parts)
        backups.check_space(size, shutil.disk_usage(existing).free, str(self._directory))
        before = backups.finished(self._directory, request.cloud)
        if request.name in before:
            raise BackupError(f"{self._directory / request.name} exists already")
        all_names = [*before, request.name]
        removed = backups.surplus(all_names, request.keep)
        files = [backups.MANIFEST, *map(backups.encrypted_name, request.part_names)]
        return BackupPlan(before, [name for name in all_names if name not in removed], removed, files)

    def make(self, request: BackupRequest) -> int:
        """Make the backup and return its size in bytes; if that fails nothing is left of it.

        Raises:
            BackupError: if another backup is being made, or a part cannot be read, encrypted or verified.
            EngineError: if the engine refuses.
            OSError: if the file system refuses.
        """
        with _alone(self._directory):
            scratch = self._directory / f"{request.name}{backups.UNFINISHED}"
            for left in self._directory.glob(f"*{backups.UNFINISHED}"):
                shutil.rmtree(left)
            scratch.mkdir(mode=0o700)
            try:
                manifest = self._fill(scratch, request)
                for path in (*scratch.iterdir(), scratch):
                    atomic_write.sync(path)
                scratch.rename(self._directory / request.name)
                atomic_write.sync(self._directory)
            except BaseException:
                shutil.rmtree(scratch, ignore_errors=True)
                raise
            return sum(part.size for part in manifest.parts)

    def remove(self, names: t.Iterable[str]) -> list[str]:
        """Remove backups; return why some of them could not be removed."""
        errors = []
        with _alone(self._directory):
            for name in names:
                try:
                    shutil.rmtree(self._directory / name)
                except OSError as error:
                    errors.append(f"cannot remove the old backup {name}: {error}")
        return errors

    def _size(self, part: BackupSpec) -> int:
        """Return how many bytes the data of a part take now; its container must run."""
        name = part.container.name
        state = self._engine.container(name)
        if state is None or not state.running:
            raise BackupError(f"{part.name}: container {name} does not run on this host, and its data can only be read while it does")
        shown = self._engine.exec(name, ["sh", "-c", 'du -sk "$0" 2>/dev/null', part.path]).stdout.split()
        if not shown:
            raise BackupError(f"{part.name}: container {name} has no {part.path}")
        return int(shown[0]) * _KIBIBYTE

    def _fill(self, scratch: pathlib.Path, request: BackupRequest) -> backups.Manifest:
        encryptor = self._encryptor(scratch)
        manifest = backups.Manifest(
            cloud=request.cloud,
            release=request.release,
            host=request.host,
            hosts=request.hosts,
            time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            parts=[],
        )
        if request.secrets:
            manifest.parts.append(encryptor.encrypt_bytes(backups.SECRETS, request.secrets))
        for part in request.parts:
            encrypted = encryptor.encrypt(part.name, functools.partial(self._read, part))
            encrypted.image, encrypted.volumes = part.container.image, part.volumes
            manifest.parts.append(encrypted)
        for encrypted in manifest.parts:
            encryptor.verify(encrypted)
        atomic_write.write(scratch / backups.MANIFEST, backups.dump(manifest, encryptor.keys[0]))
        return manifest

    def _read(self, part: BackupSpec, sink: Sink) -> None:
        result = self._engine.exec(part.container.name, part.command, timeout=self._timeout, sink=sink)
        encryption.succeed(f"read {part.name} in container {part.container.name}", result)


@contextlib.contextmanager
def _alone(directory: pathlib.Path) -> t.Iterator[None]:
    """Create the directory and keep other backups away from it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupError(f"another backup is being made in {directory}; wait for it") from None
    finally:
        os.close(descriptor)
