# SPDX-License-Identifier: Apache-2.0
"""How a server is drained and made ready, against a fake admin socket; with a real HAProxy: tests/integration/test_loadbalancer.py."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import wait
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import haproxy_admin
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.haproxy_admin import HAProxyError, ServerChange


class HAProxy:
    """Two servers of the backend ``api``, of which ``one`` ends a request each second. A fake."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.state = "UP"
        #: although it is down
        self.drained = False
        self.answer = ""
        self.mode = "http"
        self.commands: list[str] = []
        clock = types.SimpleNamespace(monotonic=lambda: self.seconds, sleep=self._sleep)
        monkeypatch.setattr(wait, "time", clock)

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def __call__(self, command: str) -> str:
        if command == "show servers state":
            state = {"DRAIN": 8, "MAINT": 1}.get(self.state, 0) | (8 if self.drained else 0)
            return f"1\n# be_id be_name srv_id srv_name srv_op_state srv_admin_state\n4 api 1 one 2 {state}\n4 api 2 two 2 0\n"
        if command != "show stat":
            self.commands.append(command)
            self.state = {"drain": "DRAIN", "ready": "DOWN"}.get(command.split()[-1], self.state)
            return self.answer
        requests = 0 if "shutdown sessions server api/one" in self.commands else max(0, 3 - int(self.seconds))
        status = "UP" if self.state == "DOWN" and self.seconds >= 3 else self.state
        return f"# pxname,svname,status,scur,qcur,mode\napi,one,{status},{requests},0,{self.mode}\napi,two,UP,9,0,{self.mode}\n"

    def change(self, state: str, timeout: float = 60, check: bool = False) -> ServerChange:
        return haproxy_admin.change(self, "drained" if state == "drained" else "ready", ["api", "other"], "one", timeout, check)


_PROCESSES = """\
#<PID>          <type>          <reloads>       <uptime>        <version>
1               master          2 [failed: 0]   0d00h15m41s     3.0.11-1+deb13u5
# workers
57              worker          0               0d00h00m02s     3.0.11-1+deb13u5
# old workers
31              worker          1               0d00h01m10s     3.0.11-1+deb13u5
8               worker          2               0d00h15m34s     3.0.11-1+deb13u5
# programs

"""
_SESSIONS = """\
0x7f0a: proto=tcpv4 src=192.0.2.21:40110 fe=api be=api srv=one ts=00 epoch=0 age=2m calls=4 rate=0 cpu=0 lat=0
0x7f0b: proto=tcpv4 src=192.0.2.21:40112 fe=api be=api srv=two ts=00 epoch=0 age=2m calls=4 rate=0 cpu=0 lat=0
0x7f0c: proto=tcpv4 src=192.0.2.21:40114 fe=other be=other srv=one ts=00 epoch=0 age=2m calls=4 rate=0 cpu=0 lat=0
0x7f0d: proto=tcpv4 src=192.0.2.21:40116 fe=api be=api srv=one ts=00 epoch=0 age=2m calls=4 rate=0 cpu=0 lat=0
0x7f0e: proto=unix_stream src=unix:1 fe=MASTER be=<NONE> srv=<none> ts=00 epoch=0 age=0s calls=1 rate=0 cpu=0 lat=0
"""


@pytest.fixture
def haproxy(monkeypatch: pytest.MonkeyPatch) -> HAProxy:
    return HAProxy(monkeypatch)


def test_a_server_is_drained_until_its_requests_have_ended(haproxy: HAProxy) -> None:
    assert haproxy.change("drained") == ServerChange(["api"], 0)
    assert haproxy.commands == ["set server api/one state drain"]
    assert 3 <= haproxy.seconds < 4


def test_connections_that_may_last_for_ever_are_ended_when_no_new_ones_are_made(haproxy: HAProxy) -> None:
    haproxy.mode = "tcp"
    assert haproxy.change("drained") == ServerChange(["api"], 0)
    assert haproxy.commands == ["set server api/one state drain", "clear table api", "shutdown sessions server api/one"]
    assert haproxy.seconds == 0
    assert haproxy.change("ready") == ServerChange(["api"], 0)
    assert haproxy.commands[3:] == ["set server api/one state ready"]


