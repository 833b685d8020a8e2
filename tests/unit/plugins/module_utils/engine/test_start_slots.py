# SPDX-License-Identifier: Apache-2.0
"""No more containers start at the same time than may."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.start_slots import NoSlotError, StartSlots


def test_what_earlier_calls_started_counts_until_it_is_released() -> None:
    slots = StartSlots(["a"])
    slots.limit = 2
    slots.take("b")
    with pytest.raises(NoSlotError):
        slots.take("c")
    slots.take("a")  # changed again: it has its slot
    slots.release("a")
    slots.release("never started")
    slots.take("c")
    with pytest.raises(NoSlotError):
        slots.take("a")
