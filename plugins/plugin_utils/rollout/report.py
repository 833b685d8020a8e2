# SPDX-License-Identifier: Apache-2.0
"""The report of a rollout: few lines for a terminal, and a page that needs nothing else. Pure.

Figures are what a prober saw meanwhile, as plain data, or nothing if there was none.
"""

from __future__ import annotations

import contextlib
import pathlib
import re
import textwrap
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import TIERS
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import PlannedUpdate, Rollout
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import timeline as rollout_timeline
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout.timeline import Step, covered, duration, moment, percent, wrong

# it comes with ansible-core on the controller, the only place where pages are made
with contextlib.suppress(ImportError):
    import jinja2

Figures = t.Mapping[str, t.Any]
#: Names and seconds: how long the steps of something took, not what lay between them.
Times = list[tuple[str, float]]

#: Lines and columns of a small terminal.
HEIGHT, _COLUMNS = 25, 110
_SOME_HOSTS, _SOME_FAILURES, _SOME_APIS, _SOME_PINGS = 6, 3, 6, 3
_JOINED = "\N{NO-BREAK SPACE}"
_TEMPLATE = pathlib.Path(__file__).parent / "report.html.j2"


def drawn(figures: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what :mod:`availability` tells, as plain data, in the form that is drawn here: lists of what has a name."""
    if not figures:
        return {}
    first, step = int(figures["since"]), figures["step"]
    apis = []
    for name, api in figures["apis"].items():
        series = figures["timeline"][name]
        buckets = zip(series["asked"], series["failed"], strict=True)
        timeline = [{"at": first + at * step, "asked": asked, "failed": failed} for at, (asked, failed) in enumerate(buckets)]
        apis.append({**api, "name": name, "timeline": timeline})
    pings = [
        {**ping, "address": address, "gaps": [{**gap, "at": gap["begin"], "seconds": gap["end"] - gap["begin"]} for gap in ping["gaps"]]}
        for address, ping in figures["pings"].items()
    ]
    return {**figures, "apis": apis, "pings": pings}


def summary(rollout: Rollout, figures: Figures) -> list[str]:
    """Return the report as at most :data:`HEIGHT` lines."""
    steps = rollout_timeline.steps(rollout.events)
    lines = [f"Rollout {rollout.id} of {rollout.cloud}: {rollout.release_from} -> {rollout.release_to}, {state(rollout, steps)}"]
    lines += [f"Duration: {span(steps)}"] if steps else []
    for title, times in (("Phases", phases(steps)), ("Tiers", tiers(steps)), ("Hosts", hosts(steps))):
        some = times[:_SOME_HOSTS] if title == "Hosts" else times
        words = [f"{name} {duration(seconds)}".replace(" ", _JOINED) for name, seconds in some] + _more(times, some)
        wrapped = textwrap.wrap(f"{title}: {', '.join(words)}", _COLUMNS, subsequent_indent="  ", max_lines=2) if words else []
        lines += [line.replace(_JOINED, " ") for line in wrapped]
    failures = [step for step in steps if step.failed]
    for step in failures[:_SOME_FAILURES]:
        why = " ".join(step.detail.split())
        text = f"Failed: {step.what} on {step.host or rollout.cloud}, {step.outcome}: {why}".rstrip(": ")
        lines.append(textwrap.shorten(_plain(text), _COLUMNS, placeholder=" ..."))
    lines += [f"Failed: {word}" for word in _more(failures, failures[:_SOME_FAILURES])]
    return [*lines, *_seen(figures), f"Next: {following(rollout)}"]


def _seen(figures: Figures) -> list[str]:
    """Return what the prober saw, the worst first."""
    if not figures:
        return ["Availability: not measured, the prober did not run"]
    apis = sorted(figures["apis"], key=lambda api: (api["availability"], -api["longest_gap"], api["name"]))
    pings = sorted(figures["pings"], key=lambda ping: (-ping["lost"], -ping["longest_gap"]))
    lines = [
        f"API {api['name']}: {percent(api['availability'])}, {api['failed']} of {api['asked']} failed, {api['retried']} asked again, "
        f"longest gap {duration(api['longest_gap'])}, slowest {duration(api['slowest'])}"
        for api in apis[:_SOME_APIS]
    ]
    lines += [f"API: {word}" for word in _more(apis, apis[:_SOME_APIS])]
    lines += [
        f"Ping {ping['address']}: {ping['lost']} of {ping['sent']} lost, longest gap {duration(ping['longest_gap'])}"
        for ping in pings[:_SOME_PINGS]
    ]
    return lines + [f"Ping: {word}" for word in _more(pings, pings[:_SOME_PINGS])]


def page(rollout: Rollout, figures: Figures) -> str:
    """Return the report as a page of HTML without scripts that loads nothing; the same for the same input."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(duration=duration, moment=moment, percent=percent, words=_words, short=short)
    steps, events = rollout_timeline.steps(rollout.events), sorted(rollout.events, key=lambda event: event.at)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        rollout=rollout,
        figures=figures,
        drawing=rollout_timeline.timeline(rollout, figures),
        sizes=rollout_timeline,
        state=state(rollout, steps),
        span=span(steps) if steps else "",
        next=following(rollout),
        steps=steps,
        failures=[step for step in steps if step.failed],
        times=[("Phase", phases(steps)), ("Tier", tiers(steps)), ("Host", hosts(steps))],
        updates=updates(rollout.updates),
        bad=[event for event in events if wrong(event)],
        good=[event for event in events if not wrong(event)],
        worst=min(figures.get("apis") or [], key=lambda api: api["availability"], default=None),
        loud=max(figures.get("pings") or [], key=lambda ping: ping["longest_gap"], default=None),
    )


