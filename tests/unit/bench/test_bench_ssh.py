# SPDX-License-Identifier: Apache-2.0
"""The hosts of the measurement over SSH."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import docker

from ansible_collections.caisson.openstack.plugins.module_utils.common.wait import wait_until
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from tests.bench import ssh


def test_their_engine_has_nothing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "docker.sock"
    with subprocess.Popen([sys.executable, str(ssh.ENGINE), str(path)]) as server:
        try:
            assert wait_until(path.exists, 10, 0.05)
            client = docker.APIClient(base_url=f"unix://{path}", version="auto")
            assert client.containers(all=True) == []
            assert client.volumes()["Volumes"] == []
            assert Engine(client).containers() == {}
            assert Engine(client).container("mariadb") is None
        finally:
            server.terminate()
