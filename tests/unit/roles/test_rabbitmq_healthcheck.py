# SPDX-License-Identifier: Apache-2.0
"""The broker's healthcheck speaks AMQP 0-9-1: against a peer that holds it to the letter, and against ones that fail."""

from __future__ import annotations

import pathlib
import shlex
import socket
import struct
import subprocess
import threading
import typing as t

import jinja2
import pytest

TEMPLATE = pathlib.Path(__file__).parents[3] / "roles" / "rabbitmq" / "templates" / "healthcheck.j2"
PASSWORD = "p'w \"$x"
#: The script has the broker's port in it; an address of its own keeps it apart from a real broker.
ADDRESS = "127.0.8.53"

START, START_OK = (10, 10), (10, 11)
TUNE, TUNE_OK = (10, 30), (10, 31)
OPEN, OPEN_OK = (10, 40), (10, 41)
CLOSE, CLOSE_OK = (10, 50), (10, 51)


class Peer(threading.Thread):
    """A broker that serves one connection; *behaviour* leaves out or refuses something."""

    def __init__(self, behaviour: str) -> None:
        super().__init__(daemon=True)
        self.behaviour = behaviour
        self.seen: list[tuple[int, int]] = []
        self.login = b""
        self.server = socket.create_server((ADDRESS, 5672), reuse_port=False)
        self.server.settimeout(10)

    def run(self) -> None:
        connection, _address = self.server.accept()
        with connection, self.server:
            connection.settimeout(10)
            stream = connection.makefile("rwb")
            assert stream.read(8) == b"AMQP\0\0\x09\x01"
            self.send(stream, START, b"\0\x09" + struct.pack(">I", 0) + self.long(b"PLAIN AMQPLAIN") + self.long(b"en_US"))
            arguments = self.receive(stream, START_OK)
            properties = struct.unpack(">I", arguments[:4])[0]
            rest = arguments[4 + properties :]
            assert rest[:6] == b"\x05PLAIN"
            size = struct.unpack(">I", rest[6:10])[0]
            self.login = rest[10 : 10 + size]
            assert rest[10 + size :] == b"\x05en_US"
            if self.behaviour == "refuses":
                self.send(stream, CLOSE, struct.pack(">H", 403) + b"\0" + struct.pack(">HH", 0, 0))
                return
            self.send(stream, TUNE, struct.pack(">HIH", 2047, 131072, 60))
            assert self.receive(stream, TUNE_OK) == struct.pack(">HIH", 1, 131072, 0)
            assert self.receive(stream, OPEN) == b"\x01/\0\0"
            if self.behaviour == "dies":
                return
            self.send(stream, OPEN_OK, b"\0")
            assert self.receive(stream, CLOSE) == struct.pack(">H", 200) + b"\0" + struct.pack(">HH", 0, 0)
            self.send(stream, CLOSE_OK, b"")

    @staticmethod
    def long(text: bytes) -> bytes:
        return struct.pack(">I", len(text)) + text

    @staticmethod
    def send(stream: t.Any, method: tuple[int, int], arguments: bytes) -> None:
        payload = struct.pack(">HH", *method) + arguments
        stream.write(struct.pack(">BHI", 1, 0, len(payload)) + payload + b"\xce")
        stream.flush()

    def receive(self, stream: t.Any, method: tuple[int, int]) -> bytes:
        kind, channel, size = struct.unpack(">BHI", stream.read(7))
        payload = stream.read(size)
        assert (kind, channel, stream.read(1)) == (1, 0, b"\xce")
        self.seen.append(struct.unpack(">HH", payload[:4]))
        assert self.seen[-1] == method
        return payload[4:]


@pytest.fixture
def script(tmp_path: pathlib.Path) -> pathlib.Path:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["quote"] = shlex.quote
    path = tmp_path / "healthcheck"
    variables = {
        "cloud_address": ADDRESS,
        "rabbitmq_password": PASSWORD,
        "rabbitmq_account": {"user": "openstack_b"},
        "rabbitmq_port": 5672,
        "rabbitmq_clustered": False,
    }
    path.write_text(environment.from_string(TEMPLATE.read_text("utf-8")).render(variables), "utf-8")
    return path


def run(script: pathlib.Path) -> int:
    return subprocess.run(["bash", str(script)], capture_output=True, timeout=20, check=False).returncode


def test_logs_in_and_leaves_in_good_order(script: pathlib.Path) -> None:
    peer = Peer("serves")
    peer.start()
    assert run(script) == 0
    peer.join(10)
    assert peer.seen == [START_OK, TUNE_OK, OPEN, CLOSE]
    assert peer.login == b"\0openstack_b\0" + PASSWORD.encode()


@pytest.mark.parametrize("behaviour", ["refuses", "dies"])
def test_fails_with_the_broker(script: pathlib.Path, behaviour: str) -> None:
    peer = Peer(behaviour)
    peer.start()
    assert run(script) != 0
    peer.join(10)


def test_fails_without_a_broker(script: pathlib.Path) -> None:
    assert run(script) != 0
