# SPDX-License-Identifier: Apache-2.0
"""Wait for hosts that boot."""

from __future__ import annotations

import time
import typing as t

from testinfra.host import Host

_PATIENCE = 300  # seconds


def wait(what: str, done: t.Callable[[], bool], patience: float = _PATIENCE) -> None:
    """Wait until *done*, for *patience* seconds; a host that is booting may refuse to be asked."""
    deadline = time.monotonic() + patience
    while True:
        try:
            if done():
                return
        except (AssertionError, RuntimeError):
            pass
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}"
        time.sleep(2)


def unhealthy(host: Host) -> list[str]:
    """Return the containers of a host's services that are not healthy by the engine's own check."""
    rows = host.check_output("docker ps --all --filter label=org.caisson.container --format '{{.Names}} {{.Status}}'").splitlines()
    return [row for row in rows if "(healthy)" not in row]
