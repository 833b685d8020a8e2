# SPDX-License-Identifier: Apache-2.0
"""Capabilities as the kernel shows them."""

from __future__ import annotations

import os
import pathlib

from ansible_collections.caisson.openstack.plugins.module_utils.engine import capabilities


def test_bits_have_names() -> None:
    assert capabilities.names(0) == []
    assert capabilities.names(1 << 12 | 1 << 21) == ["NET_ADMIN", "SYS_ADMIN"]
    assert capabilities.names(1 << 60) == ["60"]


def test_the_bounding_set_is_read(tmp_path: pathlib.Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/status").write_text("Name:\tx\nCapEff:\t0000000000000001\nCapBnd:\t0000000000002000\n")
    assert capabilities.bounding_set(7, tmp_path) == ["NET_RAW"]
    assert capabilities.bounding_set(8, tmp_path) is None
    assert capabilities.bounding_set(os.getpid()) is not None
