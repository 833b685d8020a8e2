# SPDX-License-Identifier: Apache-2.0
"""keepalived and HAProxy of three control hosts, with the definitions and files of inventory/region: who has the address, and for how long
nobody answers.

A host is a container with an address; the containers of the cloud share its network namespace. APIs answer with the name of their host.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import re
import subprocess
import sys
import threading
import time
import typing as t
import urllib.error
import urllib.request

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common.urls import url_host
from ansible_collections.caisson.openstack.plugins.module_utils.common.wait import wait_until
from ansible_collections.caisson.openstack.plugins.module_utils.engine import capabilities
from tests.unit.roles.rendering import ROOT, Host
from tests.unit.roles.test_definitions import hosts

from . import defined
from .test_images import reference

pytestmark = pytest.mark.long

HOSTS = {f"control{number}": 10 + number for number in (1, 2, 3)}
#: The address that the hosts share, as the inventory has it, and one for users.
ADDRESS, PUBLIC = "192.0.2.100", "198.51.100.100"
#: Ports of the load balancer: of an API, and of one that is for services only.
PORT, METADATA_PORT = 5000, 8775
SERVER = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(sys.argv[1].encode())

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer((sys.argv[2], int(sys.argv[3])), Handler).serve_forever()
"""
#: Ends when its connection does.
_WAITER = """
import socket, sys

with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5) as connection:
    connection.settimeout(None)
    print("connected", flush=True)
    try:
        connection.recv(1)
    except ConnectionError:
        pass
"""


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert not check or done.returncode == 0, done.stdout
    return done.stdout


@dataclasses.dataclass
class Gap:
    """What a client saw: the longest time without an answer in seconds, and requests that failed although they were sent twice."""

    longest: float = 0.0
    failed: int = 0
    answers: int = 0


