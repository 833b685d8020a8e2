# SPDX-License-Identifier: Apache-2.0
"""The engine's frames, over a real pair of sockets. What the engine itself does with them: tests/integration."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.engine.attach import Output, converse


def _frame(number: int, data: bytes) -> bytes:
    return bytes([number, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


@pytest.fixture(name="ends")
def _ends() -> t.Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    theirs.close()


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.text(max_size=8)), max_size=8), st.integers(1, 7))
def test_frames_are_put_together_wherever_they_were_cut(frames: list[tuple[int, str]], size: int) -> None:
    ours, theirs = socket.socketpair()
    wire = b"".join(_frame(number, text.encode()) for number, text in frames)

    def send() -> None:
        for start in range(0, len(wire), size):
            theirs.sendall(wire[start : start + size])
        theirs.close()

    thread = threading.Thread(target=send)
    thread.start()
    stdout, stderr = ("".join(text for number, text in frames if number == wanted) for wanted in (1, 2))
    assert converse(ours, None, 10) == Output(stdout, stderr, timed_out=False)
    thread.join()


def test_input_arrives_and_ends(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    received: list[bytes] = []

    def answer() -> None:
        while chunk := theirs.recv(10):
            received.append(chunk)
        theirs.sendall(_frame(1, b"ok"))
        theirs.close()

    thread = threading.Thread(target=answer)
    thread.start()
    assert converse(ours, b"x" * 100, 10) == Output("ok", "", False)
    thread.join()
    assert b"".join(received) == b"x" * 100


def test_silence_ends_after_the_time_limit_with_what_was_said(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(_frame(2, b"so far"))
    assert converse(ours, None, 0.2) == Output("", "so far", True)


def test_a_peer_that_does_not_read_is_no_error(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.close()
    assert converse(ours, b"x" * 1_000_000, 10) == Output("", "", False)


def test_a_frame_that_was_cut_off_is_kept_as_far_as_it_came(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(_frame(1, b"whole") + _frame(1, b"half")[:-2])
    theirs.close()
    assert converse(ours, None, 10) == Output("wholeha", "", False)


def test_input_in_pieces_arrives_whole(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    received: list[bytes] = []

    def answer() -> None:
        while chunk := theirs.recv(100_000):
            received.append(chunk)
        theirs.close()

    thread = threading.Thread(target=answer)
    thread.start()
    converse(ours, (bytes([number]) * 50_000 for number in range(40)), 10)
    thread.join()
    assert b"".join(received) == b"".join(bytes([number]) * 50_000 for number in range(40))


def test_a_sink_takes_the_output_and_leaves_the_errors(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    taken: list[bytes] = []
    theirs.sendall(_frame(1, b"\xff\x00") + _frame(2, b"oh") + _frame(1, b"data"))
    theirs.close()
    assert converse(ours, None, 10, sink=taken.append) == Output("", "oh", False)
    assert taken == [b"\xff\x00", b"data"]


def test_a_sink_that_breaks_is_an_error(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(_frame(1, b"data"))

    def full(_data: bytes) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        converse(ours, None, 10, sink=full)


def test_silence_is_allowed_for_longer_than_the_sdk_allows_it(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    ours.settimeout(0.05)

    def answer() -> None:
        time.sleep(0.3)
        theirs.sendall(_frame(1, b"at last"))
        theirs.close()

    thread = threading.Thread(target=answer)
    thread.start()
    assert converse(ours, None, 10) == Output("at last", "", False)
    thread.join()


def test_a_slow_sink_gets_all_although_the_command_has_ended(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = ends
    monkeypatch.setattr("ansible_collections.caisson.openstack.plugins.module_utils.engine.attach._GRACE", 0.05)
    received: list[bytes] = []

    def take(data: bytes) -> None:
        time.sleep(0.2)
        received.append(data)

    # more than the connection holds
    wire = b"".join(_frame(1, bytes([number]) * 300_000) for number in range(5))

    def send() -> None:
        with contextlib.suppress(OSError):
            theirs.sendall(wire)

    thread = threading.Thread(target=send)
    thread.start()
    assert converse(ours, None, 10, lambda: None, take) == Output("", "", False)
    thread.join()
    assert b"".join(received) == b"".join(bytes([number]) * 300_000 for number in range(5))
