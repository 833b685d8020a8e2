# SPDX-License-Identifier: Apache-2.0
"""Which mounts of a host its containers see. Pure; for the format see proc_pid_mountinfo(5)."""

from __future__ import annotations


def propagation(mountinfo: str, path: str) -> tuple[str, bool]:
    """Return the mount point that holds *path*, and whether its mounts are shared."""
    best, shared = "", False
    for line in mountinfo.splitlines():
        fields = line.split()
        point = fields[4]
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, shared = point, any(field.startswith("shared:") for field in fields[6 : fields.index("-")])
    return best, shared
