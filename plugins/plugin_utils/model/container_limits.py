# SPDX-License-Identifier: Apache-2.0
"""The limits that an operator sets for containers, by the name of a container or of a service. Pure."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model import limits
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Container, Service
from ansible_collections.caisson.openstack.plugins.module_utils.model.limits import ContainerLimits, LimitedContainer

OPTION = "cloud_container_limits"


def load(setting: t.Mapping[str, t.Any], services: t.Sequence[Service]) -> tuple[dict[str, ContainerLimits], list[str]]:
    """Return the limits by container, and what is wrong with *setting*.

    What a container's own name says precedes what that of its service says. A name of both is that of the container.
    """
    owners = {item.name: service.name for service in services for item in service.containers}
    names = {*owners, *(service.name for service in services)}
    errors: list[str] = []
    loaded: dict[str, dict[str, t.Any]] = {}
    for key, value in setting.items():
        # the registry has a play of its own
        if key not in names and len(services) > 1:
            near = difflib.get_close_matches(key, sorted(names), n=1)
            errors.append(f"{OPTION}: no container or service is named '{key}'" + (f"; did you mean '{near[0]}'?" if near else ""))
            continue
        try:
            own = dataclass_spec.load(ContainerLimits, value, f"{OPTION}.{key}")
        except dataclass_spec.SchemaError as error:
            errors += error.messages
            continue
        errors += [f"{OPTION}: {error}" for error in limits.errors(own, key)]
        loaded[key] = {name: limit for name, limit in vars(own).items() if limit}
    of_services = {name: values for name, values in loaded.items() if name not in owners}
    merged = {name: {**of_services.get(owner, {}), **loaded.get(name, {})} for name, owner in owners.items()}
    return {name: ContainerLimits(**values) for name, values in merged.items() if values}, errors


def apply(services: t.Sequence[Service], own: t.Mapping[str, ContainerLimits]) -> list[Service]:
    """Return *services* with the limits of their containers."""
    containers = [[_limited(item, own.get(item.name)) for item in service.containers] for service in services]
    return [dataclasses.replace(service, containers=items) for service, items in zip(services, containers, strict=True)]


def of_host(names: t.Iterable[str], own: t.Mapping[str, ContainerLimits]) -> list[LimitedContainer]:
    """Return those of the containers *names* that have limits of the operator."""
    return [LimitedContainer(name, own[name].memory, own[name].cpuset_cpus) for name in names if name in own]


def _limited(item: Container, own: ContainerLimits | None) -> Container:
    return dataclasses.replace(item, **{name: limit for name, limit in vars(own).items() if limit}) if own else item
