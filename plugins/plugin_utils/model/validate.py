# SPDX-License-Identifier: Apache-2.0
"""Whether definitions make a cloud: refused are those that contradict themselves, each other or the inventory. Pure."""

from __future__ import annotations

import difflib
import pathlib
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import graph
from ansible_collections.caisson.openstack.plugins.module_utils.model import limits
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Container, Job, Service
from ansible_collections.caisson.openstack.plugins.module_utils.model.selection import check_requirements
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import named_volumes
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import low_ports
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.groups import hosts_of, names


class ModelError(ValueError):
    """The service definitions are invalid; ``messages`` holds one sentence per error."""

    def __init__(self, messages: t.Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = list(messages)


def below(path: str, directory: str) -> bool:
    """Return whether *path* lies in *directory*."""
    return bool(directory) and pathlib.PurePosixPath(path).is_relative_to(directory)


def _named(service: Service) -> list[Container | Job]:
    return [*service.containers, *service.jobs]


def check(services: t.Sequence[Service], groups: t.Mapping[str, t.Sequence[str]], balancer: str = "") -> None:
    """Refuse definitions that contradict themselves, each other or the inventory.

    *balancer* is the host whose load balancer listens on the same address as the services of this host, if there is one.

    Raises:
        ModelError: with every error found.
    """
    errors = _check_names(services) + _check_ports(services) + _check_container_ports(services, groups)
    errors += _check_public_ports(services, groups, balancer) + low_ports.errors(services)
    known = {item.name for service in services for item in _named(service)}
    databases = {database.name for service in services for database in service.databases if not database.privileges}
    for service in services:
        errors += _check_groups(service, groups)
        errors += _check_clusters(service, groups)
        errors += _check_containers(service, known)
        errors += _check_files(service)
        errors += _check_jobs(service, known, databases)
        errors += _check_schemas(service, databases)
    errors += _check_backups(services)
    errors += check_requirements(services)
    if not errors:
        errors += _check_cycles(services)
    if errors:
        raise ModelError(errors)


def _check_names(services: t.Sequence[Service]) -> list[str]:
    errors = []
    seen: dict[str, str] = {}
    for service in services:
        for item in _named(service):
            if item.name in seen:
                errors.append(f"{service.name}: the name {item.name} is taken by service {seen[item.name]}")
            elif not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", item.name):
                errors.append(f"{service.name}: '{item.name}' is not a container name: use letters, digits, '_', '.' and '-'")
            seen.setdefault(item.name, service.name)
    return errors


def _check_ports(services: t.Sequence[Service]) -> list[str]:
    errors = []
    taken: dict[tuple[str, int], str] = {}
    for service in services:
        for frontend in service.frontends:
            for kind in ("port", "listen_port"):
                port = getattr(frontend, kind)
                if not 0 < port < 65536:
                    errors.append(f"{service.name}: {kind} {port} of {frontend.name} is not between 1 and 65535")
                elif (kind, port) in taken:
                    errors.append(f"{service.name}: {kind} {port} of {frontend.name} is taken by {taken[kind, port]}")
                taken.setdefault((kind, port), frontend.name)
    return errors


def _check_container_ports(services: t.Sequence[Service], groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Return an error for each port of a container on which another service listens on one of its hosts."""
    errors = []
    taken = [(service.name, item.name, item.listen_port, item.group) for service in services for item in service.frontends]
    for service in services:
        for item, port in ((container, port) for container in service.containers for port in container.ports):
            if not 0 < port < 65536:
                errors.append(f"{service.name}: port {port} of {item.name} is not between 1 and 65535")
            errors += [
                f"{service.name}: port {port} of {item.name} is taken by {other} of service {owner} on the same host"
                for owner, other, other_port, group in taken
                if port == other_port and service.name != owner and set(_hosts(item.group, groups)) & set(_hosts(group, groups))
            ]
            taken.append((service.name, item.name, port, item.group))
    return errors


def _check_public_ports(services: t.Sequence[Service], groups: t.Mapping[str, t.Sequence[str]], balancer: str) -> list[str]:
    """Return an error for each public port on which something else listens at the same address of host *balancer*."""
    active = [service for service in services if service.enabled]
    taken: dict[int, list[tuple[str, str]]] = {}
    for service in active:
        own = [(item.name, item.group, port) for item in service.containers for port in item.ports]
        own += [(item.name, item.group, item.listen_port) for item in service.frontends]
        for name, group, port in own:
            if balancer in _hosts(group, groups):
                taken.setdefault(port, []).append((service.name, name))
    return [
        f"{service.name}: public port {item.port} of {item.name} is taken by {other} of service {owner}, which listens on the address of "
        f"the load balancer, too (host {balancer}); take another port"
        for service in active
        for item in service.frontends
        for owner, other in taken.get(item.port, [])
    ]


def _hosts(pattern: str, groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    return list(hosts_of(pattern, groups)) if all(name in groups for name in names(pattern)) else []


def _check_groups(service: Service, groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    errors = []
    known = ", ".join(sorted(name for name in groups if name not in ("all", "ungrouped")))
    places = [(item.name, item.group) for item in service.containers] + [(item.name, item.group) for item in service.frontends]
    for name, group in places:
        try:
            if service.enabled and not hosts_of(group, groups):
                remedy = f"put hosts into it, or set {service.name}_service_overrides: {{enabled: false}}"
                errors.append(f"{service.name}: {name} belongs to host group {group}, which has no hosts; {remedy}")
        except KeyError as error:
            near = difflib.get_close_matches(error.args[0], groups, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            what = f"{service.name}: {name} belongs to host group {error.args[0]}"
            errors.append(f"{what}, which the inventory does not have (it has: {known}){hint}")
    return errors


def _check_containers(service: Service, known: set[str]) -> list[str]:
    errors = []
    for container in service.containers:
        if not re.fullmatch(r"\d+:\d+", container.user):
            errors.append(f"{service.name}: user of {container.name} is '{container.user}'; it must be numbers as in '42425:42425'")
        errors += [f"{service.name}: {error}" for error in limits.errors(container, container.name)]
        errors += _check_times(service, container)
        errors += _check_after(service, container, known)
    return errors


def _check_times(service: Service, container: Container) -> list[str]:
    """Return an error for each command of a container that has no command or no time."""
    commands: dict[str, t.Any] = {name: getattr(container, name) for name in ("stop_check", "drain", "ready")}
    if container.cluster:
        commands |= {f"cluster.{name}": getattr(container.cluster, name) for name in ("facts", "seed", "join", "recover")}
    return [
        f"{service.name}: {name} of {container.name} {error}"
        for name, item in commands.items()
        if item
        for error, wrong in (
            ("has an empty command", not item.command),
            (f"has timeout {item.timeout}; it must be at least 1", item.timeout < 1),
            (f"has interval {getattr(item, 'interval', 1)}; it must be at least 1", getattr(item, "interval", 1) < 1),
        )
        if wrong
    ]


def _check_clusters(service: Service, groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    errors = []
    for container in (container for container in service.containers if container.cluster):
        if not named_volumes(container.volumes):
            errors.append(f"{service.name}: {container.name} belongs to a cluster, but has no volume that keeps its data")
        errors += [
            f"{service.name}: lost host {host} of {container.name} is not in host group {container.group}"
            for host in (container.cluster.lost_hosts if container.cluster else [])
            if host not in _hosts(container.group, groups)
        ]
    return errors


def _check_after(service: Service, item: Container | Job, known: set[str]) -> list[str]:
    return [f"{service.name}: {item.name} comes after {name}, which is not defined" for name in item.after if name not in known]


def _check_files(service: Service) -> list[str]:
    errors = []
    containers = {container.name: container for container in service.containers}
    taken: set[tuple[str, str]] = set()
    for file in service.files:
        where = f"{service.name}: file {file.path}"
        if not re.fullmatch(r"0[0-7]{3}", file.mode):
            errors.append(f"{where} has mode '{file.mode}'; it must be four digits in quotes, as in '0640'")
        for name in file.containers:
            if name not in containers:
                errors.append(f"{where} is for container {name}, which is not defined")
            elif file.on_change == "reload" and not below(file.path, containers[name].config_dir):
                # a single file is mounted as it was when the container started
                errors.append(f"{where} cannot be reloaded in {name}: it is not below config_dir ('{containers[name].config_dir}')")
            if (file.path, name) in taken:
                errors.append(f"{where} is defined twice for container {name}")
            taken.add((file.path, name))
    return errors


def _check_jobs(service: Service, known: set[str], databases: set[str]) -> list[str]:
    errors = []
    names = {container.name for container in service.containers}
    for job in service.jobs:
        if job.container not in names:
            errors.append(f"{service.name}: job {job.name} runs in the place of container {job.container}, which is not defined")
        if job.user and not re.fullmatch(r"\d+:\d+", job.user):
            errors.append(f"{service.name}: user of {job.name} is '{job.user}'; it must be numbers as in '42425:42425'")
        if job.database and job.database not in databases:
            errors.append(f"{service.name}: job {job.name} belongs to database {job.database}, which is not defined")
        if job.schema and job.schema not in {schema.name for schema in service.schemas}:
            errors.append(f"{service.name}: job {job.name} applies migrations of schema {job.schema}, which is not defined")
        errors += _check_after(service, job, known)
    return errors


def _check_schemas(service: Service, databases: set[str]) -> list[str]:
    errors = []
    names = {container.name for container in service.containers}
    for schema in service.schemas:
        if schema.name not in databases:
            errors.append(f"{service.name}: schema {schema.name} belongs to a database that is not defined")
        if schema.container not in names:
            errors.append(
                f"{service.name}: schema {schema.name} is read in the place of container {schema.container}, which is not defined"
            )
    return errors


def _check_backups(services: t.Sequence[Service]) -> list[str]:
    errors = []
    # the controller's secrets are in every backup
    taken = {"secrets": "the collection itself"}
    for service in services:
        names = {container.name for container in service.containers}
        for backup in service.backups:
            where = f"{service.name}: backup {backup.name}"
            if backup.container not in names:
                errors.append(f"{where} is of container {backup.container}, which is not defined")
            if not backup.path.startswith("/"):
                errors.append(f"{where} has path '{backup.path}'; it must begin with '/'")
            if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", backup.name):
                errors.append(f"{where}: its name becomes a file name and may contain lower-case letters, digits and '_' only")
            elif backup.name in taken:
                errors.append(f"{where}: the name is taken by {taken[backup.name]}")
            taken.setdefault(backup.name, f"service {service.name}")
    return errors


def _check_cycles(services: t.Sequence[Service]) -> list[str]:
    errors = []
    containers = {item.name: item.after for service in services for item in _named(service)}
    for what, dependencies in (("these", containers), ("services", {service.name: service.requires for service in services})):
        try:
            graph.order(dependencies)
        except graph.CycleError as error:
            errors.append(f"{what} wait for each other: {error}")
    return errors
