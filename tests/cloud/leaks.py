# SPDX-License-Identifier: Apache-2.0
"""Look for secrets wherever they could show: processes, the engine, logs, what Ansible leaves behind."""

from __future__ import annotations

import contextlib
import functools
import json
import pathlib
import re
import typing as t

import docker

from tests.cloud.background import Background
from tests.cloud.conftest import OWN

#: Shorter texts would be found by chance.
_SHORTEST = 12
LOGS = pathlib.Path("/var/log/caisson")
#: Where Ansible keeps facts and modules, and this collection what it remembers of a host.
REMAINS = (pathlib.Path.home() / ".ansible" / "tmp", pathlib.Path.home() / ".ansible" / "facts", pathlib.Path("/var/lib/caisson"))
PROC = pathlib.Path("/proc")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n(.*?)-----END", re.DOTALL)


def _telling(text: str) -> str:
    """Return the line of *text* that no other has: of a private key the longest but the first, which tells its kind only.

    What else is in the text, such as the certificate of the key, is public.
    """
    key = _PRIVATE_KEY.search(text)
    return max(key[1].split()[1:] if key else text.splitlines(), key=len, default="")


def texts(value: t.Any) -> t.Iterator[str]:
    """Yield what to look for: the telling line of every text in nested data."""
    if isinstance(value, str):
        line = _telling(value)
        if len(line) >= _SHORTEST:
            yield line
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(item)


class Secrets:
    """Secrets by name; they are found, but never shown."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def add(self, values: t.Mapping[str, t.Any]) -> None:
        """Look for these from now on."""
        for name, value in values.items():
            self._values.update(dict.fromkeys(texts(value), name))

    def __len__(self) -> int:
        """How many texts are looked for."""
        return len(self._values)

    def found(self, where: str, text: str) -> list[str]:
        """Return the place and the name of each secret in *text*."""
        return sorted({f"{where}: {name}" for value, name in list(self._values.items()) if value in text})


class Watcher(Background):
    """Looks at all processes and all containers of the cloud again and again while it is entered.

    What it saw is kept and searched at the end, because a run makes secrets that are not known before.
    """

    def __init__(self, interval: float = 0.15) -> None:
        super().__init__(*(functools.partial(self._watch, look) for look in (self._processes, self._containers)))
        self._interval = interval
        self._client = docker.APIClient()
        self._described: set[str] = set()
        self.seen: set[tuple[str, str]] = set()
        self.rounds = 0

    def _watch(self, look: t.Callable[[], None]) -> None:
        while not self._stop.is_set():
            look()
            self.rounds += 1
            self._stop.wait(self._interval)

    def _processes(self) -> None:
        for path in PROC.glob("[0-9]*"):
            for part in ("cmdline", "environ"):
                with contextlib.suppress(OSError):  # it ended
                    self.seen.add((f"process {part}", (path / part).read_text(errors="replace")))

    def _containers(self) -> None:
        for row in self._client.containers(all=True, filters=OWN):
            # one that starts, and the same one that runs, may show different things
            if (key := row["Id"] + row["State"]) not in self._described:
                self._described.add(key)
                with contextlib.suppress(docker.errors.NotFound):
                    self.seen.add((f"inspect of {row['Names'][0]}", json.dumps(self._client.inspect_container(row["Id"]))))

    def found(self, secrets: Secrets) -> list[str]:
        """Return what was seen of secrets."""
        return sorted({line for where, text in self.seen for line in secrets.found(where, text)})


def at_rest(secrets: Secrets) -> list[str]:
    """Return where secrets are in what the engine keeps of the cloud's containers and of images, in logs, and in what runs left behind."""
    client = docker.APIClient()
    lines: list[str] = []
    for row in client.containers(all=True, filters=OWN):
        name = row["Names"][0]
        with contextlib.suppress(docker.errors.NotFound):  # one of another test was removed meanwhile
            lines += secrets.found(f"inspect of {name}", json.dumps(client.inspect_container(row["Id"])))
            lines += secrets.found(f"log of {name}", client.logs(row["Id"]).decode(errors="replace"))
    for row in client.images():
        with contextlib.suppress(docker.errors.NotFound):  # another test removed it
            shown = json.dumps([client.history(row["Id"]), client.inspect_image(row["Id"])])
            lines += secrets.found(f"image {row['RepoTags']}", shown)
    for root in (LOGS, *REMAINS):
        for path in root.rglob("*") if root.is_dir() else ():
            if path.is_file():
                with contextlib.suppress(FileNotFoundError):  # another run of Ansible removed it
                    lines += secrets.found(str(path), path.read_text(errors="replace"))
    return lines
