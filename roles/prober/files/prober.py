# SPDX-License-Identifier: Apache-2.0
"""Ask every API and ping addresses all the time, and keep what came back, second by second.

Runs in a container of the client image until it gets SIGTERM. The standard library only, so that it starts at once.

What is kept are lines of JSON, of five kinds; times are in seconds since 1970, ``what`` is an API or an address:

- ``{"kind": "start", "begin"}``: a prober begins;
- ``{"kind": "tick", "begin", "end"}``: it ran in this time;
- ``{"kind": "read" | "write" | "login" | "ping", "what", "second", "asked", "failed", "retried", "slowest", "error"}``: answers of a
  second, or some of them, as lines of the same second add up. ``slowest`` is of the good ones, ``error`` the first of the failed;
- the same kinds with ``what`` and ``begin``: a gap begins; with ``end`` and ``lost`` too: it has ended.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import email.message
import functools
import http.client
import json
import os
import pathlib
import secrets
import select
import signal
import socket
import ssl
import struct
import threading
import time
import traceback
import types
import typing as t
import urllib.error
import urllib.request

#: Bytes of the file after which a new one is begun beside it; some ten hours.
SIZE = 32 * 2**20

_UNAUTHORIZED, _NOT_FOUND = 401, 404
#: Seconds before its end in which a token is not used any more.
_MARGIN = 60
_ECHO, _REPLY = 8, 0
_PING_LIMIT = 1.0  # seconds that an answer may take

# -- what is kept -----------------------------------------------------------------------------------------------


class Journal:
    """Answers by second, and gaps as they begin and end. Threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[tuple[int, str, str], dict[str, t.Any]] = {}
        self._gaps: dict[tuple[str, str], dict[str, t.Any]] = {}
        self._lines: list[dict[str, t.Any]] = []

    def note(self, what: str, kind: str, begin: float, end: float, error: str = "", retried: bool = False, seconds: float = 0.0) -> None:
        """Keep an answer: asked at *begin*, there at *end*, which took *seconds*; it is a failure if it has an *error*."""
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
        """Return what came since the last call."""
        with self._lock:
            taken = [*self._seconds.values(), *self._lines]
            self._seconds, self._lines = {}, []
        return taken


class Writer:
    """Appends what a journal has to a file, once a second."""

    def __init__(self, path: pathlib.Path, journal: Journal) -> None:
        self._path, self._journal = path, journal
        self._last = time.time()
        # the last line of a prober that was killed may be half a line
        self._append("\n" + json.dumps({"kind": "start", "begin": self._last}) + "\n")

    def run(self, stop: threading.Event) -> None:
        """Write until *stop* is set; the caller writes the rest."""
        while not stop.wait(1 - time.time() % 1):
            self.write()

    def write(self) -> None:
        """Write what there is."""
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
            # a host that loses its power loses a second of it
            os.fsync(stream.fileno())


# -- APIs -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Answer:
    """What an API said; of an error ``content`` is text, else JSON."""

    status: int
    headers: email.message.Message
    content: t.Any


class Client:
    """Sends requests, each over a connection of its own, as most clients do; *limit* in seconds is for the whole of one."""

    def __init__(self, context: ssl.SSLContext | None, limit: float) -> None:
        self._limit = limit
        # the environment names no proxy on the way to the cloud's own APIs
        handlers = [urllib.request.ProxyHandler({}), *([urllib.request.HTTPSHandler(context=context)] if context else [])]
        self._opener = urllib.request.build_opener(*handlers)

    def send(self, method: str, url: str, token: str = "", body: t.Any = None, headers: t.Mapping[str, str] | None = None) -> Answer:
        """Return the answer, also one that is an error.

        Raises:
            OSError, http.client.HTTPException: if none came, or not in time.
            ValueError: if it is no JSON.
        """
        fields = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {}), **(headers or {})}
        data = None if body is None else json.dumps(body).encode()
        deadline = time.monotonic() + self._limit
        try:
            with self._opener.open(urllib.request.Request(url, data, fields, method=method), timeout=self._limit) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read().decode(errors="replace"))
        if time.monotonic() > deadline:
            raise TimeoutError
        return Answer(answer.status, answer.headers, json.loads(text) if text else None)


def by_password(user: str, password: str, project: str) -> dict[str, t.Any]:
    """Return what is sent to Keystone to log in to a project; both in the default domain."""
    identity = {"methods": ["password"], "password": {"user": {"name": user, "password": password, "domain": {"id": "default"}}}}
    return {"auth": {"identity": identity, "scope": {"project": {"name": project, "domain": {"id": "default"}}}}}


def by_token(token: str, project: str) -> dict[str, t.Any]:
    """Return the same for who has a token: to check a password takes a quarter of a second of a processor."""
    identity = {"methods": ["token"], "token": {"id": token}}
    return {"auth": {"identity": identity, "scope": {"project": {"name": project, "domain": {"id": "default"}}}}}


def reason(error: Exception) -> str:
    """Return the name of what went wrong with a request."""
    inner = getattr(error, "reason", error)
    return type(inner if isinstance(inner, Exception) else error).__name__


