# SPDX-License-Identifier: Apache-2.0
"""Who listens where, from the kernel's own tables."""

from __future__ import annotations

import os
import pathlib
import socket

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import ports
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.ports import Listener

_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
_TCP = f"""{_HEAD}\
   0: 0109007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0109007F:1388 0109007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 100 0 0 10 0
"""
_IDLE = "00000000:00000000 00:00000000 00000000     0        0"
_TCP6 = f"""{_HEAD}\
   0: {"0" * 32}:0016 {"0" * 32}:0000 0A {_IDLE} 5 1
   1: 0000000000000000FFFF00000100007F:0050 {"0" * 32}:0000 0A {_IDLE} 6 1
"""


def test_only_what_listens_counts() -> None:
    assert ports.parse(_TCP) == [Listener("127.0.9.1", 5000, "4711")]
    assert ports.parse(_TCP6) == [Listener("::", 22, "5"), Listener("127.0.0.1", 80, "6")]


@pytest.mark.parametrize(
    ("listener", "address", "blocks"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("0.0.0.0", "192.0.2.1", True),
        ("::", "192.0.2.1", True),
        ("192.0.2.1", "0.0.0.0", True),
        ("127.0.0.1", "192.0.2.1", False),
    ],
)
def test_a_socket_blocks_its_own_address(listener: str, address: str, blocks: bool) -> None:
    listeners = [Listener(listener, 80, "1"), Listener(listener, 81, "2")]
    assert ports.blocking(listeners, address, 80) == (listeners[:1] if blocks else [])


def test_the_process_behind_a_socket_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        (listener,) = ports.blocking(ports.listening(), "127.0.0.1", server.getsockname()[1])
        owner = ports.owners([listener.inode, "1"])
        assert list(owner) == [listener.inode]
        assert owner[listener.inode].pid == os.getpid()
    assert ports.blocking(ports.listening(), "127.0.0.1", listener.port) == []


def test_the_container_of_a_process_is_found(tmp_path: pathlib.Path) -> None:
    identifier = "ab" * 32
    (tmp_path / "17/fd").mkdir(parents=True)
    (tmp_path / "17/fd/3").symlink_to("socket:[99]")
    (tmp_path / "17/fd/4").symlink_to("/dev/null")
    (tmp_path / "17/comm").write_text("haproxy\n")
    (tmp_path / "17/cgroup").write_text(f"0::/system.slice/docker-{identifier}.scope\n")
    (tmp_path / "18").mkdir()
    assert ports.owners(["99", "100"], tmp_path) == {"99": ports.Owner(17, "haproxy", identifier)}
