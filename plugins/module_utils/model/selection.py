# SPDX-License-Identifier: Apache-2.0
"""A run for some services or some hosts only, and what it takes for granted. Pure."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Service

#: Tags with a meaning of their own in Ansible.
_WORDS = ("all", "always", "tagged", "untagged")


@dataclasses.dataclass(frozen=True)
class Selection:
    """What a run is for: services by name, and the hosts that take part."""

    services: frozenset[str]
    hosts: frozenset[str]


@dataclasses.dataclass(frozen=True)
class RemoteDependency:
    """A port that must answer because what runs there is taken for granted."""

    service: str
    host: str
    address: str
    port: int


def choose(
    known: t.Iterable[str], services: t.Sequence[str], run_tags: t.Sequence[str], skip_tags: t.Sequence[str]
) -> tuple[frozenset[str], list[str]]:
    """Return the chosen services, and an error for each name that is none.

    Args:
        known: all services of the play.
        services: the operator's list; empty for all.
        run_tags: ``--tags`` of the run; each must be a service, apart from Ansible's own words.
        skip_tags: ``--skip-tags`` of the run; one that is like no service may be meant for other tasks.
    """
    known = list(known)
    wanted = [*services, *(tag for tag in run_tags if tag not in _WORDS)]
    refused = [tag for tag in skip_tags if difflib.get_close_matches(tag, known, n=1)]
    errors = [_unknown(name, known) for name in (*wanted, *refused) if name not in known]
    chosen = [name for name in known if (not wanted or name in wanted) and name not in refused]
    if not chosen and not errors:
        errors.append("services: no service is selected")
    return frozenset(chosen), errors


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"the services are: {', '.join(known)}"
    return f"'{name}' is not a service of this play: services and --tags select services, phases cannot be run alone; {hint}"


def check_tags(run_tags: t.Sequence[str], skip_tags: t.Sequence[str], select_services: bool) -> str:
    """Return why a run with these tags would leave out tasks that no service can do without, or an empty text.

    Args:
        run_tags: ``--tags`` of the run.
        skip_tags: ``--skip-tags`` of the run.
        select_services: the playbook takes tags as names of services; the tasks of another one have no tags.
    """
    words = [tag for tag in skip_tags if tag in _WORDS]
    if words:
        return (
            f"--skip-tags {','.join(words)}: this would skip checks, or all that the playbook does; nothing was changed. "
            "Use --skip-tags with names of services only"
        )
    if select_services or not run_tags or "all" in run_tags:
        return ""
    return (
        f"--tags {','.join(run_tags)}: the tasks of this playbook have no tags, so nothing would be done. Run it without --tags; "
        "-e services=NAME selects services, and the playbooks site and plan take --tags as names of services"
    )


def required(services: t.Iterable[Service], chosen: t.Container[str]) -> list[str]:
    """Return the enabled services that the *chosen* ones require and that are not chosen themselves."""
    services = [service for service in services if service.enabled]
    needed = {name for service in services if service.name in chosen for name in service.requires}
    return [service.name for service in services if service.name in needed and service.name not in chosen]


def check_requirements(services: t.Iterable[Service]) -> list[str]:
    """Return an error for each service that requires one that is not there, is disabled, or waits for it in turn."""
    services = list(services)
    known = {service.name: service for service in services}
    errors = []
    for service in services:
        for name in service.requires:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                errors.append(f"{service.name}: requires service {name}, which is not in this play{hint}")
            elif service.enabled and not known[name].enabled:
                errors.append(f"{service.name}: requires service {name}, which is disabled")
    return errors
