# SPDX-License-Identifier: Apache-2.0
"""OVN's databases on one host and on three: what the definitions say, and what the script of the clusters asks and does."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml

from tests.unit.roles.rendering import ROOT, Host, render
from tests.unit.roles.test_definitions import HOST_CAPABILITIES_OF

HOSTS = {"control1": "192.0.2.11", "control2": "192.0.2.12", "control3": "192.0.2.13"}
REMOTES = "tcp:192.0.2.11:6641,tcp:192.0.2.12:6641,tcp:192.0.2.13:6641"
SCRIPT: str = yaml.safe_load((ROOT / "roles/ovn/vars/main/cluster.yml").read_text("utf-8"))["ovn_cluster_script"]


# -- what the definitions say -----------------------------------------------------------------------------------


def models(directory: pathlib.Path, *group: str) -> dict[str, Host]:
    hosts = {host: {"cloud_address": address} for host, address in HOSTS.items()}
    children: dict[str, t.Any] = {name: {"hosts": {"control1": {}}} for name in ("control", "network")}
    children |= {"compute": {"hosts": {host: {} for host in HOSTS}}, "ovn": {"hosts": {host: {} for host in group}}}
    inventory = directory / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "children": children, "vars": {"ovn_group": "ovn"}}}))
    return render(inventory, directory, {"cloud_release": "2026.1", "cloud_host_capabilities": HOST_CAPABILITIES_OF["2026.1"]})


def named(items: list[dict[str, t.Any]], name: str) -> dict[str, t.Any]:
    return next(item for item in items if item["name"] == name)


def test_three_hosts_have_clusters_and_all_clients_know_all_servers(tmp_path: pathlib.Path) -> None:
    found = models(tmp_path, *HOSTS)
    for host in HOSTS:
        for container in ("ovn_nb_db", "ovn_sb_db"):
            item = named(found[host]["containers"], container)
            assert (item["members"], item["cluster"] is not None, item["stop_check"] is not None) == (HOSTS, True, True)
            assert "ovn_nb_db_create" not in [job["name"] for job in found[host]["jobs"]]
        northd = named(found[host]["containers"], "ovn_northd")["command"]
        assert f"--ovnnb-db={REMOTES}" in northd and f"--ovnsb-db={REMOTES.replace('6641', '6642')}" in northd
        settings = named(found[host]["jobs"], "openvswitch_settings")["container"]["command"]
        assert f"external_ids:ovn-remote={REMOTES.replace('6641', '6642')}" in settings
        assert "external_ids:ovn-remote-probe-interval=5000" in settings
    control = found["control1"]
    assert named(control["containers"], "neutron_ovn_maintenance")["healthcheck"]["test"] == [
        "CMD-SHELL",
        "healthcheck-amqp 192.0.2.11 6641 || healthcheck-amqp 192.0.2.12 6641 || healthcheck-amqp 192.0.2.13 6641",
    ]
    for name in ("neutron_api/config/ml2_conf.ini", "neutron_ovn_agent/config/ovn_agent.ini"):
        content = next(file["content"] for file in control["files"] if file["path"] == name)
        assert f"ovn_nb_connection = {REMOTES}" in content
        assert "ovsdb_probe_interval = 5000" in content
    assert {gate["agent"]["northbound"] for gate in control["gates"] if gate["container"] == "neutron_ovn_agent"} == {REMOTES}


def test_one_host_has_a_standalone_database(tmp_path: pathlib.Path) -> None:
    control = models(tmp_path, "control1")["control1"]
    item = named(control["containers"], "ovn_nb_db")
    assert (item["cluster"], item["stop_check"], item["ready"], item["after"]) == (None, None, None, ["ovn_nb_db_create"])
    assert item["healthcheck"]["test"] == ["CMD", "ovsdb-client", "--timeout=5", "list-dbs", "unix:/run/ovn/ovnnb_db.sock"]
    agent = named(control["containers"], "neutron_ovn_agent")
    assert agent["healthcheck"]["test"] == ["CMD", "healthcheck-amqp", "192.0.2.11", "6642"]
    assert not [file["path"] for file in control["files"] if "ovsdb_probe_interval" in file["content"]]
    assert "probe-interval" not in str(named(control["jobs"], "openvswitch_settings"))


# -- the script -------------------------------------------------------------------------------------------------

SERVERS = {"aaaa": "192.0.2.11", "bbbb": "192.0.2.12", "cccc": "192.0.2.13"}


class Member:
    """The member aaaa: what its tools and the other servers answer, and what was done with the tools."""

    def __init__(self, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.rows: dict[str, dict[str, t.Any]] = {
            address: {"model": "clustered", "connected": True, "leader": key == "bbbb", "index": 7, "cid": ["uuid", "f00d"]}
            for key, address in SERVERS.items()
        }
        self.servers = dict(SERVERS)
        self.log = ""
        self.cid: str | None = None
        self.timer = 1000
        self.done: list[tuple[str, ...]] = []
        monkeypatch.setattr(subprocess, "run", self._run)
        self._monkeypatch = monkeypatch

    @property
    def file(self) -> pathlib.Path:
        return self.directory / "nb.db"

    def call(self, verb: str, *arguments: str, **environment: str) -> t.Any:
        """Run the script and return what it prints, or the message with which it ends."""
        printed: list[str] = []
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(sys, "argv", ["-c", verb, "nb", "6641", "6643", *arguments])
        text = SCRIPT.replace("/var/lib/ovn/", f"{self.directory}/").replace("time.sleep", "(lambda seconds: None)")
        try:
            exec(compile(text, "ovn_cluster_script", "exec"), {"print": printed.append})
        except SystemExit as end:
            return str(end.code)
        return json.loads(printed[0]) if printed else ""

    def _run(self, command: tuple[str, ...], **_options: t.Any) -> subprocess.CompletedProcess[str]:
        rc, text = self._answer(*command)
        return subprocess.CompletedProcess(command, rc, text)

    def _answer(self, tool: str, *words: str) -> tuple[int, str]:
        if tool == "ovsdb-client" and "query" in words:
            server = words[2]
            address = "192.0.2.11" if server.startswith("unix:") else server.split(":")[1]
            row = self.rows.get(address)
            return (0, json.dumps([{"rows": [row]}])) if row else (1, "")
        if tool == "ovsdb-tool":
            return self._file(*words)
        if "cluster/status" in words:
            lines = [f"    {key} ({key} at tcp:{address}:6643) (self)" for key, address in self.servers.items()]
            return 0, f"Server ID: aaaa (aaaa-1)\nElection timer: {self.timer}\nServers:\n" + "\n".join(lines)
        if "cluster/change-election-timer" in words:
            assert int(words[-1]) <= 2 * self.timer
            self.timer = int(words[-1])
        self.done.append(tuple(words[3:] if tool == "ovn-appctl" else (tool, *words)))
        return 0, ""

    def _file(self, verb: str, *words: str) -> tuple[int, str]:
        match verb:
            case "db-is-clustered":
                return (0 if self.file.read_text() == "clustered" else 2), ""
            case "db-cid":
                return (0, f"{self.cid}\n") if self.cid else (1, "cluster ID not yet known")
            case "show-log":
                return 0, self.log
            case "needs-conversion":
                return 0, "no\n"
        self.done.append((verb, *words))
        for word in words:  # whatever is made
            if word.startswith(str(self.directory)):
                pathlib.Path(word).write_text("standalone" if verb == "cluster-to-standalone" else "clustered")
                break
        return 0, ""


@pytest.fixture
def member(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Member:
    return Member(tmp_path, monkeypatch)


SEED = {"CLUSTER_ADDRESS": "192.0.2.11", "CLUSTER_MEMBERS": " ".join(SERVERS.values()), "CLUSTER_PEERS": ""}
LOG = """record 0:
 cluster_id: f00d
 prev_index: 5
 prev_servers: aaaa("tcp:192.0.2.11:6643")

