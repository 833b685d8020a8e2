# SPDX-License-Identifier: Apache-2.0
"""Definitions without what only other hosts need of them: containers and jobs that belong elsewhere. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.model.groups import hosts_of, names

Definition = t.Mapping[str, t.Any]

#: What is of use only where a container or a job runs.
_OWN_OPTIONS = {
    "containers": (
        "env",
        "memory",
        "cpuset_cpus",
        "cpu_shares",
        "healthcheck",
        "volumes",
        "tmpfs",
        "devices",
        "stop_check",
        "drain",
        "ready",
        "cluster",
        "command",
    ),
    "jobs": ("triggers", "volumes", "devices", "script", "command"),
}


def groups_of(*definitions: Definition) -> dict[str, t.Any]:
    """Return the host group of each container as it is written; what a later definition says overrides what an earlier one does."""
    return {item["name"]: item["group"] for definition in definitions for item in _named(definition, "containers") if "group" in item}


def shorten(
    definition: Definition, override: Definition, groups: t.Mapping[str, t.Any], host: str, known: t.Mapping[str, t.Sequence[str]]
) -> tuple[Definition, Definition]:
    """Return a definition and its override with no more than other services have to know of what does not run on *host*.

    Args:
        groups: host group of each container.
        known: hosts of each group; a group that the inventory does not have is left to the validation.
    """
    containers = {item["name"] for item in _named(definition, "containers") if _is_elsewhere(groups.get(item["name"]), host, known)}
    places = {item["name"]: item["container"] for item in (*_named(definition, "jobs"), *_named(override, "jobs")) if "container" in item}
    jobs = {item["name"] for item in _named(definition, "jobs") if places.get(item["name"]) in containers}
    # a command must be given, and an override may not give an empty one
    return _without(definition, containers, jobs, {"command": []}), _without(override, containers, jobs, {})


def _is_elsewhere(pattern: t.Any, host: str, known: t.Mapping[str, t.Sequence[str]]) -> bool:
    return isinstance(pattern, str) and all(name in known for name in names(pattern)) and host not in hosts_of(pattern, known)


def _without(definition: Definition, containers: t.Collection[str], jobs: t.Collection[str], given: Definition) -> Definition:
    chosen = {"containers": containers, "jobs": jobs}
    lists = {kind: definition[kind] for kind in chosen if isinstance(definition.get(kind), list)}
    return {**definition, **{kind: [_shortened(item, kind, chosen[kind], given) for item in items] for kind, items in lists.items()}}


def _shortened(item: t.Any, kind: str, chosen: t.Collection[str], given: Definition) -> t.Any:
    if not isinstance(item, t.Mapping) or item.get("name") not in chosen:
        return item
    return {key: given.get(key, value) for key, value in item.items() if key in given or key not in _OWN_OPTIONS[kind]}


def _named(definition: Definition, kind: str) -> t.Iterator[t.Mapping[str, t.Any]]:
    items = definition.get(kind)
    for item in items if isinstance(items, list) else ():
        if isinstance(item, t.Mapping) and isinstance(item.get("name"), str):
            yield item
