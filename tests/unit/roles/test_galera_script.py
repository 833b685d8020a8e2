# SPDX-License-Identifier: Apache-2.0
"""What files/galera.sh of the role mariadb decides, with programs in its path that say what those of MariaDB would."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import typing as t

import pytest

SCRIPT = pathlib.Path(__file__).parents[3] / "roles/mariadb/files/galera.sh"
UUID, NOBODY = "0f6d2c4e-0000-11f1-8000-000000000001", "00000000-0000-0000-0000-000000000000"
OPTIONS = """
--wsrep_on=ON
--wsrep_node_address=192.0.2.1
--wsrep_cluster_address=gcomm://192.0.2.1,192.0.2.2,192.0.2.3
--port=13306
"""


class Member:
    """A member with its directory of data and its programs."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path, self.data = path, path / "data"
        self.data.mkdir()
        self.program("my_print_defaults", f"echo '{OPTIONS}'")
        self.program("mariadb", "exit 1")
        self.program("mariadbd", 'echo "mariadbd $*"')
        self.recovered(f"{UUID}:7")

    def program(self, name: str, text: str) -> None:
        path = self.path / name
        path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        path.chmod(0o755)

    def recovered(self, position: str) -> None:
        self.program("galera_recovery", f"echo --wsrep_start_position={position}")

    def status(self, **values: str) -> None:
        self.program("mariadb", "printf '" + "".join(f"wsrep_{name}\\t{value}\\n" for name, value in values.items()) + "'")

    def has(self, **files: str) -> Member:
        (self.data / "mysql").mkdir()
        for name, text in files.items():
            (self.data / name.replace("_dat", ".dat")).write_text(text, "utf-8")
        return self

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.path}:{os.environ['PATH']}", "GALERA_DATA": str(self.data), **variables}
        return subprocess.run(["sh", str(SCRIPT), *arguments], env=environment, capture_output=True, text=True, check=False)

    def facts(self) -> t.Any:
        return json.loads(self.run("facts").stdout)

    def start(self) -> str:
        return self.run("start").stdout.strip()


@pytest.fixture
def member(tmp_path: pathlib.Path) -> Member:
    return Member(tmp_path)


def test_a_member_finds_its_position_before_it_starts(member: Member) -> None:
    assert member.has().start() == f"mariadbd --wsrep_start_position={UUID}:7"


def test_one_without_data_or_with_a_part_of_them_gets_all_from_another(member: Member) -> None:
    assert member.start() == "mariadbd"
    assert member.has(sst_in_progress="").start() == "mariadbd"


def test_it_does_not_start_if_its_position_is_not_known(member: Member) -> None:
    member.program("galera_recovery", "exit 1")
    assert (member.has().start(), member.run("start").returncode) == ("", 1)


def test_a_permission_is_for_one_position_and_used_once(member: Member) -> None:
    grastate = f"uuid: {UUID}\nsafe_to_bootstrap: 0\n"
    member.has(bootstrap=f"{UUID}:7\n", grastate_dat=grastate, gvwstate_dat="view")
    assert member.start() == f"mariadbd --wsrep_start_position={UUID}:7 --wsrep-new-cluster"
    assert "safe_to_bootstrap: 1" in (member.data / "grastate.dat").read_text("utf-8")
    assert not (member.data / "gvwstate.dat").exists()
    assert member.start() == f"mariadbd --wsrep_start_position={UUID}:7"


def test_a_permission_for_another_position_is_refused_and_gone(member: Member) -> None:
    member.has(bootstrap=f"{UUID}:6\n")
    assert member.start() == f"mariadbd --wsrep_start_position={UUID}:7"
    assert not (member.data / "bootstrap").exists()


def test_an_empty_view_does_not_keep_it_waiting(member: Member) -> None:
    member.has(gvwstate_dat="").start()
    assert not (member.data / "gvwstate.dat").exists()


