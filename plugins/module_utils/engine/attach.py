# SPDX-License-Identifier: Apache-2.0
"""Talk with a command in a container: its three standard streams over the one connection that the engine gives.

The engine sends both outputs in frames, an eight-byte header before each:
https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
import time
import typing as t

#: Takes what a command writes, piece by piece.
Sink = t.Callable[[bytes], object]

_STDOUT, _STDERR = 1, 2
_HEADER = 8
#: Seconds in which the last output of a command that has ended arrives.
_GRACE = 2.0


@dataclasses.dataclass(frozen=True)
class Output:
    """What a command said, and whether it was cut off."""

    stdout: str
    stderr: str
    timed_out: bool


def tell(stream: t.Any, stdin: bytes) -> None:
    """Send *stdin* over the stream of a connection, and let go of the command.

    Raises:
        OSError: if the connection breaks.
    """
    connection: socket.socket = getattr(stream, "_sock", stream)
    try:
        connection.sendall(stdin)
        connection.shutdown(socket.SHUT_WR)
    finally:
        _close(stream, connection)


def converse(
    stream: t.Any,
    stdin: bytes | t.Iterable[bytes] | None,
    timeout: float,
    ended: t.Callable[[], object] | None = None,
    sink: Sink | None = None,
) -> Output:
    """Send *stdin*, read both output streams to their end, give up after *timeout* seconds.

    Args:
        stream: the socket of the connection, or a raw stream on it; it is closed at the end.
        stdin: what the command reads, at once or in pieces.
        ended: returns when the command has ended. The engine may keep a connection open on which input waits that
            nobody will read any more; it is closed a moment after that.
        sink: takes the standard output in the place of the result; it may be slow, and the command waits for it.

    Raises:
        OSError: if the connection breaks, or the sink does.
    """
    connection: socket.socket = getattr(stream, "_sock", stream)
    # the SDK's own limit is one of silence, and a command may be silent for as long as it works
    connection.settimeout(None)
    # output that a slow sink has not taken yet is no silence
    expired, over, giving, active = threading.Event(), threading.Event(), threading.Event(), [0.0]

    def close(reason: threading.Event) -> None:
        reason.set()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def send(data: bytes | t.Iterable[bytes]) -> None:
        # a command may end without reading, and the giver of its input then close that
        with contextlib.suppress(OSError, ValueError):
            for piece in [data] if isinstance(data, bytes) else data:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)

    def follow(wait: t.Callable[[], object]) -> None:
        with contextlib.suppress(Exception):  # what goes wrong with the connection shows where it is read
            wait()
        active[0] = time.monotonic()
        while not over.wait(_GRACE):
            if not giving.is_set() and time.monotonic() - active[0] >= _GRACE:
                close(over)

    timer = threading.Timer(timeout, close, [expired])
    timer.daemon = True
    timer.start()
    if ended is not None:
        threading.Thread(target=follow, args=[ended], daemon=True).start()
    if stdin is not None:
        threading.Thread(target=send, args=[stdin], daemon=True).start()
    chunks: dict[int, list[bytes]] = {_STDOUT: [], _STDERR: []}
    try:
        for number, data in _frames(connection):
            active[0] = time.monotonic()
            if sink and number == _STDOUT:
                giving.set()
                sink(data)
                active[0] = time.monotonic()
                giving.clear()
            else:
                chunks.setdefault(number, []).append(data)
    except OSError:
        if not expired.is_set() and not over.is_set():
            raise
    finally:
        over.set()
        timer.cancel()
        _close(stream, connection)
    stdout, stderr = (b"".join(chunks[number]).decode(errors="replace") for number in (_STDOUT, _STDERR))
    return Output(stdout, stderr, expired.is_set())


def _close(stream: t.Any, connection: socket.socket) -> None:
    # the SDK ties the HTTP response to the stream, and a pool to the socket: each alone would leave the connection open
    getattr(stream, "_response", stream).close()
    connection.close()


def _frames(connection: socket.socket) -> t.Iterator[tuple[int, bytes]]:
    """Yield number of the stream and data of each frame; of one that is cut off, what came."""
    while len(header := _read(connection, _HEADER)) == _HEADER:
        yield header[0], _read(connection, int.from_bytes(header[4:], "big"))


def _read(connection: socket.socket, size: int) -> bytes:
    """Return *size* bytes, or fewer at the end of the connection."""
    data = bytearray()
    while len(data) < size and (chunk := connection.recv(min(size - len(data), 65536))):
        data += chunk
    return bytes(data)
