# SPDX-License-Identifier: Apache-2.0
"""A Unix socket of this process that leads to an engine behind TLS.

Commands in containers learn the end of their input when the connection is closed in one direction. TLS can do that, but
:class:`ssl.SSLSocket`, which the Docker SDK uses, cannot: its ``shutdown`` drops the encryption of the other direction, too.
"""

from __future__ import annotations

import contextlib
import pathlib
import select
import shutil
import socket
import ssl
import tempfile
import threading
import weakref

_PIECE = 65536
_CONNECT_TIMEOUT = 10  # seconds


class Relay:
    """Forwards each connection to ``path``; the socket goes with the process, only its user can open it."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        self._address, self._context = address, context
        # a first connection tells of refused certificates, which the SDK would see as a connection that ends
        _Tunnel(address, context).close()
        directory = tempfile.mkdtemp(prefix="caisson-engine-")
        weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
        self.path = pathlib.Path(directory) / "engine.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _address = self._listener.accept()
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        # the client sees a connection that ends, and tells of it
        with client, contextlib.suppress(OSError):
            _Tunnel(self._address, self._context).forward(client)


class _Tunnel:
    """One connection with TLS, of which either direction can end alone."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=address[0])
        self._remote = socket.create_connection(address, timeout=_CONNECT_TIMEOUT)
        try:
            self._shake_hands()
        except OSError:
            self._remote.close()
            raise
        self._remote.settimeout(None)

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send()
                self._receive()
            else:
                self._send()
                return

    def close(self) -> None:
        """End the connection."""
        self._remote.close()

    def forward(self, client: socket.socket) -> None:
        """Copy both ways until the engine ends the connection.

        Raises:
            OSError: if a connection breaks.
        """
        with self._remote:
            sources = [self._remote, client]
            # what came with the last message of the handshake
            more = self._to_client(client)
            while more:
                ready = select.select(sources, [], [])[0]
                if self._remote in ready:
                    self._receive()
                    more = self._to_client(client)
                if client in ready and not self._to_engine(client):
                    sources.remove(client)
                self._send()

    def _to_client(self, client: socket.socket) -> bool:
        """Return whether the engine may send more."""
        try:
            while piece := self._tls.read(_PIECE):
                client.sendall(piece)
        except ssl.SSLWantReadError:
            return True
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass
        return False

    def _to_engine(self, client: socket.socket) -> bool:
        """Return whether the client may send more."""
        if piece := client.recv(_PIECE):
            self._tls.write(piece)
            return True
        with contextlib.suppress(ssl.SSLWantReadError):  # it has told the end, and would wait for the other side's
            self._tls.unwrap()
        return False

    def _send(self) -> None:
        self._remote.sendall(self._outgoing.read())

    def _receive(self) -> None:
        if piece := self._remote.recv(_PIECE):
            self._incoming.write(piece)
        else:
            self._incoming.write_eof()
