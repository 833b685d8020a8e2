# SPDX-License-Identifier: Apache-2.0
"""The steps of a rollout, and a drawing of them on one axis of time: plain data that a template prints. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import math
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import TIERS
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Event, Rollout, State

#: The row of what happened to no single host.
CLOUD = "cloud"
#: Pixels: the drawing, the column of names beside it, a bar, a strip, the axis above all, the heading of a group of rows.
WIDTH, NAMES, BAR, STRIP, AXIS, HEADING = 1000.0, 176.0, 20.0, 18.0, 38.0, 30.0
_GAP, _LEAST, _CHARACTER, _TICK, _PAUSE = 4.0, 2.0, 7.3, 80.0, 76.0
#: Letters that fit the column of names.
_LETTERS = 22
#: So many stretches in which nothing happens are cut short, if they are longer than these seconds and this part of the rest.
_PAUSES, _PAUSE_SECONDS, _PAUSE_PART = 4, 60.0, 0.2
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


@dataclasses.dataclass
class Step:
    """What was done to one host in one tier and phase, in seconds since 1970; ``begun`` is the state of what never ended."""

    host: str
    tier: str
    phase: str
    begun: float
    ended: float
    state: State
    failed: bool = False
    detail: str = ""

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        words = {"begun": "not ended", "done": "done", "failed": "failed", "reverted": "restored"}
        return "failed, restored" if self.failed and self.state == "reverted" else words[self.state]

    @property
    def what(self) -> str:
        """Tier or phase in words."""
        return f"{self.tier} back" if self.tier and self.phase == "rolling_back" else self.tier or self.phase.replace("_", " ")


@dataclasses.dataclass(frozen=True)
class Bar:
    """A rectangle; ``colour`` is 0 or the number of its tier; ``label`` stands at ``label_x`` as an SVG text's ``anchor`` says."""

    x: float
    y: float
    width: float
    height: float
    title: str
    colour: int = 0
    state: str = ""
    label: str = ""
    label_x: float = 0.0
    anchor: str = ""


@dataclasses.dataclass
class Row:
    """A band of the drawing with a name, a note beside it and what happened there; ``base`` is the time that was looked at."""

    name: str
    y: float
    height: float
    note: str = ""
    base: Bar | None = None
    bars: list[Bar] = dataclasses.field(default_factory=list)

    @property
    def label(self) -> str:
        """The name as far as there is room for it: of a host without its domain, and then with its end, where names differ."""
        room = _LETTERS - len(self.note)
        if len(self.name) <= room:
            return self.name
        name = self.name if self.note else self.name.partition(".")[0]
        return name if len(name) <= room else f"{name[: room // 2]}…{name[room // 2 + 1 - room :]}"


@dataclasses.dataclass
class Group:
    """Rows of one kind below a heading."""

    title: str
    kind: t.Literal["steps", "apis", "pings"]
    y: float
    rows: list[Row]


@dataclasses.dataclass(frozen=True)
class Tick:
    """A mark of the axis; ``date`` only where it is another one than before."""

    x: float
    clock: str
    date: str = ""


@dataclasses.dataclass(frozen=True)
class Timeline:
    """The whole drawing; ``pauses`` are the stretches that were cut short."""

    height: float
    ticks: list[Tick]
    pauses: list[Bar]
    groups: list[Group]
    tiers: t.Sequence[tuple[int, str]]


def wrong(event: Event) -> bool:
    """Whether the event is a failure; a revert is one only outside of a rollback."""
    return event.state == "failed" or (event.state == "reverted" and event.phase != "rolling_back")


