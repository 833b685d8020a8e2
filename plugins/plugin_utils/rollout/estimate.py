# SPDX-License-Identifier: Apache-2.0
"""How long a rollout will likely take, from how long the steps of earlier ones took. Pure."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import DurationSample, Rollout, unfinished
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout.timeline import duration, steps

#: Phases of the whole cloud that an upgrade goes through and that are noted with their begin.
_BACKUP, _PHASES = "backed_up", ("expanded", "verified")
#: So many figures are carried from one journal to the next, which is more than a cloud has containers.
KEPT = 100
#: So many names stand in a line.
_NAMED = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds of what is left of an upgrade; which rollouts say so, the newest first; of which containers none knows anything."""

    seconds: float
    rollouts: list[str]
    guessed: list[str]


def remembered(last: Rollout | None) -> list[DurationSample]:
    """Return what the journal of a rollout that follows *last* carries on: of each phase and container the newest figure."""
    if last is None:
        return []
    found: dict[tuple[str, str], DurationSample] = {}
    for sample in [*_samples(last), *last.durations]:
        found.setdefault((sample.phase, sample.container), sample)
    return list(found.values())[:KEPT]


def _samples(rollout: Rollout) -> list[DurationSample]:
    """Return how long what the rollout has done took; a host's containers of a tier are updated together, so each took as long as all."""
    longest: dict[tuple[str, str, str], float] = {}
    for step in steps(rollout.events):
        # a run that goes on looks again at what is done already, which is shorter
        if step.state == "done" and step.ended > step.begun:
            key = (step.phase, step.host, step.tier)
            longest[key] = max(longest.get(key, 0.0), step.ended - step.begun)
    seconds: dict[tuple[str, str], list[float]] = {
        (phase, ""): [longest[phase, "", ""]] for phase in (_BACKUP, *_PHASES) if (phase, "", "") in longest
    }
    for update in rollout.updates:
        if ("roll", update.host, update.tier) in longest:
            seconds.setdefault(("roll", update.container), []).append(longest["roll", update.host, update.tier])
    what = f"{rollout.way} of {rollout.id[:4]}-{rollout.id[4:6]}-{rollout.id[6:8]}"
    return [
        DurationSample(phase=phase, container=container, seconds=round(statistics.fmean(times), 1), rollout=what)
        for (phase, container), times in seconds.items()
    ]


def estimate(plan: Rollout, backup: bool) -> Estimate | None:
    """Return how long an upgrade takes from where it is until it is verified, or None if nothing is known of any container.

    Hosts are updated one after the other. A step takes as long as its slowest container; one that was never updated before counts as
    the mean of the others.

    Args:
        backup: whether the rollout makes a backup itself.
    """
    known = {(sample.phase, sample.container): sample for sample in plan.durations}
    updated = [sample.seconds for sample in plan.durations if sample.phase == "roll"]
    if not updated:
        return None
    mean = statistics.fmean(updated)
    phases = [(phase, "") for phase in ([_BACKUP] if backup and plan.phase == "planned" else []) + list(_PHASES)]
    own: dict[tuple[str, str], list[tuple[str, str]]] = {step: [] for step in unfinished(plan)}
    for update in plan.updates:
        if (update.tier, update.host) in own:
            own[update.tier, update.host].append(("roll", update.container))
    names = list(dict.fromkeys([*phases, *(name for step in own.values() for name in step)]))
    guessed = _unique(container for phase, container in names if phase == "roll" and (phase, container) not in known)
    seconds = sum(known[phase].seconds for phase in phases if phase in known)
    seconds += sum(max(known[name].seconds if name in known else mean for name in step) for step in own.values())
    return Estimate(
        seconds=seconds,
        rollouts=_unique(sample.rollout for key, sample in known.items() if key in names or (guessed and sample.phase == "roll")),
        guessed=guessed,
    )


def words(found: Estimate | None) -> str:
    """Return an estimate as a line for people; it is not more exact than it can be."""
    if found is None:
        return "The duration is unknown: no earlier rollout has recorded it."
    unit = 60 if found.seconds >= 120 else 10
    rounded = duration(max(round(found.seconds / unit), 1) * unit)
    new = f"; containers never updated before count as the mean of the others: {_some(found.guessed)}" if found.guessed else ""
    return f"About {rounded}, one host after the other, by the durations of earlier rollouts ({_some(found.rollouts)}){new}."


def _some(names: t.Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _unique(names: t.Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