class Region:
    """Three hosts whose containers are started, stopped and killed."""

    def __init__(self, directory: pathlib.Path, models: dict[str, Host], number: int, address: str, public: str = "") -> None:
        self._directory, self._models = directory, models
        #: Where the test has the networks of the inventory: that of the hosts and that of users.
        self.prefix, self.network = f"10.199.{number}.", f"caisson-test-vip-{number}"
        self.public_prefix, self.public_network = f"10.198.{number}.", f"{self.network}-public"
        self.ipv6_prefix = f"fd00:ca:{number}::"
        self.address, self.public = self._text(address), self._text(public)

    def name(self, host: str, container: str = "host") -> str:
        return f"{self.network}-{host}-{container}"

    def _text(self, text: str) -> str:
        return defined.replaced(
            text, {"192.0.2.": self.prefix, "198.51.100.": self.public_prefix, "2001:db8::": self.ipv6_prefix, "bond": "eth"}
        )

    def write(self, host: str, model: Host | None = None) -> None:
        """Write the files of a host as the collection does, those of another *model* if one is given."""
        for file in (model or self._models[host])["files"]:
            path = self._directory / host / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._text(file["content"]), "utf-8")
            path.chmod(int(file["mode"], 8) | 0o044)

    def start_host(self, host: str) -> None:
        address = f"{self.prefix}{HOSTS[host]}"
        options = ["--init", "--network", self.network, "--ip", address]
        docker("run", "--detach", "--name", self.name(host), *options, reference("base"), "sleep", "infinity")
        if self.public:
            docker("network", "connect", "--ip", f"{self.public_prefix}{HOSTS[host]}", self.public_network, self.name(host))
        self._share(host, "api", reference("python"), "python3", "-c", SERVER, host, address, str(PORT + 10000))
        self.start(host, "haproxy")
        if any(item["name"] == "keepalived" for item in self._models[host]["containers"]):
            self.start(host, "keepalived")

    def start_balancer(self, configuration: str) -> None:
        """Start a load balancer of the operator at the address."""
        path = self._directory / "haproxy.cfg"
        path.write_text(self._text(configuration), "utf-8")
        path.chmod(0o644)
        options = ["--network", self.network, "--ip", self.address, f"--volume={path}:/haproxy.cfg:ro"]
        docker(
            "run", "--detach", "--name", self.name("balancer"), *options, reference("haproxy"), "haproxy", "-W", "-db", "-f", "/haproxy.cfg"
        )

    def _share(self, host: str, container: str, *arguments: str) -> None:
        docker("run", "--detach", "--name", self.name(host, container), "--network", f"container:{self.name(host)}", *arguments)

    def definition(self, host: str, container: str) -> dict[str, t.Any]:
        return next(item for item in self._models[host]["containers"] if item["name"] == container)

    def start(self, host: str, container: str) -> None:
        """Start a container anew, as its definition says."""
        docker("rm", "--force", "--volumes", self.name(host, container), check=False)
        spec = self.definition(host, container)
        places = {"/etc/caisson/": f"{self._directory}/{host}/"}
        volumes = [defined.replaced(bind, places) for bind in spec["volumes"] if bind.startswith("/")]
        tmpfs = [*spec["tmpfs"], *(["/var/lib/haproxy:uid=42454,gid=42454"] if container == "haproxy" else ())]
        options = [
            "--user",
            spec["user"],
            "--read-only",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            f"--memory={spec['memory']}",
        ]
        options += [f"--cap-add={name}" for name in spec["capabilities"]]
        options += [f"--volume={bind}" for bind in volumes] + [f"--tmpfs={place}" for place in tmpfs]
        self._share(host, container, *options, reference(container), *spec["command"])

    def run(self, host: str, container: str, command: t.Sequence[str]) -> tuple[int, str]:
        """Run a command of the definition in a container."""
        words = ["sh", "-c", *map(self._text, command[1:])] if command[0] == "CMD-SHELL" else [*map(self._text, command)]
        done = subprocess.run(["docker", "exec", self.name(host, container), *words], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def healthy(self, host: str, container: str) -> bool:
        return self.run(host, container, self.definition(host, container)["healthcheck"]["test"])[0] == 0

    def ready(self, host: str) -> bool:
        return self.run(host, "keepalived", self.definition(host, "keepalived")["ready"]["command"])[0] == 0

    def pid(self, host: str, container: str = "host") -> int:
        return int(docker("inspect", "--format", "{{.State.Pid}}", self.name(host, container), check=False).strip() or 0)

    def ip(self, host: str, *arguments: str) -> str:
        """Run the program ip in the network of a host."""
        command = ["nsenter", "-t", str(self.pid(host)), "-n", "ip", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def holders(self, address: str = "") -> list[str]:
        """Return the hosts that have an address, by default that of the APIs."""
        address = address or self.address
        place = "eth1" if address == self.public else "eth0"
        return [host for host in HOSTS if f" {address}/" in self.ip(host, "-o", "address", "show", "dev", place)]

    def holder(self) -> str:
        """Return the host that has the address, and that of users if there is one, when all are well."""
        deadline = time.monotonic() + 60
        while not self._settled():
            logs = "".join(docker("logs", "--tail=15", self.name(host, "keepalived"), check=False) for host in HOSTS)
            assert time.monotonic() < deadline, (self.holders(), self.ask(), logs)
            time.sleep(0.5)
        return self.holders()[0]

    def _settled(self) -> bool:
        addresses = [self.address, *([self.public] if self.public else [])]
        return all(self.ready(host) for host in HOSTS) and all(
            len(self.holders(address)) == 1 and self.ask(address) in HOSTS for address in addresses
        )

    def gather(self, host: str) -> None:
        """Have both addresses on one host: each has elections of its own, so they may have gone apart."""
        others = [other for other in HOSTS if other != host]
        for other in others:
            docker("stop", "--time=30", self.name(other, "keepalived"))
        assert wait_until(lambda: self.holders() == self.holders(self.public) == [host], 20, 0.1)
        for other in others:
            self.start(other, "keepalived")

    def ask(self, address: str = "", port: int = PORT) -> str:
        """Return which host answers a request; empty if none does within a second."""
        try:
            with urllib.request.urlopen(f"http://{url_host(address or self.address)}:{port}/", timeout=1) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    @contextlib.contextmanager
    def client(self, address: str = "") -> t.Iterator[Gap]:
        """Have a client ask an address ten times a second meanwhile, and for three seconds more."""
        gap, end = Gap(), threading.Event()

        def ask() -> None:
            last = time.monotonic()
            while not end.is_set():
                if self.ask(address) or self.ask(address):
                    gap.longest = max(gap.longest, time.monotonic() - last)
                    last = time.monotonic()
                    gap.answers += 1
                else:
                    gap.failed += 1
                time.sleep(0.1)
            gap.longest = max(gap.longest, time.monotonic() - last)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            time.sleep(1)
            yield gap
            time.sleep(3)
        finally:
            end.set()
            thread.join()
            print(gap)

    def wait_for_another(self, former: str, address: str = "", seconds: float = 20) -> str:
        deadline = time.monotonic() + seconds
        while (found := self.holders(address)) in ([], [former]) or len(found) != 1:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return found[0]

    def remove(self) -> None:
        names = [self.name(host, container) for host in HOSTS for container in ("keepalived", "haproxy", "api", "host")]
        docker("rm", "--force", "--volumes", *names, self.name("balancer"), check=False)
        docker("network", "rm", self.network, self.public_network, check=False)


def _region(path: pathlib.Path, number: int, address: str, public: str = "", **settings: t.Any) -> t.Iterator[Region]:
    given = {"cloud_tls": False, "cloud_api_address": address, "cloud_public_address": public, **settings}
    made = Region(path, hosts("region", "2026.1", **given), number, address, public)
    made.remove()
    ipv6 = ["--ipv6", f"--subnet={made.ipv6_prefix}/64"] if ":" in address else []
    docker("network", "create", f"--subnet={made.prefix}0/24", *ipv6, made.network)
    if public:
        docker("network", "create", f"--subnet={made.public_prefix}0/24", made.public_network)
    try:
        for host in HOSTS:
            made.write(host)
            made.start_host(host)
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Region]:
    """Three hosts that share an IPv4 address."""
    yield from _region(tmp_path_factory.mktemp("region"), 42, ADDRESS)


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Region]:
    """Three hosts that share an address for services, and another one in the network of users."""
    yield from _region(tmp_path_factory.mktemp("public"), 43, ADDRESS, PUBLIC, keepalived_public_interface="bond1")


