# SPDX-License-Identifier: Apache-2.0
"""MariaDB on three hosts, as the role defines it: formed, changed, broken in every way, recovered, made one server and a cluster again.

A host is a container with an address of its own, in whose network those of the definition run; what each member does is decided by the
plan's own function from what the members say. A client writes through the load balancer of one host all the while: what it was told is
stored must be there in the end.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import pathlib
import re
import subprocess
import time
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import container_api, members
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Converger
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model.cluster import MemberReport, MemberStart
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Cluster
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import LABEL_CLUSTER, ContainerSpec, JobSpec
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import cluster as decision
from tests.definitions import switches
from tests.unit.roles.rendering import Host, render
from tests.unit.roles.test_definitions import HOST_CAPABILITIES_OF

from .conftest import Lab
from .test_images import reference

pytestmark = pytest.mark.long

NETWORK, SUBNET = "caisson-test-galera", "10.199.7.0/24"
HOSTS = {f"h{number}": f"10.199.7.{10 + number}" for number in (1, 2, 3)}
OWN = ("mariadb", "haproxy")
#: Writes a row each 50 ms with a connection of its own, as :data:`WRITER` is told; a line says for each when it was answered, and how.
WRITER = """
n=$1
while [ ! -e /tmp/end ]; do
  if timeout 30 mariadb --no-defaults -h $2 -P 3306 -uwriter -psecret -e "INSERT INTO w.t VALUES ($n)" 2>/tmp/error
  then echo "$(date +%s.%N) stored $n"; else echo "$(date +%s.%N) failed $n $(tr "\\n" " " </tmp/error)"; fi
  n=$((n + 1)); sleep 0.05
