# SPDX-License-Identifier: Apache-2.0
"""A rollout: what it updates, in which order, how far it is, and which run holds it. No connection, no clock.

A rollout takes a running cloud from one set of images and configuration to another, and can be taken back until it is
finalized. Every control host keeps its journal, in a file that only grows (:mod:`journal_file`).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import TIERS

#: Form of a journal as plain data.
FORMAT = 2

Phase = t.Literal["planned", "backed_up", "expanded", "rolled", "verified", "finalizing", "finalized", "rolling_back", "rolled_back"]
State = t.Literal["begun", "done", "failed", "reverted"]

#: Seconds after which a run that was not heard of may be taken over without asking.
LEASE = 900.0

#: Phases in which every host is updated, so that all steps have to be known before one of them is noted.
UPDATED: frozenset[Phase] = frozenset({"rolled", "verified"})

#: Phases after which there is nothing left to do.
ENDED: frozenset[Phase] = frozenset({"finalized", "rolled_back"})


class RolloutError(ValueError):
    """What is asked for is not possible at this point; the message says why and what is."""


@dataclasses.dataclass(kw_only=True)
class PlannedUpdate:
    """One container of one host that gets another image, which ``new_image`` says, or another configuration."""

    host: str
    tier: str
    container: str
    service: str
    image_from: str = ""
    image_to: str = ""
    new_image: bool = True
    release_from: str = ""
    release_to: str = ""
    reasons: list[str] = dataclasses.field(default_factory=list)
    impact: str = ""


@dataclasses.dataclass(kw_only=True)
class Event:
    """Something that happened; ``at`` in seconds since 1970. Without a host it happened to the cloud."""

    at: float
    phase: str
    state: State
    host: str = ""
    tier: str = ""
    detail: str = ""


@dataclasses.dataclass(kw_only=True)
class Package:
    """A package whose version changes in an image."""

    image: str
    name: str
    version_from: str = ""
    version_to: str = ""


@dataclasses.dataclass(kw_only=True)
class Migration:
    """A change of a schema that is pending; ``kind`` is the worst of what it does, ``details`` say what that is.

    ``reviewed`` says why the old release can serve after it all the same.
    """

    schema: str
    revision: str
    kind: t.Literal["additive", "index", "rewrite", "destructive"]
    details: list[str] = dataclasses.field(default_factory=list)
    reviewed: str = ""


@dataclasses.dataclass(kw_only=True)
class Ahead:
    """A schema whose ``revisions`` the new images do not know, as a rollout to ``release`` that was taken back left it.

    ``release`` is empty if no such rollout is known.
    """

    schema: str
    revisions: list[str]
    release: str = ""


@dataclasses.dataclass(kw_only=True)
class Check:
    """What a service's own upgrade check said."""

    service: str
    result: t.Literal["success", "warning", "failure"]
    detail: str = ""


@dataclasses.dataclass(kw_only=True)
class DurationSample:
    """How many seconds an earlier rollout took for a phase of the cloud, or for the steps that updated a container."""

    phase: str
    seconds: float
    rollout: str
    container: str = ""


@dataclasses.dataclass(kw_only=True)
class Holder:
    """The run that holds a rollout; ``seen`` in seconds since 1970. ``run`` is unique, ``pid`` is that on machine ``where``."""

    run: str
    who: str
    where: str
    pid: int
    seen: float


@dataclasses.dataclass(kw_only=True)
class Rollout:
    """The journal. ``revision`` grows with each change, so that copies can be told apart.

    ``durations`` are of the rollouts before, the newest first: their own journals are replaced by this one.
    """

    cloud: str
    id: str
    release_from: str
    release_to: str
    revision: int = 0
    phase: Phase = "planned"
    updates: list[PlannedUpdate] = dataclasses.field(default_factory=list)
    packages: list[Package] = dataclasses.field(default_factory=list)
    migrations: list[Migration] = dataclasses.field(default_factory=list)
    ahead: list[Ahead] = dataclasses.field(default_factory=list)
    checks: list[Check] = dataclasses.field(default_factory=list)
    events: list[Event] = dataclasses.field(default_factory=list)
    holder: t.Optional[Holder] = None
    durations: list[DurationSample] = dataclasses.field(default_factory=list)

    @property
    def way(self) -> str:
        """From which release to which, in words."""
        return f"{self.release_from} -> {self.release_to}" if self.release_from != self.release_to else f"within {self.release_to}"

    @property
    def open(self) -> bool:
        """Whether there is something left to do."""
        return self.phase not in ENDED

    def hosts(self, tier: str) -> list[str]:
        """Return the hosts that have something to update in *tier*."""
        return list(dict.fromkeys(update.host for update in self.updates if update.tier == tier))

    def tiers(self) -> list[str]:
        """Return the tiers that have something to update, in the order of a rollout."""
        return [tier for tier in TIERS if self.hosts(tier)]


