# SPDX-License-Identifier: Apache-2.0
"""From what hosts and new images say to an ordered rollout, and whether it may begin. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import (
    Ahead,
    Check,
    Migration,
    Package,
    PlannedUpdate,
    Rollout,
    skew,
)
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import estimate, pending

#: Returns the versions of packages by name that the lock with a digest has, for a release; empty if that lock is not known.
Packages = t.Callable[[str, str], t.Mapping[str, str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preconditions:
    """What a rollout begins in.

    Args:
        whole: whether all services take part.
        backup_age: seconds; negative if there is no backup.
        backup_max_age: seconds that the newest backup may be old; 0 if the rollout makes one itself.
        accept_warnings: whether warnings of upgrade checks are no reason against it.
        disk_free: by host the ``directory`` of its engine, and the MiB that are ``free`` there; empty if not known.
        minimum_disk: MiB that have to be free.
    """

    whole: bool = True
    backup_age: int = -1
    backup_max_age: int = 0
    accept_warnings: bool = True
    disk_free: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    minimum_disk: int = 0


def make(
    cloud: str,
    release: str,
    updates: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]],
    gates: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]],
    facts: t.Iterable[t.Mapping[str, t.Any]],
    packages: Packages,
    now: datetime.datetime,
    last: Rollout | None = None,
) -> Rollout:
    """Return the rollout that takes hosts to *release*.

    Args:
        updates: by host what :mod:`host_step` would update.
        gates: by host those of the model.
        facts: results of :mod:`rollout_facts`.
        packages: tells the versions of packages.
        last: the rollout whose journal this one replaces.
    """
    facts = list(facts)
    found = [_update(host, item, gates[host]) for host, items in updates.items() for item in items]
    before = {update.release_from for update in found if update.release_from}
    return Rollout(
        cloud=cloud,
        id=now.strftime("%Y%m%dT%H%M%S"),
        release_from=min(before, default=release),
        release_to=release,
        updates=found,
        packages=_packages([item for items in updates.values() for item in items], packages),
        migrations=[one for fact in facts for item in fact["schemas"] for one in _migrations(item)],
        ahead=[_ahead(item, release, last) for fact in facts for item in fact["schemas"] if item["ahead"]],
        checks=[Check(**check) for fact in facts for check in fact["checks"]],
        durations=estimate.remembered(last),
    )


def _migrations(item: t.Mapping[str, t.Any]) -> list[Migration]:
    return pending.describe(item["name"], item["pending"], item["reviewed"])


def _ahead(item: t.Mapping[str, t.Any], release: str, last: Rollout | None) -> Ahead:
    known = [one.release for one in last.ahead if one.schema == item["name"]] if last else []
    if last and last.phase == "rolled_back" and last.release_to != release:
        known.insert(0, last.release_to)
    return Ahead(schema=item["name"], revisions=item["ahead"], release=next(iter(known), ""))


def _update(host: str, item: t.Mapping[str, t.Any], gates: t.Iterable[t.Mapping[str, t.Any]]) -> PlannedUpdate:
    tier = next(gate["tier"] for gate in gates if gate["container"] == item["container"])
    known = ("container", "service", "image_from", "image_to", "new_image", "release_from", "release_to", "reasons", "impact")
    return PlannedUpdate(host=host, tier=tier, **{key: item[key] for key in known})


def _packages(updates: t.Iterable[t.Mapping[str, t.Any]], packages: Packages) -> list[Package]:
    """Return the versions of the package that each service is named after."""
    found: dict[str, Package] = {}
    for update in updates:
        service = update["service"]
        known = [packages(update[f"release_{side}"], update[f"lock_{side}"]) for side in ("from", "to")]
        # as placement is called at PyPI
        before, after = (versions.get(service) or versions.get(f"openstack-{service}", "") for versions in known)
        if before != after:
            found.setdefault(service, Package(image=service, name=service, version_from=before, version_to=after))
    return list(found.values())


def check(plan: Rollout, absent: t.Sequence[str], now: Preconditions) -> list[str]:
    """Return why a rollout must not begin; *absent* are images that hosts do not have."""
    found = []
    before = {update.release_from for update in plan.updates if update.release_from}
    found += [why for release in sorted(before) if (why := skew(release, plan.release_to))]
    if absent:
        found.append(f"images are missing on their hosts, {', '.join(absent)}: build them (playbook build) or pull them (playbook pull)")
    if not now.whole and plan.release_from != plan.release_to:
        found.append("another release is for all services: run it without a list of services, and without tags")
    for schema in (schema for schema in plan.ahead if not schema.release):
        found.append(
            f"the database of schema {schema.schema} is at revision {', '.join(schema.revisions)}, which the new images do not know, and "
            "no rollout that was rolled back explains it: are they older than the database? Build images with this collection, or a newer "
            "one, or set cloud_release to the release of the database"
        )
    for check in plan.checks:
        if check.result == "failure" or (check.result == "warning" and not now.accept_warnings):
            found.append(f"the upgrade check of {check.service} says {check.result}: {check.detail}")
    if now.backup_max_age and now.backup_age < 0:
        found.append("there is no backup; make one with the playbook backup, or let the rollout make it (rollout_backup)")
    elif now.backup_max_age and now.backup_age > now.backup_max_age:
        found.append(
            f"the newest backup is {_duration(now.backup_age)} old, {_duration(now.backup_max_age)} are allowed (rollout_backup_max_age); "
            "make one with the playbook backup, or let the rollout make it (rollout_backup)"
        )
    for host, disk in now.disk_free.items():
        if disk and disk["free"] < now.minimum_disk:
            found.append(
                f"{host} has {disk['free']} MiB free in {disk['directory']}; {now.minimum_disk} are needed (rollout_minimum_disk). "
                "Remove untagged images (docker image prune)"
            )
    return found


def notes(now: Preconditions) -> list[str]:
    """Return what else people want to know of a rollout that begins, as lines."""
    age = "there is none" if now.backup_age < 0 else f"the newest is {_duration(now.backup_age)} old"
    lines = [f"Backup: {age}, {'and it is used' if now.backup_max_age else 'a new one is made first'}."]
    known = {host: disk for host, disk in now.disk_free.items() if disk}
    if known:
        host = min(known, key=lambda name: known[name]["free"])
        lines.append(f"Free disk space: {known[host]['free']} MiB or more, the least in {known[host]['directory']} of {host}.")
    return lines


def check_verb(plan: Rollout, verb: str, release: str) -> list[str]:
    """Return why the newest rollout that is known cannot be taken on by a verb.

    Args:
        verb: ``upgrade``, to go on with it, ``finalize`` or ``rollback``.
        release: what the inventory says.
    """
    what = f"the rollout {plan.release_from} -> {plan.release_to}"
    if not plan.open:
        ended = plan.phase.replace("_", " ")
        closed = f"; its contracted schemas and migrated data are not for {plan.release_from}" if plan.phase == "finalized" else ""
        return [f"{what} is {ended}{closed}: there is nothing to {verb}"]
    if verb == "rollback":
        early = pending.point_of_no_return(plan.migrations) if "expanded" in {event.phase for event in plan.events} else ""
        closing = [f"{what} is being finalized: complete it with the playbook finalize"] if plan.phase == "finalizing" else []
        return closing + ([f"{what} cannot be rolled back. {early}"] if early else [])
    found = []
    if plan.release_to != release:
        found.append(
            f"{what} is open, and the inventory says {release}: set cloud_release to {plan.release_to}, or run the playbook rollback"
        )
    if plan.phase == "rolling_back":
        found.append(f"{what} is being rolled back: complete it with the playbook rollback")
    elif verb == "finalize" and plan.phase not in ("rolled", "verified", "finalizing"):
        found.append(f"{what} is not complete, but {plan.phase.replace('_', ' ')}: run the playbook upgrade first")
    elif verb == "upgrade" and plan.phase == "finalizing":
        found.append(f"{what} is being finalized: complete it with the playbook finalize")
    return found


def summary(plan: Rollout, notes: t.Sequence[str] = ()) -> list[str]:
    """Return a rollout as lines for people; *notes* are of this moment, such as how long it takes."""
    if not plan.updates:
        return [f"Rollout: nothing to do, everything is at {plan.release_to}."]
    lines = [f"Rollout {plan.id} of {plan.cloud}: {plan.way}, {plan.phase.replace('_', ' ')}"]
    lines += [f"  {item.name:14} {item.version_from or '?'} -> {item.version_to or '?'}" for item in plan.packages]
    containers: dict[tuple[str, str], list[str]] = {}
    for update in plan.updates:
        containers.setdefault((update.tier, update.host), []).append(update.container)
    for number, tier in enumerate(plan.tiers(), start=1):
        lines += [f"  {number}. {tier:10} {host}: {', '.join(containers[tier, host])}" for host in plan.hosts(tier)]
    lines += [f"  schema {item.schema}: {item.kind}, {item.revision}: {'; '.join(item.details)}" for item in plan.migrations]
    lines += [f"  schema {item.schema}: ahead, as the rollout to {item.release or '?'} left it: nothing to apply" for item in plan.ahead]
    lines += [f"  upgrade check of {item.service}: {item.result}" for item in plan.checks if item.result != "success"]
    impacts = sorted({f"{update.container} on {update.host}: {update.impact}" for update in plan.updates if update.impact})
    lines += ["What users notice:", *(f"  {impact}" for impact in impacts)] if impacts else []
    return [*lines, *notes, f"Rollback is possible until {point_of_no_return(plan)}"]


def point_of_no_return(plan: Rollout) -> str:
    """Return what closes the way back, as the end of a sentence."""
    early = pending.point_of_no_return(plan.migrations)
    return f"the databases are expanded. {early}" if early else "it is finalized."


def _duration(seconds: int) -> str:
    return f"{seconds // 3600} h {seconds % 3600 // 60} min" if seconds >= 3600 else f"{seconds // 60} min"