done
"""

SCHEMA = """
CREATE DATABASE w;
CREATE TABLE w.t (n BIGINT PRIMARY KEY);
CREATE USER writer@'%' IDENTIFIED BY 'secret';
GRANT ALL ON w.* TO writer@'%';
"""


def run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert not check or done.returncode == 0, done.stdout
    return done.stdout.strip()


def models(directory: pathlib.Path, mariadb_hosts: str) -> dict[str, Host]:
    """Return what the definitions mean for the three hosts; hosts of group *mariadb_hosts* have the database."""
    hosts = {name: {"ansible_host": address} for name, address in HOSTS.items()}
    groups = {"control": {"hosts": hosts}, **{name: {"hosts": {"h1": None}} for name in ("one", "network", "compute")}}
    single = {f"{role}_group": "one" for role in ("rabbitmq", "ovn", "glance", "memcached")}
    settings = {**single, "mariadb_group": mariadb_hosts, "cloud_name": "three", "cloud_tls": False, "cloud_api_address": HOSTS["h1"]}
    inventory = directory / f"{mariadb_hosts}.yml"
    inventory.write_text(yaml.safe_dump({"all": {"vars": settings, "children": groups}}), "utf-8")
    secrets = directory / mariadb_hosts
    secrets.mkdir()
    release = "2026.1"
    # the load balancers of the test have addresses of their own
    capabilities = HOST_CAPABILITIES_OF[release]
    variables = {"cloud_release": release, "cloud_host_capabilities": capabilities, **switches(), "keepalived_enabled": False}
    return render(inventory, secrets, variables)


class Region:
    """The three hosts with their part of the definitions."""

    def __init__(self, lab: Lab, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lab, self.directory = lab, directory
        self.models: dict[str, Host] = {}
        self.ids: dict[str, str] = {}
        self.written = 0
        original = container_api.host_config

        def in_the_network_of_its_host(spec: ContainerSpec, restart_policy: str) -> dict[str, t.Any]:
            (host,) = re.findall(r"-(h\d)-", spec.name)
            return {**original(spec, restart_policy), "NetworkMode": f"container:{self.ids[host]}"}

        monkeypatch.setattr(container_api, "host_config", in_the_network_of_its_host)

    def name(self, host: str, container: str = "mariadb") -> str:
        return self.lab.name(f"{host}-{container}")

    def define(self, found: dict[str, Host]) -> None:
        """Give the hosts their files."""
        self.models = found
        for host, model in found.items():
            for file in model["files"]:
                name, _config, path = file["path"].split("/", 2)
                if name in OWN:
                    place = self.directory / host / name / path
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_text(file["content"], "utf-8")

    def spec(self, host: str, container: str = "mariadb") -> ContainerSpec | None:
        found = [item for item in self.models[host]["containers"] if item["name"] == container]
        return self._spec(host, found[0], self.name(host, container)) if found else None

    def _spec(self, host: str, item: dict[str, t.Any], name: str) -> ContainerSpec:
        volumes = []
        for bind in item["volumes"]:
            source, target = bind.split(":", 1)
            if source.startswith("/etc/caisson/") and source.endswith("/config"):
                volumes.append(f"{self.directory}/{host}/{source.split('/')[3]}:{target}")
            elif not source.startswith("/"):
                volumes.append(f"{self.name(host, source)}:{target}")
        image = reference(item["image"].split("/")[-1].split(":")[0])
        after = [self.name(host, other) for other in item["after"]]
        return dataclass_spec.construct(
            ContainerSpec, {**item, "name": name, "image": image, "volumes": volumes, "after": after, "devices": []}
        )

    def jobs(self, host: str) -> list[JobSpec]:
        found = []
        for job in self.models[host]["jobs"]:
            if job["service"] == "mariadb":
                own = {**job, "name": self.name(host, job["name"]), "after": []}
                spec = dataclasses.asdict(self._spec(host, job["container"], own["name"]))
                found.append(dataclass_spec.construct(JobSpec, {**own, "container": spec}))
        return found

    def reports(self, *hosts: str, lost: t.Sequence[str] = ()) -> dict[str, MemberReport]:
        """Return what the members of *hosts* say."""
        found = {}
        for host in hosts or HOSTS:
            spec = self.spec(host)
            if spec and spec.cluster:
                own: Cluster = dataclasses.replace(spec.cluster, lost_hosts=list(lost))
                found[host] = members.report(self.lab.engine, self.lab.cloud, spec, own)
        return found

    def site(self, *hosts: str, lost: t.Sequence[str] = ()) -> dict[str, MemberStart]:
        """Do what a run does on *hosts*, by default all: what does not run as a member first and at once, then the others in turn."""
        reports = self.reports(*hosts, lost=lost)
        starts = decision.decide(reports) if reports else {}
        if any(start.action == "refuse" for start in starts.values()):
            return starts
        chosen = list(hosts or HOSTS)
        at_once = [host for host in chosen if host in starts or host not in reports]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda host: self._converge(host, starts.get(host)), at_once))
        for host in chosen:
            self._converge(host, None)
        return starts

    def _converge(self, host: str, start: MemberStart | None) -> None:
        specs = [found for name in OWN if (found := self.spec(host, name))]
        state = StateFile(str(self.directory / f"{host}.json"))
        began = time.monotonic()
        while True:
            # the module returns and is called again while it waits
            starts = {self.name(host): start} if start else {}
            elapsed = time.monotonic() - began
            converger = Converger(self.lab.engine, self.lab.cloud, state, False, patience=3, elapsed=elapsed, starts=starts)
            outcomes = converger.converge(specs, self.jobs(host))
            assert not [outcome.detail for outcome in outcomes if outcome.state == "failed"]
            if all(outcome.state == "done" for outcome in outcomes):
                return

    def sql(self, host: str, text: str) -> str:
        result = self.lab.engine.exec(self.name(host), ["mariadb", "--batch", "--skip-column-names"], stdin=text.encode())
        assert result.rc == 0, result.output
        return result.stdout.strip()

    def rows(self) -> dict[str, int]:
        return {host: int(self.sql(host, "SELECT COUNT(*) FROM w.t")) for host in HOSTS}

    def clusters(self) -> set[str]:
        """Return what identifies the clusters of the members; each must be whole."""
        found = set()
        for host in HOSTS:
            size, identifier = re.findall(
                r"\t(.*)", self.sql(host, "SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_cluster_state_uuid')")
            )
            assert size == "3"
            found.add(identifier)
        return found

    def kill(self, *hosts: str) -> None:
        """Take the power from members; the engine starts none of them again."""
        run("docker", "kill", *(self.name(host) for host in hosts))

    def wait(self, what: t.Callable[[], bool], seconds: float) -> float:
        began = time.monotonic()
        while True:
            try:
                if what():
                    return time.monotonic() - began
            except (AssertionError, EngineError):
                pass
            assert time.monotonic() - began < seconds, {host: self.lab.engine.logs(self.name(host)) for host in HOSTS}
            time.sleep(0.5)

    def synced(self) -> bool:
        return len(self.clusters()) == 1 and all(
            "Synced" in self.sql(host, "SHOW STATUS LIKE 'wsrep_local_state_comment'") for host in HOSTS
        )


class Writer:
    """A client on host h3, which has the load balancer of its own host; ``gap`` is the longest time without a row."""

    def __init__(self, region: Region) -> None:
        self._region, self._name = region, region.name("h3", "writer")
        self.stored: list[int] = []
        self.errors: list[str] = []
        self.gap = 0.0

    def __enter__(self) -> Writer:
        network = f"container:{self._region.lab.name('h3')}"
        label = f"--label={self._region.lab.label}"
        command = ["sh", "-c", WRITER, "writer", str(self._region.written + 1), HOSTS["h3"]]
        run("docker", "run", "-d", label, f"--name={self._name}", f"--network={network}", reference("mariadb"), *command)
        self._region.wait(lambda: " stored " in run("docker", "logs", self._name), 60)
        return self

    def __exit__(self, *_caught: object) -> None:
        time.sleep(2)
        run("docker", "exec", self._name, "touch", "/tmp/end")
        run("docker", "wait", self._name)
        lines = [line.split(" ", 3) for line in run("docker", "logs", self._name).splitlines()]
        run("docker", "rm", self._name)
        times = [float(line[0]) for line in lines if line[1] == "stored"]
        self.stored = [int(line[2]) for line in lines if line[1] == "stored"]
        self.errors = [line[3] for line in lines if line[1] == "failed"]
        self.gap = max(later - earlier for earlier, later in itertools.pairwise(times))
        self._region.written = max(self._region.written, *(int(line[2]) for line in lines))
        print(f"\n{len(self.stored)} rows, longest gap {self.gap:.1f} s, errors: {self.errors}")

    def check(self) -> None:
        """Every member has every row that was acknowledged."""
        for host in HOSTS:
            there = set(map(int, self._region.sql(host, "SELECT n FROM w.t").split()))
            assert set(self.stored) <= there, host


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Region]:
    directory = tmp_path_factory.mktemp("galera")
    lab = Lab(connect())
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = Region(lab, directory, monkeypatch)
        made.define(models(directory, "control"))
        try:
            run("docker", "network", "create", "--subnet", SUBNET, NETWORK)
            for host, address in HOSTS.items():
                options = [f"--label={lab.label}", f"--name={lab.name(host)}", f"--network={NETWORK}", f"--ip={address}"]
                made.ids[host] = run("docker", "run", "-d", "--init", *options, reference("base"), "sleep", "infinity")
            yield made
        finally:
            lab.clean()
            run("docker", "network", "rm", NETWORK, check=False)


def actions(starts: t.Mapping[str, MemberStart]) -> dict[str, str]:
    return {host: start.action for host, start in starts.items()}


# -- the life of a cluster; each test goes on where the one before it ended -------------------------------------


def test_the_first_host_founds_it_and_the_others_join(region: Region) -> None:
    assert actions(region.site()) == {"h1": "seed", "h2": "join", "h3": "join"}
    assert region.synced()
    region.sql("h1", SCHEMA)
    before = run("docker", "ps", "-q", "--no-trunc", f"--filter=label={region.lab.label}")
    assert region.site() == {}
    assert run("docker", "ps", "-q", "--no-trunc", f"--filter=label={region.lab.label}") == before


def test_a_rolling_restart_loses_no_row(region: Region) -> None:
    for host in HOSTS:
        path = region.directory / host / "mariadb/my.cnf"
        path.write_text(path.read_text("utf-8").replace("max_connections = 1000", "max_connections = 900"), "utf-8")
    changed = {host: dataclasses.replace(t.cast(ContainerSpec, region.spec(host)), config_digest="changed") for host in HOSTS}
    with Writer(region) as writer:
        for host, spec in changed.items():
            converger = Converger(
                region.lab.engine, region.lab.cloud, StateFile(str(region.directory / f"{host}.json")), False, patience=120
            )
            (outcome,) = converger.converge([spec], [])
            assert not outcome.detail, outcome.detail
            assert (outcome.action, outcome.state) == ("replace", "done")
    writer.check()
    assert writer.gap < 10
    for model in region.models.values():
        for item in (item for item in model["containers"] if item["name"] == "mariadb"):
            item["config_digest"] = "changed"
    assert region.synced()


def test_another_member_writes_when_the_writer_dies_and_none_may_stop_then(region: Region) -> None:
    with Writer(region) as writer:
        region.kill("h1")
        time.sleep(9)
        refused = region.lab.engine.exec(region.name("h2"), ["galera", "may-stop"])
        assert refused.rc == 1 and f"{HOSTS['h1']} is not synced" in refused.output
        assert actions(region.site()) == {"h1": "rejoin"}
    writer.check()
    assert writer.gap < 12
    assert region.synced()


def test_a_member_that_lost_its_volume_joins_again(region: Region) -> None:
    with Writer(region) as writer:
        run("docker", "rm", "-f", region.name("h2"))
        run("docker", "volume", "rm", region.name("h2", "mariadb_data"))
        assert actions(region.site()) == {"h2": "join"}
    writer.check()


def test_it_comes_back_by_itself_after_all_were_killed_while_a_client_wrote(region: Region) -> None:
    with Writer(region) as writer:
        region.kill(*HOSTS)
        for host in ("h3", "h1", "h2"):
            run("docker", "start", region.name(host))
            time.sleep(3)
        print(f"back {region.wait(region.synced, 240):.0f} s after the last was started")
    writer.check()


def test_after_a_clean_stop_the_newest_goes_on(region: Region) -> None:
    with Writer(region) as writer:
        pass
    for number, host in enumerate(("h1", "h3", "h2"), start=1):
        region.written += 1
        region.sql("h2", f"INSERT INTO w.t VALUES ({region.written})")
        run("docker", "stop", "-t", "60", region.name(host))
        assert number
    count = region.written
    assert actions(region.site("h1", "h3")) == {"h1": "refuse", "h3": "refuse"}
    assert actions(region.site()) == {"h2": "recover", "h1": "rejoin", "h3": "rejoin"}
    writer.check()
    assert all(str(count) in region.sql(host, f"SELECT n FROM w.t WHERE n = {count}") for host in HOSTS)
    # the permission is used up
    for host in HOSTS:
        assert region.lab.engine.exec(region.name(host), ["test", "-e", "/var/lib/mysql/bootstrap"]).rc == 1


def test_an_operator_gives_up_the_data_of_a_lost_host(region: Region) -> None:
    for host in ("h1", "h3", "h2"):
        run("docker", "stop", "-t", "60", region.name(host))
    run("docker", "rm", region.name("h2"))
    run("docker", "volume", "rm", region.name("h2", "mariadb_data"))
    assert actions(region.site("h1", "h3")) == {"h1": "refuse", "h3": "refuse"}
    assert actions(region.site("h1", "h3", lost=["h2"])) == {"h3": "recover", "h1": "rejoin"}
    assert actions(region.site()) == {"h2": "join"}
    assert region.synced()


def test_it_becomes_one_server_and_a_cluster_again_with_all_that_was_written(region: Region, tmp_path: pathlib.Path) -> None:
    three = region.models
    (former,) = region.clusters()
    region.define(models(tmp_path, "one"))
    with pytest.raises(AssertionError, match=f"members of its cluster run on {HOSTS['h2']}, {HOSTS['h3']}"):
        region.site("h1")
    for host in ("h2", "h3"):
        run("docker", "stop", "-t", "60", region.name(host))
        run("docker", "rm", region.name(host))
    region.site("h1")
    state = region.lab.engine.container(region.name("h1"))
    assert state and LABEL_CLUSTER not in state.labels
    region.written += 1
    region.sql("h1", f"INSERT INTO w.t VALUES ({region.written})")
    # the load balancers of the other hosts
    region.site()
    with Writer(region) as writer:
        run("docker", "restart", region.name("h1"))
    # connections wait
    assert len(writer.errors) <= 1
    region.define(three)
    # what they have is of the former cluster, and older
    assert set(actions(region.site()).values()) == {"refuse"}
    for host in ("h2", "h3"):
        run("docker", "volume", "rm", region.name(host, "mariadb_data"))
    with Writer(region) as writer:
        assert actions(region.site()) == {"h1": "seed", "h2": "join", "h3": "join"}
    writer.check()
    assert len(writer.errors) <= 1
    assert writer.gap < 30
    assert region.synced()
    assert all(region.sql(host, f"SELECT n FROM w.t WHERE n = {region.written}") for host in HOSTS)
    assert len(set(region.rows().values())) == 1
    print("former cluster", former, "now", region.clusters())
