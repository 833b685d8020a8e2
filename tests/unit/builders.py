# SPDX-License-Identifier: Apache-2.0
"""Small definitions for tests."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Backup, ConfigFile, Container, Job, Service

GROUPS = {"control": ["c1", "c2"], "compute": ["n1", "n2"], "network": ["c1"], "empty": [], "all": ["c1", "c2", "n1", "n2"]}


def a_container(name: str = "api", **options: t.Any) -> Container:
    values = {"image": "x", "group": "control", "command": ["run"], "user": "1000:2000", "config_dir": "/etc/x", **options}
    return Container(name=name, **values)


def a_file(path: str = "/etc/x/x.conf", containers: t.Sequence[str] = ("api",), **options: t.Any) -> ConfigFile:
    return ConfigFile(path=path, containers=list(containers), format="ini", **options)


def a_job(name: str = "sync", **options: t.Any) -> Job:
    return Job(**{"name": name, "phase": "bootstrap", "container": "api", "command": ["sync"], **options})


def a_service(**options: t.Any) -> Service:
    return Service(**{"name": "x", "stage": "service", "containers": [a_container()], **options})


def a_backup(name: str = "data", **options: t.Any) -> Backup:
    return Backup(**{"name": name, "container": "api", "path": "/srv", "command": ["read"], "restore": ["write"], **options})


def a_state(name: str = "api", **changes: t.Any) -> ContainerState:
    """Return a container that has been running since the begin of 2026 and is healthy."""
    values: dict[str, t.Any] = {
        "id": "1",
        "name": name,
        "image_id": "i",
        "running": True,
        "status": "running",
        "health": "healthy",
        "exit_code": 0,
        "restarts": 0,
        "pid": 1,
        "started_at": "2026-01-01T00:00:00Z",
        "stop_timeout": 30,
        "labels": {},
    }
    return ContainerState(**{**values, **changes})
