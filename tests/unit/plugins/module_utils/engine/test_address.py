# SPDX-License-Identifier: Apache-2.0
"""Where the engine listens, and the way to one behind TLS."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import ssl
import threading
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import address
from ansible_collections.caisson.openstack.plugins.module_utils.engine.tls_relay import Relay
from tests.tls import write_engine_certificates


def test_a_unix_socket_is_left_as_it_is() -> None:
    assert address.resolve({}) == "unix:///var/run/docker.sock"
    assert address.resolve({"engine_url": "unix:///run/podman/podman.sock", "engine_tls_dir": ""}) == "unix:///run/podman/podman.sock"


def test_a_port_without_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="would be root on this host; set engine_tls_dir"):
        address.resolve({"engine_url": "tcp://127.0.0.1:2375"})


def test_certificates_for_a_unix_socket_are_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="is for engine_url tcp://HOST:PORT only"):
        address.resolve({"engine_tls_dir": str(tmp_path)})


def test_missing_files_are_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "ca.pem").touch()
    with pytest.raises(ValueError, match=r"this host has no cert\.pem and no key\.pem there"):
        address.resolve({"engine_url": "tcp://127.0.0.1:1", "engine_tls_dir": str(tmp_path)})


def test_files_that_are_no_certificates_are_named(tmp_path: pathlib.Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("no certificate")
    with pytest.raises(ValueError, match=f"the certificates in engine_tls_dir, {tmp_path}, cannot be used"):
        address.resolve({"engine_url": "tcp://127.0.0.1:1", "engine_tls_dir": str(tmp_path)})


@contextlib.contextmanager
def server(directory: pathlib.Path, serve: t.Callable[[ssl.SSLSocket], None]) -> t.Iterator[int]:
    """Serve each connection with TLS, as long as the client shows a certificate of the same CA; yield the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(directory / "ca.pem"))
    context.load_cert_chain(directory / "server.pem", directory / "server-key.pem")
    context.verify_mode = ssl.CERT_REQUIRED

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _address = listener.accept()
                with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
                    serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def answer_at_the_end(connection: ssl.SSLSocket) -> None:
    """Answer with all that came, a megabyte longer, once the client has told that nothing more comes."""
    connection.settimeout(10)
    received = b"".join(iter(lambda: connection.recv(65536), b""))
    connection.sendall(received + b"." * (1 << 20))


def test_the_end_of_the_input_is_told_and_the_answer_still_comes(tmp_path: pathlib.Path) -> None:
    write_engine_certificates(tmp_path)
    with server(tmp_path, answer_at_the_end) as port:
        path = address.resolve({"engine_url": f"tcp://127.0.0.1:{port}", "engine_tls_dir": str(tmp_path)}).removeprefix("unix://")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(path)
            client.sendall(b"x" * 300_000)
            client.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received == b"x" * 300_000 + b"." * (1 << 20)


def test_others_cannot_open_the_socket(tmp_path: pathlib.Path) -> None:
    write_engine_certificates(tmp_path)
    with server(tmp_path, answer_at_the_end) as port:
        relay = Relay(("127.0.0.1", port), address._context(tmp_path))
        assert relay.path.parent.stat().st_mode & 0o777 == 0o700


def test_an_engine_with_a_certificate_of_another_ca_is_refused(tmp_path: pathlib.Path) -> None:
    (own := tmp_path / "own").mkdir()
    (other := tmp_path / "other").mkdir()
    write_engine_certificates(own)
    write_engine_certificates(other)
    with server(other, answer_at_the_end) as port, pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        address.resolve({"engine_url": f"tcp://127.0.0.1:{port}", "engine_tls_dir": str(own)})
