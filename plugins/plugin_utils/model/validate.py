# SPDX-License-Identifier: Apache-2.0
"""Whether definitions make a cloud: refused are those that contradict themselves, each other or the inventory. Pure."""

from __future__ import annotations

import difflib
import pathlib
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import graph
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Container, Job, Service
from ansible_collections.caisson.openstack.plugins.module_utils.model.selection import check_requirements
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import named_volumes
from ansible_collections.caisson.openstack.plugins.module_utils.model.units import parse_size
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import apis, low_ports


class ModelError(ValueError):
    """The definitions do not make a cloud; ``messages`` holds one sentence per fault."""

    def __init__(self, messages: t.Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = list(messages)


def resolve_group(pattern: str, groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Return the hosts of a pattern such as ``control`` or ``network:compute``, each once, in inventory order.

    Raises:
        KeyError: with the name of a group that the inventory does not have.
    """
    if ":" not in pattern:
        return list(groups[pattern])
    hosts: dict[str, None] = {}
    for name in pattern.split(":"):
        hosts.update(dict.fromkeys(groups[name]))
    return list(hosts)


def below(path: str, directory: str) -> bool:
    """Return whether *path* lies in *directory*."""
    return bool(directory) and pathlib.PurePosixPath(path).is_relative_to(directory)


def _named(service: Service) -> list[Container | Job]:
    return [*service.containers, *service.jobs]


def check(services: t.Sequence[Service], groups: t.Mapping[str, t.Sequence[str]], balancer: str = "") -> None:
    """Refuse definitions that contradict themselves, each other or the inventory.

    *balancer* is the host whose load balancer listens on the same address as the services of this host, if there is one.

    Raises:
        ModelError: with every fault found.
    """
    faults = _check_names(services) + _check_ports(services) + _check_container_ports(services, groups)
    faults += _check_public_ports(services, groups, balancer) + low_ports.faults(services)
    known = {item.name for service in services for item in _named(service)}
    databases = {database.name for service in services for database in service.databases if not database.privileges}
    for service in services:
        faults += _check_groups(service, groups)
        faults += _check_clusters(service, groups)
        faults += _check_containers(service, known)
        faults += _check_files(service)
        faults += _check_jobs(service, known, databases)
        faults += _check_schemas(service, databases)
    faults += _check_backups(services) + apis.faults(services)
    faults += check_requirements(services)
    if not faults:
        faults += _check_cycles(services)
    if faults:
        raise ModelError(faults)


def _check_names(services: t.Sequence[Service]) -> list[str]:
    faults = []
    seen: dict[str, str] = {}
    for service in services:
        for item in _named(service):
            if item.name in seen:
                faults.append(f"{service.name}: the name {item.name} is taken by service {seen[item.name]}")
            elif not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", item.name):
                faults.append(f"{service.name}: '{item.name}' is no name for a container: letters, digits, '_', '.' and '-' are")
            seen.setdefault(item.name, service.name)
    return faults


def _check_ports(services: t.Sequence[Service]) -> list[str]:
    faults = []
    taken: dict[tuple[str, int], str] = {}
    for service in services:
        for frontend in service.frontends:
            for kind in ("port", "listen_port"):
                port = getattr(frontend, kind)
                if not 0 < port < 65536:
                    faults.append(f"{service.name}: {kind} {port} of {frontend.name} is not between 1 and 65535")
                elif (kind, port) in taken:
                    faults.append(f"{service.name}: {kind} {port} of {frontend.name} is taken by {taken[kind, port]}")
                taken.setdefault((kind, port), frontend.name)
    return faults


def _check_container_ports(services: t.Sequence[Service], groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Return a fault for each port of a container on which another service listens on one of its hosts."""
    faults = []
    taken = [(service.name, item.name, item.listen_port, item.group) for service in services for item in service.frontends]
    for service in services:
        for item, port in ((container, port) for container in service.containers for port in container.ports):
            if not 0 < port < 65536:
                faults.append(f"{service.name}: port {port} of {item.name} is not between 1 and 65535")
            faults += [
                f"{service.name}: port {port} of {item.name} is taken by {other} of service {owner} on the same host"
                for owner, other, other_port, group in taken
                if port == other_port and service.name != owner and set(_hosts(item.group, groups)) & set(_hosts(group, groups))
            ]
            taken.append((service.name, item.name, port, item.group))
    return faults


def _check_public_ports(services: t.Sequence[Service], groups: t.Mapping[str, t.Sequence[str]], balancer: str) -> list[str]:
    """Return a fault for each public port on which something else listens at the same address of host *balancer*."""
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
    return resolve_group(pattern, groups) if all(name in groups for name in pattern.split(":")) else []


def _check_groups(service: Service, groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    faults = []
    known = ", ".join(sorted(name for name in groups if name not in ("all", "ungrouped")))
    places = [(item.name, item.group) for item in service.containers] + [(item.name, item.group) for item in service.frontends]
    for name, group in places:
        try:
            if service.enabled and not resolve_group(group, groups):
                remedy = f"put hosts into it, or set {service.name}_service_overrides: {{enabled: false}}"
                faults.append(f"{service.name}: {name} belongs to host group {group}, which has no hosts; {remedy}")
        except KeyError as error:
            near = difflib.get_close_matches(error.args[0], groups, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            what = f"{service.name}: {name} belongs to host group {error.args[0]}"
            faults.append(f"{what}, which the inventory does not have (it has: {known}){hint}")
    return faults


def _check_containers(service: Service, known: set[str]) -> list[str]:
    faults = []
    for container in service.containers:
        if not re.fullmatch(r"\d+:\d+", container.user):
            faults.append(f"{service.name}: user of {container.name} is '{container.user}'; it must be numbers as in '42425:42425'")
        try:
            parse_size(container.memory)
        except ValueError as error:
            faults.append(f"{service.name}: memory of {container.name}: {error}")
        faults += _check_times(service, container)
        faults += _check_after(service, container, known)
    return faults


def _check_times(service: Service, container: Container) -> list[str]:
    """Return a fault for each command of a container that has no command or no time."""
    commands: dict[str, t.Any] = {name: getattr(container, name) for name in ("stop_check", "drain", "ready")}
    if container.cluster:
        commands |= {f"cluster.{name}": getattr(container.cluster, name) for name in ("facts", "seed", "join", "recover")}
    return [
        f"{service.name}: {name} of {container.name} {fault}"
        for name, item in commands.items()
        if item
        for fault, wrong in (
            ("has an empty command", not item.command),
            (f"has timeout {item.timeout}; it must be at least 1", item.timeout < 1),
            (f"has interval {getattr(item, 'interval', 1)}; it must be at least 1", getattr(item, "interval", 1) < 1),
        )
        if wrong
    ]


def _check_clusters(service: Service, groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    faults = []
    for container in (container for container in service.containers if container.cluster):
        if not named_volumes(container.volumes):
            faults.append(f"{service.name}: {container.name} belongs to a cluster, but has no volume that keeps its data")
        faults += [
            f"{service.name}: lost host {host} of {container.name} is not in host group {container.group}"
            for host in (container.cluster.lost_hosts if container.cluster else [])
            if host not in _hosts(container.group, groups)
        ]
    return faults


def _check_after(service: Service, item: Container | Job, known: set[str]) -> list[str]:
    return [f"{service.name}: {item.name} comes after {name}, which is not defined" for name in item.after if name not in known]


def _check_files(service: Service) -> list[str]:
    faults = []
    containers = {container.name: container for container in service.containers}
    taken: set[tuple[str, str]] = set()
    for file in service.files:
        where = f"{service.name}: file {file.path}"
        if not re.fullmatch(r"0[0-7]{3}", file.mode):
            faults.append(f"{where} has mode '{file.mode}'; it must be four digits in quotes, as in '0640'")
        for name in file.containers:
            if name not in containers:
                faults.append(f"{where} is for container {name}, which is not defined")
            elif file.on_change == "reload" and not below(file.path, containers[name].config_dir):
                # a single file is mounted as it was when the container started
                faults.append(f"{where} cannot be reloaded in {name}: it is not below config_dir ('{containers[name].config_dir}')")
            if (file.path, name) in taken:
                faults.append(f"{where} is defined twice for container {name}")
            taken.add((file.path, name))
    return faults


def _check_jobs(service: Service, known: set[str], databases: set[str]) -> list[str]:
    faults = []
    names = {container.name for container in service.containers}
    for job in service.jobs:
        if job.container not in names:
            faults.append(f"{service.name}: job {job.name} runs in the place of container {job.container}, which is not defined")
        if job.user and not re.fullmatch(r"\d+:\d+", job.user):
            faults.append(f"{service.name}: user of {job.name} is '{job.user}'; it must be numbers as in '42425:42425'")
        if job.database and job.database not in databases:
            faults.append(f"{service.name}: job {job.name} belongs to database {job.database}, which is not defined")
        if job.schema and job.schema not in {schema.name for schema in service.schemas}:
            faults.append(f"{service.name}: job {job.name} applies migrations of schema {job.schema}, which is not defined")
        faults += _check_after(service, job, known)
    return faults


def _check_schemas(service: Service, databases: set[str]) -> list[str]:
    faults = []
    names = {container.name for container in service.containers}
    for schema in service.schemas:
        if schema.name not in databases:
            faults.append(f"{service.name}: schema {schema.name} is of a database that is not defined")
        if schema.container not in names:
            faults.append(
                f"{service.name}: schema {schema.name} is read in the place of container {schema.container}, which is not defined"
            )
    return faults


def _check_backups(services: t.Sequence[Service]) -> list[str]:
    faults = []
    # the controller's secrets are in every backup
    taken = {"secrets": "the collection itself"}
    for service in services:
        names = {container.name for container in service.containers}
        for backup in service.backups:
            where = f"{service.name}: backup {backup.name}"
            if backup.container not in names:
                faults.append(f"{where} is of container {backup.container}, which is not defined")
            if not backup.path.startswith("/"):
                faults.append(f"{where} has path '{backup.path}'; it must begin with '/'")
            if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", backup.name):
                faults.append(f"{where}: its name becomes that of a file and may hold small letters, digits and '_' only")
            elif backup.name in taken:
                faults.append(f"{where}: the name is taken by {taken[backup.name]}")
            taken.setdefault(backup.name, f"service {service.name}")
    return faults


def _check_cycles(services: t.Sequence[Service]) -> list[str]:
    faults = []
    containers = {item.name: item.after for service in services for item in _named(service)}
    for what, dependencies in (("these", containers), ("services", {service.name: service.requires for service in services})):
        try:
            graph.order(dependencies)
        except graph.CycleError as error:
            faults.append(f"{what} wait for each other: {error}")
    return faults