def steps(events: t.Iterable[Event]) -> list[Step]:
    """Return what the events tell: a step lasts from ``begun`` to its end, and until it was restored if it failed.

    What never ended, such as a step of a run that was killed, ends with the last event before it was begun anew or the rollout's last.
    Phases of the cloud follow each other: one that never ended also ends before the next.
    """
    found: list[Step] = []
    latest: dict[tuple[str, str, str], Step] = {}
    before = 0.0
    for event in sorted(events, key=lambda event: event.at):
        key = (event.host, event.tier, event.phase)
        if not event.host:
            for other in [other for other, step in latest.items() if not other[0] and other != key and step.state == "begun"]:
                latest.pop(other).ended = before
        step = latest.get(key)
        goes_on = step is not None and (step.state == "begun" or (step.state == "failed" and event.state == "reverted"))
        if step is not None and goes_on and event.state != "begun":
            step.ended, step.state, step.detail = event.at, event.state, step.detail or event.detail
        else:
            if step is not None and step.state == "begun":
                step.ended = max(step.begun, before)
            step = Step(event.host, event.tier, event.phase, event.at, event.at, event.state, detail=event.detail)
            found.append(step)
        step.failed = step.failed or wrong(event)
        if event.state == "failed":
            step.detail = event.detail
        latest[key] = step
        before = event.at
    for step in latest.values():
        if step.state == "begun":
            step.ended = before
    return found


def covered(intervals: t.Iterable[tuple[float, float]]) -> float:
    """Return how many seconds lie in at least one of the intervals."""
    return sum(end - begin for begin, end in _merged(intervals, 0.0))


def _merged(intervals: t.Iterable[tuple[float, float]], least: float) -> list[tuple[float, float]]:
    """Return the intervals in order, as one where they overlap or where no more than *least* seconds are between them."""
    found: list[tuple[float, float]] = []
    for begin, end in sorted(intervals):
        if found and begin - found[-1][1] <= least:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def duration(seconds: float) -> str:
    """Return a time span for people, such as ``0.4 s``, ``9 min 2 s`` or ``2 d 3 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds else "0 s"
    rest = round(seconds)
    for (unit, size), (lower, part) in itertools.pairwise([("d", 86400), ("h", 3600), ("min", 60), ("s", 1)]):
        if rest >= size:
            less = rest % size // part
            return f"{rest // size} {unit}" + (f" {less} {lower}" if less else "")
    return f"{rest} s"


def moment(at: float, form: str = "%H:%M:%S") -> str:
    """Return a time of the clock, in UTC so that all readers see the same."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime(form)


class Scale:
    """From seconds since 1970 to pixels; long stretches outside of *busy* are cut short, because a rollout may rest for days."""

    def __init__(self, busy: t.Sequence[tuple[float, float]]) -> None:
        total = covered(busy)
        pad = max(total * 0.01, 0.5)
        gaps = sorted(right[0] - left[1] for left, right in itertools.pairwise(_merged(busy, 0.0)))
        least = max([_PAUSE_SECONDS, total * _PAUSE_PART, *gaps[:-_PAUSES]])
        self.stretches = [(begin - pad, end + pad) for begin, end in _merged(busy, least)]
        self._left, x = [], 0.0
        seconds = sum(end - begin for begin, end in self.stretches)
        self.speed = (WIDTH - _PAUSE * (len(self.stretches) - 1)) / seconds
        for begin, end in self.stretches:
            self._left.append(x)
            x += (end - begin) * self.speed + _PAUSE

    def __call__(self, at: float) -> float:
        """Return the pixel of a time; what lies outside of the drawing is at its edge."""
        for number, (begin, end) in enumerate(self.stretches):
            if at <= end:
                if at >= begin:
                    return self._left[number] + (at - begin) * self.speed
                if number == 0:
                    return 0.0
                paused = self.stretches[number - 1][1]
                return self._left[number] - _PAUSE * (begin - at) / (begin - paused)
        return WIDTH

    def place(self, begin: float, end: float, y: float, height: float, title: str, **more: t.Any) -> Bar:
        """Return a bar that can be seen however short it was, and that is inside the drawing."""
        x = min(self(begin), WIDTH - _LEAST)
        return Bar(x=round(x, 1), y=y, width=round(max(self(end) - x, _LEAST), 1), height=height, title=title, **more)

    def ticks(self) -> list[Tick]:
        """Return the marks of the axis: at least one in each stretch, and none so near to a pause that its text would run into it."""
        step = next((step for step in _STEPS if step * self.speed >= _TICK), _STEPS[-1])
        margin = _TICK / 3 / self.speed
        found: list[Tick] = []
        date = ""
        for number, (begin, end) in enumerate(self.stretches):
            first = math.ceil((begin + (margin if number else 0)) / step)
            last = math.floor((end - (margin if number < len(self.stretches) - 1 else 0)) / step)
            for at in [float(count * step) for count in range(first, last + 1)] or [(begin + end) / 2]:
                day = moment(at, "%d %b")
                clock = moment(at, "%H:%M" if at % 60 == 0 else "%H:%M:%S")
                found.append(Tick(round(self(at), 1), clock, day if day != date else ""))
                date = day
        return found

    def pauses(self, height: float) -> list[Bar]:
        """Return the stretches that were cut short."""
        found = []
        for number, ((_begin, end), (begin, _end)) in enumerate(itertools.pairwise(self.stretches), 1):
            x, label = self._left[number] - _PAUSE, duration(begin - end)
            text = {"label": label, "label_x": round(x + _PAUSE / 2, 1), "anchor": "middle"}
            found.append(
                Bar(x=round(x, 1), y=0.0, width=_PAUSE, height=height, title=f"nothing happened for {label}", **t.cast(t.Any, text))
            )
        return found


