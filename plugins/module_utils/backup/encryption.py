# SPDX-License-Identifier: Apache-2.0
"""Encrypted files: compressed with zstd, encrypted and authenticated with age (https://age-encryption.org/v1).

Both tools run in one-shot containers of the client image, so that hosts need neither. The private key goes in by standard
input and is nowhere else; data pass through pipes and are never on disk unencrypted.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.backup import manifest as backups
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError, Measure, Part
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.attach import Sink
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec

#: Options of every module that reads or writes encrypted files; see the documentation fragment of the same name.
ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "directory": {"type": "path", "required": True},
    "identity": {"type": "str", "required": True, "no_log": True},
    "image": {"type": "str", "required": True},
    "timeout": {"type": "int", "default": 3600},
    **arguments.ENGINE,
    **arguments.CLOUD,
}
#: Which host a backup belongs to, and the release that it is for; see the part ``host`` of that fragment.
HOST_SPEC: dict[str, dict[str, t.Any]] = {"host": {"type": "str", "required": True}, "release": {"type": "str", "required": True}}
_PIECE = 1 << 16
_DIRECTORY = "/backup"
_ENCRYPT = 'set -o pipefail; umask 077; zstd --quiet -T0 | age --recipient "$0" --output "/backup/$1"'
_OPEN = 'set -o pipefail; age --decrypt --identity - "/backup/$0" | zstd --quiet --decompress'


def pipe(produce: t.Callable[[Sink], object], consume: t.Callable[[t.Iterator[bytes]], object]) -> None:
    """Run both at the same time, what the first writes being what the second reads; neither holds more than a piece in memory.

    Raises:
        Exception: that of the reader, or else of the writer, which fails in any case when nobody reads.
    """
    reading, writing = os.pipe()

    def feed() -> None:
        with os.fdopen(writing, "wb") as stream:
            produce(stream.write)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        fed = pool.submit(feed)
        with os.fdopen(reading, "rb", buffering=0) as stream:
            pieces = iter(lambda: stream.read(_PIECE), b"")
            consume(pieces)
            # it may know that it has all before the writer has ended
            for _piece in pieces:
                pass
        fed.result()


def succeed(what: str, result: ExecResult, meaning: str = "") -> None:
    """Refuse a command that did not succeed, with the last of what it said and, unless it took too long, what that means.

    Raises:
        BackupError: names *what* it should have done.
    """
    if result.rc:
        # MariaDB quotes the end of a statement that it refuses, and that is data
        said = "\n".join(line.split(" near ")[0] for line in result.stderr.splitlines()[-5:])
        reason = "it took longer than backup_timeout" if result.rc == 124 else (meaning or f"exit code {result.rc}")
        raise BackupError(f"cannot {what}: {reason}; output: {said or 'none'}")


def _both(first: Sink, second: Sink) -> Sink:
    def give(data: bytes) -> None:
        first(data)
        second(data)

    return give


class Encryptor:
    """Makes and opens the encrypted files of one directory of a host.

    Args:
        engine: the host's engine.
        image: reference of the client image.
        cloud: name of the cloud, kept as a label.
        identity: text of the key file.
        directory: where the files are.
        timeout: seconds that one file may take.

    Raises:
        BackupError: if the key file holds no key; the methods if something fails, or is not what it was.
    """

    def __init__(self, engine: Engine, image: str, cloud: str, identity: str, directory: pathlib.Path, timeout: int) -> None:
        self.keys = backups.keys(identity)
        self._engine = engine
        self._image = image
        self._cloud = cloud
        self._directory = directory
        self._timeout = timeout
        self._known_recipient = ""

    def encrypt(self, name: str, produce: t.Callable[[Sink], object]) -> Part:
        """Make the file of part *name* of what *produce* writes."""
        content = Measure()
        file = backups.encrypted_name(name)
        command = ["bash", "-c", _ENCRYPT, self._recipient(), file]
        pipe(
            lambda sink: produce(_both(content, sink)),
            lambda pieces: succeed(f"encrypt {name}", self._run("encrypt", command, pieces, "rw")),
        )
        encrypted = backups.measure_file(self._directory / file)
        return Part(name, encrypted.size, encrypted.sha256, content.size, content.sha256)

    def open(self, part: Part, sink: Sink) -> None:
        """Give the content of a part to *sink*; what is not as it was encrypted is found at the end only."""
        content = Measure()
        identity = "\n".join(self.keys).encode()
        result = self._run("open", ["bash", "-c", _OPEN, part.file], identity, "ro", _both(content, sink))
        succeed(f"open {self._directory / part.file}", result, "the backup is damaged, or encrypted with another key")
        if (content.size, content.sha256) != (part.content_size, part.content_sha256):
            raise BackupError(f"{self._directory / part.file} differs from what was backed up: the backup is damaged")

    def encrypt_bytes(self, name: str, content: bytes) -> Part:
        """Make the file of part *name* of what is in memory already."""
        return self.encrypt(name, lambda sink: sink(content))

    def read(self, part: Part) -> bytes:
        """Return the content of a small part."""
        pieces: list[bytes] = []
        self.open(part, pieces.append)
        return b"".join(pieces)

    def verify(self, part: Part) -> None:
        """Refuse a part that is not, down to the last byte, what was encrypted."""
        path = self._directory / part.file
        try:
            encrypted = backups.measure_file(path)
        except OSError as error:
            raise BackupError(f"{path} cannot be read ({error.strerror}): the backup is damaged") from error
        if (encrypted.size, encrypted.sha256) != (part.size, part.sha256):
            raise BackupError(
                f"{path} is not the file that was written ({encrypted.size} bytes, {part.size} expected): the backup is damaged"
            )
        self.open(part, lambda _data: None)

    def manifest(self) -> backups.Manifest:
        """Return the signed manifest of the directory."""
        path = self._directory / backups.MANIFEST
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise BackupError(f"{self._directory} is not a complete backup: {path.name} cannot be read ({error})") from error
        return backups.load(text, self.keys, str(path))

    def _recipient(self) -> str:
        """Return the public half of the key in use, which is no secret."""
        if not self._known_recipient:
            result = self._run("key", ["age-keygen", "-y"], self.keys[0].encode(), "ro")
            succeed("use the key file of backups", result)
            self._known_recipient = result.stdout.split()[-1]
        return self._known_recipient

    def _run(
        self, step: str, command: list[str], stdin: bytes | t.Iterable[bytes], access: t.Literal["rw", "ro"], sink: Sink | None = None
    ) -> ExecResult:
        spec = ContainerSpec(
            name=f"backup_{step}",
            service="backup",
            image=self._image,
            command=command,
            volumes=[f"{self._directory}:{_DIRECTORY}:{access}"],
            tmpfs=["/tmp:mode=1777"],
        )
        return run_once(self._engine, spec, self._cloud, stdin, self._timeout, sink)


def new_identity(engine: Engine, image: str, cloud: str) -> str:
    """Return the text of a new key file.

    Raises:
        BackupError: if there is none.
        EngineError: if the image is not on the host, or the engine refuses.
    """
    pieces: list[bytes] = []
    spec = ContainerSpec(name="backup_keygen", service="backup", image=image, command=["age-keygen"])
    succeed("make a key for backups", run_once(engine, spec, cloud, b"", 60, pieces.append))
    return b"".join(pieces).decode()


def run_once(
    engine: Engine, spec: ContainerSpec, cloud: str, stdin: bytes | t.Iterable[bytes], timeout: int, sink: Sink | None = None
) -> ExecResult:
    """Run a one-shot container; one that a killed run left behind goes first.

    Raises:
        EngineError: if its image is not on the host, or the engine refuses.
    """
    return engine.run_once(spec, engine.require_image(spec.image), cloud, stdin, timeout, f"{spec.name}.job", sink)