@pytest.mark.parametrize(
    ("status", "ready", "serving"), [("Primary", "ON", True), ("Primary", "OFF", False), ("non-Primary", "OFF", False)]
)
def test_a_member_that_answers_serves_if_it_belongs_to_the_majority(member: Member, status: str, ready: str, serving: bool) -> None:
    member.status(cluster_state_uuid=UUID, last_committed="9", cluster_status=status, ready=ready)
    assert member.facts() == {"cluster": UUID, "position": 9, "serving": serving, "data": True}


def test_a_member_that_waits_knows_its_cluster_from_its_file(member: Member) -> None:
    assert member.facts() == {"cluster": "", "position": None, "serving": False, "data": False}
    member.has(grastate_dat=f"uuid:    {UUID}\nseqno:   -1\n")
    assert member.facts() == {"cluster": UUID, "position": None, "serving": False, "data": True}


def test_recover_permits_the_position_that_was_decided_on(member: Member) -> None:
    assert member.has().run("recover", CLUSTER_ID=UUID, CLUSTER_POSITION="7").returncode == 0
    assert member.start().endswith("--wsrep-new-cluster")


def test_a_seed_with_data_forgets_its_former_cluster(member: Member) -> None:
    member.has(grastate_dat=f"uuid: {UUID}\n", gvwstate_dat="view")
    assert member.run("seed").returncode == 0
    assert sorted(path.name for path in member.data.iterdir()) == ["bootstrap", "mysql"]
    assert member.start().endswith("--wsrep-new-cluster")


def test_a_member_with_data_does_not_join(member: Member) -> None:
    assert member.has().run("join").returncode == 1
    (member.data / "sst_in_progress").touch()
    assert member.run("join").returncode == 0
    assert list(member.data.iterdir()) == []


@pytest.mark.parametrize(("third", "code"), [("Synced", 0), ("Donor/Desynced", 1), ("", 1)])
def test_a_member_stops_only_while_all_others_are_synced(member: Member, third: str, code: int) -> None:
    answers = """case "$*" in
*wsrep_cluster_status*) printf 'wsrep_cluster_status\\tPrimary\\n' ;;
*--host=192.0.2.2*) printf 'wsrep_local_state_comment\\tSynced\\n' ;;
*--host=192.0.2.3*) printf 'wsrep_local_state_comment\\tTHIRD\\n' ;;
*) exit 1 ;;
esac"""
    member.program("mariadb", answers.replace("THIRD", third))
    done = member.run("may-stop")
    assert done.returncode == code
    assert done.stdout == ("" if code == 0 else f"192.0.2.3 is not synced: {third or 'no answer'}\n")


@pytest.mark.parametrize(
    ("own", "others"),
    [("192.0.2.1", []), ("192.0.2.1", ["192.0.2.12", "192.0.2.13"]), ("2001:db8::1", ["2001:db8::2"])],
)
def test_who_leaves_says_which_others_run(member: Member, own: str, others: list[str]) -> None:
    places = [f"[{place}]" if ":" in place else place for place in (own, *others)]
    incoming = ",".join(f"{place}:13306" for place in places)
    rows = f"wsrep_cluster_status\\tPrimary\\nwsrep_local_state_comment\\tSynced\\nwsrep_incoming_addresses\\t{incoming}\\n"
    member.program("mariadb", f'case "$*" in *@@wsrep_node_address*) echo "{places[0]}" ;; *) printf "{rows}" ;; esac')
    done = member.run("leave")
    assert (done.returncode, done.stdout.split()) == (0, others)


@pytest.mark.parametrize(("status", "state"), [("Primary", "Joined"), ("non-Primary", "Initialized")])
def test_who_lacks_data_does_not_leave(member: Member, status: str, state: str) -> None:
    member.status(cluster_status=status, local_state_comment=state)
    done = member.run("leave")
    assert done.returncode == 1
    assert done.stdout.startswith(f"it lacks data or contact (state {status}{state}); wait until ")
