# SPDX-License-Identifier: Apache-2.0
"""The container in which the prober runs: start, stop, and what is needed to do so."""

from __future__ import annotations

import dataclasses
import ipaddress
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common.wait import wait_until
from ansible_collections.caisson.openstack.plugins.module_utils.engine import scripts
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.detached import DetachedRunner
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import LABEL, ContainerSpec, digest
from ansible_collections.caisson.openstack.plugins.module_utils.prober import answers

#: Label with a digest of what the container was started with.
_PARAMETERS = f"{LABEL}parameters"
#: Where the directory of the answers is in the container.
_MOUNT = pathlib.PurePosixPath("/answers")
_START_TIMEOUT = 20.0  # seconds
_POLL_INTERVAL = 0.1


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProberSettings:
    """What the prober does: its program, where it logs in, what it asks each API, what it pings, and how often; times in seconds."""

    script: str
    image: str
    directory: str
    region: str
    auth: t.Mapping[str, t.Any]
    probes: t.Mapping[str, t.Any]
    addresses: list[str]
    interval: float
    ping_interval: float
    limit: int

    def source(self) -> str:
        """Return the program with its parameters.

        Raises:
            ValueError: if something to ping is no IPv4 address.
        """
        names = ("region", "interval", "ping_interval", "limit")
        parameters = {
            "auth": dict(self.auth),
            "probes": dict(self.probes),
            **{name: getattr(self, name) for name in names},
            "addresses": [str(ipaddress.IPv4Address(address)) for address in self.addresses],
            "file": str(_MOUNT / answers.FILE),
        }
        return scripts.program(self.script, parameters)

    def spec(self, name: str) -> ContainerSpec:
        """Return the specification of the container."""
        return ContainerSpec(
            name=name,
            service="prober",
            image=self.image,
            # without what is installed beside the standard library it starts at once
            command=["/usr/bin/python3", "-ISu", "-"],
            volumes=[f"{self.directory}:{_MOUNT}"],
            # a ping needs a raw socket
            capabilities=["NET_RAW"] if self.addresses else [],
            # two tries of a request that is under way, then two requests to clean up
            stop_timeout=4 * self.limit + 10,
        )


class ProberContainer:
    """The container of the prober on one host; all methods raise :class:`EngineError`."""

    def __init__(self, engine: DetachedRunner, cloud: str, name: str) -> None:
        self._engine, self._cloud, self._name = engine, cloud, name
        self._current = engine.container(name)

    def start(self, settings: ProberSettings, check: bool) -> tuple[str, str]:
        """Start it, unless it runs with the same settings or *check* is set; return its state before and after in words.

        Raises:
            ValueError: if something to ping is no IPv4 address.
            OSError: if the directory of the answers cannot be created.
        """
        source, spec = settings.source(), settings.spec(self._name)
        image_id = self._engine.require_image(spec.image)
        parameters = digest([source, spec.compared(), image_id])
        before = self._state()
        if self._current and self._current.running:
            if self._current.labels.get(_PARAMETERS) == parameters:
                return before, before
            before += " with other parameters"
        if not check:
            self.stop(check)
            file = pathlib.Path(settings.directory) / answers.FILE
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            size = _size(file)
            self._engine.launch(spec, image_id, self._cloud, source.encode(), {_PARAMETERS: parameters})
            self._wait(file, size)
        return before, "runs"

    def stop(self, check: bool) -> tuple[str, str]:
        """Let it end, and remove it, unless *check* is set; return its state before and after in words."""
        if self._current and not check:
            if self._current.running:
                self._engine.stop(self._name, self._current.stop_timeout)
            self._engine.remove(self._name)
        return self._state(), "absent"

    def _state(self) -> str:
        if not self._current:
            return "absent"
        return "runs" if self._current.running else "ended"

    def _wait(self, file: pathlib.Path, size: int) -> None:
        """Wait until the prober writes its first answer."""

        def has_outcome() -> bool:
            return _size(file) != size or self._engine.progress(self._name).rc is not None

        wait_until(has_outcome, _START_TIMEOUT, _POLL_INTERVAL)
        if _size(file) == size:
            lines = self._engine.progress(self._name).stderr.strip().splitlines()
            raise EngineError(f"the prober did not start: {lines[-1] if lines else f'nothing was written to {file}'}")


def _size(file: pathlib.Path) -> int:
    return file.stat().st_size if file.exists() else 0
