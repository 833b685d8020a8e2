# SPDX-License-Identifier: Apache-2.0
"""How a cloud is: what runs, what does not, and what is not as the model says. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.output import plans
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates

#: A certificate is renewed, or an operator gets another, long before; it is a fault if nobody did.
CERTIFICATE_FAULT_DAYS = 14
_ROW = "{:12} {:26} {:10} {:10} {:13} {}"


@dataclasses.dataclass(kw_only=True)
class HostStatus:
    """One host: what :mod:`containers_info` found, and whether it answered at all."""

    answered: bool = True
    containers: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)
    faulty: list[str] = dataclasses.field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """What an operator has to look at now, apart from drift."""
        if not self.answered:
            return ["it did not answer, or could not be examined"]
        return [f"{name} is missing" for name in self.missing] + [f"{name} is down or not healthy" for name in self.faulty]


@dataclasses.dataclass(kw_only=True)
class Certificate:
    """A certificate that clients meet or trust; ``ends`` is a date."""

    name: str
    subject: str
    ends: str
    days_left: int

    def __str__(self) -> str:
        return f"certificate {self.name} ({self.subject}) ends {self.ends}, in {self.days_left} days"


@dataclasses.dataclass(kw_only=True)
class Status:
    """All hosts, the certificates, and the plan of what it would take to have them as the model says."""

    hosts: dict[str, HostStatus]
    plan: plans.Plan
    certificates: list[Certificate] = dataclasses.field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Every fault of every host, and the certificates that are about to end."""
        ending = [str(item) for item in self.certificates if item.days_left < CERTIFICATE_FAULT_DAYS]
        return [f"{host}: {fault}" for host, status in self.hosts.items() for fault in status.faults] + ending

    @property
    def drifted(self) -> bool:
        """Whether a run would change something."""
        return not self.plan.no_changes


def expiries(texts: t.Mapping[str, str], now: datetime.datetime) -> list[Certificate]:
    """Return when certificates end, given as PEM text by the name that people know them by."""
    return [
        Certificate(name=name, subject=item.subject, ends=f"{item.ends:%Y-%m-%d}", days_left=item.days_left(now))
        for name, text in texts.items()
        for item in certificates.expiries(text)
    ]


def make(plan: plans.Plan, containers: t.Mapping[str, t.Any], hosts: t.Iterable[str], ending: t.Sequence[Certificate] = ()) -> Status:
    """Return the status.

    Args:
        plan: what a run would change.
        containers: result of :mod:`containers_info` by host.
        hosts: all hosts that should have answered.
        ending: the certificates, and when they end.
    """
    found = {}
    for host in hosts:
        info = containers.get(host) if host in plan.hosts else None
        if info is None or "containers" not in info:
            found[host] = HostStatus(answered=False)
        else:
            found[host] = HostStatus(containers=info["containers"], missing=info["missing"], faulty=info["faulty"])
    return Status(hosts=found, plan=plan, certificates=list(ending))


def lines(status: Status) -> list[str]:
    """Return a status for people: a line for each container, then what drifted, then the verdict."""
    shown = [_ROW.format("HOST", "CONTAINER", "STATE", "HEALTH", "IMAGE", "SINCE (UTC)")]
    for host, found in status.hosts.items():
        shown += [
            _ROW.format(host, row["name"], row["status"], row["health"], row["image"].removeprefix("sha256:")[:12], row["since"][:19])
            for row in found.containers
        ]
    if status.drifted:
        shown += ["Differences from the model; the playbook site would:", *plans.summary(status.plan, diff=False)]
    if status.plan.rollout and not status.drifted:
        shown.append(f"The {status.plan.rollout}.")
    shown += [str(item) for item in status.certificates]
    shown += [f"FAULT {fault}" for fault in status.faults]
    containers = sum(len(found.containers) for found in status.hosts.values())
    verdict = f"{len(status.faults)} faults" if status.faults else "all healthy"
    shown.append(f"{len(status.hosts)} hosts, {containers} containers: {verdict}, {'with drift' if status.drifted else 'no drift'}")
    return shown


def dump(status: Status) -> str:
    """Return a status as JSON for monitoring."""
    hosts = {host: dataclasses.asdict(found) for host, found in status.hosts.items()}
    drift = {host: [dataclasses.asdict(step) for step in steps] for host, steps in status.plan.hosts.items() if steps}
    plan = {"cloud": status.plan.cloud, "time": status.plan.created, "rollout": status.plan.rollout}
    verdict = {**plan, "faults": status.faults, "drifted": status.drifted}
    ending = [dataclasses.asdict(item) for item in status.certificates]
    return json.dumps({**verdict, "certificates": ending, "drift": drift, "hosts": hosts}, indent=1) + "\n"