def timeline(rollout: Rollout, figures: t.Mapping[str, t.Any]) -> Timeline | None:
    """Return the drawing of a rollout and of what a prober saw meanwhile, or None if nothing happened yet."""
    done = steps(rollout.events)
    apis, pings = figures.get("apis") or [], figures.get("pings") or []
    busy = [(step.begun, step.ended) for step in done]
    busy += [(bucket["at"], bucket["at"]) for api in apis for bucket in api["timeline"] if bucket["failed"]]
    busy += [(gap["at"], gap["at"] + gap["seconds"]) for ping in pings for gap in ping["gaps"]]
    if not busy:
        return None
    scale = Scale(busy)
    hosts = [CLOUD, *dict.fromkeys([step.host for step in done if step.host] + [update.host for update in rollout.updates])]
    kinds: list[tuple[str, t.Any, t.Sequence[t.Any], t.Callable[[t.Any, float], Row]]] = [
        ("Hosts", "steps", hosts, lambda host, y: _host(scale, host, [step for step in done if (step.host or CLOUD) == host], y)),
        ("APIs", "apis", apis, lambda api, y: _api(scale, api, figures, y)),
        ("Guests", "pings", pings, lambda ping, y: _ping(scale, ping, figures, y)),
    ]
    groups, y = [], AXIS
    for title, kind, things, row in kinds:
        if things:
            group = Group(title, kind, y, [])
            y += HEADING
            for thing in things:
                group.rows.append(row(thing, y))
                y += group.rows[-1].height + _GAP
            groups.append(group)
    present = {step.tier for step in done if step.tier}
    tiers = [(number, tier) for number, tier in enumerate(TIERS, 1) if tier in present]
    return Timeline(height=y + _GAP, ticks=scale.ticks(), pauses=scale.pauses(y + _GAP), groups=groups, tiers=tiers)


