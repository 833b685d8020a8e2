# SPDX-License-Identifier: Apache-2.0
"""What is to be done about a container or job of a host and why, and how it went. Pure."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import masking
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, Difference, JobSpec

Action = t.Literal["none", "create", "replace", "restart", "start", "reload", "update", "run", "remove"]


@dataclasses.dataclass
class Outcome:
    """What was done, or in check mode would be done, about one container or job, and why.

    Of a member that is to leave its cluster, ``others`` are the addresses of the members that run. A container that ``leaves`` is removed,
    and must be gone before such a one is replaced.
    """

    name: str
    kind: t.Literal["container", "job"]
    service: str
    action: Action = "none"
    reasons: list[str] = dataclasses.field(default_factory=list)
    before: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    after: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    state: t.Literal["done", "waiting", "failed", "blocked"] = "blocked"
    detail: str = ""
    others: list[str] = dataclasses.field(default_factory=list)
    leaves: bool = False

    @property
    def changed(self) -> bool:
        """Whether something was, or would be, changed."""
        return self.action != "none"


#: What only the plan of a host asks for.
_OWN = ("before", "after", "others", "leaves")


def report(outcomes: list[Outcome]) -> tuple[dict[str, t.Any], str]:
    """Return what a module says of *outcomes*, and of what failed, if anything did."""
    shown = [{key: value for key, value in dataclasses.asdict(item).items() if key not in _OWN} for item in outcomes]
    result = {
        "changed": any(outcome.changed for outcome in outcomes),
        "outcomes": shown,
        "waiting": [item.name for item in outcomes if item.state in ("waiting", "blocked")],
    }
    failed = [item for item in outcomes if item.state == "failed"]
    details = "\n".join(f"  - {item.kind} {item.name} of service {item.service}: {item.detail}" for item in failed)
    return result, f"{len(failed)} of {len(outcomes)} containers and jobs failed:\n{details}" if failed else ""


def diff(outcomes: t.Iterable[Outcome]) -> dict[str, str]:
    """Return the changes of *outcomes* as Ansible shows them, secrets masked."""
    changed = [outcome for outcome in outcomes if outcome.changed]
    before = {outcome.name: masking.masked(outcome.before) for outcome in changed if outcome.before}
    after = {outcome.name: masking.masked(outcome.after) for outcome in changed if outcome.after}
    return {key: json.dumps(value, indent=1, sort_keys=True) + "\n" for key, value in (("before", before), ("after", after))}


def plan_container(
    spec: ContainerSpec,
    image_id: str,
    current: ContainerState | None,
    loaded: str,
    drifted: t.Sequence[Difference] = (),
    edited: bool = False,
    limits: t.Sequence[Difference] = (),
) -> Outcome:
    """Decide what to do about one container.

    Args:
        loaded: digest of the reloadable files that the running process has read.
        drifted: what was changed by hand in a container that was created from *spec*.
        edited: whether its process started with configuration that was edited by hand.
        limits: limits that are not as they should be; to put them right needs no new process.
    """
    outcome = Outcome(spec.name, "container", spec.service)
    if current is None:
        outcome.action, outcome.reasons = "create", ["it does not exist"]
        outcome.after = {**spec.compared(), "image": image_id}
        return outcome
    found = specs.differences(spec, image_id, current.labels.get(specs.LABEL_SPEC, ""), current.image_id) or list(drifted)
    if found:
        outcome.action, outcome.reasons = "replace", [str(difference) for difference in found]
        outcome.before = {difference.option: difference.current for difference in found}
        outcome.after = {difference.option: difference.desired for difference in found}
    elif not current.running and current.status != "restarting":
        outcome.action, outcome.reasons = "start", [f"it is {current.status} (exit code {current.exit_code})"]
        outcome.before, outcome.after = {"status": current.status}, {"status": "running"}
    elif edited:
        outcome.action, outcome.reasons = "restart", ["it started with configuration that was edited by hand"]
        outcome.before, outcome.after = {"configuration": "edited"}, {"configuration": "as defined"}
    elif loaded != spec.reload_digest and current.running:  # one that restarts by itself reads it anyway
        outcome.action, outcome.reasons = "reload", ["its configuration changed"]
        outcome.before, outcome.after = {"configuration": loaded}, {"configuration": spec.reload_digest}
    if limits:
        outcome.action = "update" if outcome.action == "none" else outcome.action
        outcome.reasons += [str(difference) for difference in limits]
        outcome.before |= {difference.option: difference.current for difference in limits}
        outcome.after |= {difference.option: difference.desired for difference in limits}
    return outcome


def plan_job(job: JobSpec, image_id: str, done: t.Mapping[str, t.Any] | None, created_databases: t.Container[str]) -> Outcome:
    """Decide whether a job has to run; *done* is the marker of its last success."""
    outcome = Outcome(job.name, "job", job.service)
    wanted = job.marker(image_id)
    if done is None:
        outcome.reasons = ["it never ran"]
    elif job.database and job.database in created_databases:
        outcome.reasons = [f"database {job.database} is new"]
    else:
        outcome.reasons = [f"{key} changed" for key, value in wanted.items() if done.get(key) != value]
    if outcome.reasons:
        outcome.action, outcome.after = "run", {"command": job.container.command}
    return outcome
