# SPDX-License-Identifier: Apache-2.0
"""The catalog: what is planned, and how requests are made.

What Keystone makes of it is tested on a real one: tests/integration. Here a fake server stands for answers that a
real one gives only when something is wrong.
"""

from __future__ import annotations

import contextlib
import datetime
import http.server
import json
import pathlib
import socket
import ssl
import threading
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model.api import CatalogEntry
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import AlternateAccount, User
from ansible_collections.caisson.openstack.plugins.module_utils.registration import catalog
from ansible_collections.caisson.openstack.plugins.module_utils.registration.catalog import CatalogError, CatalogState, Keystone, plan
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates

_USER = User("glance", "hunter2", ["admin", "service"])
_IMAGE = CatalogEntry("glance", "image", "http://i", "http://p", "Images")


def _current(**changes: t.Any) -> CatalogState:
    values = {
        "projects": {"service": {"id": "p"}},
        "roles": {"admin": {"id": "a"}, "service": {"id": "s"}},
        "users": {"glance": {"id": "u"}},
        "services": {("glance", "image"): {"id": "g"}},
        "regions": {"R"},
        "endpoints": [_endpoint("1", "internal", "http://i"), _endpoint("2", "public", "http://p")],
        "assignments": {("glance", "service", "admin"), ("glance", "service", "service")},
        "valid_passwords": {"glance"},
    }
    return CatalogState(**{**values, **changes})


def _endpoint(identifier: str, interface: str, url: str, region: str = "R", service: str = "g") -> dict[str, str]:
    return {"id": identifier, "interface": interface, "url": url, "region_id": region, "service_id": service}


def _plan(current: CatalogState, users: t.Sequence[User] = (_USER,), endpoints: t.Sequence[CatalogEntry] = (_IMAGE,)) -> list[str]:
    return [str(step) for step in plan(current, users, endpoints, "service", "R")]


# -- plan -------------------------------------------------------------------------------------------------------


def test_what_is_as_wanted_needs_nothing() -> None:
    assert _plan(_current()) == []


def test_an_empty_keystone_gets_everything_in_an_order_that_works() -> None:
    steps = plan(CatalogState(), [_USER], [_IMAGE], "service", "R")
    assert [step.verb for step in steps] == [
        "create_project",
        "create_role",
        "create_role",
        "create_user",
        "assign",
        "assign",
        "create_region",
        "create_service",
        "create_endpoint",
        "create_endpoint",
    ]
    assert "hunter2" not in "".join(str(step) for step in steps)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"valid_passwords": set()}, ["user glance: its password differs"]),
        ({"assignments": {("glance", "service", "admin")}}, ["user glance: it does not have role service in project service"]),
        ({"regions": set()}, ["region R: it does not exist"]),
        (
            {"endpoints": [_endpoint("1", "internal", "http://old"), _endpoint("2", "public", "http://p")]},
            ["internal endpoint of glance: url http://old -> http://i"],
        ),
        ({"endpoints": [_endpoint("1", "internal", "http://i")]}, ["public endpoint of glance: it does not exist (http://p)"]),
        (
            {"endpoints": [*_current().endpoints, _endpoint("3", "public", "http://x"), _endpoint("4", "public", "http://p")]},
            ["public endpoint of glance: duplicate endpoint"] * 2,
        ),
        ({"endpoints": [*_current().endpoints, _endpoint("3", "public", "x", region="S"), _endpoint("4", "public", "x", service="h")]}, []),
        ({"endpoints": [*_current().endpoints, _endpoint("3", "admin", "http://x")]}, []),
    ],
)
def test_only_what_differs_is_done(changes: dict[str, t.Any], expected: list[str]) -> None:
    assert _plan(_current(**changes)) == expected


def test_the_alternate_account_gets_the_roles_of_the_first() -> None:
    user = User("glance", "hunter2", ["admin"], AlternateAccount("glance_b", "hunter3"))
    assert _plan(_current(), users=[user]) == [
        "user glance_b: it does not exist",
        "user glance_b: it does not have role admin in project service",
    ]


def test_a_retired_account_goes_if_it_is_there() -> None:
    user = User("glance", "hunter2", ["admin"], AlternateAccount("glance_b"))
    assert _plan(_current(), users=[user]) == []
    there = {"users": {"glance": {"id": "u"}, "glance_b": {"id": "v"}}}
    assert _plan(_current(**there), users=[user]) == ["user glance_b: its password was rotated"]


def test_a_service_that_is_missing_gets_endpoints_though_others_have_some() -> None:
    assert [line.split(":")[0] for line in _plan(_current(services={}))] == [
        "service glance (image)",
        "internal endpoint of glance",
        "public endpoint of glance",
    ]


def test_without_users_no_project_is_made() -> None:
    assert _plan(CatalogState(), users=[], endpoints=[]) == []


# -- requests ---------------------------------------------------------------------------------------------------


class FakeServer(http.server.ThreadingHTTPServer):
    """Gives prepared answers, one after the other; None closes the connection without one."""

    def __init__(self, address: tuple[str, int], answers: list[tuple[int, str] | None]) -> None:
        super().__init__(address, _FakeHandler)
        self.answers = answers
        self.requests: list[str] = []