def _host(scale: Scale, name: str, done: t.Iterable[Step], y: float) -> Row:
    """Return the row of a host: bars beside each other, or below each other where they would overlap."""
    bars: list[Bar] = []
    lanes: list[float] = []
    ordered = sorted(done, key=lambda step: (step.begun, -step.ended))
    for number, step in enumerate(ordered):
        clock = f"{moment(step.begun)} to {moment(step.ended)}, {duration(step.ended - step.begun)}"
        title = " ".join(f"{name}: {step.tier} {step.phase.replace('_', ' ')}, {step.outcome}: {clock}".split())
        colour = TIERS.index(step.tier) + 1 if step.tier in TIERS else 0
        drawn = scale.place(step.begun, step.ended, y, BAR, title, state="failed" if step.failed else step.state, colour=colour)
        after = scale(ordered[number + 1].begun) if number + 1 < len(ordered) else WIDTH
        # a failure and a phase of the cloud are worth a line of their own, others have a colour
        drawn, left, right = _labelled(drawn, step, WIDTH if step.failed or name == CLOUD else 0.0 if step.tier else after)
        lane = next((number for number, end in enumerate(lanes) if left >= end - _LEAST), len(lanes))
        lanes[lane : lane + 1] = [max(right, *lanes[lane : lane + 1], 0.0)]
        bars.append(dataclasses.replace(drawn, y=y + lane * (BAR + _GAP)))
    return Row(name=name, y=y, height=max(len(lanes), 1) * (BAR + _GAP) - _GAP, bars=bars)


def _labelled(drawn: Bar, step: Step, room: float) -> tuple[Bar, float, float]:
    """Return the bar with its label, and where both begin and end: inside if it fits, or beside it if that ends before *room*.

    A failure's label is better beside it, where nothing is hatched.
    """
    label = f"{step.what} {step.outcome}" if step.failed else step.what
    left, right, width = drawn.x, drawn.x + drawn.width, len(label) * _CHARACTER + 8
    inside = dataclasses.replace(drawn, label=label, label_x=round(left + drawn.width / 2, 1), anchor="middle")
    if width <= drawn.width and not step.failed:
        return inside, left, right
    if right + width <= room:
        return dataclasses.replace(drawn, label=label, label_x=round(right + 4, 1), anchor="start"), left, right + width
    if room == WIDTH and left >= width:
        return dataclasses.replace(drawn, label=label, label_x=round(left - 4, 1), anchor="end"), left - width, right
    return inside if width <= drawn.width else drawn, left, right


def _api(scale: Scale, api: t.Mapping[str, t.Any], figures: t.Mapping[str, t.Any], y: float) -> Row:
    """Return the strip of an API: how many of the questions of each moment failed."""
    times = sorted({bucket["at"] for bucket in api["timeline"]})
    length = min((right - left for left, right in itertools.pairwise(times)), default=figures["until"] - figures["since"])
    row = _strip(scale, api["name"], percent(api["availability"]), f"asked {api['asked']} times", figures, y)
    for bucket in api["timeline"]:
        if bucket["failed"]:
            height = round(max(4.0, STRIP * min(1.0, bucket["failed"] / max(bucket["asked"], 1))), 1)
            title = f"{row.name}: {bucket['failed']} of {bucket['asked']} failed at {moment(bucket['at'])}"
            row.bars.append(scale.place(bucket["at"], bucket["at"] + length, y + STRIP - height, height, title))
    return row


def _ping(scale: Scale, ping: t.Mapping[str, t.Any], figures: t.Mapping[str, t.Any], y: float) -> Row:
    """Return the strip of an address: when it did not answer."""
    row = _strip(scale, ping["address"], f"{ping['lost']} lost", f"{ping['sent']} sent", figures, y)
    for gap in ping["gaps"]:
        title = f"{row.name}: {gap['lost']} lost in {duration(gap['seconds'])} at {moment(gap['at'])}"
        row.bars.append(scale.place(gap["at"], gap["at"] + gap["seconds"], y, STRIP, title))
    return row


def _strip(scale: Scale, name: str, note: str, looked: str, figures: t.Mapping[str, t.Any], y: float) -> Row:
    base = scale.place(figures["since"], figures["until"], y, STRIP, f"{name}: {looked}")
    return Row(name=name, y=y, height=STRIP, note=note, base=base)


def percent(value: float) -> str:
    """Return a percentage with two digits, which is 100 only if nothing is missing."""
    return "> 99.99 %" if 99.995 <= value < 100 else f"{value:.2f} %"
