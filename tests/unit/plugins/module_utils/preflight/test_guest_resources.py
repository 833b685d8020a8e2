# SPDX-License-Identifier: Apache-2.0
"""Processors and memory of servers that the hypervisor does not have are refused."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.preflight.guest_resources import GuestResources, errors


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (GuestResources(), []),
        (GuestResources("4-7", "2-3", reserved_host_memory_mb=4096), []),
        (GuestResources(reserved_host_cpus=7), []),
        (GuestResources("6-9"), ["nova_cpu_dedicated_set names processor 8, 9; the host has 0-7"]),
        (GuestResources(cpu_shared_set="8"), ["nova_cpu_shared_set names processor 8; the host has 0-7"]),
        (GuestResources("2-7", "0-3"), ["processor 2, 3 is in nova_cpu_dedicated_set and in nova_cpu_shared_set; Nova refuses that"]),
        (
            GuestResources("3-1"),
            ["nova_cpu_dedicated_set: '3-1' is not a list of processors; use numbers and ranges with commas, as in 0-3,8"],
        ),
        (
            GuestResources("4-7", reserved_host_cpus=1),
            ["nova_reserved_host_cpus has no meaning with nova_cpu_dedicated_set: the host has the processors that are in no set"],
        ),
        (
            GuestResources(reserved_host_cpus=8),
            ["nova_reserved_host_cpus is 8, but the host has 8 processors: none is left for servers"],
        ),
        (
            GuestResources(reserved_host_memory_mb=8000),
            ["nova_reserved_host_memory_mb is 8000, but the host has 8000 MiB: none is left for servers"],
        ),
    ],
)
def test_what_the_host_cannot_meet_is_named(wanted: GuestResources, expected: list[str]) -> None:
    assert list(errors(wanted, 8000, "0-7")) == expected