@dataclasses.dataclass(frozen=True)
class Token:
    """A token, its end in seconds since 1970, and the URL of each type of service."""

    text: str
    end: float
    urls: t.Mapping[str, str]


class Session:
    """A user of the cloud, who logs in when it is needed. Threads may share one; who logs in lets the others wait."""

    def __init__(self, client: Client, auth: t.Mapping[str, str], region: str, journal: Journal) -> None:
        self.client = client
        self._auth, self._region, self._journal = auth, region, journal
        self._lock = threading.Lock()
        self._token: Token | None = None

    def token(self) -> Token | None:
        """Return a token that is good for a while, or None if there is none to be had; each login is noted."""
        with self._lock:
            if not self._token or self._token.end - time.time() < _MARGIN:
                self._token = None
                ask(self._journal, "identity", "login", self._login)
            return self._token

    def refused(self, token: Token) -> None:
        """Forget a token that an API did not accept."""
        with self._lock:
            if self._token is token:
                self._token = None

    def issue(self, token: Token | None = None) -> Answer:
        """Ask Keystone for a token, with another or with the password."""
        user, password, project = (self._auth[name] for name in ("username", "password", "project_name"))
        body = by_token(token.text, project) if token else by_password(user, password, project)
        return self.client.send("POST", f"{self._auth['auth_url']}/auth/tokens", body=body)

    def _login(self) -> str:
        try:
            answer = self.issue()
            if answer.status >= 400:
                return f"HTTP {answer.status}"
            data = answer.content["token"]
            urls = {
                service["type"]: endpoint["url"].rstrip("/")
                for service in data["catalog"]
                for endpoint in service["endpoints"]
                if endpoint["interface"] == "public" and endpoint["region"] == self._region
            }
            # the catalog has it without a version
            urls["identity"] = self._auth["auth_url"]
            self._token = Token(answer.headers["X-Subject-Token"], datetime.datetime.fromisoformat(data["expires_at"]).timestamp(), urls)
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            return reason(error)
        return ""


def ask(journal: Journal, what: str, kind: str, attempt: t.Callable[[], str]) -> bool:
    """Ask a question, at once a second time if it fails, and note it; *attempt* returns an error, or nothing."""
    begin, started = time.time(), time.monotonic()
    error = attempt()
    retried = bool(error)
    if retried:
        error = attempt()
    seconds = time.monotonic() - started
    journal.note(what, kind, begin, begin + seconds, error, retried, seconds)
    return not error


def filled(value: t.Any, **words: str) -> t.Any:
    """Return nested data with ``{word}`` in its texts replaced."""
    if isinstance(value, dict):
        return {key: filled(item, **words) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, **words) for item in value]
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(f"{{{word}}}", text)
    return value


def named(path: str, shown: t.Any) -> tuple[str, str]:
    """Return path and name of an object that an API shows as its name or as a mapping, which may be the only value of another one."""
    if isinstance(shown, str):
        shown = {"name": shown}
    values = list(shown.values())
    if len(values) == 1 and isinstance(values[0], dict):
        shown = values[0]
    name = shown.get("name") or ""
    return filled(path, name=name, **({"id": shown["id"]} if "{id}" in path else {})), name


class ApiClient:
    """Asks one API, reading and writing by turns, and leaves nothing there.

    Args:
        what: type of the API in the catalog.
        probe: its requests, ``endpoints[].probe`` of the definition of its service.
    """

    def __init__(self, what: str, probe: t.Mapping[str, t.Any], session: Session, journal: Journal, interval: float) -> None:
        self._what, self._probe, self._object = what, probe, probe["write"]
        self._session, self._journal, self._interval = session, journal, interval
        self._made = ""
        # whether something may be there that this does not know of: of an earlier prober, or of a question without an answer
        self._dirty = bool(self._object)

    def run(self, stop: threading.Event) -> None:
        """Ask until *stop* is set."""
        due, reading = time.monotonic(), True
        while not stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._interval, time.monotonic())
            token = self._session.token()
            # without a token there is no question; what the catalog does not have is not of this cloud
            if not token or self._what not in token.urls:
                due = max(due, time.monotonic() + self._interval)
                continue
            good = ask(self._journal, self._what, "read" if reading else "write", self._read if reading else self._write)
            if good and self._dirty:
                self._dirty = not self._sweep()
            reading = not reading or not (self._object or self._probe["issues_tokens"])
        if self._made or self._dirty:
            self._sweep()

    def _read(self) -> str:
        return self._send("GET", self._probe["read"])[0]

    def _write(self) -> str:
        if not self._object:
            return self._checked(self._session.issue)[0]
        if self._made:
            error = self._delete(self._made)
            self._made = self._made if error else ""
            return error
        # digits, as not all APIs take the same letters
        name = f"{self._object['prefix']}{secrets.randbelow(10**8):08}"
        path, body = (filled(self._object[key], name=name) for key in ("create_path", "body"))
        error, content = self._send(self._object["method"], path, body)
        if not error:
            try:
                self._made = filled(named(self._object["item_path"], content or name)[0], name=name)
            except (KeyError, TypeError, AttributeError) as fault:
                error = reason(fault)
        # it may have been made although its answer was lost
        self._dirty |= bool(error)
        return error

    def _delete(self, path: str) -> str:
        error = self._send("DELETE", path)[0]
        # a first attempt may have deleted it although its answer was lost
        return "" if error == f"HTTP {_NOT_FOUND}" else error

    def _sweep(self) -> bool:
        """Delete all that probers made; return whether nothing is left."""
        error, content = self._send("GET", self._object["list_path"])
        if error:
            return False
        self._made = ""
        try:
            found = [named(self._object["item_path"], shown) for shown in content[self._object["list_key"]]]
            paths = [path for path, name in found if name.startswith(self._object["prefix"])]
        except (KeyError, TypeError, AttributeError):
            return False
        errors = [self._delete(path) for path in paths]
        return not any(errors)

    def _send(self, method: str, path: str, body: t.Any = None) -> tuple[str, t.Any]:
        """Return error and content of an answer below the API's URL."""

        def send(token: Token) -> Answer:
            return self._session.client.send(method, token.urls[self._what] + path, token.text, body, self._probe["headers"])

        return self._checked(send)

    def _checked(self, send: t.Callable[[Token], Answer]) -> tuple[str, t.Any]:
        token = self._session.token()
        if not token:
            return "no token", None
        try:
            answer = send(token)
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            return reason(error), None
        if answer.status == _UNAUTHORIZED:
            self._session.refused(token)
        return (f"HTTP {answer.status}", None) if answer.status >= 400 else ("", answer.content)


