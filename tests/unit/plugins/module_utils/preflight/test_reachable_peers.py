# SPDX-License-Identifier: Apache-2.0
"""Whether a host reaches others, tried with real sockets on loopback addresses."""

from __future__ import annotations

import errno
import socket

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import peers
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.peers import Peer


def test_a_port_is_reached_whether_somebody_listens_or_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as closed:
        port, refused = server.getsockname()[1], closed.getsockname()[1]
        closed.close()
        assert peers.unreachable([Peer("a", "127.0.0.1", [port, refused])]) == []


def test_what_does_not_answer_or_has_no_route_is_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        others = [socket.socket() for _number in range(4)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(("127.0.0.1", port))
        # its queue is full, so the kernel drops what comes, as a firewall does
        asked = [Peer("a", "127.0.0.1", [port]), Peer("b", "255.255.255.255", [1, 2])]
        assert peers.unreachable(asked, timeout=0.5) == asked
        for other in others:
            other.close()


@pytest.mark.parametrize(("error", "answered"), [(0, True), (errno.ECONNREFUSED, True), (errno.EHOSTUNREACH, False)])
def test_a_refusal_is_an_answer(error: int, answered: bool) -> None:
    assert peers._answered(error) is answered
