# SPDX-License-Identifier: Apache-2.0
"""Whether the availability zones of hosts have names that Nova and Neutron can use. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import limits
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory import Inventory
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Violation

#: Variable of a host that names its availability zone.
ZONE = "zone"
#: Names that Nova has for hypervisors without a zone, and for its own services.
_TAKEN = ("nova", "internal")


def check(inventory: Inventory, hosts: t.Iterable[str]) -> t.Iterator[Violation]:
    """Yield an error for each host whose zone has no name that can be used."""
    for host in hosts:
        setting = inventory.own(host, ZONE)
        text = "" if setting.value is None else str(setting.value)
        if setting.value is ...:
            yield host, f"{setting.named(ZONE)} has an expression that cannot be resolved before the host is contacted; write the name"
        elif errors := limits.check({"format": "name", "empty": True}, text):
            yield host, f"{setting.named(ZONE)}: {errors[0]}"
        elif text in _TAKEN:
            yield host, f"{setting.named(ZONE)}: '{text}' is a zone that Nova has already; choose another name"
