# SPDX-License-Identifier: Apache-2.0
"""Send requests to every API and ping addresses all the time, and record the results by second.

Runs in a container of the client image until it receives SIGTERM. It uses the standard library only, so that it starts at once.

Results are lines of JSON of the kinds below. Times are in seconds since 1970; ``what`` is the type of an API, or an address:

- ``{"kind": "start", "begin"}``: a prober started;
- ``{"kind": "tick", "begin", "end"}``: it was running from ``begin`` to ``end``;
- ``{"kind": "read" | "write" | "login" | "ping", "what", "second", "asked", "failed", "retried", "slowest", "error"}``: results within
  one second. Several lines may have the same second; their numbers add up. ``slowest`` is the longest time of a successful request in
  seconds, ``error`` the first error;
- the same kinds with ``what`` and ``begin``: requests began to fail; also with ``end`` and ``lost``: they succeed again.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import secrets
import select
import signal
import socket
import struct
import threading
import time
import traceback
import types
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common.openstack_api import Answer, ApiError, Session, Token

#: Size in bytes at which the file is renamed and a new one started; about ten hours.
SIZE = 32 * 2**20

_ECHO, _REPLY = 8, 0
_SOL_RAW, _ICMP_FILTER = 255, 1  # Python has no names for them; see linux/icmp.h
_PING_LIMIT = 1.0  # seconds until a ping counts as lost

# -- results ----------------------------------------------------------------------------------------------------


class Journal:
    """Results by second, and times without a successful answer (gaps). Threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[tuple[int, str, str], dict[str, t.Any]] = {}
        self._gaps: dict[tuple[str, str], dict[str, t.Any]] = {}
        self._lines: list[dict[str, t.Any]] = []

    def note(self, what: str, kind: str, begin: float, end: float, error: str = "", retried: bool = False, seconds: float = 0.0) -> None:
        """Record the result of a request that was sent at *begin*, ended at *end* and took *seconds*; with an *error* it has failed."""
        name = {"kind": kind, "what": what}
        with self._lock:
            empty = {**name, "second": int(end), "asked": 0, "failed": 0, "retried": 0, "slowest": 0.0, "error": ""}
            row = self._seconds.setdefault((int(end), what, kind), empty)
            row["asked"] += 1
            row["retried"] += retried
            if error:
                row["failed"] += 1
                row["error"] = row["error"] or error
                if (what, kind) not in self._gaps:
                    self._gaps[what, kind] = {**name, "begin": begin, "lost": 0}
                    self._lines.append({**name, "begin": begin})
                self._gaps[what, kind]["lost"] += 1
                return
            row["slowest"] = max(row["slowest"], round(seconds, 4))
            gap = self._gaps.pop((what, kind), None)
            if gap:
                self._lines.append({**gap, "end": end})

    def take(self) -> list[dict[str, t.Any]]:
        """Return what was recorded since the last call."""
        with self._lock:
            taken = [*self._seconds.values(), *self._lines]
            self._seconds, self._lines = {}, []
        return taken


class Writer:
    """Appends the records of a journal to a file once a second."""

    def __init__(self, path: pathlib.Path, journal: Journal) -> None:
        self._path, self._journal = path, journal
        self._last = time.time()
        # a prober that was killed may have left an incomplete line
        self._append("\n" + json.dumps({"kind": "start", "begin": self._last}) + "\n")

    def run(self, stop: threading.Event) -> None:
        """Write until *stop* is set; the caller writes the last records."""
        while not stop.wait(1 - time.time() % 1):
            self.write()

    def write(self) -> None:
        """Write the records since the last call."""
        now = time.time()
        lines = [*self._journal.take(), {"kind": "tick", "begin": self._last, "end": now}]
        self._last = now
        if self._path.exists() and self._path.stat().st_size > SIZE:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._append("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))

    def _append(self, text: str) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            # after a power failure no more than the last second is missing
            os.fsync(stream.fileno())


# -- APIs -------------------------------------------------------------------------------------------------------


class ProberSession(Session):
    """Records each login as a request to Keystone, and repeats a failed one at once."""

    def __init__(self, auth: t.Mapping[str, str], region: str, limit: float, journal: Journal) -> None:
        super().__init__(auth, region, limit=limit)
        self._journal = journal

    def _login(self) -> Token:
        tokens: list[Token] = []

        def attempt() -> str:
            try:
                tokens.append(super(ProberSession, self)._login())
            except ApiError as error:
                return error.kind
            return ""

        if not ask(self._journal, "identity", "login", attempt):
            raise ApiError("the login failed", "no token")
        return tokens[0]


def ask(journal: Journal, what: str, kind: str, attempt: t.Callable[[], str]) -> bool:
    """Send a request, repeat it at once if it fails, and record the result; *attempt* returns an error, or an empty string."""
    begin, started = time.time(), time.monotonic()
    error = attempt()
    retried = bool(error)
    if retried:
        error = attempt()
    seconds = time.monotonic() - started
    journal.note(what, kind, begin, begin + seconds, error, retried, seconds)
    return not error


def filled(value: t.Any, **words: str) -> t.Any:
    """Return nested data with ``{word}`` replaced in all strings."""
    if isinstance(value, dict):
        return {key: filled(item, **words) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, **words) for item in value]
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(f"{{{word}}}", text)
    return value


