# SPDX-License-Identifier: Apache-2.0
"""From the definitions of services to what one host has to run. Pure: no connection, no templating, no clock."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils import graph
from ansible_collections.caisson.openstack.plugins.module_utils.definition import (
    WAVES,
    ConfigFile,
    Container,
    Database,
    Endpoint,
    Job,
    Service,
    User,
)
from ansible_collections.caisson.openstack.plugins.module_utils.spec import ContainerSpec, JobSpec, digest

#: Where configuration lives on a host: one directory for each container.
CONFIG_ROOT = "/etc/caisson"
_TMP = "/tmp:mode=1777"


class ModelError(ValueError):
    """The definitions do not make a cloud; ``messages`` holds one sentence per fault."""

    def __init__(self, messages: t.Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = list(messages)


@dataclasses.dataclass(frozen=True)
class Site:
    """What the inventory says, as far as the model needs it."""

    host: str
    groups: t.Mapping[str, t.Sequence[str]]
    image_prefix: str
    image_tag: str


@dataclasses.dataclass(frozen=True)
class HostFile:
    """A file on a host, below :data:`CONFIG_ROOT`."""

    path: str
    content: str
    mode: str
    gid: int
    sensitive: bool


@dataclasses.dataclass
class WaveModel:
    """What one host does in one start round."""

    bootstrap: list[JobSpec] = dataclasses.field(default_factory=list)
    containers: list[ContainerSpec] = dataclasses.field(default_factory=list)
    start: list[JobSpec] = dataclasses.field(default_factory=list)
    finalize: list[JobSpec] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class HostModel:
    """Everything the services of a play mean for one host."""

    services: list[str]
    files: list[HostFile]
    waves: dict[str, WaveModel]
    databases: list[Database]
    users: list[User]
    endpoints: list[Endpoint]
    volumes: list[str]

    @property
    def containers(self) -> list[ContainerSpec]:
        """All long-running containers of the host."""
        return [spec for wave in self.waves.values() for spec in wave.containers]

    @property
    def images(self) -> list[str]:
        """References of all images that the host needs."""
        jobs = [job.container for wave in self.waves.values() for job in (*wave.bootstrap, *wave.start, *wave.finalize)]
        return sorted({spec.image for spec in (*self.containers, *jobs)})


#: Returns the content of a file of a service, rendered for the host.
Renderer = t.Callable[[Service, ConfigFile], str]


def resolve_group(pattern: str, groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Return the hosts of a pattern such as ``control`` or ``network:compute``, each once, in inventory order.

    Raises:
        KeyError: with the name of a group that the inventory does not have.
    """
    hosts: dict[str, None] = {}
    for name in pattern.split(":"):
        hosts.update(dict.fromkeys(groups[name]))
    return list(hosts)


def frontends(
    services: t.Iterable[Service], groups: t.Mapping[str, t.Sequence[str]], address: t.Callable[[str], str]
) -> list[dict[str, t.Any]]:
    """Return the load balancer's ports and the hosts behind each, for templates; *address* gives a host's address."""
    return [
        {
            **dataclasses.asdict(frontend),
            "backends": [
                {"name": host, "address": address(host), "port": frontend.listen_port} for host in resolve_group(frontend.group, groups)
            ],
        }
        for service in services
        for frontend in service.frontends
    ]


def _named(service: Service) -> list[Container | Job]:
    return [*service.containers, *service.jobs]


def check(services: t.Sequence[Service], groups: t.Mapping[str, t.Sequence[str]]) -> None:
    """Refuse definitions that contradict themselves, each other or the inventory.

    Raises:
        ModelError: with every fault found.
    """
    faults = _check_names(services) + _check_ports(services)
    known = {item.name for service in services for item in _named(service)}
    databases = {database.name for service in services for database in service.databases}
    for service in services:
        faults += _check_groups(service, groups)
        faults += _check_containers(service, known)
        faults += _check_files(service)
        faults += _check_jobs(service, known, databases)
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


