# SPDX-License-Identifier: Apache-2.0
"""Whether the hosts of one cloud agree on the settings that hold for all of them. Pure."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory import Inventory
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import (
    OVERRIDES,
    SECRET,
    SHARED,
    Role,
    Setting,
    Settings,
)

#: Suffix of the variable of a role that lists its options that may differ from host to host.
_OF_HOSTS = "_host_options"
#: Hosts that a message names.
_NAMED = 3


def check_all(inventory: Inventory, settings: Settings, declared: t.Mapping[str, Role]) -> t.Iterator[str]:
    """Yield an error for each setting of the whole cloud that the hosts of its services do not agree on."""
    hosts = [host for host in inventory.hosts_of_services() if host in settings]
    owners = [role for role in declared if role in inventory.in_play and (declared[role].service or role == SHARED)]
    options = {name: option for role in owners for name, option in declared[role].options.items() if not name.endswith(OVERRIDES)}
    own = {name for role in owners for name in inventory.variables.get(f"{role}{_OF_HOSTS}") or []}
    for name in sorted({name for host in hosts for name in settings[host] if name in options} - own):
        found = {host: settings[host].get(name) or inventory.default(name, host) for host in hosts}
        # an expression that only later tasks can resolve may be the same for all
        if not any(name in settings[host] and setting.value is ... for host, setting in found.items()):
            yield from check(name, {host: _typed(options[name], setting) for host, setting in found.items()})


def check(name: str, settings: t.Mapping[str, Setting]) -> list[str]:
    """Return an error if a shared setting has more than one value.

    Args:
        settings: what each host that takes part has; ``...`` is a value that is not known yet, such as that of a secret.
    """
    found: dict[str, list[str]] = {}
    for host, setting in settings.items():
        found.setdefault("..." if setting.value is ... else json.dumps(setting.value, sort_keys=True, default=str), []).append(host)
    if len(found) < 2:
        return []
    parts = [_part(value, hosts, settings[hosts[0]].origin, hidden=bool(SECRET.search(name))) for value, hosts in found.items()]
    return [f"{name} differs between hosts of one cloud: {'; '.join(parts)}; set it once for all hosts, such as in group_vars/all"]


def _part(value: str, hosts: list[str], origin: str, hidden: bool) -> str:
    """Return who has a value, and where it comes from; a secret, and what is more than a scalar, is not shown."""
    shown = "one value" if hidden or value.startswith(("[", "{", "...")) or len(value) > 60 else value
    more = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
    return f"{shown} on {', '.join(hosts[:_NAMED])}{more} ({origin})"


def _typed(option: t.Mapping[str, t.Any], setting: Setting) -> Setting:
    """Return a setting with its value in the type that its option declares, so that it can be compared."""
    value, wrong = dataclass_spec.convert_option(option, setting.value, "")
    return setting if wrong else dataclasses.replace(setting, value=value)
