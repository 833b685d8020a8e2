# SPDX-License-Identifier: Apache-2.0
"""Ports and named volumes that the containers of a play are going to use on each host."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import named_volumes
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.merge import MOUNTS, MergeError, merge
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory import Inventory
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import OVERRIDES

BALANCER = "loadbalancer"
#: A container or frontend: its role, the item as it is written, and the same with expressions resolved.
Item = tuple[str, t.Mapping[str, t.Any], t.Mapping[str, t.Any]]
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def items(inventory: Inventory) -> t.Iterator[Item]:
    """Yield the containers and frontends of the play's enabled services."""
    for role in inventory.in_play:
        definition = inventory.variables.get(f"{role}_service")
        if definition and inventory.is_enabled(role):
            written = _merged(_listening(definition), _listening(inventory.variables.get(f"{role}{OVERRIDES}")))
            # these may need facts of the host
            later = ("volumes", "cluster")
            plain = {kind: [{key: item[key] for key in item if key not in later} for item in found] for kind, found in written.items()}
            for kind, found in inventory.template(plain, {}).items():
                yield from ((role, raw, item) for raw, item in zip(written[kind], found, strict=True))


def listeners(inventory: Inventory, found: t.Iterable[Item]) -> dict[str, list[dict[str, t.Any]]]:
    """Return the ports on which services are going to listen, by host."""
    ports: dict[str, list[dict[str, t.Any]]] = {}
    balancers = inventory.hosts_or_none(inventory.patterns.get(f"{BALANCER}_group")) if BALANCER in inventory.in_play else []
    for role, raw, item in found:
        own = inventory.hosts_or_none(item.get("group"))
        for key, hosts in (("ports", own), ("listen_port", own), ("port", balancers)):
            for host in hosts:
                ports.setdefault(host, []).extend(_ports(role, raw.get(key), item.get(key)))
    return ports


def volumes(inventory: Inventory, found: t.Iterable[Item]) -> dict[str, list[str]]:
    """Return the named volumes of containers, by host; those whose names only a later task can resolve are left out."""
    names: dict[str, dict[str, None]] = {}
    for _role, raw, item in found:
        mounts = inventory.template(raw.get("volumes"), None)
        if isinstance(mounts, list):
            for host in inventory.hosts_or_none(item.get("group")):
                names.setdefault(host, {}).update(dict.fromkeys(named_volumes(map(str, mounts))))
    return {host: list(own) for host, own in names.items()}


def _listening(definition: t.Any) -> dict[str, list[dict[str, t.Any]]]:
    """Return the options of a definition's or an override's containers and frontends that name ports, groups, volumes and clusters."""
    keys = ("name", "state", "group", "ports", "port", "listen_port", "volumes", "cluster")
    found = {}
    for kind in ("containers", "frontends"):
        own = definition.get(kind) if isinstance(definition, t.Mapping) else None
        if isinstance(own, list) and all(isinstance(item, t.Mapping) for item in own):
            found[kind] = [{key: item[key] for key in keys if key in item} for item in own]
    return found


def _merged(definition: t.Any, override: t.Any) -> t.Any:
    """Return *definition* with *override* applied, or as it is if that does not fit, which the model refuses."""
    try:
        return merge(definition, override, MOUNTS)
    except MergeError:
        return definition


def variable_of(written: t.Any) -> str:
    """Return the variable that a value is taken from, or an empty text if it is written in another way."""
    found = _VARIABLE.fullmatch(written) if isinstance(written, str) else None
    return found[1] if found else ""


def _ports(service: str, raw: t.Any, value: t.Any) -> list[dict[str, t.Any]]:
    """Return the ports in *value*, and the variable that *raw* takes them from."""
    setting = variable_of(raw)
    values = value if isinstance(value, list) else [value]
    return [{"service": service, "port": int(item), "setting": setting} for item in values if str(item).isdigit()]