def _check_groups(service: Service, groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    faults = []
    known = ", ".join(sorted(name for name in groups if name not in ("all", "ungrouped")))
    places = [(item.name, item.group) for item in service.containers] + [(item.name, item.group) for item in service.frontends]
    for name, group in places:
        try:
            resolve_group(group, groups)
        except KeyError as error:
            what = f"{service.name}: {name} belongs to host group {error.args[0]}"
            faults.append(f"{what}, which the inventory does not have (it has: {known})")
    return faults


def _check_containers(service: Service, known: set[str]) -> list[str]:
    faults = []
    for container in service.containers:
        if not re.fullmatch(r"\d+:\d+", container.user):
            faults.append(f"{service.name}: user of {container.name} is '{container.user}'; it must be numbers as in '42425:42425'")
        faults += _check_after(service, container, known)
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
            elif file.on_change == "reload" and not _below(file.path, containers[name].config_dir):
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
        faults += _check_after(service, job, known)
    return faults


def _check_cycles(services: t.Sequence[Service]) -> list[str]:
    dependencies = {item.name: item.after for service in services for item in _named(service)}
    try:
        graph.order(dependencies)
    except graph.CycleError as error:
        return [f"these wait for each other: {error}"]
    return []


def build(services: t.Sequence[Service], site: Site, render: Renderer) -> HostModel:
    """Return what *services* mean for one host. The definitions must have passed :func:`check`."""
    active = [service for service in services if service.enabled]
    files: list[HostFile] = []
    volumes: dict[str, None] = {}
    waves = {wave: WaveModel() for wave in WAVES}
    for service in active:
        wave = waves[service.wave]
        places = {item.name: resolve_group(item.group, site.groups) for item in service.containers}
        mine = [item for item in service.containers if site.host in places[item.name]]
        rendered = {
            file.path + "|".join(file.containers): render(service, file)
            for file in service.files
            if any(item.name in file.containers for item in mine)
        }
        specs = {}
        for item in mine:
            own = [(file, rendered[file.path + "|".join(file.containers)]) for file in service.files if item.name in file.containers]
            specs[item.name] = _container(service, item, own, site)
            files += _host_files(item, own)
            volumes.update(dict.fromkeys(name for name in (bind.split(":")[0] for bind in item.volumes) if not name.startswith("/")))
        wave.containers += specs.values()
        _add_jobs(wave, service, specs, places, site)
    return HostModel(
        services=[service.name for service in services],
        files=files,
        waves=waves,
        databases=[item for service in active for item in service.databases],
        users=[item for service in active for item in service.users],
        endpoints=[item for service in active for item in service.endpoints],
        volumes=list(volumes),
    )


def _container(service: Service, item: Container, files: list[tuple[ConfigFile, str]], site: Site) -> ContainerSpec:
    shared = {field.name for field in dataclasses.fields(ContainerSpec)} & {field.name for field in dataclasses.fields(Container)}
    values = {name: getattr(item, name) for name in shared}
    values["image"] = f"{site.image_prefix}{item.image}:{site.image_tag}"
    values["volumes"] = [*item.volumes, *_mounts(item, files)]
    if item.read_only and not any(entry.split(":")[0] == "/tmp" for entry in item.tmpfs):
        values["tmpfs"] = [_TMP, *item.tmpfs]
    return ContainerSpec(
        service=service.name,
        config_digest=_files_digest(files, "restart"),
        reload_digest=_files_digest(files, "reload"),
        **values,
    )


def _files_digest(files: list[tuple[ConfigFile, str]], on_change: str) -> str:
    chosen = {file.path: [hashlib.sha256(text.encode()).hexdigest(), file.mode] for file, text in files if file.on_change == on_change}
    return digest(chosen) if chosen else ""


def _below(path: str, directory: str) -> bool:
    return bool(directory) and pathlib.PurePosixPath(path).is_relative_to(directory)


def host_path(container: Container, file: ConfigFile) -> str:
    """Return where a file lives on the host, relative to :data:`CONFIG_ROOT`."""
    if _below(file.path, container.config_dir):
        return f"{container.name}/config/{pathlib.PurePosixPath(file.path).relative_to(container.config_dir)}"
    return f"{container.name}/files{file.path}"


def _mounts(container: Container, files: list[tuple[ConfigFile, str]]) -> list[str]:
    """Return the read-only mounts of a container's configuration."""
    mounts = []
    if container.config_dir and any(_below(file.path, container.config_dir) for file, _text in files):
        mounts.append(f"{CONFIG_ROOT}/{container.name}/config:{container.config_dir}:ro")
    mounts += [
        f"{CONFIG_ROOT}/{host_path(container, file)}:{file.path}:ro" for file, _text in files if not _below(file.path, container.config_dir)
    ]
    return mounts


def _host_files(container: Container, files: list[tuple[ConfigFile, str]]) -> list[HostFile]:
    gid = int(container.user.split(":")[1])
    return [HostFile(host_path(container, file), text, file.mode, gid, file.sensitive) for file, text in files]


def _add_jobs(wave: WaveModel, service: Service, specs: dict[str, ContainerSpec], places: dict[str, list[str]], site: Site) -> None:
    """Add the service's jobs of this host to *wave*; a bootstrap or finalize job runs on the first host of its container."""
    previous: dict[str, str] = {}
    for job in service.jobs:
        hosts = places[job.container] if job.phase == "start" else places[job.container][:1]
        if site.host not in hosts:
            continue
        # jobs of a service run in the order they are listed
        after = [*job.after, *([previous[job.phase]] if job.phase in previous else [])]
        previous[job.phase] = job.name
        getattr(wave, job.phase).append(_job(service, job, specs[job.container], after, site))


def _job(service: Service, job: Job, container: ContainerSpec, after: list[str], site: Site) -> JobSpec:
    changes: dict[str, t.Any] = {"name": job.name, "command": job.command, "healthcheck": None, "survivors": [], "after": []}
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
    shared = {field.name for field in dataclasses.fields(JobSpec)} & {field.name for field in dataclasses.fields(Job)}
    values = {name: getattr(job, name) for name in shared} | {
        "service": service.name,
        "container": dataclasses.replace(container, **changes),
        "after": after,
    }
    return JobSpec(**values)
