# SPDX-License-Identifier: Apache-2.0
"""After the first deployment of HAProxy a run asks whether the operator's load balancer forwards to it; run by Ansible."""

from __future__ import annotations

import http.server
import json
import pathlib
import sys
import threading
import typing as t

import pytest

from tests import plays


class _Nobody(http.server.BaseHTTPRequestHandler):
    """Answers as HAProxy does when no server is there yet."""

    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, *arguments: t.Any) -> None:
        pass


@pytest.fixture
def port() -> t.Iterator[int]:
    """The port on which a load balancer answers."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Nobody) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server.server_port
        server.shutdown()


def run(directory: pathlib.Path, port: int, **variables: t.Any) -> tuple[int, str]:
    """Run the hook as the last task of a play, and return its exit code and output."""
    role = {"include_role": {"name": "caisson.openstack.loadbalancer", "tasks_from": "external"}}
    given: dict[str, t.Any] = {
        "cloud_api_url": "http://127.0.0.1",
        "cloud_public_apart": False,
        "keystone_port": port,
        # one try
        "loadbalancer_external_seconds": -28,
        "loadbalancer_hosts": ["here"],
        "cloud_address": "192.0.2.11",
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    (directory / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [role]}]), "utf-8")
    done = plays.run(directory, plays.command("here,", "play.json", "-e", json.dumps({**given, **variables})))
    return done.returncode, " ".join(done.stdout.split())


def test_one_that_answers_anything_forwards(tmp_path: pathlib.Path, port: int) -> None:
    code, output = run(tmp_path, port)
    assert code == 0, output


def test_one_that_does_not_answer_users_is_named(tmp_path: pathlib.Path, port: int) -> None:
    # an address of this machine on whose port nobody listens
    code, output = run(tmp_path, port, cloud_public_apart=True, cloud_public_url="http://127.0.0.2")
    assert code == 2
    assert f"http://127.0.0.2 does not answer on port {port}: " in output and "refused" in output
    assert f"must forward connections there to port {port} of 192.0.2.11, which answer now" in output
    assert "http://127.0.0.1 does not answer" not in output
