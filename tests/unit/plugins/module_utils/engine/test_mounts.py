# SPDX-License-Identifier: Apache-2.0
"""Which mount holds a path, and whether it is shared."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import mounts

MOUNTINFO = """\
1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
2 1 0:5 / /run rw,nosuid - tmpfs tmpfs rw
3 2 0:5 /netns /run/netns rw shared:7 master:2 - tmpfs tmpfs rw
4 1 0:6 / /runtime rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "point", "shared"),
    [
        ("/var/lib", "/", True),
        ("/run", "/run", False),
        ("/run/lock", "/run", False),
        ("/run/netns", "/run/netns", True),
        ("/run/netns/x", "/run/netns", True),
        # of the same beginning only
        ("/runners", "/", True),
    ],
)
def test_the_deepest_mount_counts(path: str, point: str, shared: bool) -> None:
    assert mounts.propagation(MOUNTINFO, path) == (point, shared)


def test_of_two_mounts_at_one_point_the_upper_one_counts() -> None:
    assert mounts.propagation(MOUNTINFO + "5 2 0:9 / /run rw shared:9 - tmpfs tmpfs rw\n", "/run") == ("/run", True)
