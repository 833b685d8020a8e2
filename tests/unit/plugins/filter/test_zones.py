# SPDX-License-Identifier: Apache-2.0
"""Zones of hosts, and batches within them."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.filter.zone_serial import FilterModule as Serial
from ansible_collections.caisson.openstack.plugins.filter.zones import FilterModule as Zones

_HOSTVARS = {"n1": {"zone": "b"}, "n2": {"zone": 7}, "n3": {}, "n4": {"zone": ""}, "n5": {"zone": "b"}}


def test_hosts_by_zone() -> None:
    zones = Zones().filters()["zones"]
    assert zones(_HOSTVARS, _HOSTVARS) == {"b": ["n1", "n5"], "7": ["n2"], "": ["n4"]}
    assert zones(["n3", "n9"], _HOSTVARS) == {}


@pytest.mark.parametrize(
    ("serial", "zones", "expected"),
    [
        ([1, "50%"], {}, [1, "50%"]),
        (["50%"], {"a": ["n1", "n2", "n3", "n4"]}, ["50%"]),
        ([3], {"a": ["n1", "n2"], "b": ["n3", "n4"]}, [2, 2]),
        ([3], {"a": ["n1", "n2"]}, [2, 2]),
        (1, {"a": ["n1"]}, [1, 1, 1, 1]),
        ("75%", {"a": ["n1"]}, [1, 3]),
    ],
)
def test_sizes_of_batches_end_with_the_zone(serial: object, zones: dict[str, list[str]], expected: list[object]) -> None:
    assert Serial().filters()["zone_serial"](serial, ["n1", "n2", "n3", "n4"], zones) == expected
