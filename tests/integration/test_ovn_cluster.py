# SPDX-License-Identifier: Apache-2.0
"""OVN's databases as a cluster of three: formed, changed, damaged, shrunk and grown, with servers of the collection's image.

The hosts are three addresses of this machine. Each has the container of its definition under a name of its own, and what the engine
decides and does about it is what happens in a run of ``site``. A client writes all the while where users would not notice anything.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import json
import pathlib
import subprocess
import threading
import time
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import members
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Converger
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import Outcome
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import cluster
from tests.definitions import switches
from tests.unit.roles.rendering import render
from tests.unit.roles.test_definitions import HOST_CAPABILITIES_OF

from .conftest import Lab

pytestmark = pytest.mark.long

HOSTS = {"control1": "127.0.31.1", "control2": "127.0.31.2", "control3": "127.0.31.3"}
REMOTES = ",".join(f"tcp:{address}:6641" for address in HOSTS.values())
RELEASE = "2026.1"
CHANGED = {"containers": [{"name": "ovn_nb_db", "env": {"CHANGED": "yes"}}]}
LIMIT = 8.0  # seconds without a write that a failing leader may cost; the machine is shared


class Region:
    """The hosts of the group with their containers."""

    def __init__(self, lab: Lab, directory: pathlib.Path) -> None:
        self.lab, self.directory = lab, directory
        self.settings: dict[str, t.Any] = {}
        self._rendered: dict[tuple[str, ...], dict[str, t.Any]] = {}

    def name(self, host: str) -> str:
        return self.lab.name(f"{host}-nb")

    def _definition(self, group: tuple[str, ...], **settings: t.Any) -> dict[str, t.Any]:
        key = (*group, *(f"{name}={value}" for name, value in settings.items()))
        if key not in self._rendered:
            directory = self.directory / str(len(self._rendered))
            directory.mkdir()
            hosts = {host: {"ansible_host": address, "ansible_connection": "local"} for host, address in HOSTS.items()}
            one: dict[str, t.Any] = {"hosts": {"control1": {}}}
            children = {"control": one, "network": one, "compute": {"hosts": {host: {} for host in HOSTS}}}
            children["ovn"] = {"hosts": {host: {} for host in group}}
            inventory = directory / "hosts.yml"
            inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "children": children, "vars": {"ovn_group": "ovn"}}}))
            variables = {"cloud_release": RELEASE, "cloud_host_capabilities": HOST_CAPABILITIES_OF[RELEASE], **switches(), **settings}
            self._rendered[key] = render(inventory, directory, variables)
        return self._rendered[key]

    def _own(self, host: str, spec: ContainerSpec) -> ContainerSpec:
        run = self.directory / f"run-{host}"
        run.mkdir(exist_ok=True)
        volumes = [f"{self.name(host)}:/var/lib/ovn", f"{run}:/run/ovn"]
        return dataclasses.replace(spec, name=self.name(host), image=self.lab.image("ovn"), volumes=volumes, after=[])

    def specs(self, *group: str, **settings: t.Any) -> tuple[dict[str, ContainerSpec], dict[str, list[JobSpec]]]:
        """Return the container of each host of the group, and its jobs that run at the start."""
        found, jobs = {}, collections.defaultdict[str, list[JobSpec]](list)
        for host, model in self._definition(group, **settings).items():
            for item in model["containers"]:
                if item["name"] == "ovn_nb_db":
                    found[host] = self._own(host, dataclass_spec.construct(ContainerSpec, item))
            for item in model["jobs"]:
                job = dataclass_spec.construct(JobSpec, item)
                if job.place == "ovn_nb_db" and not job.name.endswith("_convert"):
                    after = [self.name(host)] if job.after else []
                    name = f"{self.name(host)}-{job.name}"
                    place = dataclasses.replace(self._own(host, job.container), name=name)
                    jobs[host].append(dataclasses.replace(job, name=name, container=place, after=after))
                    if not after:
                        found[host].after = [name]
        return found, jobs

    def site(self, *group: str, turns: bool = False, **settings: t.Any) -> dict[str, str]:
        """Bring the group to its definition, host by host in *turns*, and return what was done about each container."""
        specs, jobs = self.specs(*(group or HOSTS), **{**self.settings, **settings})
        reports = {
            host: members.report(self.lab.engine, self.lab.cloud, spec, spec.cluster) for host, spec in specs.items() if spec.cluster
        }
        starts = cluster.decide(reports) if reports else {}
        if wrong := [start.reason for start in starts.values() if start.action == "refuse"]:
            raise EngineError("; ".join(wrong))

        def host(name: str) -> list[Outcome]:
            own = {specs[name].name: starts[name]} if name in starts else {}
            state = StateFile(str(self.directory / f"state-{name}.json"))
            return Converger(self.lab.engine, self.lab.cloud, state, False, 150, starts=own).converge([specs[name]], jobs[name])

        with concurrent.futures.ThreadPoolExecutor(1 if turns else 3) as pool:
            done = dict(zip(specs, pool.map(host, specs), strict=True))
        failed = [f"{name}: {item.detail}" for name, outcomes in done.items() for item in outcomes if item.state != "done"]
        if failed:
            raise EngineError("\n".join(failed))
        return {name: item.action for name, outcomes in done.items() for item in outcomes if item.kind == "container"}

    def remove(self, host: str, volume: bool = False) -> None:
        self.lab.client.remove_container(self.name(host), force=True)
        if volume:
            self.lab.client.remove_volume(self.name(host))

    def kill(self, *hosts: str) -> None:
        """Kill servers as the kernel would, so that the engine starts them again."""
        for host in hosts:
            pid = self.lab.client.inspect_container(self.name(host))["State"]["Pid"]
            subprocess.run(["kill", "-9", str(pid)], check=True)

    def stop(self, *hosts: str) -> None:
        for host in hosts:
            self.lab.client.stop(self.name(host))

    # -- what the servers say -----------------------------------------------------------------------------------

    def run(self, host: str, *command: str) -> str:
        result = self.lab.engine.exec(self.name(host), list(command))
        assert result.rc == 0, result.output
        return result.stdout

    def server(self, host: str) -> dict[str, t.Any]:
        columns = ["connected", "leader", "index", "cid", "sid", "model"]
        where = [["name", "==", "OVN_Northbound"]]
        query = ["_Server", {"op": "select", "table": "Database", "where": where, "columns": columns}]
        rows = json.loads(self.run(host, "ovsdb-client", "--timeout=5", "query", "unix:/run/ovn/ovnnb_db.sock", json.dumps(query)))
        return rows[0]["rows"][0] if rows[0]["rows"] else {}

    def serving(self) -> dict[str, dict[str, t.Any]]:
        """Return what all servers say when all are connected, after an election if one is due."""
        deadline = time.monotonic() + 60
        while True:
            try:
                found = {host: self.server(host) for host in HOSTS}
                if all(row.get("connected") for row in found.values()) and any(row["leader"] for row in found.values()):
                    return found
            except (AssertionError, EngineError):  # one is being started by the engine
                pass
            assert time.monotonic() < deadline, "not all servers are connected"
            time.sleep(0.3)

    def leader(self) -> str:
        return next(host for host, row in self.serving().items() if row["leader"])

    def status(self, host: str) -> str:
        return self.run(host, "ovn-appctl", "-t", "/run/ovn/ovnnb_db.ctl", "cluster/status", "OVN_Northbound")

    def ids(self, host: str) -> set[str]:
        lines = self.status(host).partition("Servers:\n")[2].splitlines()
        return {line.split()[0] for line in lines if " at tcp:" in line}

    def switches(self, host: str, remotes: str = REMOTES) -> set[str]:
        options = ["--timeout=20", "--no-leader-only", f"--db={remotes}", "--format=csv", "--no-headings", "--columns=name"]
        listed = self.run(host, "ovn-nbctl", *options, "list", "Logical_Switch")
        return set(listed.split())

    def add(self, host: str, name: str, remotes: str = REMOTES) -> None:
        self.run(host, "ovn-nbctl", "--timeout=20", f"--db={remotes}", "ls-add", name)


@dataclasses.dataclass
class Writer:
    """Writes with a new client each time, about ten times a second, until it is stopped; a failed write is not tried again."""

    lab: Lab
    container: str
    written: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    gap: float = 0.0

    def __enter__(self) -> Writer:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        return self

    def __exit__(self, *_caught: object) -> None:
        self._done.set()
        self._thread.join()
        print(f"{self.written} writes, {len(self.failed)} failed, longest gap {self.gap:.1f} s")

    def _work(self) -> None:
        last = time.monotonic()
        while not self._done.wait(0.05):
            command = ["ovn-nbctl", "--timeout=20", f"--db={REMOTES}", "set", "NB_Global", ".", f"external_ids:n={self.written}"]
            result = self.lab.engine.exec(self.container, command)
            if result.rc:
                self.failed.append(result.output)
                continue
            self.written, self.gap, last = self.written + 1, max(self.gap, time.monotonic() - last), time.monotonic()


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Region]:
    """Three hosts without anything."""
    lab = Lab(connect())
    try:
        yield Region(lab, tmp_path_factory.mktemp("ovn"))
    finally:
        lab.clean()


@pytest.fixture
def writer(region: Region) -> t.Iterator[Writer]:
    spec = ContainerSpec(
        name=region.lab.name("writer"), service="test", image=region.lab.image("ovn"), command=["sleep", "infinity"], stop_timeout=0
    )
    region.lab.engine.create(spec, region.lab.engine.image_id(spec.image) or "", region.lab.cloud)
    region.lab.engine.start(spec.name)
    yield Writer(region.lab, spec.name)
    region.lab.engine.remove(spec.name)


# -- the life of a cluster; each test goes on where the one before it ended -------------------------------------


def test_three_hosts_form_one_cluster(region: Region) -> None:
    assert region.site() == dict.fromkeys(HOSTS, "create")
    found = {host: region.server(host) for host in HOSTS}
    assert {(row["model"], row["connected"]) for row in found.values()} == {("clustered", True)}
    assert len({row["cid"][1] for row in found.values()}) == 1
    assert "Election timer: 2000" in region.status("control1")
    assert region.site() == dict.fromkeys(HOSTS, "none")


def test_a_standalone_database_becomes_the_cluster_with_its_rows(region: Region) -> None:
    for host in HOSTS:
        region.remove(host, volume=True)
    alone = f"tcp:{HOSTS['control1']}:6641"
    assert region.site("control1") == {"control1": "create"}
    assert region.server("control1")["model"] == "standalone"
    for number in range(20):
        region.add("control1", f"kept{number}", alone)
    assert region.site() == {"control1": "replace", "control2": "create", "control3": "create"}
    assert all(region.switches(host) == {f"kept{number}" for number in range(20)} for host in HOSTS)
    assert len(region.ids("control1")) == 3


def test_a_change_rolls_through_without_a_failed_write(region: Region, writer: Writer) -> None:
    with writer:
        region.settings = {"ovn_service_overrides": CHANGED}
        assert region.site(turns=True) == dict.fromkeys(HOSTS, "replace")
        time.sleep(1)
    assert writer.failed == []
    assert writer.written > 20 and writer.gap < LIMIT


def test_no_second_member_stops(region: Region) -> None:
    region.stop("control3")
    with pytest.raises(EngineError, match=r"no majority of OVN_Northbound would be left .*: 127\.0\.31\.3"):
        spec = region.specs(*HOSTS)[0]["control1"]  # without the change
        state = StateFile(str(region.directory / "state-control1.json"))
        outcome = Converger(region.lab.engine, region.lab.cloud, state, False, 60).converge([spec], [])[0]
        raise EngineError(outcome.detail)
    assert region.site() == {"control1": "none", "control2": "none", "control3": "start"}


def test_a_killed_leader_interrupts_for_an_election(region: Region, writer: Writer) -> None:
    with writer:
        time.sleep(2)
        region.kill(region.leader())
        time.sleep(6)
    assert writer.written > 20 and writer.gap < LIMIT
    region.serving()


def test_all_killed_come_back_with_the_last_write(region: Region) -> None:
    region.add(region.leader(), "last")
    region.kill(*HOSTS)
    region.serving()
    assert all("last" in region.switches(host) for host in HOSTS)


def test_a_member_whose_volume_is_lost_is_replaced(region: Region, writer: Writer) -> None:
    before = region.ids("control1")
    lost = region.server("control3")["sid"][1][:4]
    with writer:
        region.remove("control3", volume=True)
        assert region.site() == {"control1": "none", "control2": "none", "control3": "create"}
    after = region.ids("control1")
    assert len(after) == 3 and before - after == {lost}
    assert "last" in region.switches("control3", f"tcp:{HOSTS['control3']}:6641")
    assert region.site() == dict.fromkeys(HOSTS, "none")


def test_the_last_host_goes_on_with_a_standalone_file(region: Region) -> None:
    rows = region.switches("control1")
    assert region.site("control1") == {"control1": "replace"}
    assert region.server("control1")["model"] == "standalone"
    assert region.switches("control1", f"tcp:{HOSTS['control1']}:6641") == rows
    # the others do not serve the former data any more, and a run removes them
    assert region.server("control2") == region.server("control3") == {}
    for host in ("control2", "control3"):
        region.remove(host)
    region.add("control1", "alone", f"tcp:{HOSTS['control1']}:6641")


def test_it_grows_again_with_the_volumes_that_the_hosts_still_have(region: Region) -> None:
    assert region.site() == {"control1": "replace", "control2": "create", "control3": "create"}
    assert all("alone" in region.switches(host, f"tcp:{HOSTS[host]}:6641") for host in HOSTS)
    assert len(region.ids("control1")) == 3


def test_the_last_host_goes_on_though_another_one_is_dead(region: Region) -> None:
    rows = region.switches("control1")
    region.stop("control3")
    assert region.site("control1") == {"control1": "replace"}
    assert region.server("control1")["model"] == "standalone"
    assert region.switches("control1", f"tcp:{HOSTS['control1']}:6641") == rows
    region.remove("control2")
    # it has not learned that it was removed
    region.remove("control3", volume=True)
    assert region.site() == {"control1": "replace", "control2": "create", "control3": "create"}


def test_one_that_is_left_of_three_goes_on_when_the_others_are_given_up(region: Region) -> None:
    region.add("control1", "before")
    for host in ("control1", "control2"):
        region.remove(host, volume=True)
    region.stop("control3")
    region.site(ovn_lost_hosts=["control1", "control2"])
    assert len(region.ids("control3")) == 3
    assert all("before" in region.switches(host, f"tcp:{HOSTS[host]}:6641") for host in HOSTS)
    assert region.site() == dict.fromkeys(HOSTS, "none")
