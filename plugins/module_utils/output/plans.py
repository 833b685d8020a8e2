# SPDX-License-Identifier: Apache-2.0
"""What a run is going to change: as text for people, as JSON for machines, and whether the cloud is still as planned. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.common.dataclass_spec import SchemaError
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal as rollout

#: Form of the file.
FORMAT = 1
#: Key of changes that belong to no single host: databases and catalog.
CLOUD = "(cloud)"


class PlanError(ValueError):
    """A file is not a plan, or not one of this cloud; the message says what to do."""


@dataclasses.dataclass(kw_only=True)
class PlanStep:
    """One change, why it is made, and what users notice; ``digest`` stands for what it leads to.

    ``stage`` and ``tier`` say when it is the turn of a change that hosts make one after the other; others have none.
    """

    kind: t.Literal["file", "container", "job", "database", "catalog", "backend server"]
    name: str
    action: str
    service: str = ""
    reasons: list[str] = dataclasses.field(default_factory=list)
    impact: str = ""
    digest: str = ""
    diff: str = ""
    stage: str = ""
    tier: str = ""


@dataclasses.dataclass(kw_only=True)
class Plan:
    """All steps of a run, by host. ``rollout`` says that one is open, ``releases`` that containers would get another release.

    ``external`` are the servers outside of the cloud that it uses.
    """

    cloud: str
    created: str
    hosts: dict[str, list[PlanStep]]
    rollout: str = ""
    releases: str = ""
    external: list[str] = dataclasses.field(default_factory=list)

    @property
    def no_changes(self) -> bool:
        """Whether there is nothing to change."""
        return not any(self.hosts.values())


def make(
    cloud: str,
    hosts: t.Mapping[str, t.Any],
    changes: t.Mapping[str, t.Iterable[str]],
    journals: t.Iterable[t.Mapping[str, t.Any]],
    now: datetime.datetime,
) -> Plan:
    """Return the plan of what was found.

    Args:
        hosts: result of :mod:`host_plan` by host; one that could not be looked at has no steps.
        changes: lines that say what changes in ``database`` and ``catalog``.
        journals: those that control hosts have; one that was away may have an old one.

    Raises:
        rollout.RolloutError: if a journal cannot be used.
    """
    steps = {
        host: [dataclass_spec.load(PlanStep, item, f"{host}: step") for item in result.get("steps") or []] for host, result in hosts.items()
    }
    shared = [
        dataclass_spec.load(PlanStep, {"kind": kind, "name": line, "action": "change"}, "changes")
        for kind, lines in changes.items()
        for line in lines
    ]
    copies = [rollout.load(journal) for journal in journals]
    known = rollout.newest(copy for copy in copies if copy and copy.cloud == cloud)
    pairs = sorted({tuple(pair) for result in hosts.values() for pair in result.get("releases") or []})
    return Plan(
        cloud=cloud,
        created=now.isoformat(timespec="seconds"),
        hosts={**steps, CLOUD: shared},
        rollout=f"rollout {known.release_from} -> {known.release_to} is open ({known.phase})" if known and known.open else "",
        releases=", ".join(" -> ".join(pair) for pair in pairs),
        external=sorted({server for result in hosts.values() for server in result.get("external") or []}),
    )


def explain(plan: Plan, host: str, reasons: t.Mapping[str, str]) -> None:
    """Add to the steps of containers of *host* what else there is to say about each, by the name of the container."""
    for step in plan.hosts.get(host, []):
        if step.kind == "container" and step.name in reasons:
            step.reasons.append(reasons[step.name])


def refusal(plan: Plan, finalizing: bool) -> str:
    """Return why a run must not make these changes all at once, or nothing if it may.

    Args:
        finalizing: whether the run is the last part of a rollout.
    """
    if plan.rollout and not finalizing:
        return f"the {plan.rollout}: resume it with the playbook upgrade, or close it with the playbook finalize or rollback"
    if plan.releases and not finalizing:
        return (
            f"services would get another release ({plan.releases}): the playbook upgrade does that host by host, and can be rolled back; "
            "or set cloud_release to the running release"
        )
    return ""


def dump(plan: Plan) -> str:
    """Return a plan as JSON."""
    return json.dumps({"format": FORMAT, "no_changes": plan.no_changes, **dataclasses.asdict(plan)}, indent=1) + "\n"


def parse(text: str, cloud: str) -> Plan:
    """Return the plan that :func:`dump` wrote.

    Raises:
        PlanError: if the text is no plan of *cloud*.
    """
    again = "make it again with the playbook plan"
    try:
        data = json.loads(text)
    except ValueError as error:
        raise PlanError(f"it is not JSON ({error}); {again}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise PlanError(f"it is not a plan of this version of the collection; {again}")
    if data.get("cloud") != cloud:
        raise PlanError(f"it is a plan of cloud '{data.get('cloud')}', not of '{cloud}'")
    try:
        hosts = {
            str(host): [dataclass_spec.load(PlanStep, item, f"{host}: step") for item in steps] for host, steps in data["hosts"].items()
        }
    except (SchemaError, KeyError, AttributeError, TypeError) as error:
        raise PlanError(f"it was edited or truncated ({error}); {again}") from error
    return Plan(cloud=cloud, created=str(data.get("created")), hosts=hosts)


def moved(approved: Plan, now: Plan) -> list[str]:
    """Return what differs between the plan that was approved and what would be done now; the time of making does not count."""
    found = []
    for host in sorted(approved.hosts.keys() | now.hosts.keys()):
        if host not in approved.hosts:
            found.append(f"{host}: is not in the plan")
            continue
        if host not in now.hosts:
            found.append(f"{host}: is in the plan, but not part of this run")
            continue
        planned, current = ({(step.kind, step.name): step for step in steps} for steps in (approved.hosts[host], now.hosts[host]))
        for key in sorted(planned.keys() | current.keys()):
            one, other = planned.get(key), current.get(key)
            if _essence(one) != _essence(other):
                found.append(f"{host}: {key[0]} {key[1]}: planned was {_words(one)}, now it would be {_words(other)}")
    return found


def _essence(step: PlanStep | None) -> t.Any:
    return step and (step.action, step.reasons, step.digest)


def _words(step: PlanStep | None) -> str:
    return f"to {step.action} it ({'; '.join(step.reasons) or 'no reason'})" if step else "nothing"


def summary(plan: Plan, diff: bool = True) -> list[str]:
    """Return the plan as lines for people: for each host what is done and why, then what users notice."""
    lines = [f"The {plan.rollout}."] if plan.rollout else []
    lines += [f"Outside of the cloud: {', '.join(plan.external)}."] if plan.external else []
    if plan.no_changes:
        return [*lines, f"Plan: nothing to change on {_count(len(plan.hosts) - (CLOUD in plan.hosts), 'host')}."]
    for host, steps in plan.hosts.items():
        if steps:
            lines.append(f"{host}: {_totals(steps)}")
        for step in steps:
            lines.append(f"  {step.action:8} {step.kind:9} {step.name:28} {'; '.join(step.reasons)}".rstrip())
            lines += [f"           | {line}" for line in step.diff.splitlines()] if diff else []
    same = [host for host, steps in plan.hosts.items() if not steps and host != CLOUD]
    if same:
        lines.append(f"{', '.join(same)}: nothing to change")
    impacts = sorted({f"{step.name} on {host}: {step.impact}" for host, steps in plan.hosts.items() for step in steps if step.impact})
    lines += ["What users notice:", *(f"  {impact}" for impact in impacts)] if impacts else ["Users notice nothing."]
    return lines


def _totals(steps: list[PlanStep]) -> str:
    """Return how many steps of each sort there are, such as ``2 containers to replace, 1 file to write``."""
    counts: dict[tuple[str, str], int] = {}
    for step in steps:
        counts[step.kind, step.action] = counts.get((step.kind, step.action), 0) + 1
    return ", ".join(f"{_count(number, kind)} to {action}" for (kind, action), number in counts.items())


def _count(number: int, noun: str) -> str:
    plural = {"catalog": "catalog entries"}.get(noun, f"{noun}s")
    return f"1 {noun}" if number == 1 else f"{number} {plural}"
