# SPDX-License-Identifier: Apache-2.0
"""From the definitions of services to what one host has to run. Pure: no connection, no templating, no clock."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common.urls import url_host
from ansible_collections.caisson.openstack.plugins.module_utils.model.api import AgentList, CatalogEntry, Probe
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import (
    ROLLOUT_PHASES,
    STAGES,
    ConfigFile,
    Container,
    ContainerOptions,
    Database,
    HookPoint,
    Job,
    JobOptions,
    Schema,
    Service,
    Tier,
    User,
)
from ansible_collections.caisson.openstack.plugins.module_utils.model.limits import LimitedContainer
from ansible_collections.caisson.openstack.plugins.module_utils.model.selection import RemoteDependency, Selection, required
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import BackupSpec, ContainerSpec, JobSpec, digest, named_volumes
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import apis, low_ports
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.groups import hosts_of
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.validate import below

#: Where configuration lives on a host: one directory for each container.
CONFIG_ROOT = "/etc/caisson"
_TMP = "/tmp:mode=1777"


@dataclasses.dataclass(frozen=True)
class Site:
    """What the inventory says, as far as the model needs it."""

    host: str
    groups: t.Mapping[str, t.Sequence[str]]
    image_prefix: str
    image_tag: str
    addresses: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class HostFile:
    """A file on a host, below :data:`CONFIG_ROOT`."""

    path: str
    content: str
    mode: str
    gid: int
    sensitive: bool
    hidden: bool


@dataclasses.dataclass
class StageModel:
    """What one host does in one stage."""

    bootstrap: list[JobSpec] = dataclasses.field(default_factory=list)
    containers: list[ContainerSpec] = dataclasses.field(default_factory=list)
    start: list[JobSpec] = dataclasses.field(default_factory=list)
    finalize: list[JobSpec] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Gate:
    """What must be true of a container before a rollout goes on: healthy, up as *agent* asks, and an answer at *url* to a token.

    ``backend`` is the load balancer's name of what it serves.
    """

    container: str
    tier: Tier
    agent: apis.AgentQuery | None = None
    url: str = ""
    backend: str = ""


@dataclasses.dataclass(frozen=True)
class HookSpec:
    """A task file that the host includes at a point of the work on a service."""

    service: str
    point: HookPoint
    tasks: str


@dataclasses.dataclass(frozen=True)
class SchemaSpec:
    """A schema and the container in whose place its scripts can be read."""

    schema: Schema
    container: ContainerSpec


@dataclasses.dataclass
class HostModel:
    """Everything the services of a play mean for one host.

    Of a run for some services ``required`` has the containers that these need here, and ``reach`` the ports that must answer
    elsewhere; both stay as they are. ``backups`` are what a backup takes from this host, ``restores`` what a restore may put back.
    ``gates``, ``rollout_jobs`` (by phase) and ``schemas`` are for rollouts. ``probes`` and ``resources`` say by the type of each API of the
    cloud what the prober asks it and what a verification lists.
    ``limits`` are those that the operator has set for containers of this host. ``external_servers`` are those that it uses.
    """

    services: list[str]
    files: list[HostFile]
    stages: dict[str, StageModel]
    databases: list[Database]
    users: list[User]
    endpoints: list[CatalogEntry]
    volumes: list[str]
    required: list[ContainerSpec] = dataclasses.field(default_factory=list)
    remote_dependencies: list[RemoteDependency] = dataclasses.field(default_factory=list)
    backups: list[BackupSpec] = dataclasses.field(default_factory=list)
    gates: list[Gate] = dataclasses.field(default_factory=list)
    rollout_jobs: dict[str, list[JobSpec]] = dataclasses.field(default_factory=lambda: {phase: [] for phase in ROLLOUT_PHASES})
    schemas: list[SchemaSpec] = dataclasses.field(default_factory=list)
    hooks: list[HookSpec] = dataclasses.field(default_factory=list)
    restores: list[BackupSpec] = dataclasses.field(default_factory=list)
    probes: dict[str, Probe] = dataclasses.field(default_factory=dict)
    resources: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    limits: list[LimitedContainer] = dataclasses.field(default_factory=list)
    external_servers: list[RemoteDependency] = dataclasses.field(default_factory=list)

    @property
    def containers(self) -> list[ContainerSpec]:
        """All long-running containers of the host."""
        return [spec for stage in self.stages.values() for spec in stage.containers]

    @property
    def images(self) -> list[str]:
        """References of all images that the host needs."""
        jobs = [job.container for stage in self.stages.values() for job in (*stage.bootstrap, *stage.start, *stage.finalize)]
        return sorted({spec.image for spec in (*self.containers, *jobs)})


#: Returns the content of a file of a service, rendered for the host.
Renderer = t.Callable[[Service, ConfigFile], str]


def frontends(
    services: t.Iterable[Service], groups: t.Mapping[str, t.Sequence[str]], addresses: t.Mapping[str, str]
) -> list[dict[str, t.Any]]:
    """Return the load balancer's ports and the hosts behind each, for templates."""
    return [
        {
            **dataclasses.asdict(frontend),
            "backends": [
                {"name": host, "address": addresses[host], "port": frontend.listen_port} for host in hosts_of(frontend.group, groups)
            ],
        }
        for service in services
        for frontend in service.frontends
    ]


