# SPDX-License-Identifier: Apache-2.0
"""The health check of services that only talk to the broker, on real sockets."""

from __future__ import annotations

import pathlib
import socket
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).parents[3] / "roles" / "images" / "files" / "healthcheck-amqp"


def check(port: int, *count: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-IS", SCRIPT, "127.0.0.1", str(port), *count], capture_output=True, text=True, check=False)


def test_a_connection_counts_only_while_it_is_held() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert check(port).returncode == 1
        with socket.create_connection(("127.0.0.1", port)):
            assert check(port).returncode == 0
            assert check(port, "2").returncode == 1
            with socket.create_connection(("127.0.0.1", port)):
                assert check(port, "2").returncode == 0
        done = check(port)
        assert (done.returncode, done.stdout) == (1, f"0 connections to 127.0.0.1:{port}, expected 1 or more\n")


def test_the_side_of_the_server_does_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _address = server.accept()
        with accepted:
            port = server.getsockname()[1]
            client.close()
            assert check(port).returncode == 1