def state(rollout: Rollout, steps: t.Sequence[Step]) -> str:
    """Return where a rollout is, in words; it has stopped if nothing has begun since something failed."""
    words = _words(rollout.phase)
    failed = [step.ended for step in steps if step.failed]
    if rollout.open and failed and max(failed) >= max(step.begun for step in steps):
        return f"{words}, stopped after a failure"
    return f"{words}, open" if rollout.open else words


def following(rollout: Rollout) -> str:
    """Return what can be done next."""
    back = "rollback reverts it"
    match rollout.phase:
        case "finalized" | "rolled_back":
            return "nothing, it is over"
        case "finalizing":
            return "finalize resumes it; it cannot be rolled back"
        case "rolling_back":
            return "rollback resumes it"
        case "verified":
            return f"finalize makes it final and ends the way to roll back; {back}"
        case _:
            return f"upgrade resumes it; {back}"


def span(steps: t.Sequence[Step]) -> str:
    """Return how long a rollout took, and from when to when."""
    begun, ended = min(step.begun for step in steps), max(step.ended for step in steps)
    same = moment(begun, "%F") == moment(ended, "%F")
    return f"{duration(ended - begun)} ({moment(begun, '%F %H:%M')} to {moment(ended, '%H:%M' if same else '%F %H:%M')} UTC)"


def phases(steps: t.Sequence[Step]) -> Times:
    """Return the time of each phase, in the order of their begin."""
    return _times(steps, lambda step: _words(step.phase))


def tiers(steps: t.Sequence[Step]) -> Times:
    """Return the time of each tier, in the order of a rollout."""
    found = _times([step for step in steps if step.tier], lambda step: step.tier)
    return sorted(found, key=lambda item: TIERS.index(item[0]) if item[0] in TIERS else len(TIERS))


def hosts(steps: t.Sequence[Step]) -> Times:
    """Return the time of each host, the longest first."""
    return sorted(_times([step for step in steps if step.host], lambda step: step.host), key=lambda item: -item[1])


def _times(steps: t.Sequence[Step], name: t.Callable[[Step], str]) -> Times:
    found: dict[str, list[tuple[float, float]]] = {}
    for step in sorted(steps, key=lambda step: step.begun):
        found.setdefault(name(step), []).append((step.begun, step.ended))
    return [(key, covered(intervals)) for key, intervals in found.items()]


def updates(found: t.Iterable[PlannedUpdate]) -> list[tuple[PlannedUpdate, list[str]]]:
    """Return updates that are the same on several hosts once, with these hosts, in the order of a rollout."""
    same: dict[t.Any, tuple[PlannedUpdate, list[str]]] = {}
    for update in found:
        essence = (update.tier, update.container, short(update.image_from), short(update.image_to), update.release_from, update.release_to)
        same.setdefault((*essence, tuple(update.reasons), update.impact), (update, []))[1].append(update.host)
    return sorted(same.values(), key=lambda item: TIERS.index(item[0].tier) if item[0].tier in TIERS else len(TIERS))


def short(image: str) -> str:
    """Return what tells images apart: the beginning of an id, or a reference without its registry."""
    _name, separator, digest = image.rpartition("sha256:")
    return digest[:12] if separator else image.rpartition("/")[2]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _more(every: t.Sequence[t.Any], some: t.Sequence[t.Any]) -> list[str]:
    return [f"and {len(every) - len(some)} more"] if len(every) > len(some) else []


def _plain(text: str) -> str:
    """Return text without what would command a terminal."""
    return re.sub(r"[^\x20-\x7e\xa0-\uffff]+", " ", text)