@pytest.fixture(scope="module")
def ipv6(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Region]:
    """Three hosts with IPv4 addresses that share an IPv6 address."""
    yield from _region(tmp_path_factory.mktemp("ipv6"), 46, "2001:db8::100")


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Region]:
    """Three hosts behind a load balancer of the operator, which has the documented configuration."""
    settings: dict[str, t.Any] = {"keepalived_enabled": False, "loadbalancer_external": True, "loadbalancer_external_seconds": 8}
    text = (ROOT / "docs/region.md").read_text("utf-8")
    (documented,) = re.findall(r"^```haproxy\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for made in _region(tmp_path_factory.mktemp("external"), 45, "192.0.2.200", **settings):
        made.start_balancer(documented)
        yield made


def test_the_first_host_has_the_address_and_every_part_is_healthy(region: Region) -> None:
    assert region.holder() == "control1"
    for host in HOSTS:
        assert region.healthy(host, "haproxy") and region.healthy(host, "keepalived")
        kernel = pathlib.Path(f"/proc/{region.pid(host, 'keepalived')}/status").read_text("utf-8")
        effective = next(line.split()[1] for line in kernel.splitlines() if line.startswith("CapEff"))
        assert set(capabilities.names(int(effective, 16))) == set(region.definition(host, "keepalived")["capabilities"])
    # what others announced does not count: the state is that of the check
    assert "Disabling" not in docker("logs", region.name("control1", "keepalived"))


def test_a_clean_stop_of_keepalived_moves_the_address_at_once(region: Region) -> None:
    former = region.holder()
    with region.client() as gap:
        docker("stop", "--time=30", region.name(former, "keepalived"))
        region.wait_for_another(former)
    assert former not in region.holders()
    assert gap.longest < 5 and not gap.failed
    region.start(former, "keepalived")
    # the one that has it keeps it
    assert region.holder() != former


def test_the_load_balancer_hands_the_address_over_before_it_stops(region: Region) -> None:
    former = region.holder()
    with region.client() as gap:
        code, output = region.run(former, "haproxy", region.definition(former, "haproxy")["drain"]["command"])
        assert code == 0, output
        assert former not in region.holders()
        region.start(former, "haproxy")
    assert gap.longest < 5 and not gap.failed, gap
    # a host without the address has nothing to hand over
    other = next(host for host in HOSTS if host not in region.holders())
    assert region.run(other, "haproxy", region.definition(other, "haproxy")["drain"]["command"]) == (0, "")
    assert region.healthy(other, "haproxy")


@pytest.mark.parametrize("way", ["keepalived stops", "the load balancer hands over"])
@pytest.mark.parametrize("here", [True, False], ids=["on the same host", "on another host"])
def test_who_waits_for_an_answer_learns_that_the_address_has_left(region: Region, way: str, here: bool) -> None:
    former = region.holder()
    place = former if here else next(host for host in HOSTS if host != former)
    command = ["nsenter", f"--net=/proc/{region.pid(place)}/ns/net", sys.executable, "-c", _WAITER, region.address, str(PORT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiter:
        assert waiter.stdout and waiter.stdout.readline() == "connected\n"
        if way == "keepalived stops":
            docker("stop", "--time=30", region.name(former, "keepalived"))
        else:
            assert region.run(former, "haproxy", region.definition(former, "haproxy")["drain"]["command"])[0] == 0
        try:
            assert waiter.wait(5) == 0
        finally:
            waiter.kill()
            region.start(former, "keepalived" if way == "keepalived stops" else "haproxy")
    assert region.holder() != former


def test_a_reload_of_keepalived_leaves_the_address_where_it_is(region: Region) -> None:
    former = region.holder()
    with region.client() as gap:
        docker("kill", f"--signal={region.definition(former, 'keepalived')['reload_signal']}", region.name(former, "keepalived"))
        time.sleep(5)
        assert region.holders() == [former]
    assert gap.longest < 2 and not gap.failed
    assert region.holder() == former


def test_the_address_stays_when_its_host_gets_others(region: Region) -> None:
    for host in HOSTS:
        docker("stop", "--time=30", region.name(host, "keepalived"))
    region.write("control1", hosts("region", "2026.1", keepalived_group="control[0]")["control1"])
    region.start("control1", "keepalived")
    assert wait_until(lambda: region.holders() == ["control1"], 20, 0.1)
    assert "multicast" not in docker("logs", region.name("control1", "keepalived"))
    with region.client() as gap:
        region.write("control1")
        docker("kill", f"--signal={region.definition('control1', 'keepalived')['reload_signal']}", region.name("control1", "keepalived"))
        for host in ("control2", "control3"):
            region.start(host, "keepalived")
        time.sleep(5)
    assert region.holder() == "control1"
    assert gap.longest < 1 and not gap.failed, gap


@pytest.mark.parametrize("victims", [("haproxy",), ("keepalived", "haproxy", "api", "host")], ids=["haproxy", "host"])
def test_another_host_takes_the_address_of_one_that_does_not_serve(region: Region, victims: tuple[str, ...]) -> None:
    former = region.holder()
    with region.client() as gap:
        docker("kill", *(region.name(former, container) for container in victims))
        region.wait_for_another(former)
    assert gap.longest <= 10, gap
    if "host" in victims:
        docker("rm", "--force", "--volumes", *(region.name(former, container) for container in victims))
        region.start_host(former)
    else:
        assert region.run(former, "keepalived", region.definition(former, "keepalived")["ready"]["command"])[0] == 1
        region.start(former, "haproxy")
    assert region.holder() != former


def test_the_address_comes_back_to_one_host_after_keepalived_was_killed(region: Region) -> None:
    former = region.holder()
    with region.client() as gap:
        docker("kill", region.name(former, "keepalived"))
        time.sleep(6)
        # nobody removed the address from its host, and both answer until its keepalived starts again
        assert former in region.holders()
        docker("start", region.name(former, "keepalived"))
        region.holder()
    assert gap.longest < 5 and not gap.failed


def test_the_last_host_does_not_give_the_address_away(region: Region) -> None:
    last = region.holder()
    others = [host for host in HOSTS if host != last]
    docker("stop", "--time=30", *(region.name(host, "keepalived") for host in others))
    try:
        code, output = region.run(last, "haproxy", region.definition(last, "haproxy")["drain"]["command"])
        assert (code, f"no other host takes over {region.address} within 30 s" in output) == (1, True)
        deadline = time.monotonic() + 20
        while region.ask() not in HOSTS:
            assert time.monotonic() < deadline
        assert region.holders() == [last]
        assert region.healthy(last, "haproxy")
    finally:
        for host in others:
            region.start(host, "keepalived")


def test_users_and_services_have_an_address_each(public: Region) -> None:
    assert public.holder() == "control1"
    assert public.holders(public.public) == ["control1"]
    for host in HOSTS:
        assert public.healthy(host, "haproxy") and public.healthy(host, "keepalived")
    # nobody serves metadata behind the load balancer, which refuses requests itself; it does not listen where users are
    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(f"http://{public.address}:{METADATA_PORT}/", timeout=5)
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"http://{public.public}:{METADATA_PORT}/", timeout=5)


@pytest.mark.parametrize("way", ["handed over", "killed"])
def test_a_host_that_cannot_serve_gives_both_addresses_up(public: Region, way: str) -> None:
    public.gather("control1")
    former = public.holder()
    assert public.holders(public.public) == [former]
    with public.client() as services, public.client(public.public) as users:
        if way == "killed":
            docker("kill", public.name(former, "haproxy"))
        else:
            code, output = public.run(former, "haproxy", public.definition(former, "haproxy")["drain"]["command"])
            assert code == 0, output
        for address in (public.address, public.public):
            public.wait_for_another(former, address)
    limit = {"handed over": 5, "killed": 10}[way]
    assert services.longest < limit and users.longest < limit, (services, users)
    assert way == "killed" or not services.failed + users.failed
    public.start(former, "haproxy")
    assert public.holder() != former


def test_a_host_without_a_link_to_users_gives_their_address_up(public: Region) -> None:
    former = public.holder()
    with public.client() as services, public.client(public.public) as users:
        public.ip(former, "link", "set", "eth1", "down")
        public.wait_for_another(former, public.public)
    assert public.holders() == [former]
    assert services.longest < 2 and not services.failed
    assert users.longest <= 10
    # a run that replaces it waits for the link
    assert not public.ready(former)
    public.ip(former, "link", "set", "eth1", "up")
    public.holder()
    # their addresses may be on different hosts, each of which hands its own over
    users_host = public.holders(public.public)[0]
    assert users_host != former
    code, output = public.run(users_host, "haproxy", public.definition(users_host, "haproxy")["drain"]["command"])
    assert code == 0, output
    assert users_host not in public.holders(public.public) + public.holders()
    public.start(users_host, "haproxy")
    public.holder()


def test_a_load_balancer_of_the_operator_finds_the_hosts_that_serve(external: Region) -> None:
    deadline = time.monotonic() + 30
    while {external.ask() for _ in range(9)} != set(HOSTS):
        assert time.monotonic() < deadline, docker("logs", external.name("balancer"))
        time.sleep(0.5)
    for host in HOSTS:
        assert external.healthy(host, "haproxy")


def test_it_turns_to_other_hosts_before_one_is_replaced(external: Region) -> None:
    with external.client() as gap:
        code, output = external.run("control1", "haproxy", external.definition("control1", "haproxy")["drain"]["command"])
        assert code == 0, output
        assert "Server openstack/control1 is DOWN" in docker("logs", external.name("balancer"))
        docker("stop", "--time=30", external.name("control1", "haproxy"))
        external.start("control1", "haproxy")
    assert not gap.failed and gap.longest < 2, gap


def test_a_host_that_does_not_serve_costs_nobody_a_request(external: Region) -> None:
    with external.client() as gap:
        docker("kill", external.name("control2", "haproxy"))
        time.sleep(8)
    external.start("control2", "haproxy")
    assert not gap.failed and gap.longest < 5, gap


def test_the_address_may_be_of_the_other_family(ipv6: Region) -> None:
    assert ipv6.holder() == "control1"
    for host in HOSTS:
        assert ipv6.healthy(host, "haproxy") and ipv6.healthy(host, "keepalived")


@pytest.mark.parametrize(("way", "limit"), [("handed over", 5), ("haproxy killed", 10), ("host killed", 10)])
def test_it_moves_as_any_other(ipv6: Region, way: str, limit: float) -> None:
    former = ipv6.holder()
    victims = {"haproxy killed": ("haproxy",), "host killed": ("keepalived", "haproxy", "api", "host")}.get(way, ())
    with ipv6.client() as gap:
        if victims:
            docker("kill", *(ipv6.name(former, container) for container in victims))
        else:
            code, output = ipv6.run(former, "haproxy", ipv6.definition(former, "haproxy")["drain"]["command"])
            assert code == 0, output
        ipv6.wait_for_another(former)
    assert gap.longest < limit, gap
    if "host" in victims:
        docker("rm", "--force", "--volumes", *(ipv6.name(former, container) for container in victims))
        ipv6.start_host(former)
    else:
        ipv6.start(former, "haproxy")
    assert ipv6.holder() != former
