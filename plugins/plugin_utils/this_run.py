# SPDX-License-Identifier: Apache-2.0
"""Which run of Ansible this is, and whether another one has ended."""

from __future__ import annotations

import getpass
import os
import pathlib
import socket
import time
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Holder


def this_run() -> dict[str, t.Any]:
    """Return what tells this run of Ansible from all others; each task runs in a child of it."""
    pid = os.getppid()
    where = socket.gethostname()
    return {"run": f"{where}/{pid}/{_begun(pid)}", "who": getpass.getuser(), "where": where, "pid": pid, "seen": time.time()}


def has_ended(holder: Holder | None, where: str) -> bool:
    """Return whether the run *holder* is known to have ended, because it was one of this machine."""
    return holder is not None and holder.where == where and holder.run != f"{where}/{holder.pid}/{_begun(holder.pid)}"


def _begun(pid: int) -> str:
    """Return when a process began, in the kernel's ticks since boot, with the boot; empty if it is not there."""
    try:
        ticks = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        return f"{pathlib.Path('/proc/sys/kernel/random/boot_id').read_text(encoding='utf-8').strip()}/{ticks}"
    except OSError:
        return ""
