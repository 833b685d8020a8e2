# SPDX-License-Identifier: Apache-2.0
"""Lines of the log that the role ``logging`` writes: which are wanted, and all hosts' in the order of time. Pure."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import heapq
import re
import typing as t

_LINE = re.compile(r"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z) (?P<level>\S+) (?P<service>\S+) (?P<container>\S+) (?P<host>\S+) (?P<text>.*)")
_AGE = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: What a time of the log may be cut down to, from the day on; or the whole of it.
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,3})?)?)?Z?)?")
_REQUEST = re.compile(r"req-[0-9a-f-]{4,36}")


@dataclasses.dataclass(frozen=True, order=True)
class Entry:
    """A line of the log; ``text`` begins with the request in brackets."""

    time: str
    level: str
    service: str
    container: str
    host: str
    text: str


@dataclasses.dataclass(frozen=True)
class LogFilter:
    """Which lines: of a request, from a time on (as the log writes it), of a service. Empty means any."""

    request: str = ""
    since: str = ""
    service: str = ""

    def __contains__(self, entry: Entry) -> bool:
        """Whether an entry is wanted."""
        return entry.time >= self.since and self.request in entry.text and self.service in ("", entry.service, entry.container)


def wanted(request: str, since: str, service: str, now: datetime.datetime) -> LogFilter:
    """Return what an operator asks for.

    Raises:
        ValueError: if the request or the time is not written as one, or if nothing at all was said.
    """
    if request and not _REQUEST.fullmatch(request):
        raise ValueError(f"request_id '{request}' is not a request id; one looks like req-0a1b2c3d-..., and its beginning is enough")
    if not (request or since or service):
        raise ValueError("select lines: -e request_id=req-..., -e since=15m or -e service=nova, or several of them")
    return LogFilter(request, _since(since, now), service)


def _since(text: str, now: datetime.datetime) -> str:
    age = _AGE.fullmatch(text)
    if age:
        try:
            begin = now - datetime.timedelta(seconds=int(age[1]) * _SECONDS[age[2]])
        except OverflowError:
            raise ValueError(f"since '{text}' is too long ago") from None
        return begin.strftime("%Y-%m-%dT%H:%M:%S")
    if text and not _TIME.fullmatch(text):
        raise ValueError(f"since '{text}' is neither an age such as 90s, 15m, 2h or 1d nor a time (UTC) such as 2026-01-02T03:04")
    return text.removesuffix("Z")


def parse(line: str) -> Entry | None:
    """Return a line's fields, or None if the log does not write such a line."""
    found = _LINE.fullmatch(line.rstrip("\r\n"))
    return Entry(**found.groupdict()) if found else None


def select(lines: t.Iterable[str], what: LogFilter, limit: int) -> tuple[list[Entry], int]:
    """Return the *limit* latest wanted entries in the order of time, and how many earlier ones were left out."""
    found = (entry for entry in map(parse, (line for line in lines if what.request in line)) if entry and entry in what)
    heap: list[tuple[str, int, Entry]] = []
    count = 0
    for count, entry in enumerate(found, 1):
        item = (entry.time, count, entry)
        heapq.heappush(heap, item) if len(heap) < limit else heapq.heappushpop(heap, item)
    return [entry for _time, _number, entry in sorted(heap)], count - len(heap)


def merge(hosts: t.Iterable[t.Iterable[Entry]]) -> list[Entry]:
    """Return the entries of several hosts, each in the order of time, as one in that order; equal times keep their order."""
    return list(heapq.merge(*hosts, key=lambda entry: entry.time))


def table(entries: t.Sequence[Entry]) -> list[str]:
    """Return lines for people: time, host, container and level in columns, then the text."""
    hosts = max((len(entry.host) for entry in entries), default=0)
    containers = max((len(entry.container) for entry in entries), default=0)
    return [f"{entry.time}  {entry.host:{hosts}}  {entry.container:{containers}}  {entry.level:8}  {entry.text}" for entry in entries]


def summary(entries: t.Sequence[Entry]) -> str:
    """Return how many lines of which services and hosts there are."""
    if not entries:
        return "no such line in the log of any host"
    services = collections.Counter(entry.service for entry in entries)
    counts = ", ".join(f"{name} {count}" for name, count in services.items())
    hosts = len({entry.host for entry in entries})
    return f"{len(entries)} lines from {hosts} host{'s' if hosts > 1 else ''}: {counts}"
