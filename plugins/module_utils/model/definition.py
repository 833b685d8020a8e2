# SPDX-License-Identifier: Apache-2.0
"""What a service role says: the dataclasses behind ``<service>_service``.

Option names are those of ``community.docker.docker_container`` where that module has the option.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.api import Agent, Endpoint

Stage = t.Literal["infrastructure", "identity", "service"]
#: Order of the stages of a run.
STAGES: tuple[str, ...] = t.get_args(Stage)
Tier = t.Literal["switch", "ovn", "backend", "identity", "conductor", "worker", "api", "network", "compute"]
#: Order in which a rollout goes through the containers of a cloud; back it goes the other way round.
TIERS: tuple[Tier, ...] = t.get_args(Tier)
#: Default tier of containers by the stage of their service.
TIER_OF_STAGE: dict[str, Tier] = {"infrastructure": "backend", "identity": "identity", "service": "api"}


#: Phases of jobs that belong to a rollout.
ROLLOUT_PHASES = ("check", "expand", "revert", "contract")


@dataclasses.dataclass
class Healthcheck:
    """A command that asks the service for work; times in seconds."""

    test: list[str]
    interval: int = 30
    timeout: int = 10
    retries: int = 3
    start_period: int = 180


@dataclasses.dataclass
class ContainerCommand:
    """A command that runs inside a running container; it fails if it takes longer than ``timeout`` seconds."""

    command: list[str]
    timeout: int = 60


@dataclasses.dataclass
class ReadyCheck:
    """A command that succeeds in a healthy container once it does its full share again; tried each ``interval`` seconds.

    The container has ``timeout`` seconds for it, on top of its ``start_timeout``.
    """

    command: list[str]
    timeout: int = 120
    interval: int = 2


@dataclasses.dataclass
class Cluster:
    """How the containers of one name on several hosts are members of one cluster, called ``name`` or as the container.

    ``facts`` prints what a member knows of itself as JSON: ``data`` (whether it has any), ``cluster`` (what identifies the one that they
    belong to), ``position`` (a number that grows with each change) and ``serving`` (whether it belongs to a cluster that works). It runs in
    the container, or in its place if that does not run and one of its volumes exists.

    The others run in the container's place, before it starts: ``seed`` where the cluster is founded, ``join`` on a host without data,
    ``recover`` where the newest data are after all members have stopped. Without ``recover`` members with data just start again.

    ``leave`` prints the addresses of the other members that run, a line each. It must succeed and print none in a running member before
    that is replaced by a container that has no cluster any more. Members on hosts that do not have the container any more are removed
    before that.

    ``lost_hosts`` are members whose data are given up: nobody waits for them.
    """

    facts: ContainerCommand
    seed: t.Optional[ContainerCommand] = None
    join: t.Optional[ContainerCommand] = None
    recover: t.Optional[ContainerCommand] = None
    leave: t.Optional[ContainerCommand] = None
    name: str = ""
    lost_hosts: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(kw_only=True)
class ContainerOptions:
    """What a definition and a specification have in common; times in seconds.

    ``impact`` says what users notice while the container is replaced; empty if nothing. ``unpin_signal`` makes it ask anew which
    versions the others have, when a rollout is finalized.

    Before a running container is stopped for a change, ``stop_check`` must succeed in it; otherwise it is not stopped. Then ``drain``
    makes it hand over its work. ``ready`` says when its successor has taken up that work.

    ``cluster`` says how it is founded and joined.
    """

    name: str
    image: str
    command: list[str]
    user: str = "0:0"
    env: dict[str, str] = dataclasses.field(default_factory=dict)
    volumes: list[str] = dataclasses.field(default_factory=list)
    tmpfs: list[str] = dataclasses.field(default_factory=list)
    capabilities: list[str] = dataclasses.field(default_factory=list)
    read_only: bool = True
    no_new_privileges: bool = True
    security_opts: list[str] = dataclasses.field(default_factory=list)
    devices: list[str] = dataclasses.field(default_factory=list)
    pid_mode: str = ""
    cgroupns_mode: str = ""
    ulimits: dict[str, int] = dataclasses.field(default_factory=dict)
    memory: str = ""
    cpuset_cpus: str = ""
    cpu_shares: int = 0
    healthcheck: t.Optional[Healthcheck] = None
    reload_signal: str = "SIGHUP"
    unpin_signal: str = ""
    stop_timeout: int = 30
    start_timeout: int = 180
    after: list[str] = dataclasses.field(default_factory=list)
    protected_processes: list[str] = dataclasses.field(default_factory=list)
    impact: str = ""
    stop_check: t.Optional[ContainerCommand] = None
    drain: t.Optional[ContainerCommand] = None
    ready: t.Optional[ReadyCheck] = None
    cluster: t.Optional[Cluster] = None


@dataclasses.dataclass(kw_only=True)
class Container(ContainerOptions):
    """A long-running container of a service. ``ports`` are those on which it listens on the host's address (TCP).

    With ``public_ports`` it listens on the ports of all frontends as well, on the load balancer's address.

    ``tier`` is the tier in which a rollout updates it; by default that of its stage. ``agent`` is how it reports to an API: a rollout
    continues when the API lists it as up.
    """

    group: str
    config_dir: str = ""
    ports: list[int] = dataclasses.field(default_factory=list)
    public_ports: bool = False
    tier: t.Optional[Tier] = None
    agent: t.Optional[Agent] = None


@dataclasses.dataclass
class ConfigFile:
    """A file mounted read-only into containers, all of its service unless ``containers`` names them."""

    path: str
    format: t.Literal["ini", "yaml", "json", "text"]
    containers: list[str] = dataclasses.field(default_factory=list)
    content: t.Any = None
    template: str = ""
    oslo: bool = False
    sensitive: bool = False
    hidden: bool = False
    on_change: t.Literal["restart", "reload", "none"] = "restart"
    mode: str = "0640"


@dataclasses.dataclass(kw_only=True)
class JobOptions:
    """What the definition and the specification of a job have in common; times in seconds.

    With ``schema`` it applies migrations of that: there is nothing to do where a later release has been before.
    """

    name: str
    schema: str = ""
    stdin: str = dataclasses.field(default="", metadata={"no_log": True})
    database: str = ""
    triggers: list[str] = dataclasses.field(default_factory=list)
    ok_codes: list[int] = dataclasses.field(default_factory=lambda: [0])
    retries: int = 0
    delay: int = 2
    timeout: int = 300
    after: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(kw_only=True)
class Job(JobOptions):
    """A one-shot container in the place of another, and how to tell that it is done.

    ``bootstrap``, ``start`` and ``finalize`` belong to a stage. The others belong to a rollout: ``check`` says whether it may
    begin, ``expand`` prepares the databases so that the old release and the new one can use them, ``revert`` runs in the old image
    before old containers start again, ``contract`` closes the way back. ``script`` is a file of the role that is given as standard input.

    With ``once`` a job of phase ``start`` runs on one host only, the first of its group that takes part in the run. So do jobs of all other
    phases, but for them it is the first of the group, whether it takes part or not.
    """

    phase: t.Literal["bootstrap", "start", "finalize", "check", "expand", "revert", "contract"]
    container: str
    command: list[str]
    script: str = ""
    once: bool = False
    image: str = ""
    user: str = ""
    capabilities: t.Optional[list[str]] = None
    volumes: t.Optional[list[str]] = None
    devices: t.Optional[list[str]] = None
    security_opts: t.Optional[list[str]] = None
    no_new_privileges: t.Optional[bool] = None
    read_only: t.Optional[bool] = None


@dataclasses.dataclass
class AlternateAccount:
    """The other account of a pair while a secret rotates: accepted as well, or removed if it has no password."""

    user: str
    password: str = dataclasses.field(default="", metadata={"no_log": True})


@dataclasses.dataclass
class Database:
    """A database and the user that owns it.

    With ``privileges`` there is a user only: one that has these of the whole server, ``USAGE`` being none, and no database.
    They are named as the server lists them in ``information_schema.USER_PRIVILEGES``.
    """

    name: str
    user: str
    password: str = dataclasses.field(metadata={"no_log": True})
    alternate: t.Optional[AlternateAccount] = None
    privileges: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Schema:
    """The tables of a database as Alembic scripts make them.

    ``location`` is the directory of the scripts in the Python package, ``config`` the file and ``section`` the place in it that has
    the URL of the database; ``container`` is the one in whose place they are read. ``reviewed`` says of revisions that would close the
    way back why they do not.
    """

    name: str
    container: str
    location: str
    config: str
    section: str = "database"
    reviewed: dict[str, str] = dataclasses.field(default_factory=dict)

    def command(self, verb: t.Literal["pending", "apply"]) -> list[str]:
        """Return how the images are asked about it, or how what follows is left out if its database is ahead."""
        return ["schema-migrations", verb, self.name, self.location, self.config, self.section]


@dataclasses.dataclass
class User:
    """A Keystone user in the project of the services."""

    name: str
    password: str = dataclasses.field(metadata={"no_log": True})
    roles: list[str] = dataclasses.field(default_factory=list)
    alternate: t.Optional[AlternateAccount] = None


@dataclasses.dataclass
class Frontend:
    """A port of the load balancer and the hosts behind it. ``request`` is a path that answers to a token with a read of the database.

    With ``single`` one host gets all connections, the same from all load balancers, until it fails; then another has them and keeps them.
    ``tcp_check`` are the rules of the check of a host, in HAProxy's words. A host that is up is checked each ``check_interval`` seconds,
    with 0 never. A connection without traffic ends after ``idle_timeout`` seconds. With ``own_address`` the load balancer listens on the
    address of its host as well, with ``public`` on that of users, if they have one of their own.
    """

    name: str
    port: int
    listen_port: int
    group: str
    mode: t.Literal["http", "tcp"] = "http"
    check_path: str = ""
    request: str = ""
    tunnel_timeout: int = 0
    single: bool = False
    tcp_check: list[str] = dataclasses.field(default_factory=list)
    check_interval: int = 5
    idle_timeout: int = 0
    own_address: bool = False
    public: bool = False


@dataclasses.dataclass
class Backup:
    """Data of a container that cannot be made again.

    ``command`` runs in the container and writes them to its output. ``restore`` runs in the container's place, before that is
    there, reads them from its input and replaces what there is. ``path`` is the file or directory whose size they do not exceed.

    ``holds`` describes the data in the documentation.

    With ``once`` the data are the same on all hosts, as in a cluster: the first host of the group that takes part in the run backs them
    up. A restore puts them back there and removes the volumes of the container on the other hosts, which get them from that one.
    """

    name: str
    container: str
    path: str
    command: list[str]
    restore: list[str]
    once: bool = False
    holds: str = ""


HookPoint = t.Literal["before_replace", "after_replace", "after_start"]


@dataclasses.dataclass
class Hook:
    """A task file of the role for what no other key can say.

    It is included before (``before_replace``) or after (``after_replace``) running containers of the service are replaced or restarted on a
    host, while that host gets no requests; or when a run has started or changed containers of the service on all hosts (``after_start``).
    With ``once`` the first host of the service that takes part in the run includes it, otherwise each host does.
    """

    point: HookPoint
    tasks: str
    once: bool = False


@dataclasses.dataclass
class ExternalServer:
    """Where a service that runs outside of the cloud listens (TCP). A host whose files name the address must reach it."""

    address: str
    port: int


@dataclasses.dataclass
class Service:
    """A service: everything the engine needs to know to build, run and register it.

    ``requires`` names the services that must be available before this one can start. An ``external`` service runs outside of this cloud, on
    ``external_servers`` if that is not for its endpoints to say: of its definition only these count, and no host gets anything of it.
    ``not_backed_up`` says for each volume that is in no
    backup why its data may be lost.
    """

    name: str
    stage: Stage
    enabled: bool = True
    external: bool = False
    external_servers: list[ExternalServer] = dataclasses.field(default_factory=list)
    requires: list[str] = dataclasses.field(default_factory=list)
    containers: list[Container] = dataclasses.field(default_factory=list)
    files: list[ConfigFile] = dataclasses.field(default_factory=list)
    databases: list[Database] = dataclasses.field(default_factory=list)
    users: list[User] = dataclasses.field(default_factory=list)
    endpoints: list[Endpoint] = dataclasses.field(default_factory=list)
    frontends: list[Frontend] = dataclasses.field(default_factory=list)
    jobs: list[Job] = dataclasses.field(default_factory=list)
    schemas: list[Schema] = dataclasses.field(default_factory=list)
    backups: list[Backup] = dataclasses.field(default_factory=list)
    not_backed_up: dict[str, str] = dataclasses.field(default_factory=dict)
    hooks: list[Hook] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        """Give files that name no container to all of them, and containers that name no tier that of the service."""
        for file in self.files:
            file.containers = file.containers or [container.name for container in self.containers]
        for container in self.containers:
            container.tier = container.tier or TIER_OF_STAGE[self.stage]
