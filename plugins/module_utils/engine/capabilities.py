# SPDX-License-Identifier: Apache-2.0
"""What the kernel lets a process do: its capability bounding set."""

from __future__ import annotations

import pathlib

#: Names by bit, from linux/capability.h.
NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
    "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
    "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
    "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip


def names(mask: int) -> list[str]:
    """Return the names of the bits that are set in *mask*, sorted; a bit without a name is its number."""
    bits = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    return sorted(NAMES[bit] if bit < len(NAMES) else str(bit) for bit in bits)


def bounding_set(pid: int, proc: pathlib.Path = pathlib.Path("/proc")) -> list[str] | None:
    """Return the most that process *pid* can ever get, or None if it is gone."""
    try:
        lines = (proc / str(pid) / "status").read_text().splitlines()
    except OSError:
        return None
    return names(int(next(line for line in lines if line.startswith("CapBnd:")).split()[1], 16))
