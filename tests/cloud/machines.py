# SPDX-License-Identifier: Apache-2.0
"""Processes of the cloud's virtual machines on this host, without those of hosts that are containers of it."""

from __future__ import annotations

import contextlib
import pathlib


def machines() -> list[int]:
    """Return the process ids of virtual machines that Nova made; others may run on this machine."""
    found, own = [], pathlib.Path("/proc/self/ns/pid").readlink()
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            arguments = (path / "cmdline").read_text(errors="replace").split("\0")
            ours = "qemu-system" in arguments[0] and any(argument.startswith("guest=instance-") for argument in arguments)
            if ours and (path / "ns/pid").readlink() == own:
                found.append(int(path.name))
    return found


def machine() -> int:
    """Return the process id of the one virtual machine."""
    (found,) = machines()
    return found
