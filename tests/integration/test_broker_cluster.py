# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ as a cluster of three: formed, grown, changed, damaged, stopped, recovered and shrunk, with brokers of the collection's image.

Each host is a network namespace with an address of its own. It has the container of its definition, under a name of its own, and what the
engine decides and does about it is what happens in a run of ``site``. The clients have the configuration that Nova has on these hosts.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import container_api, members
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Converger, Outcome
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import cluster
from tests.definitions import definitions, switches
from tests.unit.roles.rendering import render
from tests.unit.roles.test_definitions import HOST_CAPABILITIES_OF

from .conftest import Lab

pytestmark = pytest.mark.long

HOSTS = {f"control{number}": f"10.199.6.{10 + number}" for number in (1, 2, 3)}
NETWORK, SUBNET = "caisson-test-broker", "10.199.6.0/24"
RELEASE = "2026.1"
CLIENT = pathlib.Path(__file__).with_name("broker_client.py")
PATIENCE = 900.0
CHANGED: dict[str, t.Any] = {"rabbitmq_service_overrides": {"containers": [{"name": "rabbitmq", "memory": "1g"}]}}


@dataclasses.dataclass
class Definition:
    """What the definitions mean for the hosts of a group."""

    specs: dict[str, ContainerSpec]
    jobs: dict[str, list[JobSpec]]
    config: pathlib.Path