def skew(release_from: str, release_to: str) -> str:
    """Return why a cloud cannot go from one release to the other in one rollout, or nothing if it can.

    Releases are named by year and number within the year. Services of neighbouring releases work together; every first
    release of a year also works with the first one of the year before (SLURP). Source: the TC's resolution of 2022-02-10 on
    release cadence, and the upgrade notes of each service.
    """
    if release_from == release_to:
        return ""
    before, after = (_release(text) for text in (release_from, release_to))
    if not before or not after:
        return f"cannot tell whether {release_from or 'an unknown release'} can become {release_to or 'an unknown release'}"
    if after < before:
        return f"{release_to} is older than {release_from}; an upgrade is reverted with the playbook rollback, until it is finalized"
    steps = (after[0] - before[0]) * 2 + after[1] - before[1]
    if steps == 1 or (steps == 2 and before[1] == 1):
        return ""
    between = f"{before[0]}.2" if before[1] == 1 else f"{before[0] + 1}.1"
    return f"{release_from} cannot become {release_to} at once: upgrade to {between} first"


def _release(text: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d{4})\.([12])", text)
    return (int(found[1]), int(found[2])) if found else None


def load(data: t.Mapping[str, t.Any]) -> Rollout | None:
    """Return the rollout that :func:`dump` made plain, or None of an empty one.

    Raises:
        RolloutError: if it is no journal of this version.
    """
    if not data:
        return None
    if data.get("format") != FORMAT:
        raise RolloutError(f"the journal of a rollout has format {data.get('format')}, this version of the collection writes {FORMAT}")
    try:
        return dataclass_spec.load(Rollout, {key: value for key, value in data.items() if key != "format"}, "journal")
    except dataclass_spec.SchemaError as error:
        raise RolloutError(f"the journal of a rollout was edited or truncated: {error}") from error


def dump(rollout: Rollout) -> dict[str, t.Any]:
    """Return a rollout as plain data."""
    return {"format": FORMAT, **dataclasses.asdict(rollout)}


def newest(copies: t.Iterable[Rollout | None]) -> Rollout | None:
    """Return the copy that knows most: a control host may have been away while others went on."""
    known = [copy for copy in copies if copy]
    # a rollout that follows another one has a later identifier
    return max(known, key=lambda copy: (copy.id, copy.revision), default=None)


def claim(current: Rollout | None, wanted: Rollout | None, holder: Holder, gone: bool) -> Rollout:
    """Return the journal with which a run may go on.

    Args:
        current: the newest copy that there is on the control hosts, whichever this one has.
        wanted: the rollout that the run has planned; None, or *current* itself, to go on with what there is.
        holder: the run, and the time.
        gone: whether the run that holds *current* is known to have ended, or may be taken over.

    Raises:
        RolloutError: if another run carries it on, another rollout is open, or a later one has ended.
    """
    if current and current.open:
        other = current.holder
        if other and other.run != holder.run and not gone and holder.seen - other.seen < LEASE:
            ago = int(holder.seen - other.seen)
            raise RolloutError(
                f"{other.who} on {other.where} (pid {other.pid}) holds the lock of the rollout "
                f"{current.release_from} -> {current.release_to} and was last seen {ago} s ago. "
                f"Wait for it; if that run is dead, take over with -e rollout_takeover=true"
            )
        if wanted and wanted.id != current.id:
            raise RolloutError(
                f"the rollout {current.release_from} -> {current.release_to} is open ({current.phase}): "
                "close it with the playbook finalize or rollback before another one begins"
            )
        return _changed(current, holder=holder)
    if wanted is None:
        raise RolloutError("there is no open rollout")
    if current and wanted.id <= current.id:
        raise RolloutError(
            f"the rollout {current.id} has ended ({current.phase}), and this one, {wanted.id}, is not later: another run has ended it, "
            "or the clock of this machine is slow"
        )
    return _changed(wanted, holder=holder)


def note(current: Rollout | None, run: str, now: float, event: Event | None = None, phase: Phase | None = None) -> Rollout:
    """Return the journal with a further event, or at another phase. A step that is not done any more takes back that all hosts are updated.

    The updates and events of *current* matter only for a phase in which every host is updated (:data:`UPDATED`).

    Raises:
        RolloutError: if the run does not hold it, or not everything is updated that has to be before that phase.
    """
    if current is None:
        raise RolloutError("there is no open rollout")
    if current.holder is None or current.holder.run != run:
        other = f"{current.holder.who} on {current.holder.where}" if current.holder else "nobody"
        raise RolloutError(f"the rollout was taken over by {other}; this run stops")
    if phase in UPDATED and (left := [f"{tier} on {host}" for tier, host in unfinished(current)]):
        raise RolloutError(f"not all containers are updated: {', '.join(left)}; run the playbook upgrade again")
    undone = current.phase in UPDATED and event is not None and event.phase == "roll" and event.state != "done"
    return _changed(
        current,
        events=[*current.events, *([event] if event else [])],
        phase=phase or ("expanded" if undone else current.phase),
        holder=dataclasses.replace(current.holder, seen=now),
    )


def release(current: Rollout, run: str) -> Rollout:
    """Return the journal without a holder: the run has ended by itself."""
    return _changed(current, holder=None) if current.holder and current.holder.run == run else current


def unfinished(current: Rollout) -> list[tuple[str, str]]:
    """Return tier and host of each step whose last known state is not that it is done, in the order of a rollout."""
    last = {(event.tier, event.host): event.state for event in current.events if event.phase == "roll"}
    return [(tier, host) for tier in current.tiers() for host in current.hosts(tier) if last.get((tier, host)) != "done"]


def _changed(current: Rollout, **changes: t.Any) -> Rollout:
    return dataclasses.replace(current, **{"revision": current.revision + 1, **changes})
