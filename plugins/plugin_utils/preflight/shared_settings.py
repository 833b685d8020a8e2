# SPDX-License-Identifier: Apache-2.0
"""Whether the hosts of one cloud agree on the settings that hold for all of them. Pure."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import SECRET, Setting

#: Hosts that a message names.
_NAMED = 3


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
