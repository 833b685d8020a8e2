# SPDX-License-Identifier: Apache-2.0
"""The health check of services that only talk to the broker, on real sockets."""

from __future__ import annotations

import importlib.machinery
import pathlib
import socket
import subprocess
import sys
import types

import pytest

SCRIPT = pathlib.Path(__file__).parents[3] / "roles" / "images" / "files" / "healthcheck-amqp"


@pytest.fixture
def healthcheck() -> types.ModuleType:
    """Return the script as a module."""
    loader = importlib.machinery.SourceFileLoader("healthcheck_amqp", str(SCRIPT))
    module = types.ModuleType(loader.name)
    loader.exec_module(module)
    return module


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


def test_connections_to_any_of_several_brokers_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.2", server.getsockname()[1])):
        port = server.getsockname()[1]
        command = [sys.executable, "-IS", str(SCRIPT), "127.0.0.1,127.0.0.2,127.0.0.3", str(port), "2"]
        with socket.create_connection(("127.0.0.2", port)):
            assert subprocess.run(command, check=False).returncode == 1
            with socket.create_connection(("127.0.0.1", port)):
                assert subprocess.run(command, check=False).returncode == 0


def test_the_side_of_the_server_does_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _address = server.accept()
        with accepted:
            port = server.getsockname()[1]
            client.close()
            assert check(port).returncode == 1


def test_a_worker_gets_its_time(healthcheck: types.ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seconds, worker = 10.0, True
    monkeypatch.setattr(healthcheck, "age", lambda: seconds)
    monkeypatch.setattr(healthcheck, "has_worker", lambda: worker)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["healthcheck-amqp", "127.0.0.1", port, "1", "90"])
        assert healthcheck.main() == 0
        worker = False
        assert healthcheck.main() == 1
        seconds, worker = 90.5, True
        assert healthcheck.main() == 1
        seconds = 10.0
        # nobody else gets any
        monkeypatch.setattr(sys, "argv", ["healthcheck-amqp", "127.0.0.1", port])
        assert healthcheck.main() == 1
    assert capsys.readouterr().out.count(f"0 connections to 127.0.0.1:{port}, expected 1 or more\n") == 3


def test_a_worker_is_a_process_that_another_one_started(healthcheck: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = {"1": "0", "17": "0"}
    monkeypatch.setattr(healthcheck.os, "listdir", lambda _path: [*processes, "sys"])
    monkeypatch.setattr(healthcheck, "stat", lambda pid: ["S", processes[pid]])
    assert not healthcheck.has_worker()
    processes["9"] = "1"
    assert healthcheck.has_worker()


def test_the_age_is_that_of_the_first_process(healthcheck: types.ModuleType) -> None:
    uptime = float(pathlib.Path("/proc/uptime").read_text().split()[0])
    assert 0 < healthcheck.age() <= uptime
