# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.bench.inventory HYPERVISORS FILE``: write an inventory of a made-up cloud of any size."""

from __future__ import annotations

import ipaddress
import json
import pathlib
import sys
import typing as t

_CONTROL, _NETWORK = 3, 2
_FIRST = ipaddress.ip_address("198.18.0.1")
#: Services that cannot have more than one host.
_SINGLE = ("mariadb_group", "rabbitmq_group", "ovn_group", "glance_group")


def hosts_of(kind: str, count: int) -> list[str]:
    """Return the names of *count* hosts."""
    return [f"{kind}{at:04}" for at in range(1, count + 1)]


def inventory(hypervisors: int) -> dict[str, t.Any]:
    """Return an inventory with so many hypervisors, three control hosts and two network hosts, none of which exists."""
    control, network, compute = hosts_of("control", _CONTROL), hosts_of("network", _NETWORK), hosts_of("compute", hypervisors)
    addresses = {host: {"ansible_host": str(_FIRST + at)} for at, host in enumerate([*control, *network, *compute])}
    members = {"control": control, "network": network, "compute": compute, "database": control[:1]}
    return {
        "all": {
            "hosts": addresses,
            "children": {name: {"hosts": dict.fromkeys(hosts)} for name, hosts in members.items()},
            "vars": dict.fromkeys(_SINGLE, "database"),
        }
    }


def write(hypervisors: int, path: pathlib.Path) -> None:
    """Write such an inventory into a file."""
    path.write_text(json.dumps(inventory(hypervisors)), encoding="utf-8")


if __name__ == "__main__":
    write(int(sys.argv[1]), pathlib.Path(sys.argv[2]))