def build(services: t.Sequence[Service], site: Site, render: Renderer, selection: Selection | None = None) -> HostModel:
    """Return what *services*, or those of *selection*, mean for one host. The definitions must have passed :func:`check`."""
    services = low_ports.grant(services)
    selection = selection or Selection(frozenset(service.name for service in services), frozenset(site.groups.get("all", [site.host])))
    active = [service for service in services if service.enabled and service.name in selection.services]
    built = HostModel(
        services=[service.name for service in services if service.name in selection.services],
        files=[],
        stages={stage: StageModel() for stage in STAGES},
        databases=[item for service in active for item in service.databases],
        users=[item for service in active for item in service.users],
        endpoints=[_catalog_entry(item) for service in active for item in service.endpoints],
        volumes=[],
        remote_dependencies=_remote_dependencies(services, active, site, selection),
        probes=apis.probes(services),
        resources=apis.resources(services),
    )
    agent_lists = apis.agent_lists(services)
    for service in active:
        stage = built.stages[service.stage]
        specs = {}
        for item, own in _own_containers(service, site, render):
            specs[item.name] = _container(service, item, own, site)
            built.files += _host_files(item, own)
            built.volumes += [name for name in named_volumes(item.volumes) if name not in built.volumes]
        for backup in (backup for backup in service.backups if backup.container in specs):
            values = {name: getattr(backup, name) for name in ("name", "path", "command", "restore", "once")}
            part = BackupSpec(service=service.name, container=specs[backup.container], **values)
            built.restores.append(part)
            if not backup.once or _first(service, backup.container, site, selection.hosts):
                built.backups.append(part)
        stage.containers += specs.values()
        built.gates += [_gate(service, item, site, agent_lists) for item in service.containers if item.name in specs]
        built.schemas += [SchemaSpec(item, specs[item.container]) for item in service.schemas if _first(service, item.container, site)]
        built.hooks += [
            HookSpec(service.name, item.point, item.tasks)
            for item in service.hooks
            if specs and (not item.once or _first(service, service.containers[0].name, site, selection.hosts))
        ]
        _add_jobs({**vars(stage), **built.rollout_jobs}, service, specs, site, selection.hosts)
    needed = required(services, selection.services)
    for service in (service for service in services if service.name in needed):
        built.required += [_container(service, item, own, site) for item, own in _own_containers(service, site, render)]
    built.external_servers = _external_servers(services, built.files)
    return built