class Region:
    """The hosts with their containers."""

    def __init__(self, lab: Lab, directory: pathlib.Path) -> None:
        self.lab, self.directory = lab, directory
        self._definitions: dict[str, Definition] = {}
        self._spaces: dict[str, str] = {}

    def name(self, host: str) -> str:
        return self.lab.name(f"{host}-mq")

    def start_hosts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for host, address in HOSTS.items():
            command = [
                "docker",
                "run",
                "--detach",
                "--init",
                "--name",
                self.lab.name(host),
                "--label",
                self.lab.label,
                "--network",
                NETWORK,
            ]
            command += ["--ip", address, self.lab.image("base"), "sleep", "infinity"]
            self._spaces[host] = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        original = container_api.host_config

        def host_config(spec: ContainerSpec, restart_policy: str) -> dict[str, t.Any]:
            (host,) = (host for host in HOSTS if spec.name.startswith(self.lab.name(host)))
            return original(spec, restart_policy) | {"NetworkMode": f"container:{self._spaces[host]}"}

        monkeypatch.setattr(container_api, "host_config", host_config)

    # -- the definitions ----------------------------------------------------------------------------------------

    def definition(self, group: tuple[str, ...], settings: dict[str, t.Any]) -> Definition:
        key = json.dumps([group, settings])
        if key not in self._definitions:
            self._definitions[key] = self._rendered(group, settings)
        return self._definitions[key]

    def _rendered(self, group: tuple[str, ...], settings: dict[str, t.Any]) -> Definition:
        directory = self.directory / str(len(self._definitions))
        directory.mkdir()
        hosts = {host: {"ansible_host": address, "ansible_connection": "local"} for host, address in HOSTS.items()}
        one: dict[str, t.Any] = {"hosts": {"control1": {}}}
        children = {"control": one, "network": one, "compute": {"hosts": {host: {} for host in HOSTS}}}
        children["brokers"] = {"hosts": {host: {} for host in group}}
        inventory = directory / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "children": children, "vars": {"rabbitmq_group": "brokers"}}}))
        variables = {"cloud_release": RELEASE, "cloud_host_capabilities": HOST_CAPABILITIES_OF[RELEASE], **switches(), **settings}
        variables["cloud_secrets_file"] = str(self.directory / "secrets.yml")
        models = render(inventory, directory, variables)
        (nova,) = {file["content"] for file in models["control1"]["files"] if file["path"] == "nova_api/config/nova.conf"}
        (directory / "nova.conf").write_text(nova)
        found, jobs = {}, collections.defaultdict[str, list[JobSpec]](list)
        for host in group:
            files = self._write(directory / host, models[host]["files"])
            for item in models[host]["containers"]:
                if item["name"] == "rabbitmq":
                    found[host] = self._own(host, dataclass_spec.construct(ContainerSpec, item), files)
            for job in (dataclass_spec.construct(JobSpec, item) for item in models[host]["jobs"]):
                if job.place == "rabbitmq":
                    name = f"{self.name(host)}-{job.name}"
                    place = dataclasses.replace(self._own(host, job.container, files), name=name)
                    jobs[host].append(dataclasses.replace(job, name=name, container=place))
            found[host].after = [job.name for job in jobs[host] if job.name.endswith("_cookie")]
        return Definition(found, jobs, directory / "nova.conf")

    def _write(self, directory: pathlib.Path, files: list[dict[str, t.Any]]) -> pathlib.Path:
        config = directory / "rabbitmq/config"
        config.mkdir(parents=True)
        for file in files:
            if file["path"].startswith("rabbitmq/config/"):
                path = directory / file["path"]
                path.write_text(file["content"])
                path.chmod(int(file["mode"], 8))
                os.chown(path, 0, file["gid"])
        return config

    def _own(self, host: str, spec: ContainerSpec, files: pathlib.Path) -> ContainerSpec:
        # one directory per host, as on a real one, so that only what differs is a change
        mounted = self.directory / f"etc-{host}"
        mounted.mkdir(exist_ok=True)
        volumes = [f"{self.name(host)}:/var/lib/rabbitmq", f"{mounted}:/etc/rabbitmq:ro"]
        return dataclasses.replace(spec, name=self.name(host), image=self.lab.image("rabbitmq"), volumes=volumes, after=[])

    def _ship(self, host: str, group: tuple[str, ...], settings: dict[str, t.Any]) -> None:
        source = self.definition(group, settings).config.parent / host / "rabbitmq/config"
        subprocess.run(["cp", "-a", f"{source}/.", str(self.directory / f"etc-{host}")], check=True)

    # -- what an operator does ----------------------------------------------------------------------------------

    def site(self, *group: str, turns: bool = False, finalize: bool = True, late: float = 0, **settings: t.Any) -> dict[str, str]:
        """Bring the group to its definition, host by host in *turns*, and return what was done about each container.

        The first host begins *late*, in seconds after the others.
        """
        hosts = group or tuple(HOSTS)
        defined = self.definition(hosts, settings)
        engine, specs = self.lab.engine, defined.specs
        engine, specs = self.lab.engine, defined.specs
        reports = {host: members.report(engine, self.lab.cloud, spec, spec.cluster) for host, spec in specs.items() if spec.cluster}
        starts = cluster.decide(reports) if reports else {}
        if wrong := [start.reason for start in starts.values() if start.action == "refuse"]:
            raise EngineError("; ".join(wrong))
        for host in hosts:
            self._ship(host, hosts, settings)

        def converge(host: str) -> list[Outcome]:
            own = {self.name(host): starts[host]} if host in starts else {}
            cookie = [job for job in defined.jobs[host] if job.name.endswith("_cookie")]
            if host == hosts[0]:
                time.sleep(late)
            return self.converger(host, own).converge([specs[host]], cookie)

        with concurrent.futures.ThreadPoolExecutor(1 if turns else 3) as pool:
            done = dict(zip(hosts, pool.map(converge, hosts), strict=True))
        if finalize:
            done["finalize"] = self.converger(hosts[0]).converge([], [job for job in defined.jobs[hosts[0]] if "_cookie" not in job.name])
        failed = [f"{name}: {item.detail}" for name, outcomes in done.items() for item in outcomes if item.state != "done"]
        if failed:
            raise EngineError("\n".join(failed))
        return {name: item.action for name, outcomes in done.items() for item in outcomes if item.kind == "container"}

    def converger(self, host: str, starts: dict[str, t.Any] | None = None) -> Converger:
        return Converger(
            self.lab.engine, self.lab.cloud, StateFile(str(self.directory / f"state-{host}.json")), False, PATIENCE, starts=starts
        )

    def remove(self, host: str, volume: bool = False) -> None:
        self.lab.engine.remove(self.name(host))
        if volume:
            self.lab.engine.remove_volumes([self.name(host)])

    def crash(self, host: str) -> None:
        """Kill all processes of the broker; the engine starts it again."""
        os.kill(self.lab.client.inspect_container(self.name(host))["State"]["Pid"], signal.SIGKILL)

    # -- what the brokers say -----------------------------------------------------------------------------------

    def ask(self, host: str, *command: str) -> str:
        result = self.lab.engine.exec(self.name(host), list(command), timeout=120)
        assert result.rc == 0, result.output
        return result.stdout

    def nodes(self, host: str, which: str) -> set[str]:
        command = ["erl_call", "-address", f"{HOSTS[host]}:25672", "-a", f"rabbit_nodes list_{which} []"]
        return set(re.findall(r"rabbit@([0-9.]+)", self.lab.engine.exec(self.name(host), command, timeout=20).stdout))

    def healthy(self, host: str) -> bool:
        return self.lab.engine.exec(self.name(host), ["/etc/rabbitmq/healthcheck"], timeout=30).rc == 0

    def wait(self, *hosts: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not all(self.healthy(host) and self.nodes(host, "running") >= {HOSTS[name] for name in hosts} for host in hosts or HOSTS):
            assert time.monotonic() < deadline, "\n\n".join(self.lab.engine.logs(self.name(host)) for host in HOSTS)
            time.sleep(2)

    def copies(self, host: str) -> dict[str, set[str]]:
        """Return for each queue the addresses of its members."""
        text = self.ask(host, "/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "list_queues", "name", "members", "--no-table-headers")
        return {line.split("\t")[0]: set(re.findall(r"rabbit@([0-9.]+)", line)) for line in text.splitlines()}

    # -- clients ------------------------------------------------------------------------------------------------

    def client(self, word: str, config: pathlib.Path, *arguments: str, detach: bool = False) -> str:
        command = ["docker", "run", "--network", NETWORK, "--label", self.lab.label, "--hostname", word, "--name", self.lab.name(word)]
        command += ["--user", "0:0", "--volume", f"{CLIENT}:/client.py:ro", "--volume", f"{config}:/nova.conf:ro"]
        command += ["--detach"] if detach else ["--rm"]
        command += [self.lab.image("openstack"), "/opt/openstack/bin/python", "/client.py", "/nova.conf", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=PATIENCE).stdout.strip()

    def put(self, first: int, count: int) -> set[int]:
        return set(json.loads(self.client("put", self.config(), "put", str(first), str(count)).splitlines()[-1]))

    def kept(self) -> set[int]:
        return set(json.loads(self.client("take", self.config(), "take").splitlines()[-1]))

    def config(self) -> pathlib.Path:
        return self.definition(tuple(HOSTS), {}).config

    @contextlib.contextmanager
    def calls(self, seconds: int, config: pathlib.Path | None = None) -> t.Iterator[dict[str, t.Any]]:
        """Call a service of two servers for so long, and at least for as long as the block takes; then say how that went."""
        result: dict[str, t.Any] = {}
        config = config or self.config()
        names = ["server1", "server2", "caller"]
        try:
            for name in names[:2]:
                self.client(name, config, "serve", detach=True)
            deadline = time.monotonic() + 120
            while not all(b"ready" in self.lab.client.logs(self.lab.name(name)) for name in names[:2]):
                assert time.monotonic() < deadline, [self.lab.client.logs(self.lab.name(name)) for name in names[:2]]
                time.sleep(1)
            time.sleep(5)
            self.client("caller", config, "call", str(seconds), detach=True)
            time.sleep(8)
            yield result
            self.lab.client.wait(self.lab.name("caller"), timeout=PATIENCE)
            result |= json.loads(self.lab.client.logs(self.lab.name("caller"), stderr=False).splitlines()[-1])
            print(result)
        finally:
            for name in names:
                self.lab.engine.remove(self.lab.name(name))


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Region]:
    """Three hosts without anything."""
    lab = Lab(connect())
    subprocess.run(["docker", "network", "create", "--subnet", SUBNET, NETWORK], check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as monkeypatch:
        try:
            made = Region(lab, tmp_path_factory.mktemp("broker"))
            made.start_hosts(monkeypatch)
            yield made
        finally:
            lab.clean()
            subprocess.run(["docker", "network", "rm", NETWORK], check=False, capture_output=True)


ADDRESSES = set(HOSTS.values())

# -- the life of a cluster; each test goes on where the one before it ended -------------------------------------


def test_three_hosts_form_one_cluster(region: Region) -> None:
    assert region.site() == dict.fromkeys(HOSTS, "create")
    assert {host: region.nodes(host, "running") for host in HOSTS} == dict.fromkeys(HOSTS, ADDRESSES)
    assert region.site() == dict.fromkeys(HOSTS, "none")
    assert region.put(0, 50) == set(range(50))
    assert region.copies("control2")["kept"] == ADDRESSES


def test_a_killed_member_costs_no_message(region: Region) -> None:
    with region.calls(30) as result:
        region.crash("control2")
        confirmed = region.put(50, 50)
    assert result["failed"] == [] and result["answered"] > 100
    region.wait(*HOSTS)
    assert region.kept() == set(range(50)) | confirmed


def test_a_change_rolls_through_without_a_failed_call(region: Region) -> None:
    region.definition(tuple(HOSTS), CHANGED)
    with region.calls(70) as result:
        assert region.site(turns=True, **CHANGED) == dict.fromkeys(HOSTS, "replace")
    assert result["failed"] == [] and result["answered"] > 100
    assert region.kept() == set(range(100))


def test_a_member_that_lost_its_volume_joins_again(region: Region) -> None:
    region.lab.client.stop(region.name("control3"), timeout=60)
    # no second one stops meanwhile
    result = region.lab.engine.exec(region.name("control1"), ["/etc/rabbitmq/member", "may-stop"], timeout=120)
    assert result.rc == 1
    assert f"no majority of the cluster would be left: no contact with {HOSTS['control3']}" in result.output
    region.remove("control3", volume=True)
    assert region.site(**CHANGED) == {"control1": "none", "control2": "none", "control3": "create"}
    assert {host: region.nodes(host, "members") for host in HOSTS} == dict.fromkeys(HOSTS, ADDRESSES)
    assert region.copies("control1")["kept"] == ADDRESSES
    assert region.lab.engine.exec(region.name("control1"), ["/etc/rabbitmq/member", "may-stop"], timeout=120).rc == 0


def test_all_killed_come_back_in_another_order(region: Region) -> None:
    for host in HOSTS:
        region.lab.client.kill(region.name(host))
    for host in ("control3", "control1", "control2"):
        region.lab.client.start(region.name(host))
        time.sleep(5)
    region.wait(*HOSTS)
    assert region.kept() == set(range(100))


def test_all_stopped_and_the_newest_lost_they_go_on_with_the_next(region: Region) -> None:
    for host in HOSTS:
        region.lab.client.stop(region.name(host), timeout=60)
    region.lab.client.start(region.name("control1"))
    waits = f"it waits for the members that ran when it stopped: {HOSTS['control2']} {HOSTS['control3']}"
    deadline = time.monotonic() + 120
    while waits not in region.lab.engine.exec(region.name("control1"), ["/etc/rabbitmq/healthcheck"], timeout=30).output:
        assert time.monotonic() < deadline
        time.sleep(2)
    region.lab.client.kill(region.name("control1"))
    region.remove("control3", volume=True)
    assert region.site(**CHANGED) == {"control1": "start", "control2": "start", "control3": "create"}
    assert {host: region.nodes(host, "running") for host in HOSTS} == dict.fromkeys(HOSTS, ADDRESSES)
    assert region.kept() == set(range(100))


def test_it_shrinks_to_one_with_its_messages(region: Region) -> None:
    region.site("control1", **CHANGED)
    assert region.nodes("control1", "members") == {HOSTS["control1"]}
    keep = {region.name("control1"), *(region.lab.name(host) for host in HOSTS)}
    outcomes = region.converger("control1").prune({"rabbitmq"}, keep)
    assert {item.name: item.state for item in outcomes} == {region.name(host): "done" for host in ("control2", "control3")}
    assert region.copies("control1")["kept"] == {HOSTS["control1"]}
    assert region.healthy("control1")
    assert region.kept() == set(range(100))


def test_one_becomes_three_with_its_messages(region: Region) -> None:
    with region.calls(60) as result:
        # the others find it while it still serves alone, and would join it while it restarts
        assert region.site(late=10, **CHANGED) == {"control1": "replace", "control2": "create", "control3": "create"}
    assert result["failed"] == [] and result["answered"] > 100
    assert {host: region.nodes(host, "running") for host in HOSTS} == dict.fromkeys(HOSTS, ADDRESSES)
    assert region.copies("control1")["kept"] == ADDRESSES
    assert region.kept() == set(range(100))


def test_the_template_of_novas_cell_means_all_brokers(region: Region) -> None:
    """Nova takes the parts of the template from its transport_url; with several brokers they add up to the same URL."""
    (job,) = (job for job in definitions()["nova"]["jobs"] if job["name"] == "nova_create_cell1")
    template = job["command"][job["command"].index("--transport-url") + 1]
    script = "import sys; from nova.objects.cell_mapping import CellMapping; print(CellMapping._format_url(*sys.argv[1:]))"
    for config, brokers in ((region.config(), 3), (region.definition(("control1",), CHANGED).config, 1)):
        (url,) = re.findall(r"(?m)^transport_url = (.*)$", config.read_text())
        command = ["docker", "run", "--rm", region.lab.image("openstack"), "/opt/openstack/bin/python", "-c", script, template, url]
        assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == url
        assert url.count("@") == brokers