def test_workers_of_former_configurations_end_theirs_as_well(haproxy: HAProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str]] = []

    def connect(path: str) -> t.Callable[[str], str]:
        def send(command: str) -> str:
            sent.append((path, command))
            return {"show proc": _PROCESSES, "@!8 show sess": _SESSIONS}.get(command, "")

        return send

    monkeypatch.setattr(haproxy_admin, "connect", connect)
    haproxy.mode = "tcp"
    change = haproxy_admin.change(haproxy, "drained", ["api"], "one", 60, False, lambda: haproxy_admin.former_workers(_container()))
    assert change == ServerChange(["api"], 0)
    master = "/proc/7/root/var/lib/haproxy/master.sock"
    commands = ["show proc", "@!31 show sess", "@!8 show sess", "@!8 shutdown session 0x7f0a", "@!8 shutdown session 0x7f0d"]
    assert sent == [(master, command) for command in commands]


def test_requests_that_last_longer_are_counted(haproxy: HAProxy) -> None:
    assert haproxy.change("drained", timeout=1) == ServerChange(["api"], 2)


def test_a_server_is_made_ready_until_it_is_up(haproxy: HAProxy) -> None:
    haproxy.state = "DRAIN"
    assert haproxy.change("ready") == ServerChange(["api"], 0)
    haproxy.seconds, haproxy.state = 0, "MAINT"
    assert haproxy.change("ready", timeout=1) == ServerChange(["api"], 1)


def test_a_server_that_went_down_while_it_was_drained_is_made_ready(haproxy: HAProxy) -> None:
    haproxy.state, haproxy.drained = "DOWN", True
    assert haproxy.change("ready") == ServerChange(["api"], 0)
    assert haproxy.commands == ["set server api/one state ready"]


def test_check_mode_and_a_server_in_its_state_change_nothing(haproxy: HAProxy) -> None:
    assert haproxy.change("drained", check=True) == ServerChange(["api"])
    assert haproxy.change("ready") == ServerChange([])
    assert (haproxy.commands, haproxy.seconds) == ([], 0)


def test_a_refused_command_is_reported(haproxy: HAProxy) -> None:
    haproxy.answer = "No such server.\n"
    with pytest.raises(HAProxyError, match=r"^HAProxy refuses to change api/one: No such server\.$"):
        haproxy.change("drained")


def _container(running: bool = True) -> t.Any:
    return types.SimpleNamespace(running=running, pid=7)


def test_servers_that_are_still_drained_are_found_by_the_socket_of_the_container(haproxy: HAProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    paths: list[str] = []

    def connect(path: str) -> HAProxy:
        paths.append(path)
        return haproxy

    monkeypatch.setattr(haproxy_admin, "connect", connect)
    haproxy.state = "DRAIN"
    assert haproxy_admin.left_drained(_container()) == [("api", "one")]
    assert paths == ["/proc/7/root/var/lib/haproxy/admin.sock"]
    assert haproxy.commands == []
    haproxy.state = "MAINT"
    assert haproxy_admin.left_drained(_container()) == []


@pytest.mark.parametrize("container", [None, _container(running=False), _container()])
def test_without_an_answer_nothing_is_drained(container: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: str) -> t.Any:
        raise ConnectionRefusedError

    monkeypatch.setattr(haproxy_admin, "connect", refuse)
    assert haproxy_admin.left_drained(container) == []


_STATES = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
4 api 1 one 192.0.2.11 2 8 1
4 api 2 two 192.0.2.12 2 0 1
4 api 3 three 192.0.2.13 0 32 1
4 api 4 four 192.0.2.14 0 40 1
"""


def test_only_drained_servers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is down, or whose name does not resolve, is left to the checks of the new workers."""
    written: list[tuple[pathlib.Path, str, int]] = []
    monkeypatch.setattr(haproxy_admin.atomic_write, "write", lambda *arguments: written.append(arguments))
    haproxy_admin.keep_drained(_container(), {"show servers state": _STATES}.__getitem__)
    lines = _STATES.splitlines()
    expected = "\n".join([*lines[:3], lines[5], ""])
    assert written == [(pathlib.Path("/proc/7/root/var/lib/haproxy/server-state"), expected, 0o644)]
    with pytest.raises(ValueError, match=r"not a table of the states of servers: 'Unknown command'"):
        haproxy_admin.keep_drained(_container(), lambda _command: "Unknown command")
