# SPDX-License-Identifier: Apache-2.0
"""What a service role says: the dataclasses behind ``<service>_service``.

Option names are those of ``community.docker.docker_container`` where that module has the option.
"""

from __future__ import annotations

import dataclasses
import typing as t

Wave = t.Literal["infrastructure", "identity", "service"]
#: Order of the start rounds of a run.
WAVES: tuple[str, ...] = t.get_args(Wave)


@dataclasses.dataclass
class Healthcheck:
    """A command that asks the service for work; times in seconds."""

    test: list[str]
    interval: int = 30
    timeout: int = 10
    retries: int = 3
    start_period: int = 180


@dataclasses.dataclass
class Container:
    """A long-running container of a service; times in seconds."""

    name: str
    image: str
    group: str
    command: list[str]
    user: str = "0:0"
    env: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    config_dir: str = ""
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
    healthcheck: t.Optional[Healthcheck] = None
    reload_signal: str = "SIGHUP"
    stop_timeout: int = 30
    start_timeout: int = 180
    after: list[str] = dataclasses.field(default_factory=list)
    survivors: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class ConfigFile:
    """A file mounted read-only into containers."""

    path: str
    containers: list[str]
    format: t.Literal["ini", "yaml", "json", "text"]
    content: t.Any = None
    template: str = ""
    oslo: bool = False
    sensitive: bool = False
    on_change: t.Literal["restart", "reload", "none"] = "restart"
    mode: str = "0640"


@dataclasses.dataclass
class Job:
    """A one-shot container, and how to tell that it is done; times in seconds."""

    name: str
    phase: t.Literal["bootstrap", "start", "finalize"]
    container: str
    command: list[str]
    image: str = ""
    user: str = ""
    capabilities: t.Optional[list[str]] = None
    volumes: t.Optional[list[str]] = None
    devices: t.Optional[list[str]] = None
    security_opts: t.Optional[list[str]] = None
    no_new_privileges: t.Optional[bool] = None
    read_only: t.Optional[bool] = None
    stdin: str = dataclasses.field(default="", metadata={"no_log": True})
    database: str = ""
    triggers: list[str] = dataclasses.field(default_factory=list)
    ok_codes: list[int] = dataclasses.field(default_factory=lambda: [0])
    retries: int = 0
    delay: int = 2
    timeout: int = 300
    after: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Database:
    """A database and the user that owns it."""

    name: str
    user: str
    password: str = dataclasses.field(metadata={"no_log": True})


@dataclasses.dataclass
class User:
    """A Keystone user in the project of the services."""

    name: str
    password: str = dataclasses.field(metadata={"no_log": True})
    roles: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Endpoint:
    """An entry of the Keystone catalog."""

    name: str
    type: str
    internal_url: str
    public_url: str
    description: str = ""


@dataclasses.dataclass
class Frontend:
    """A port of the load balancer and the hosts behind it."""

    name: str
    port: int
    listen_port: int
    group: str
    mode: t.Literal["http", "tcp"] = "http"
    check_path: str = ""
    tunnel_timeout: int = 0


@dataclasses.dataclass
class Service:
    """A service: everything the engine needs to know to build, run and register it."""

    name: str
    wave: Wave
    enabled: bool = True
    containers: list[Container] = dataclasses.field(default_factory=list)
    files: list[ConfigFile] = dataclasses.field(default_factory=list)
    databases: list[Database] = dataclasses.field(default_factory=list)
    users: list[User] = dataclasses.field(default_factory=list)
    endpoints: list[Endpoint] = dataclasses.field(default_factory=list)
    frontends: list[Frontend] = dataclasses.field(default_factory=list)
    jobs: list[Job] = dataclasses.field(default_factory=list)
