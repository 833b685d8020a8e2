# SPDX-License-Identifier: Apache-2.0
"""What a member of the broker's cluster says of itself and is told: the scripts with stand-ins for the broker's tools."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import typing as t

import jinja2
import pytest
import yaml

ROLE = pathlib.Path(__file__).parents[3] / "roles/rabbitmq"
MEMBERS = ["192.0.2.11", "192.0.2.12", "192.0.2.13"]
#: Answers of erl_call from files named ADDRESS.FUNCTION; other tools write down how they were called.
ERL_CALL = """#!/bin/sh
cat "$ANSWERS/${2%:*}.$(echo "$4" | cut -d ' ' -f 2)"
"""
TOOL = """#!/bin/sh
echo "$(basename "$0") $*" >>"$ANSWERS/called"
cat "$ANSWERS/output" 2>/dev/null || true
"""


class Member:
    """The scripts of 192.0.2.11."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
        text = environment.from_string((ROLE / "templates/member.j2").read_text("utf-8")).render(
            cloud_address=MEMBERS[0],
            cloud_broker_hosts=MEMBERS,
            rabbitmq_distribution_port=25672,
            rabbitmq_formation_file=directory / "formation.conf",
        )
        self.script = directory / "member"
        for there, here in (("PATH=/usr/lib/rabbitmq/bin:", "PATH="), ("sleep 1", "exit 75"), ("/etc/rabbitmq", str(directory))):
            text = text.replace(there, here)
        self.script.write_text(text, "utf-8")
        (directory / "cookie").write_text("secret\n")
        for name, content in {"erl_call": ERL_CALL, **dict.fromkeys(("rabbitmqctl", "rabbitmq-queues", "rabbitmq-upgrade"), TOOL)}.items():
            (directory / name).write_text(content)
            (directory / name).chmod(0o755)

    def node(self, address: str, running: bool, *members: str, alone: bool = False) -> None:
        """Say what a node answers; those of *members* with a plus run. One that is *alone* was started without a cluster."""
        named = [f"'rabbit@{member.strip('+')}'" for member in members]
        (self.directory / f"{address}.getenv").write_text("false" if alone else json.dumps(str(self.directory / "formation.conf")))
        (self.directory / f"{address}.is_running").write_text("true" if running else "false")
        (self.directory / f"{address}.list_members").write_text(f"[{', '.join(named)}]")
        up = [name for name, member in zip(named, members, strict=True) if member.startswith("+")]
        (self.directory / f"{address}.list_running").write_text(f"[{', '.join(up)}]")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        values = {**os.environ, "PATH": f"{self.directory}:{os.environ['PATH']}", "ANSWERS": str(self.directory), **environment}
        values["HOME"] = str(self.directory)
        return subprocess.run(["bash", self.script, *arguments], capture_output=True, text=True, env=values, timeout=30, check=False)

    def called(self) -> list[str]:
        path = self.directory / "called"
        return path.read_text().splitlines() if path.exists() else []

    def formation(self) -> list[str]:
        return (self.directory / "formation.conf").read_text().splitlines()


@pytest.fixture
def member(tmp_path: pathlib.Path) -> Member:
    return Member(tmp_path)


def all_run(*extra: str) -> list[str]:
    return [f"+{address}" for address in (*MEMBERS, *extra)]


def test_the_first_one_joins_nobody(member: Member) -> None:
    assert member.run("seed").returncode == 0
    assert member.formation() == ["cluster_formation.classic_config.nodes.1 = rabbit@192.0.2.11"]
    cookie = member.directory / ".erlang.cookie"
    assert (cookie.read_text(), cookie.stat().st_mode & 0o777) == ("secret\n", 0o400)


def test_a_new_one_waits_until_a_peer_serves(member: Member) -> None:
    member.node("192.0.2.12", False, "+192.0.2.12")
    assert member.run("join", CLUSTER_PEERS="192.0.2.12").returncode == 75
    assert not (member.directory / "formation.conf").exists()
    member.node("192.0.2.12", True, "+192.0.2.12")
    assert member.run("join", CLUSTER_PEERS="192.0.2.12").returncode == 0
    assert member.called() == []
    prefix = "cluster_formation.classic_config.nodes."
    assert member.formation() == [f"{prefix}1 = rabbit@192.0.2.12", f"{prefix}2 = rabbit@192.0.2.11"]


def test_a_new_one_waits_until_the_only_broker_has_become_a_member(member: Member) -> None:
    """It serves until it starts again, and who joins it then would be left alone."""
    member.node("192.0.2.12", True, "+192.0.2.12", alone=True)
    assert member.run("join", CLUSTER_PEERS="192.0.2.12").returncode == 75
    assert not (member.directory / "formation.conf").exists()


def test_one_that_lost_its_data_is_forgotten_first(member: Member) -> None:
    member.node("192.0.2.13", True, "192.0.2.11", "+192.0.2.12", "+192.0.2.13")
    assert member.run("join", CLUSTER_PEERS="192.0.2.12 192.0.2.13").returncode == 0
    assert member.called() == ["rabbitmqctl -q -n rabbit@192.0.2.13 forget_cluster_node rabbit@192.0.2.11"]