class _FakeHandler(http.server.BaseHTTPRequestHandler):
    server: FakeServer

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(f"{self.command} {self.path}")
        answer = self.server.answers.pop(0)
        if answer is None:
            return
        body = answer[1].encode()
        self.send_response(answer[0])
        self.send_header("X-Subject-Token", "token")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the names that the base class calls

    def log_message(self, *_arguments: t.Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _serving(*answers: tuple[int, str] | None, port: int = 0) -> t.Iterator[FakeServer]:
    with FakeServer(("127.0.0.1", port), list(answers)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def _keystone(port: int, timeout: int = 10) -> Keystone:
    return Keystone(f"http://127.0.0.1:{port}/v3/", timeout)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_PAUSE", 0.05)


def test_a_load_balancer_without_an_api_behind_it_is_waited_for() -> None:
    with _serving((503, ""), (503, ""), (201, "{}")) as server:
        _keystone(server.server_port).login("admin", "p", "admin")
        assert server.requests == ["POST /v3/auth/tokens"] * 3


def test_an_api_that_does_not_listen_yet_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    started = threading.Event()

    def serve() -> None:
        started.wait()
        with _serving((201, "{}"), port=port):
            done.wait()

    done = threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    threading.Timer(0.3, started.set).start()
    _keystone(port).login("admin", "p", "admin")
    done.set()
    thread.join()


def test_nobody_is_waited_for_longer_than_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    with pytest.raises(
        CatalogError, match=r"POST http://127.0.0.1:\d+/v3/auth/tokens: no answer .*refused.*; is Keystone running\?"
    ) as caught:
        _keystone(port, timeout=0).login("admin", "p", "admin")
    assert (caught.value.status, caught.value.silent) == (None, True)


@pytest.mark.parametrize("answer", [(500, "oops"), (401, '{"error": "no"}'), (409, "twice"), None])
def test_a_request_that_may_have_been_received_is_not_sent_again(answer: tuple[int, str] | None) -> None:
    with _serving(answer) as server:
        with pytest.raises(CatalogError) as caught:
            _keystone(server.server_port).login("admin", "hunter2", "admin")
        assert len(server.requests) == 1
    assert caught.value.status == (answer[0] if answer else None)
    assert answer is None or answer[1] in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_only_a_refused_login_is_a_wrong_password() -> None:
    with _serving((201, "{}"), (401, "no"), (403, "401")) as server:
        keystone = _keystone(server.server_port)
        assert keystone.accepts("a", "p") is True
        assert keystone.accepts("a", "p") is False
        with pytest.raises(CatalogError):
            keystone.accepts("a", "p")


def test_something_else_behind_the_url_is_named() -> None:
    with (
        _serving((200, "<html>welcome</html>")) as server,
        pytest.raises(CatalogError, match=r"/v3/auth/tokens: the answer is not JSON: '<html>.*; is this the URL of Keystone\?"),
    ):
        _keystone(server.server_port).login("admin", "p", "admin")


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with _serving((201, "{}")) as server:
        _keystone(server.server_port).login("admin", "p", "admin")


def test_a_server_is_verified_with_the_ca_that_is_given(tmp_path: pathlib.Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    authority = certificates.make_authority(now)
    pem = tmp_path / "server.pem"
    pem.write_text(certificates.make_certificate(authority, ["127.0.0.1"], now))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with _serving((201, "{}")) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"https://127.0.0.1:{server.server_port}/v3"
        with pytest.raises(CatalogError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            Keystone(url, 0).login("admin", "p", "admin")
        assert caught.value.silent
        Keystone(url, 0, certificates.only(authority)).login("admin", "p", "admin")
        assert server.requests == ["POST /v3/auth/tokens"]


def test_namesakes_in_other_domains_are_left_out() -> None:
    def assignment(domain: str, name: str) -> dict[str, t.Any]:
        return {"user": {"id": "u", "name": name, "domain": {"id": domain}}, "role": {"id": "s", "name": "service"}}

    rows = [assignment("default", "glance"), assignment("other", "nova"), {"group": {"id": "g"}, "role": {"id": "s", "name": "service"}}]
    found = {"projects": [{"id": "p", "name": "R&D + b"}]}
    kinds = ("projects", "roles", "services", "endpoints", "regions")
    answers = [(200, json.dumps({kind: found.get(kind, [])})) for kind in kinds]
    answers += [(200, json.dumps({"role_assignments": rows})), (200, json.dumps({"users": []}))]
    with _serving(*answers) as server:
        current = _keystone(server.server_port).read([User("nova", "p")], "R&D + b", "a=b")
        assert server.requests[0] == "GET /v3/projects?domain_id=default&name=R%26D+%2B+b"
        assert "GET /v3/endpoints?region_id=a%3Db" in server.requests
        assert server.requests[-1] == "GET /v3/users?domain_id=default&name=nova"
    assert current.assignments == {("glance", "R&D + b", "service")}


@pytest.mark.parametrize(("status", "silent"), [(500, True), (502, True), (503, True), (401, False), (409, False)])
def test_an_api_that_cannot_work_is_as_good_as_none(status: int, silent: bool) -> None:
    assert CatalogError("no", status).silent == silent


def test_the_keystone_of_another_region_has_to_answer() -> None:
    with _serving((500, "{}"), (500, "{}")) as server:
        wanted: dict[str, t.Any] = {"users": [_USER], "endpoints": [_IMAGE], "project": "service", "region": "R"}
        auth = {"auth_url": f"http://127.0.0.1:{server.server_port}/v3", "username": "admin", "password": "x", "project_name": "admin"}
        assert "does not answer" in catalog.observe(_keystone(server.server_port, 0), auth, **wanted)[0]
        with pytest.raises(CatalogError, match=r"does not answer; nothing was changed. Check keystone_external_url"):
            catalog.observe(_keystone(server.server_port, 0), auth, True, **wanted)