record 1:
 term: 2
 index: 9
 servers: {}
"""
THREE = LOG.format(", ".join(f'{key}("tcp:{address}:6643")' for key, address in SERVERS.items()))


def test_a_running_member_says_what_its_server_says(member: Member) -> None:
    member.file.write_text("clustered")
    assert member.call("facts") == {"data": True, "cluster": "f00d", "position": 7, "serving": True}
    member.rows["192.0.2.11"]["connected"] = False
    assert member.call("facts")["serving"] is False


def test_a_stopped_member_is_as_new_as_its_log(member: Member) -> None:
    member.rows.clear()
    assert member.call("facts") == {"data": False}
    member.file.write_text("standalone")
    assert member.call("facts") == {"data": True, "serving": False}
    member.file.write_text("clustered")
    member.log, member.cid = THREE, "f00d"
    assert member.call("facts") == {"data": True, "cluster": "f00d", "position": 9}


@pytest.mark.parametrize(("cid", "log"), [(None, THREE), ("f00d", THREE + '\nrecord 2:\n comment: "this server left"\n note: "left"\n')])
def test_one_that_has_not_joined_or_was_removed_has_no_data_and_joins_again(member: Member, cid: str | None, log: str) -> None:
    member.rows.clear()
    member.file.write_text("clustered")
    member.log, member.cid = log, cid
    assert member.call("facts") == {"data": False}
    member.call("join", **SEED | {"CLUSTER_PEERS": "192.0.2.12 2001:db8::13"})
    joined = ("join-cluster", str(member.file), "OVN_Northbound", "tcp:192.0.2.11:6643", "tcp:192.0.2.12:6643", "tcp:[2001:db8::13]:6643")
    assert member.done == [joined]


def test_a_cluster_is_founded_from_the_data_and_once(member: Member) -> None:
    member.file.write_text("standalone")
    member.call("seed", "2000", **SEED)
    new = f"{member.file}.new"
    assert member.done == [("--election-timer=2000", "create-cluster", new, str(member.file), "tcp:192.0.2.11:6643")]
    assert (member.file.read_text(), pathlib.Path(new).exists()) == ("clustered", False)
    member.log, member.cid = THREE, "f00d"
    member.call("seed", "2000", **SEED)
    member.call("join", **SEED)
    assert len(member.done) == 1


def test_a_standalone_file_is_not_thrown_away_to_join(member: Member) -> None:
    member.file.write_text("standalone")
    assert "is a standalone database; remove the volume" in member.call("join", **SEED)
    assert member.done == []


def test_a_member_stops_if_a_majority_is_left(member: Member) -> None:
    assert member.call("stop_check") == ""
    member.rows["192.0.2.13"]["connected"] = False
    refusal = "no majority of OVN_Northbound would be left without this member; silent or without a majority: 192.0.2.13"
    assert member.call("stop_check") == refusal
    # one that was removed holds nobody up
    del member.rows["192.0.2.11"]
    assert member.call("stop_check") == ""


def test_a_member_is_ready_when_it_has_caught_up(member: Member) -> None:
    assert member.call("ready", *SERVERS.values()) == ""
    member.rows["192.0.2.12"]["index"] = 8
    assert member.call("ready", *SERVERS.values()) == "OVN_Northbound lags behind its leader"
    member.rows["192.0.2.11"]["connected"] = False
    assert member.call("ready", *SERVERS.values()) == "OVN_Northbound is not connected to its cluster"
    assert member.done == []


def test_the_former_id_of_this_member_is_removed_and_hosts_that_left(member: Member) -> None:
    member.servers |= {"dddd": "192.0.2.11", "eeee": "192.0.2.14"}
    said = member.call("ready", *SERVERS.values())
    assert member.done == [("cluster/kick", "OVN_Northbound", "dddd"), ("cluster/kick", "OVN_Northbound", "eeee")]
    assert said == "waiting until OVN_Northbound has removed dddd at 192.0.2.11, eeee at 192.0.2.14"


def test_leadership_moves_only_from_a_leader(member: Member) -> None:
    assert (member.call("drain"), member.done) == ("", [])
    member.rows["192.0.2.11"]["leader"] = True
    assert member.call("drain") == "no other member of OVN_Northbound takes over the leadership"
    assert set(member.done) == {("cluster/failure-test", "transfer-leadership")}
    member.done.clear()
    member.rows["192.0.2.11"] = {"model": "standalone", "connected": True, "leader": True}
    assert (member.call("drain"), member.done) == ("", [])


def test_the_leader_changes_the_election_timer_in_steps(member: Member) -> None:
    member.call("timer", "5000")
    assert member.done == []
    member.rows["192.0.2.11"]["leader"] = True
    member.call("timer", "5000")
    assert [words[-1] for words in member.done] == ["2000", "4000", "5000"]


def test_a_lost_majority_is_given_up_only_if_it_is_named(member: Member) -> None:
    member.file.write_text("clustered")
    member.log, member.cid = THREE, "f00d"
    assert (member.call("recover", "2000", **SEED), member.done) == ("", [])
    assert (member.call("recover", "2000", "192.0.2.12", **SEED), member.done) == ("", [])
    assert member.call("recover", "2000", "192.0.2.12", "192.0.2.13", **SEED) == ""
    alone = f"{member.file}.alone"
    assert [words[:2] for words in member.done] == [("cluster-to-standalone", alone), ("--election-timer=2000", "create-cluster")]
    assert member.done[1][3] == alone


def test_others_with_data_must_go_before_one_goes_on_alone(member: Member) -> None:
    member.file.write_text("clustered")
    member.servers |= {"dddd": "192.0.2.14", "eeee": "192.0.2.15"}
    member.log = LOG.format(", ".join(f'{key}("tcp:{address}:6643")' for key, address in member.servers.items()))
    said = member.call("recover", "2000", "192.0.2.13", "192.0.2.14", "192.0.2.15", **SEED)
    assert "remove the volumes of 192.0.2.12, too" in said
    assert member.done == []


def test_the_last_host_removes_the_others_before_it_goes_on_alone(member: Member) -> None:
    member.file.write_text("clustered")
    member.call("dissolve")
    # one at a time
    assert set(member.done) == {("cluster/kick", "OVN_Northbound", "bbbb")}
    assert member.file.read_text() == "clustered"
    # one that is dead first: the majority that removes it is needed for the next one
    member.rows["192.0.2.12"] = {"model": "clustered", "connected": True}
    member.rows.pop("192.0.2.13", None)
    member.done.clear()
    member.call("dissolve")
    assert set(member.done) == {("cluster/kick", "OVN_Northbound", "cccc")}
    member.servers = {"aaaa": "192.0.2.11"}
    member.done.clear()
    assert member.call("dissolve") == ""
    assert member.done[-1][0] == "cluster-to-standalone"
    assert member.file.read_text() == "standalone"
    # a standalone database is left alone
    member.rows["192.0.2.11"] = {"model": "standalone", "connected": True}
    member.done.clear()
    assert (member.call("dissolve"), member.done) == ("", [])
