# SPDX-License-Identifier: Apache-2.0
"""Detached one-shot containers with progress: started, left alone, and asked from time to time how far they are."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common.wait import wait_until
from ansible_collections.caisson.openstack.plugins.module_utils.engine.attach import tell
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec

_POLL_INTERVAL = 0.5  # seconds


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a command has said so far; ``rc`` is None while it runs."""

    rc: int | None
    stdout: str
    stderr: str


class DetachedRunner(Engine):
    """Starts detached containers and follows them. All methods raise :class:`EngineError`."""

    def launch(self, spec: ContainerSpec, image_id: str, cloud: str, stdin: bytes, labels: t.Mapping[str, str] | None = None) -> None:
        """Start a container that reads *stdin*, with further *labels*; one of its name that a killed run left behind is removed."""
        self.remove(spec.name)
        own = {specs.LABEL_CLOUD: cloud, specs.LABEL_SERVICE: spec.service}
        body = {"name": spec.name, "labels": {**own, **(labels or {})}, "stdin_open": True}
        self._create(spec, image_id, "no", body)
        try:
            stream = self._call(f"attach to {spec.name}", self._client.attach_socket, spec.name, params={"stdin": 1, "stream": 1})
            self.start(spec.name)
            self._call(f"send its input to {spec.name}", tell, stream, stdin)
        except EngineError:
            self.remove(spec.name)
            raise

    def progress(self, name: str) -> Progress:
        """Return how far the container is.

        Raises:
            EngineError: if it does not exist any more.
        """
        state = self.container(name)
        if state is None:
            raise EngineError(f"container {name} was removed by another process while it ran")
        # asked before the output is read, so that nothing is missing when the command has ended
        rc = None if state.status in ("created", "running") else state.exit_code
        stdout, stderr = (
            self._call(f"read the output of {name}", self._client.logs, state.id, **choice).decode(errors="replace")
            for choice in ({"stdout": True, "stderr": False}, {"stdout": False, "stderr": True})
        )
        return Progress(rc, stdout, stderr)

    def follow(self, name: str, patience: float, remaining: float) -> Progress:
        """Wait until the container has ended, and remove it, or until *patience* is over; both times in seconds.

        A container that has not ended after *remaining* seconds is removed, too; its exit code is then 124.
        """
        wait_until(lambda: self.progress(name).rc is not None, min(patience, remaining), _POLL_INTERVAL)
        progress = self.progress(name)
        if progress.rc is None and remaining <= patience:
            progress = Progress(124, progress.stdout, f"{progress.stderr}\nstopped at its time limit (timeout)")
        if progress.rc is not None:
            self.remove(name)
        return progress
