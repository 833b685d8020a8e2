# SPDX-License-Identifier: Apache-2.0
"""HAProxy, with the template of its configuration, in front of APIs that are stopped and started."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import datetime
import http.client
import http.server
import pathlib
import socket
import ssl
import threading
import time
import typing as t
import urllib.error
import urllib.request

import jinja2
import pytest

from ansible_collections.caisson.openstack.plugins.filter import addresses, group_hosts
from ansible_collections.caisson.openstack.plugins.module_utils.common import urls
from ansible_collections.caisson.openstack.plugins.module_utils.engine import capabilities
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Frontend
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates

from . import defined
from .conftest import Lab
from .modules import run_module

ROLE = pathlib.Path(__file__).parents[2] / "roles/loadbalancer"
#: Where the load balancer is, and where the hosts behind it are: a cloud may run beside these tests.
HERE, HOSTS = "127.0.43.1", {"one": "127.0.43.2", "two": "127.0.43.3"}
PORT = 8778
#: Longer than the load balancer takes to find a server down of which there are several.
LONG = 10


class Api:
    """An API on one host, which answers with the host's name."""

    def __init__(self, host: str, port: int = 10000 + PORT) -> None:
        self._host, self._port = host, port
        self.hosts_asked_for: set[str] = set()
        #: with HTTP/1.1 connections stay open
        self.protocol = "HTTP/1.0"
        self._server: http.server.ThreadingHTTPServer | None = None

    def start(self) -> None:
        host, hosts_asked_for, protocol = self._host, self.hosts_asked_for, self.protocol

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = protocol

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if "slow" in self.path:
                    time.sleep(2)
                hosts_asked_for.add(self.headers["Host"])
                self.send_response(200)
                self.send_header("Content-Length", str(len(host)))
                self.end_headers()
                self.wfile.write(host.encode())

            do_POST = do_GET  # noqa: N815 -- the name is the standard library's

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer((HOSTS.get(host, host), self._port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class Balancer(t.NamedTuple):
    """The load balancer's container, and the APIs behind it."""

    container: str
    apis: dict[str, Api]

    def servers(self, state: str) -> list[str]:
        """Take host one out, or put it back, and return the backends in which that was done."""
        result = run_module("backend_servers", container=self.container, backends=["placement_api"], server="one", state=state, timeout=20)
        return result["backends"]


def configuration(names: t.Sequence[str], hold: int, name: str = "", mode: t.Literal["http", "tcp"] = "http", checked: bool = True) -> str:
    """Return the configuration for an API on hosts *names*, in the clear, or with TLS under a *name*."""
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters |= {"bool": bool, "caisson.openstack.url_host": urls.url_host}
    for module in (addresses, group_hosts):
        environment.filters |= {f"caisson.openstack.{name}": function for name, function in module.FilterModule().filters().items()}
    backends = [{"name": name, "address": HOSTS[name], "port": 10000 + PORT} for name in names]
    frontend = Frontend(name="placement_api", port=PORT, listen_port=10000 + PORT, group="control", mode=mode)
    frontend.check_path, frontend.check_interval = ("/", 5) if checked else ("", 0)
    return environment.from_string((ROLE / "templates/haproxy.cfg.j2").read_text("utf-8")).render(
        cloud_url_address=HERE,
        cloud_api_host=name or HERE,
        cloud_api_scheme="https" if name else "http",
        cloud_check_request_id="req-0",
        cloud_tls=bool(name),
        loadbalancer_address=HERE,
        loadbalancer_hosts=["one"],
        loadbalancer_shared=False,
        loadbalancer_public_address="",
        loadbalancer_public_shared=False,
        loadbalancer_status_port=18404,
        loadbalancer_users_certificate_given=False,
        loadbalancer_certificate_path="/etc/haproxy/api.pem",
        loadbalancer_hold_seconds=hold,
        loadbalancer_max_connections=100,
        service_frontends=[{**dataclasses.asdict(frontend), "backends": backends}],
    )


@pytest.fixture
def balance(lab: Lab, tmp_path: pathlib.Path) -> t.Iterator[t.Callable[..., Balancer]]:
    """Start the load balancer in front of hosts, all of which serve."""
    apis = {name: Api(name) for name in HOSTS}

    def start(*names: str, hold: int = 60, mode: t.Literal["http", "tcp"] = "http", checked: bool = True) -> Balancer:
        for name in names:
            apis[name].protocol = "HTTP/1.1" if mode == "tcp" else "HTTP/1.0"
            apis[name].start()
        text = {"haproxy.cfg": configuration(names, hold, mode=mode, checked=checked)}
        container = defined.start(lab, tmp_path, "haproxy", HERE, files=text, tmpfs=["/var/lib/haproxy:uid=42454,gid=42454"])
        deadline = time.monotonic() + 30
        while ask()[0] != 200:
            assert time.monotonic() < deadline, lab.engine.logs(container)
            time.sleep(0.2)
        return Balancer(container, apis)

    yield start
    for api in apis.values():
        api.stop()


def ask(method: str = "GET", path: str = "/") -> tuple[int, str]:
    """Return status and content of an answer; 0 if there is none."""
    request = urllib.request.Request(f"http://{HERE}:{PORT}{path}", b"{}" if method == "POST" else None, method=method)
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError as error:
        return 0, str(error)


@pytest.mark.parametrize(("mode", "checked"), [("http", True), ("tcp", False)])
def test_requests_wait_while_the_only_host_restarts(balance: t.Callable[..., Balancer], mode: str, checked: bool) -> None:
    """An API, or what is not checked, such as a database."""
    api = balance("one", mode=mode, checked=checked).apis["one"]
    api.stop()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        early = [pool.submit(ask, method) for method in ("GET", "POST")]
        time.sleep(LONG)
        late = [pool.submit(ask, method) for method in ("GET", "POST")]
        time.sleep(1)
        assert not any(request.done() for request in early + late)
        api.start()
        assert [request.result() for request in early + late] == [(200, "one")] * 4


def _connection_to(host: str) -> http.client.HTTPConnection:
    """Return a connection that has reached a host, and stays open."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(HERE, PORT, timeout=10)
        connection.request("GET", "/")
        if connection.getresponse().read().decode() == host:
            return connection
    raise AssertionError(f"no connection has reached {host}")


def test_connections_that_may_last_for_ever_are_ended_when_their_host_is_drained(balance: t.Callable[..., Balancer], lab: Lab) -> None:
    balancer = balance("one", "two", mode="tcp")
    state = lab.engine.container(balancer.container)
    assert state
    early = _connection_to("one")
    # the worker that has it stays for it when the configuration is loaded again
    former = _children(state.pid)
    lab.engine.signal(balancer.container, "SIGUSR2")
    deadline = time.monotonic() + 30
    while not set(_children(state.pid)) > set(former):
        assert time.monotonic() < deadline, lab.engine.logs(balancer.container)
        time.sleep(0.2)
    late = _connection_to("one")
    assert balancer.servers("drained") == ["placement_api"]
    for connection in (late, early):
        # without this the client would connect again by itself
        connection.auto_open = 0
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.request("GET", "/")
            connection.getresponse()
    assert {ask()[1] for _request in range(4)} == {"two"}


def test_requests_do_not_wait_longer_than_they_should(balance: t.Callable[..., Balancer]) -> None:
    api = balance("one", hold=3).apis["one"]
    api.stop()
    begun = time.monotonic()
    assert ask()[0] == 503
    assert time.monotonic() - begun > 2
    # by now it is found down, and nobody waits any more
    time.sleep(LONG)
    begun = time.monotonic()
    assert ask()[0] == 503
    assert time.monotonic() - begun < 2


class Named(http.client.HTTPSConnection):
    """A connection of a client that resolves every name to the load balancer's address."""

    def __init__(self, host: str, tls: ssl.SSLContext) -> None:
        super().__init__(host, PORT, context=tls)
        self._tls = tls

    def connect(self) -> None:
        """Connect as a client does that verifies certificates."""
        plain = socket.create_connection((HERE, self.port), timeout=30)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def test_apis_are_reached_by_a_name_that_the_certificate_of_an_operator_is_for(lab: Lab, tmp_path: pathlib.Path) -> None:
    """The certificate is for the name only, as one of a public CA is; so no URL may have the address."""
    name, now = "cloud.example.org", datetime.datetime.now(datetime.UTC)
    authority = certificates.make_authority(now)
    text = certificates.make_certificate(authority, [name], now)
    ca, own = certificates.only(authority), certificates.only(text)
    served = certificates.served(own, text.removeprefix(own), "", ca, [name])
    api = Api("one")
    api.start()
    files = {"haproxy.cfg": configuration(["one"], 60, name), "api.pem": served}
    container = defined.start(lab, tmp_path, "haproxy", HERE, files=files, tmpfs=["/var/lib/haproxy:uid=42454,gid=42454"])
    context = ssl.create_default_context(cadata=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    deadline = time.monotonic() + 30
    try:
        while not api.hosts_asked_for:  # the load balancer's own check
            assert time.monotonic() < deadline, lab.engine.logs(container)
            time.sleep(0.2)
        connection = Named(name, context)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"one"
        assert api.hosts_asked_for == {name, f"{name}:{PORT}"}
        with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
            Named(HERE, context).connect()
    finally:
        api.stop()


def test_without_a_time_it_is_as_with_several_hosts() -> None:
    assert " check\n" in configuration(["one"], 0)
    assert "retries 3" in configuration(["one"], 0)
    assert configuration(["one"], 0).count("retries") == 1


def test_others_answer_for_a_host_that_is_down(balance: t.Callable[..., Balancer]) -> None:
    balancer = balance("one", "two")
    balancer.apis["one"].stop()
    for method in ("GET", "POST") * 5:
        assert ask(method) == (200, "two")
    time.sleep(LONG)
    begun = time.monotonic()
    assert {ask() for _ in range(5)} == {(200, "two")}
    assert time.monotonic() - begun < 2


def test_a_host_is_drained_when_its_last_request_is_answered(balance: t.Callable[..., Balancer]) -> None:
    balancer = balance("one", "two")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(ask, "POST", "/slow") for _ in range(8)]
        time.sleep(0.5)
        assert balancer.servers("drained") == ["placement_api"]
        balancer.apis["one"].stop()
        assert {request.result() for request in slow} == {(200, "one"), (200, "two")}
    assert {ask() for _ in range(6)} == {(200, "two")}
    balancer.apis["one"].start()
    assert balancer.servers("drained") == []
    assert balancer.servers("ready") == ["placement_api"]
    assert {ask() for _ in range(6)} == {(200, "one"), (200, "two")}


def test_a_drained_host_stays_drained_when_the_load_balancer_reloads(balance: t.Callable[..., Balancer], lab: Lab) -> None:
    balancer = balance("one", "two")
    assert balancer.servers("drained") == ["placement_api"]
    container = lab.engine.container(balancer.container)
    assert container
    before = _children(container.pid)
    deadline = time.monotonic() + 30
    while not set(_children(container.pid)) - set(before):
        assert time.monotonic() < deadline, lab.engine.logs(balancer.container)
        lab.engine.signal(balancer.container, "SIGUSR2")
        time.sleep(2)
    assert {ask() for _ in range(10)} == {(200, "two")}
    assert balancer.servers("ready") == ["placement_api"]
    assert {ask() for _ in range(10)} == {(200, "one"), (200, "two")}


def test_the_only_host_is_not_drained(balance: t.Callable[..., Balancer]) -> None:
    balancer = balance("one")
    assert balancer.servers("drained") == []
    assert ask() == (200, "one")


def _https(port: int) -> str:
    """Return what the dashboard answers, or why it does not."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return str(urllib.request.urlopen(f"https://{HERE}:{port}/", timeout=5, context=context).read().decode())
    except OSError as error:
        return str(error)


def test_the_dashboard_is_at_443(lab: Lab, tmp_path: pathlib.Path) -> None:
    files = {name: text.replace(defined.AIO, HERE) for name, text in defined.configuration("haproxy", horizon_port=443).items()}
    place = ["/var/lib/haproxy:uid=42454,gid=42454,mode=750"]
    horizon = Api(HERE, 18080)
    horizon.start()
    try:
        name = defined.start(lab, tmp_path, "haproxy", HERE, files=files, tmpfs=place, horizon_port=443)
        deadline = time.monotonic() + 30
        while (said := _https(443)) != HERE:
            assert time.monotonic() < deadline, (said, lab.engine.logs(name))
            time.sleep(0.5)
        state = lab.engine.container(name)
        assert state
        for pid in [state.pid, *_children(state.pid)]:
            kernel = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text("utf-8").splitlines())
            assert kernel["Uid"].split() == kernel["Gid"].split() == ["42454"] * 4
            assert (capabilities.names(int(kernel["CapEff"], 16)), kernel["NoNewPrivs"]) == (["NET_BIND_SERVICE"], "1")
        # a reload starts new processes, which listen again
        before = _children(state.pid)
        while not set(_children(state.pid)) - set(before):
            assert time.monotonic() < deadline + 30, lab.engine.logs(name)
            # the first process of a container does not get signals before it is ready for them
            lab.engine.signal(name, "SIGUSR2")
            time.sleep(2)
        assert _https(443) == HERE, lab.engine.logs(name)
        check = lab.engine.exec(name, ["sh", "-c", f"haproxy -c -q -f /etc/haproxy/haproxy.cfg && curl -fsS http://{HERE}:18404/ready"])
        assert check.rc == 0, check.output
        # the sockets by which hosts are drained
        asked = run_module("backend_servers", container=name, backends=["horizon"], server="aio", state="drained", timeout=5)
        assert not asked.get("failed"), asked
    finally:
        horizon.stop()


def _presented(address: str, name: str = "") -> str:
    """Return the certificate that a client gets who asks for *name*, or for none."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((address, 5000), 5) as plain, context.wrap_socket(plain, server_hostname=name or None) as encrypted:
        return ssl.DER_cert_to_PEM_cert(encrypted.getpeercert(binary_form=True) or b"")


def test_users_get_the_certificate_for_their_name(lab: Lab, tmp_path: pathlib.Path) -> None:
    name, users = "cloud.example.org", "127.0.43.4"
    now = datetime.datetime.now(datetime.UTC)
    authority = certificates.make_authority(now)
    text = certificates.make_certificate(authority, [name], now)
    own = certificates.only(text)
    given = {"ca.crt": certificates.only(authority), "users.crt": own, "users.key": text.removeprefix(own)}
    defined.write(tmp_path, given)
    settings = {"cloud_public_address": users, "cloud_public_fqdn": name, "cloud_tls_ca_file": f"{tmp_path}/ca.crt"}
    settings |= {f"cloud_public_tls_{kind}_file": f"{tmp_path}/users.{end}" for kind, end in (("certificate", "crt"), ("key", "key"))}
    files = {path: text.replace(defined.AIO, HERE) for path, text in defined.configuration("haproxy", **settings).items()}
    container = defined.start(lab, tmp_path, "haproxy", HERE, files=files, tmpfs=["/var/lib/haproxy:uid=42454,gid=42454"])
    deadline = time.monotonic() + 30
    while not _answers(users):
        assert time.monotonic() < deadline, lab.engine.logs(container)
        time.sleep(0.2)
    services = certificates.only(files["api.pem"])
    found = [_presented(users, name), _presented(users), _presented(HERE, name), _presented(HERE)]
    assert [item.strip() for item in found] == [own.strip()] * 3 + [services.strip()]


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, 5000), 1):
        return True
    return False


def _children(pid: int) -> list[int]:
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()]
