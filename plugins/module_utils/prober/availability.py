# SPDX-License-Identifier: Apache-2.0
"""What users noticed: figures of a time from what the prober kept. Pure: no file, no clock.

The lines are described in ``roles/prober/files/prober.py``, which writes them. Times are in seconds since 1970.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import typing as t

Row = t.Mapping[str, t.Any]

#: Points of a timeline at most.
POINTS = 600


@dataclasses.dataclass(kw_only=True)
class Gap:
    """From the first failure to the next good answer; ``lost`` questions or packets failed.

    Of one that has not ended ``end`` is how far it is known, and ``lost`` is 1.
    """

    begin: float
    end: float
    lost: int
    kind: str

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.begin


@dataclasses.dataclass(kw_only=True)
class ApiFigures:
    """What an API did; times in seconds, availability in percent of the questions.

    ``failed`` did so twice in a row, ``retried`` are all whose first try failed. ``slowest`` is of good answers, ``error`` the first.
    """

    asked: int
    failed: int
    retried: int
    availability: float
    longest_gap: float
    slowest: float
    error: str
    gaps: list[Gap]


@dataclasses.dataclass(kw_only=True)
class PingFigures:
    """What an address did; times in seconds."""

    sent: int
    lost: int
    longest_gap: float
    slowest: float
    gaps: list[Gap]


@dataclasses.dataclass(kw_only=True)
class Series:
    """One number for each step of a timeline; ``slowest`` in seconds."""

    asked: list[int]
    failed: list[int]
    slowest: list[float]


@dataclasses.dataclass(kw_only=True)
class Figures:
    """Figures of the time from ``since`` to ``until``, by API and by address.

    ``unwatched`` is the part of it, in seconds, in which no prober ran: of that nothing is known. The series of ``timeline`` begin
    with the second in which ``since`` lies, each point is ``step`` seconds.
    """

    since: float
    until: float
    unwatched: float
    apis: dict[str, ApiFigures]
    pings: dict[str, PingFigures]
    step: int
    timeline: dict[str, Series]


@dataclasses.dataclass
class _Sums:
    """Sums of the rows of an API or address."""

    asked: int = 0
    failed: int = 0
    retried: int = 0
    slowest: float = 0.0
    error: str = ""
    ping: bool = False

    def add(self, row: Row) -> None:
        self.asked += row["asked"]
        self.failed += row["failed"]
        self.retried += row["retried"]
        self.slowest = max(self.slowest, row["slowest"])
        self.error = self.error or row["error"]
        self.ping = row["kind"] == "ping"


def parse(lines: t.Iterable[str]) -> t.Iterator[Row]:
    """Yield the rows; a line that a killed prober did not finish is none."""
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and "kind" in row:
            yield row


def began(rows: t.Iterable[Row]) -> float | None:
    """Return when the latest prober began, or None if none did."""
    return max((row["begin"] for row in rows if row["kind"] == "start"), default=None)


def figures(rows: t.Iterable[Row], since: float, until: float) -> Figures:
    """Return the figures of a time; a second of answers counts if any of it lies there.

    Raises:
        ValueError: if the time does not end after it begins.
    """
    if until <= since:
        raise ValueError(f"the time ends at {until:.0f}, which is not after it begins at {since:.0f}")
    first = math.floor(since)
    step = math.ceil((until - first) / POINTS)
    points = math.ceil((until - first) / step)
    rows = list(rows)
    sums: dict[str, _Sums] = collections.defaultdict(_Sums)
    timeline: dict[str, Series] = {}
    for row in rows:
        if "second" in row and first <= row["second"] < until:
            what, at = row["what"], (row["second"] - first) // step
            sums[what].add(row)
            series = timeline.setdefault(what, Series(asked=[0] * points, failed=[0] * points, slowest=[0.0] * points))
            series.asked[at] += row["asked"]
            series.failed[at] += row["failed"]
            series.slowest[at] = max(series.slowest[at], row["slowest"])
    found = _gaps(rows, since, until)
    for what in found.keys() - sums.keys():
        sums[what].ping = found[what][0].kind == "ping"
    return Figures(
        since=since,
        until=until,
        unwatched=round(max(0.0, until - since - _watched(rows, since, until)), 3),
        apis={what: _api(total, found.get(what, [])) for what, total in sorted(sums.items()) if not total.ping},
        pings={what: _ping(total, found.get(what, [])) for what, total in sorted(sums.items()) if total.ping},
        step=step,
        timeline=dict(sorted(timeline.items())),
    )


def _api(total: _Sums, gaps: list[Gap]) -> ApiFigures:
    return ApiFigures(
        asked=total.asked,
        failed=total.failed,
        retried=total.retried,
        # without an answer nothing was available
        availability=round(100 * (total.asked - total.failed) / total.asked, 4) if total.asked else 0.0,
        longest_gap=_longest(gaps),
        slowest=total.slowest,
        error=total.error,
        gaps=gaps,
    )


def _ping(total: _Sums, gaps: list[Gap]) -> PingFigures:
    return PingFigures(sent=total.asked, lost=total.failed, longest_gap=_longest(gaps), slowest=total.slowest, gaps=gaps)


def _longest(gaps: t.Iterable[Gap]) -> float:
    return round(max((gap.seconds for gap in gaps), default=0.0), 3)


def _watched(rows: t.Iterable[Row], since: float, until: float) -> float:
    """Return the seconds of a time in which a prober ran."""
    ticks = (row for row in rows if row["kind"] == "tick")
    return sum(max(0.0, min(until, row["end"]) - max(since, row["begin"])) for row in ticks)


def _gaps(rows: t.Iterable[Row], since: float, until: float) -> dict[str, list[Gap]]:
    """Return the gaps of each API and address that lie in a time, cut to it, in the order in which they begin."""
    found: dict[tuple[str, str, float], Gap] = {}
    running: set[tuple[str, str, float]] = set()
    last = 0.0
    for row in rows:
        if row["kind"] == "start":
            # of the gaps of a prober that ended, nobody saw more
            running.clear()
        elif row["kind"] == "tick":
            last = row["end"]
            for key in running:
                found[key].end = max(last, found[key].begin)
        elif "begin" in row:
            key = (row["what"], row["kind"], row["begin"])
            if "end" in row:
                found[key] = Gap(begin=row["begin"], end=row["end"], lost=row["lost"], kind=row["kind"])
                running.discard(key)
            else:
                found[key] = Gap(begin=row["begin"], end=max(last, row["begin"]), lost=1, kind=row["kind"])
                running.add(key)
    result: dict[str, list[Gap]] = {}
    for (what, _kind, _begin), gap in sorted(found.items(), key=lambda item: item[0][2]):
        if gap.begin < until and (gap.end > since or gap.begin >= since):
            cut = dataclasses.replace(gap, begin=max(since, gap.begin), end=min(until, gap.end))
            result.setdefault(what, []).append(cut)
    return result


def table(found: Figures) -> list[str]:
    """Return lines for people."""
    width = max((len(what) for what in [*found.apis, *found.pings]), default=0)
    lines = [f"{found.until - found.since:.0f} s were measured"]
    # the last second is not written yet when somebody asks for it
    if found.unwatched > 2:
        lines.append(f"in {found.unwatched:.0f} s of them no prober ran, and nothing is known about these")
    for what, api in found.apis.items():
        error = f" ({api.error})" if api.error else ""
        lines.append(
            f"{what:{width}}  {api.availability:.3f} % of {api.asked} requests answered, {api.failed} failed{error}, "
            f"{api.retried} needed a second try, longest gap {api.longest_gap:.2f} s, slowest {api.slowest:.2f} s"
        )
    for what, ping in found.pings.items():
        lines.append(f"{what:{width}}  {ping.lost} of {ping.sent} pings lost, longest gap {ping.longest_gap:.2f} s")
    return lines