def _external_servers(services: t.Iterable[Service], files: t.Sequence[HostFile]) -> list[RemoteDependency]:
    """Return the servers of external services whose address files of the host have."""
    found = [(service.name, server) for service in services if service.enabled for server in service.external_servers]
    return [
        RemoteDependency(name, "", server.address, server.port)
        for name, server in found
        if any(re.search(rf"(?<![\w.:-]){re.escape(server.address)}(?![\w.-])", file.content) for file in files)
    ]


def _own_containers(service: Service, site: Site, render: Renderer) -> t.Iterator[tuple[Container, list[tuple[ConfigFile, str]]]]:
    """Yield the containers of a service that belong on the host, each with its rendered files."""
    rendered: dict[int, str] = {}
    for item in service.containers:
        if site.host not in hosts_of(item.group, site.groups):
            continue
        own = [(at, file) for at, file in enumerate(service.files) if item.name in file.containers]
        for at, file in own:
            if at not in rendered:
                rendered[at] = render(service, file)
        yield item, [(file, rendered[at]) for at, file in own]


def _remote_dependencies(services: t.Sequence[Service], active: list[Service], site: Site, selection: Selection) -> list[RemoteDependency]:
    """Return the ports, on hosts that take no part in this run, of the services that those of this host stand on.

    What a container of this host is on other hosts, such as a hypervisor among thousands, need not answer.
    """
    local = [service for service in active if any(site.host in hosts_of(item.group, site.groups) for item in service.containers)]
    names = {name for service in local for name in (service.name, *service.requires)}
    chosen = [service for service in services if service.enabled and service.name in names]
    # the members of a cluster of this host are judged by all that they say, see plugin_utils/model/cluster.py
    members = {item.name for service in local for item in service.containers if item.cluster}
    ports = [
        (service.name, item.group, port)
        for service in chosen
        for item in service.containers
        for port in item.ports
        if item.name not in members and site.host not in hosts_of(item.group, site.groups)
    ]
    ports += [(service.name, item.group, item.listen_port) for service in chosen for item in service.frontends if item.name not in members]
    return [
        RemoteDependency(name, host, site.addresses.get(host, host), port)
        for name, group, port in ports
        for host in hosts_of(group, site.groups)
        if host not in selection.hosts
    ]


def _container(service: Service, item: Container, files: list[tuple[ConfigFile, str]], site: Site) -> ContainerSpec:
    values = {field.name: getattr(item, field.name) for field in dataclasses.fields(ContainerOptions)}
    values["image"] = f"{site.image_prefix}{item.image}:{site.image_tag}"
    values["volumes"] = [*item.volumes, *_mounts(item, files)]
    if item.read_only and not any(entry.split(":")[0] == "/tmp" for entry in item.tmpfs):
        values["tmpfs"] = [_TMP, *item.tmpfs]
    if item.cluster:
        values["members"] = {host: site.addresses.get(host, host) for host in hosts_of(item.group, site.groups)}
    return ContainerSpec(
        service=service.name,
        config_digest=_files_digest(files, "restart"),
        reload_digest=_files_digest(files, "reload"),
        stage=service.stage,
        tier=item.tier or "",
        shared=len(hosts_of(item.group, site.groups)) > 1,
        **values,
    )


def _files_digest(files: list[tuple[ConfigFile, str]], on_change: str) -> str:
    chosen = {file.path: [hashlib.sha256(text.encode()).hexdigest(), file.mode] for file, text in files if file.on_change == on_change}
    return digest(chosen) if chosen else ""


def host_path(container: Container, file: ConfigFile) -> str:
    """Return where a file lives on the host, relative to :data:`CONFIG_ROOT`."""
    if below(file.path, container.config_dir):
        return f"{container.name}/config/{pathlib.PurePosixPath(file.path).relative_to(container.config_dir)}"
    return f"{container.name}/files{file.path}"