def test_it_stops_only_if_a_majority_remains(member: Member) -> None:
    member.node("192.0.2.11", True, *all_run())
    assert member.run("may-stop").returncode == 0
    assert member.called() == ["rabbitmq-upgrade -q await_online_quorum_plus_one --timeout 90"]
    member.node("192.0.2.11", True, "+192.0.2.11", "+192.0.2.12", "192.0.2.13")
    refused = member.run("may-stop")
    assert (refused.returncode, refused.stdout) == (1, "no majority of the cluster would be left: no contact with 192.0.2.13\n")
    # one that serves nobody is no loss
    member.node("192.0.2.11", False)
    assert member.run("may-stop").returncode == 0


@pytest.mark.parametrize(("members", "healthy"), [(all_run(), True), (["+192.0.2.11", "+192.0.2.13"], True), (["+192.0.2.11"], False)])
def test_a_member_that_nobody_knows_is_not_healthy(member: Member, members: list[str], healthy: bool) -> None:
    member.node("192.0.2.11", True, *members)
    done = member.run("in-majority")
    assert (done.returncode == 0) == healthy
    assert healthy or done.stdout.endswith("no contact with 192.0.2.12 192.0.2.13\n")


def test_it_is_ready_with_a_copy_of_each_queue(member: Member) -> None:
    member.node("192.0.2.11", True, *all_run())
    assert member.run("ready").returncode == 0
    assert member.called() == ["rabbitmq-queues -q grow rabbit@192.0.2.11 all --errors-only"]
    (member.directory / "output").write_text("| / | reply | 2 | error: timeout |")
    assert member.run("ready").returncode == 1


def test_whoever_left_the_inventory_leaves_the_cluster(member: Member) -> None:
    member.node("192.0.2.11", True, *all_run("192.0.2.14"), "192.0.2.15")
    member.node("192.0.2.14", True)
    assert member.run("forget-others").returncode == 0
    left = "rabbitmqctl -q -n rabbit@192.0.2.14"
    assert member.called() == [
        "rabbitmq-queues -q shrink rabbit@192.0.2.14",
        f"{left} stop_app",
        f"{left} reset",
        "rabbitmqctl -q -n rabbit@192.0.2.11 forget_cluster_node rabbit@192.0.2.15",
    ]


def test_it_says_for_whom_it_waits(member: Member) -> None:
    data = member.directory / "noted"
    data.write_text("['rabbit@192.0.2.11','rabbit@192.0.2.12',\n 'rabbit@192.0.2.13'].\n")
    member.script.write_text(
        member.script.read_text().replace("/var/lib/rabbitmq/mnesia/$RABBITMQ_NODENAME/nodes_running_at_shutdown", str(data))
    )
    member.node("192.0.2.11", False)
    member.node("192.0.2.12", True)
    assert member.run("explain").stdout == (
        "it does not serve yet; for up to 300 s it waits for the members that ran when it stopped: 192.0.2.13\n"
    )


# -- what it knows of itself ------------------------------------------------------------------------------------


def facts(member: Member, **files: str) -> dict[str, t.Any]:
    data = member.directory / "mnesia"
    data.mkdir(exist_ok=True)
    for name, text in files.items():
        (data / name.replace("__", ".")).write_text(text)
    script = yaml.safe_load((ROLE / "vars/main/cluster.yml").read_text("utf-8"))["rabbitmq_facts"]
    script = script.replace("/var/lib/rabbitmq/mnesia/$RABBITMQ_NODENAME", str(data))
    values = {"PATH": f"{member.directory}:{os.environ['PATH']}", "ANSWERS": str(member.directory)}
    values |= {"ERL_EPMD_ADDRESS": "192.0.2.11", "RABBITMQ_DIST_PORT": "25672"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=values, timeout=30, check=True)
    found: dict[str, t.Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def nodes(*numbers: int) -> str:
    return "[" + ",".join(f"'rabbit@192.0.2.{number}'" for number in numbers) + "]"


def test_the_last_one_to_stop_has_the_highest_position(member: Member) -> None:
    assert facts(member, cluster_nodes__config=f"{{{nodes(11)},{nodes(11)}}}.") == {"data": False}
    known = f"{{{nodes(11, 12, 13)},\n{nodes(11, 12, 13)}}}."
    store = {"schema__DAT": "", "LATEST__LOG": "\0rabbitmq-cluster-id-f19E_bAy-\0", "cluster_nodes__config": known}
    orders = (nodes(11, 12, 13), nodes(12, 13), nodes(13))
    positions = [facts(member, nodes_running_at_shutdown=f"{running}.", **store)["position"] for running in orders]
    assert positions == [0, 1, 2]
    assert facts(member) == {"cluster": "rabbitmq-cluster-id-f19E_bAy-", "position": 2, "serving": False}
    member.node("192.0.2.11", True)
    assert facts(member)["serving"] is True