def named(path: str, shown: t.Any, id_key: str = "id") -> tuple[str, str]:
    """Return path and name of an object in an answer: its name, a mapping, or a mapping whose only value is that mapping.

    Its id is the value of *id_key*, or the last part of that if it is a URL.
    """
    if isinstance(shown, str):
        shown = {"name": shown}
    values = list(shown.values())
    if len(values) == 1 and isinstance(values[0], dict):
        shown = values[0]
    name = shown.get("name") or ""
    return filled(path, name=name, **({"id": shown[id_key].rpartition("/")[2]} if "{id}" in path else {})), name


class ApiProbe:
    """Sends reads and writes to one API in turn, and deletes what it has created.

    Args:
        what: type of the API in the catalog.
        probe: its requests, ``endpoints[].probe`` of the definition of its service.
    """

    def __init__(self, what: str, probe: t.Mapping[str, t.Any], session: ProberSession, journal: Journal, interval: float) -> None:
        self._what, self._probe, self._object = what, probe, probe["write"]
        self._session, self._journal, self._interval = session, journal, interval
        self._made = ""
        # whether unknown objects may exist: of an earlier prober, or of a request whose answer was lost
        self._dirty = bool(self._object)

    def run(self, stop: threading.Event) -> None:
        """Send requests until *stop* is set."""
        due, reading = time.monotonic(), True
        while not stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._interval, time.monotonic())
            if not self._can_ask():
                due = max(due, time.monotonic() + self._interval)
                continue
            good = ask(self._journal, self._what, "read" if reading else "write", self._read if reading else self._write)
            if good and self._dirty:
                self._dirty = not self._sweep()
            reading = not reading or not (self._object or self._probe["issues_tokens"])
        if self._made or self._dirty:
            self._sweep()

    def _can_ask(self) -> bool:
        """Return whether there is a token, and the API in the catalog; a failed login counts for Keystone only."""
        try:
            return self._what in self._session.token().urls
        except ApiError:
            return False

    def _read(self) -> str:
        return self._send("GET", self._probe["read"])[0]

    def _write(self) -> str:
        if not self._object:
            return self._checked(self._session.another_token)[0]
        if self._made:
            error = self._delete(self._made)
            self._made = self._made if error else ""
            return error
        # digits, because not all APIs accept the same letters
        name = f"{self._object['prefix']}{secrets.randbelow(10**8):08}"
        path, body = (filled(self._object[key], name=name) for key in ("create_path", "body"))
        error, content = self._send(self._object["method"], path, body)
        if not error:
            try:
                self._made = filled(self._named(content or name)[0], name=name)
            except (KeyError, TypeError, AttributeError) as fault:
                error = type(fault).__name__
        # it may have been created although the answer was lost
        self._dirty |= bool(error)
        return error

    def _named(self, shown: t.Any) -> tuple[str, str]:
        return named(self._object["item_path"], shown, self._object["id_key"])

    def _delete(self, path: str) -> str:
        error = self._send("DELETE", path)[0]
        # the first attempt may have deleted it although the answer was lost
        return "" if error == "HTTP 404" else error

    def _sweep(self) -> bool:
        """Delete all objects of probers; return whether that succeeded."""
        error, content = self._send("GET", self._object["list_path"])
        if error:
            return False
        self._made = ""
        try:
            found = [self._named(shown) for shown in content[self._object["list_key"]]]
            paths = [path for path, name in found if name.startswith(self._object["prefix"])]
        except (KeyError, TypeError, AttributeError):
            return False
        errors = [self._delete(path) for path in paths]
        return not any(errors)

    def _send(self, method: str, path: str, body: t.Any = None) -> tuple[str, t.Any]:
        """Return error and content of the answer to a request for a path below the URL of the API."""
        return self._checked(lambda: self._session.send(method, self._what, path, body, self._probe["headers"]))

    @staticmethod
    def _checked(send: t.Callable[[], Answer]) -> tuple[str, t.Any]:
        try:
            return "", send().json()
        except ApiError as error:
            return error.kind, None


# -- pings ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class _Packet:
    """A ping: ``sent`` in seconds since 1970, ``due`` on the monotonic clock, ``seconds`` until the answer arrived."""

    number: int
    sent: float
    due: float
    seconds: float | None = None