# -- pings ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class _Packet:
    """``sent`` in seconds since 1970, ``due`` by the clock that is never set; ``seconds`` until the answer came."""

    number: int
    sent: float
    due: float
    seconds: float | None = None


class Pinger:
    """Sends an echo request to each address (IPv4) every *interval* seconds; it is lost if no answer came within a second.

    Raises:
        PermissionError: without the capability NET_RAW.
    """

    def __init__(self, addresses: t.Sequence[str], interval: float, journal: Journal) -> None:
        self._interval, self._journal = interval, journal
        # in the order in which they were sent, and those without an answer
        self._packets: dict[str, collections.deque[_Packet]] = {address: collections.deque() for address in addresses}
        self._waiting: dict[tuple[str, int], _Packet] = {}
        # pings of others arrive at every raw socket of the host
        self._identifier = secrets.randbelow(2**16)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
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
                # no route, or no room: no answer will come
                with contextlib.suppress(OSError):
                    self._socket.sendto(data, (address, 0))
            number = (number + 1) & 0xFFFF
        self._sent_all.set()

    def receive(self) -> None:
        """Receive until all packets that were sent are answered or lost."""
        with self._socket:
            while not self._sent_all.is_set() or any(self._packets.values()):
                select.select([self._socket], [], [], 0.05)
                now = time.monotonic()
                # all that waits is read before anything is called lost
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
        """Note packets in the order in which they were sent, as far as their fate is known."""
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


# -- all of it --------------------------------------------------------------------------------------------------


def main(parameters: dict[str, t.Any]) -> int:
    """Ask and ping until SIGTERM; return the exit code.

    Args:
        parameters: ``auth`` with auth_url, username, password, project_name and ca_certificates (PEM), ``region``, ``probes`` by the
            type of the API, ``addresses``, ``file``, and in seconds ``interval``, ``ping_interval`` and ``limit``.
    """
    stop, failed = threading.Event(), threading.Event()

    def give_up(arguments: threading.ExceptHookArgs) -> None:
        # what is not watched any more must not look well: without its thread the whole ends
        traceback.print_exception(arguments.exc_value)
        failed.set()
        stop.set()

    def end(_number: int, _frame: types.FrameType | None) -> None:
        stop.set()

    threading.excepthook = give_up
    signal.signal(signal.SIGTERM, end)
    auth, journal = parameters["auth"], Journal()
    context = None
    if auth["auth_url"].startswith("https:"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if auth["ca_certificates"]:
            context.load_verify_locations(cadata=auth["ca_certificates"])
        else:
            context.load_default_certs()
    session = Session(Client(context, parameters["limit"]), auth, parameters["region"], journal)
    work: list[t.Callable[[], None]] = [
        functools.partial(ApiClient(what, probe, session, journal, parameters["interval"]).run, stop)
        for what, probe in parameters["probes"].items()
    ]
    if parameters["addresses"]:
        pinger = Pinger(parameters["addresses"], parameters["ping_interval"], journal)
        work += [functools.partial(pinger.send, stop), pinger.receive]
    writer = Writer(pathlib.Path(parameters["file"]), journal)
    # daemons: a receiver whose sender died waits for ever
    threads = [threading.Thread(target=function, daemon=True) for function in work]
    for thread in threads:
        thread.start()
    writer.run(stop)
    deadline = time.monotonic() + 4 * parameters["limit"]
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    writer.write()
    return int(failed.is_set())
