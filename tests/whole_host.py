# SPDX-License-Identifier: Apache-2.0
"""Tests that use directories which a host has once, such as /etc/caisson, take turns, and leave the host to nobody."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine import lock
from tests.cloud import records


@contextlib.contextmanager
def exclusive() -> t.Iterator[None]:
    """Use the directories of this host alone; what a test cloud left in them is removed before and afterwards."""
    with lock.exclusive(pathlib.Path(tempfile.gettempdir()) / "caisson-whole-host"):
        records.clear()
        try:
            yield
        finally:
            records.clear()