class Pinger:
    """Sends an echo request to each address (IPv4) every *interval* seconds; without an answer within a second it is lost.

    Raises:
        PermissionError: without the capability NET_RAW.
    """

    def __init__(self, addresses: t.Sequence[str], interval: float, journal: Journal) -> None:
        self._interval, self._journal = interval, journal
        # in the order in which they were sent; and those without an answer yet
        self._packets: dict[str, collections.deque[_Packet]] = {address: collections.deque() for address in addresses}
        self._waiting: dict[tuple[str, int], _Packet] = {}
        # every raw socket of the host also receives the answers to other programs, but only answers: see icmp(7), raw(7)
        self._identifier = secrets.randbelow(2**16)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", ~(1 << _REPLY) & 0xFFFFFFFF))
        self._socket.setblocking(False)
        self._sent_all = threading.Event()

    def send(self, stop: threading.Event) -> None:
        """Send until *stop* is set."""
        due, number = time.monotonic(), 0
        while not stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._interval, time.monotonic())
            header = struct.pack("!BBHHH", _ECHO, 0, 0, self._identifier, number)
            data = header[:2] + struct.pack("!H", _checksum(header)) + header[4:]
            for address, packets in self._packets.items():
                packet = self._waiting[address, number] = _Packet(number, time.time(), time.monotonic() + _PING_LIMIT)
                packets.append(packet)
                # no route or no buffer space: the packet counts as lost
                with contextlib.suppress(OSError):
                    self._socket.sendto(data, (address, 0))
            number = (number + 1) & 0xFFFF
        self._sent_all.set()

    def receive(self) -> None:
        """Receive until every packet is answered or lost."""
        with self._socket:
            while not self._sent_all.is_set() or any(self._packets.values()):
                select.select([self._socket], [], [], 0.05)
                now = time.monotonic()
                # read everything that has arrived before a packet counts as lost
                with contextlib.suppress(BlockingIOError):
                    while True:
                        self._answered(*self._socket.recvfrom(1500))
                for address in self._packets:
                    self._settle(address, now)

    def _answered(self, data: bytes, sender: tuple[str, int]) -> None:
        kind, _code, _sum, identifier, number = struct.unpack_from("!BBHHH", data, (data[0] & 15) * 4)
        if kind == _REPLY and identifier == self._identifier:
            packet = self._waiting.pop((sender[0], number), None)
            if packet:
                packet.seconds = time.monotonic() - packet.due + _PING_LIMIT

    def _settle(self, address: str, now: float) -> None:
        """Record packets in the order in which they were sent, up to the first one that may still be answered."""
        packets = self._packets[address]
        while packets and (packets[0].seconds is not None or packets[0].due < now):
            packet = packets.popleft()
            self._waiting.pop((address, packet.number), None)
            error = "no answer" if packet.seconds is None else ""
            self._journal.note(address, "ping", packet.sent, packet.sent, error, seconds=packet.seconds or 0.0)


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


# -- the program ------------------------------------------------------------------------------------------------


def main(parameters: dict[str, t.Any]) -> dict[str, t.Any]:
    """Send requests and pings until SIGTERM; a thread that fails ends the program with exit code 1.

    Args:
        parameters: ``auth`` with auth_url, username, password, project_name and ca_certificates (PEM), ``region``, ``probes`` by the
            type of the API, ``addresses``, ``file``, and in seconds ``interval``, ``ping_interval`` and ``limit``.
    """
    stop, failed = threading.Event(), threading.Event()

    def give_up(arguments: threading.ExceptHookArgs) -> None:
        # otherwise an API that is no longer probed would look as if it had no errors
        traceback.print_exception(arguments.exc_value)
        failed.set()
        stop.set()

    def end(_number: int, _frame: types.FrameType | None) -> None:
        stop.set()

    threading.excepthook = give_up
    signal.signal(signal.SIGTERM, end)
    journal = Journal()
    session = ProberSession(parameters["auth"], parameters["region"], parameters["limit"], journal)
    work: list[t.Callable[[], None]] = [
        functools.partial(ApiProbe(what, probe, session, journal, parameters["interval"]).run, stop)
        for what, probe in parameters["probes"].items()
    ]
    if parameters["addresses"]:
        pinger = Pinger(parameters["addresses"], parameters["ping_interval"], journal)
        work += [functools.partial(pinger.send, stop), pinger.receive]
    writer = Writer(pathlib.Path(parameters["file"]), journal)
    # daemons, because the receiver never ends if the sender has failed
    threads = [threading.Thread(target=function, daemon=True) for function in work]
    for thread in threads:
        thread.start()
    writer.run(stop)
    deadline = time.monotonic() + 4 * parameters["limit"]
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    writer.write()
    if failed.is_set():
        raise SystemExit(1)
    return {}
