# SPDX-License-Identifier: Apache-2.0
"""What the real definitions mean for the hosts of an inventory, by a real run that touches no host."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import packed

ROOT = pathlib.Path(__file__).parents[3]
Host = dict[str, t.Any]


def run(
    inventory: pathlib.Path,
    directory: pathlib.Path,
    variables: dict[str, t.Any],
    *arguments: str,
    collections: pathlib.Path = ROOT / ".dev",
    playbook: str = "model.yml",
) -> subprocess.CompletedProcess[str]:
    """Write the models of all hosts into *directory*, where the secrets and the overrides are, too; or what another playbook writes."""
    places = {
        "cloud_secrets_file": f"{directory}/secrets.yml",
        "cloud_overrides_dir": f"{directory}/overrides",
        "model_dir": str(directory),
    }
    path = pathlib.Path(__file__).with_name(playbook)
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), str(path), *arguments]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    return subprocess.run([*command, "-e", json.dumps(places | variables)], env=environment, capture_output=True, text=True, check=False)


def render(
    inventory: pathlib.Path,
    directory: pathlib.Path,
    variables: dict[str, t.Any],
    *arguments: str,
    collections: pathlib.Path = ROOT / ".dev",
) -> dict[str, Host]:
    """Return for each host the containers, jobs, files and secrets that the definitions mean.

    Args:
        directory: for secrets, which are the same in each run with the same directory, and overrides.
        collections: where the collection is.
    """
    done = run(inventory, directory, variables, *arguments, collections=collections)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.stem: _host(json.loads(path.read_text("utf-8"))) for path in directory.glob("*.json")}


def _host(document: dict[str, t.Any]) -> Host:
    model = document["model"]
    parts = packed.unpack(model["parts"])
    return {
        "containers": [item for stage in parts["stages"].values() for item in stage["containers"]],
        "jobs": [job for stage in parts["stages"].values() for phase in ("bootstrap", "start", "finalize") for job in stage[phase]],
        "files": packed.unpack(model["files"])["files"],
        "volumes": set(model["volumes"]),
        "backups": parts["backups"],
        "accounts": [*parts["databases"], *parts["users"]],
        "endpoints": parts["endpoints"],
        "gates": parts["gates"],
        "probes": parts["probes"],
        "resources": parts["resources"],
        "external_servers": parts["external_servers"],
        "admin_url": document["admin_url"],
        "secrets": [value for item in document["secrets"].values() for value in (item if isinstance(item, list) else [item])],
    }


def lines(models: dict[str, Host]) -> set[str]:
    """Return all that models say, line by line with its place, but for digests: what a failed comparison can show."""
    found = set()
    for host, model in models.items():
        for file in model["files"]:
            found |= {f"{host}:{file['path']}: {line}" for line in file["content"].splitlines()}
        for kind in ("containers", "jobs", "backups", "endpoints", "gates"):
            found |= {f"{host}:{kind}: {place} = {value}" for item in model[kind] for place, value in _leaves(item)}
        found.add(f"{host}: the administrator logs in at {model['admin_url']}")
    return found


def _leaves(data: t.Any, place: str = "") -> t.Iterator[tuple[str, str]]:
    """Yield each scalar in nested data with the keys that lead to it."""
    if isinstance(data, (dict, list)):
        name = data.get("name", "") if isinstance(data, dict) else ""
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _leaves(value, f"{place}.{key}({name})" if name else f"{place}.{key}")
    elif "digest" not in place:
        yield place, str(data)
