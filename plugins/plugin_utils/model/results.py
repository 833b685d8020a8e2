# SPDX-License-Identifier: Apache-2.0
"""The model of a host as the value of a registered variable. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import packed
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.build import HostModel


def as_result(built: HostModel, secrets: t.Iterable[str], forms: t.Callable[[str], t.Iterable[str]]) -> dict[str, t.Any]:
    """Return the model as a result that is never shown, because it holds secrets.

    Args:
        secrets: those that files may contain, beside the passwords of databases and users.
        forms: returns each form in which a secret may be written in a file.
    """
    every = {*(item.password for item in built.databases), *(item.password for item in built.users), *secrets}
    files = {
        "directories": [spec.name for spec in built.containers],
        "files": [dataclasses.asdict(file) for file in built.files],
        "secrets": sorted({form for secret in every for form in forms(secret)}),
    }
    return {
        "changed": False,
        "_ansible_no_log": True,
        "services": built.services,
        "containers": [spec.name for spec in built.containers],
        "images": built.images,
        "volumes": built.volumes,
        "files": packed.pack(files),
        "parts": packed.pack(_parts(built)),
    }


def _parts(built: HostModel) -> dict[str, t.Any]:
    """Return what only tasks about it need, by name; :func:`part` reads it."""
    return {
        "stages": {name: dataclasses.asdict(stage) for name, stage in built.stages.items()},
        "databases": [dataclasses.asdict(item) for item in built.databases],
        "users": [dataclasses.asdict(item) for item in built.users],
        "endpoints": [dataclasses.asdict(item) for item in built.endpoints],
        "required": [dataclasses.asdict(spec) for spec in built.required],
        "remote_dependencies": [dataclasses.asdict(item) for item in built.remote_dependencies],
        "backups": [dataclasses.asdict(spec) for spec in built.backups],
        "gates": [dataclasses.asdict(gate) for gate in built.gates],
        "rollout_jobs": {phase: [dataclasses.asdict(job) for job in jobs] for phase, jobs in built.rollout_jobs.items()},
        "schemas": [dataclasses.asdict(spec) for spec in built.schemas],
        "restores": [dataclasses.asdict(spec) for spec in built.restores],
        "hooks": [dataclasses.asdict(hook) for hook in built.hooks],
        "probes": {name: dataclasses.asdict(probe) for name, probe in built.probes.items()},
        "resources": built.resources,
        "limits": [dataclasses.asdict(item) for item in built.limits],
        "external_servers": [dataclasses.asdict(item) for item in built.external_servers],
    }


def part(parts: str, name: str) -> t.Any:
    """Return one of the packed parts of a model.

    Raises:
        KeyError: with the names of all parts, if there is none of this *name*.
    """
    found = packed.unpack(parts)
    if name not in found:
        raise KeyError(f"no part {name!r} in the model; the parts are: {', '.join(found)}")
    return found[name]
