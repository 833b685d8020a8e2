# SPDX-License-Identifier: Apache-2.0
"""A directory that hosts share is a mount, and of a file system that hosts can share."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import shared_directories
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.shared_directories import Mount, SharedDirectory

_MOUNTINFO = r"""
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
90 22 0:50 / /srv/images rw,relatime shared:40 - nfs4 nas:/export/images rw,vers=4.2
91 22 0:51 / /srv/with\040space rw - ceph 192.0.2.5:/images rw
92 22 254:2 / /srv/disk rw - xfs /dev/vdb rw
93 22 0:50 /sub /srv/bound rw - nfs4 nas:/export rw
94 22 254:2 / /srv/hidden rw - xfs /dev/vdb rw
95 94 0:52 / /srv/hidden rw - fuse.glusterfs gluster:/v rw
"""
_MOUNTS = shared_directories.parse(_MOUNTINFO.strip())


def test_mounts_by_where_they_are() -> None:
    assert _MOUNTS["/srv/images"] == Mount("nfs4", "nas:/export/images")
    assert _MOUNTS["/srv/with space"] == Mount("ceph", "192.0.2.5:/images")
    assert _MOUNTS["/srv/bound"] == Mount("nfs4", "nas:/export/sub")
    assert _MOUNTS["/srv/hidden"] == Mount("fuse.glusterfs", "gluster:/v")


def test_the_mounts_of_this_machine_can_be_read() -> None:
    assert "/" in shared_directories.read()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/srv/images", ""),
        ("/srv/images/", ""),
        ("/srv/hidden", ""),
        ("/srv/images/below", "x_path is '/srv/images/below', which is no mount point of this host; mount the shared file system there"),
        ("/nowhere", "x_path is '/nowhere', which is no mount point"),
        ("/srv/disk", "x_path is '/srv/disk', where this host has a file system of its own (xfs)"),
        ("/", "a file system of its own (ext4)"),
    ],
)
def test_what_cannot_be_shared_is_refused(path: str, words: str) -> None:
    errors = list(shared_directories.errors([SharedDirectory(path, "x_path")], _MOUNTS))
    assert [words in error for error in errors] == [True] * bool(words)


def test_what_is_mounted_is_told_for_the_comparison_of_hosts() -> None:
    directories = [SharedDirectory("/srv/images/", "x_path"), SharedDirectory("/nowhere", "y_path")]
    assert shared_directories.sources(directories, _MOUNTS) == {"x_path": "nas:/export/images (nfs4)"}
