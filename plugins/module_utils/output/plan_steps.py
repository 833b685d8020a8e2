# SPDX-License-Identifier: Apache-2.0
"""What a plan says of one host: its steps, which required containers are missing, and the differences as Ansible shows them."""

from __future__ import annotations

import concurrent.futures
import difflib
import json
import pathlib
import socket
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import masking
from ansible_collections.caisson.openstack.plugins.module_utils.common.urls import url_host
from ansible_collections.caisson.openstack.plugins.module_utils.engine import config_tree
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import Outcome
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes
from ansible_collections.caisson.openstack.plugins.module_utils.model.selection import RemoteDependency
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import LABEL_CLOUD, LABEL_CONTAINER, ContainerSpec, digest
from ansible_collections.caisson.openstack.plugins.module_utils.output.plans import PlanStep

_CONNECT_TIMEOUT = 5.0  # seconds


def file_step(change: config_tree.FileChange, wanted: config_tree.WantedTree, services: t.Mapping[str, str]) -> PlanStep:
    """Return the step that writes or removes a file; *services* has the service of each container.

    Nobody can try out passwords with the digest of a plan that is kept: it covers all secrets of the host.
    """
    content = next((file.content for file in wanted.files if file.path == change.path), None)
    # of a new file all lines are new
    lines = difflib.unified_diff(change.before.splitlines(), change.after.splitlines(), lineterm="", n=0) if change.before else []
    return PlanStep(
        kind="file",
        name=change.path,
        action="remove" if content is None else "write",
        service=services.get(change.container, ""),
        reasons=[change.reason],
        digest=digest([wanted.secrets, content]),
        diff="\n".join(line for line in lines if not line.startswith(("---", "+++", "@@"))),
    )


def outcome_step(outcome: Outcome, spec: ContainerSpec | None, secrets: list[str]) -> PlanStep:
    """Return the step that changes a container or runs a job; *spec* is that of the container, and no secret of *secrets* is shown."""
    stopped = spec if outcome.action in ("replace", "restart") else None
    turn = (stopped.stage, stopped.tier) if stopped and stopped.shared else ("", "")
    values = {field: getattr(outcome, field) for field in ("kind", "name", "action", "service", "reasons")}
    values["reasons"] = masking.masked(outcome.reasons, secrets)
    return PlanStep(
        **values, impact=stopped.impact if stopped else "", digest=digest([secrets, outcome.after]), stage=turn[0], tier=turn[1]
    )


def drained_step(backend: str, server: str, service: str) -> PlanStep:
    """Return the step that sends requests again to a *server* that is still drained; *service* is that of the load balancer."""
    return PlanStep(
        kind="backend server",
        name=f"{backend}/{server}",
        action="undrain",
        service=service,
        reasons=["it is drained: a run that replaces containers is at work on that host, or was killed there"],
    )


def releases(engine: Engine, cloud: str, containers: list[ContainerSpec]) -> list[list[str]]:
    """Return the release that runs and the one that is defined, where they differ."""
    current = engine.containers([f"{LABEL_CLOUD}={cloud}", LABEL_CONTAINER])
    pairs = {(current[spec.name].image_id, spec.image) for spec in containers if spec.name in current}
    found = [[engine.inspect(before), engine.inspect(after)] for before, after in pairs]
    found_releases = [[recipes.release(image.labels) if image else "" for image in pair] for pair in found]
    return sorted({tuple(pair): pair for pair in found_releases if all(pair) and pair[0] != pair[1]}.values())


def unmet(outcomes: t.Iterable[Outcome], remote_dependencies: t.Sequence[RemoteDependency]) -> list[str]:
    """Return which required containers of this host are not as defined, and which services of other hosts do not answer."""
    errors = [
        f"{item.name} of service {item.service} differs from its definition: {item.action}, because {'; '.join(item.reasons)}"
        if item.changed
        else f"{item.name} of service {item.service} is not healthy"
        for item in outcomes
        if item.changed or item.state != "done"
    ]
    return errors + [f"{item.service} on {item.host} {error}" for item, error in _silent(remote_dependencies)]


def unreachable(servers: t.Sequence[RemoteDependency]) -> list[str]:
    """Return which servers of external services this host does not reach, with what to do about it."""
    return [
        f"the external {item.service} {error}; check its address and port ({item.service}_external_*), whether it runs, and the firewalls"
        for item, error in _silent(servers)
    ]


def _silent(servers: t.Sequence[RemoteDependency]) -> list[tuple[RemoteDependency, str]]:
    """Return those that do not answer, and why; all are asked at the same time."""

    def error(item: RemoteDependency) -> str:
        try:
            socket.create_connection((item.address, item.port), _CONNECT_TIMEOUT).close()
        except OSError as found:
            return f"does not answer at {url_host(item.address)}:{item.port} ({found.strerror or found})"
        return ""

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [(item, found) for item, found in zip(servers, pool.map(error, servers), strict=True) if found]


def diff(
    root: pathlib.Path, changes: t.Iterable[config_tree.FileChange], outcomes: t.Iterable[Outcome], secrets: list[str]
) -> list[dict[str, t.Any]]:
    """Return changes of files, containers and jobs as Ansible shows them, without *secrets*."""
    shown: list[dict[str, t.Any]] = [dict(config_tree.diff(root, change)) for change in changes]
    for outcome in (outcome for outcome in outcomes if outcome.changed):
        sides = {
            key: json.dumps(masking.masked(value, secrets), indent=1, sort_keys=True) + "\n" if value else ""
            for key, value in vars(outcome).items()
            if key in ("before", "after")
        }
        title = f"{outcome.kind} {outcome.name}"
        shown.append({"before_header": title, "after_header": f"{title} ({'; '.join(masking.masked(outcome.reasons, secrets))})", **sides})
    return shown


def shared_diff(shared: t.Mapping[str, list[str]]) -> list[dict[str, t.Any]]:
    """Return changes that belong to no single host, by their kind, as Ansible shows them."""
    return [
        {"before_header": kind, "after_header": kind, "before": "", "after": "".join(f"{line}\n" for line in lines)}
        for kind, lines in shared.items()
        if lines
    ]