def _mounts(container: Container, files: list[tuple[ConfigFile, str]]) -> list[str]:
    """Return the read-only mounts of a container's configuration."""
    mounts = []
    if container.config_dir and any(below(file.path, container.config_dir) for file, _text in files):
        mounts.append(f"{CONFIG_ROOT}/{container.name}/config:{container.config_dir}:ro")
    mounts += [
        f"{CONFIG_ROOT}/{host_path(container, file)}:{file.path}:ro" for file, _text in files if not below(file.path, container.config_dir)
    ]
    return mounts


def _host_files(container: Container, files: list[tuple[ConfigFile, str]]) -> list[HostFile]:
    gid = int(container.user.split(":")[1])
    return [HostFile(host_path(container, file), text, file.mode, gid, file.sensitive, file.hidden) for file, text in files]


def _add_jobs(
    phases: t.Mapping[str, list[JobSpec]], service: Service, specs: dict[str, ContainerSpec], site: Site, taking_part: t.Container[str]
) -> None:
    """Add the service's jobs of this host to their phases; all but those of ``start`` run on the first host of their container."""
    previous: dict[str, str] = {}
    for job in service.jobs:
        if job.phase == "start":
            here = job.container in specs and (not job.once or _first(service, job.container, site, taking_part))
        else:
            here = _first(service, job.container, site)
        if not here:
            continue
        # jobs of a service run in the order they are listed
        after = [*job.after, *([previous[job.phase]] if job.phase in previous else [])]
        previous[job.phase] = job.name
        phases[job.phase].append(_job(service, job, specs[job.container], after, site))


def _first(service: Service, container: str, site: Site, taking_part: t.Container[str] | None = None) -> bool:
    """Return whether the host is the first one of a container, or the first of those that take part in the run."""
    groups = (item.group for item in service.containers if item.name == container)
    hosts = (host for group in groups for host in hosts_of(group, site.groups) if taking_part is None or host in taking_part)
    return next(hosts, None) == site.host


def _catalog_entry(item: CatalogEntry) -> CatalogEntry:
    return CatalogEntry(**{field.name: getattr(item, field.name) for field in dataclasses.fields(CatalogEntry)})


def _gate(service: Service, item: Container, site: Site, agent_lists: t.Mapping[str, AgentList]) -> Gate:
    address = site.addresses.get(site.host, site.host)
    frontend = next((front for front in service.frontends if front.name == item.name), None)
    url = f"http://{url_host(address)}:{frontend.listen_port}{frontend.request}" if frontend and frontend.request else ""
    agent = apis.agent_query(item, agent_lists, site.host)
    return Gate(item.name, item.tier or "api", agent, url, frontend.name if frontend else "")


def _job(service: Service, job: Job, container: ContainerSpec, after: list[str], site: Site) -> JobSpec:
    changes: dict[str, t.Any] = {}
    if job.image:
        changes["image"] = f"{site.image_prefix}{job.image}:{site.image_tag}"
    if job.user:
        changes["user"] = job.user
    for option in ("capabilities", "devices", "security_opts", "no_new_privileges", "read_only"):
        if getattr(job, option) is not None:
            changes[option] = getattr(job, option)
    if job.volumes is not None:
        configuration = [bind for bind in container.volumes if bind.startswith(CONFIG_ROOT)]
        changes["volumes"] = [*job.volumes, *configuration]
    values = {field.name: getattr(job, field.name) for field in dataclasses.fields(JobOptions)} | {
        "service": service.name,
        "container": container.once(job.name, _command(service, job), **changes),
        "after": after,
        "place": job.container,
    }
    return JobSpec(**values)


def _command(service: Service, job: Job) -> list[str]:
    """Return the command of a job. In a rollout the plan knows whether a database is ahead, otherwise it has to be looked at."""
    if not job.schema or job.phase in ROLLOUT_PHASES:
        return job.command
    schema = next(item for item in service.schemas if item.name == job.schema)
    return [*schema.command("apply"), *job.command]
