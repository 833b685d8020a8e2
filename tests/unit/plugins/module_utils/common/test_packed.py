# SPDX-License-Identifier: Apache-2.0
"""Data as one short text."""

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.common import packed

_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(_DATA)
def test_what_is_packed_is_unpacked(data: t.Any) -> None:
    assert packed.unpack(packed.pack(data)) == data


def test_what_repeats_takes_little_space() -> None:
    assert len(packed.pack([{"name": "alpha", "value": at} for at in range(1000)])) < 5000
