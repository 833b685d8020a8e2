# SPDX-License-Identifier: Apache-2.0
"""How the members of a cluster start, for what each of them knows."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.model.cluster import MemberReport, MemberState
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import cluster

MEMBERS = {"h1": "192.0.2.1", "h2": "192.0.2.2", "h3": "192.0.2.3"}
EMPTY = MemberState()
SERVING = MemberState(running=True, data=True, cluster="a", position=9, serving=True)
WAITING = MemberState(running=True, data=True, cluster="a", position=9)
STANDALONE = MemberState(running=True, data=True, standalone=True, started_at="2026-01-02T03:04:05Z")


def stopped(position: int | None = 9, identifier: str = "a", fault: str = "") -> MemberState:
    return MemberState(data=True, cluster=identifier, position=position, fault=fault)


def reports(*states: MemberState | None, recovers: bool = True, lost: t.Sequence[str] = ()) -> dict[str, MemberReport]:
    """Return what the hosts say; one of which nothing is known takes no part in the run."""
    known = {host: state for host, state in zip(MEMBERS, states, strict=True) if state}
    return {host: MemberReport("galera", "mariadb", MEMBERS, state, recovers, list(lost)) for host, state in known.items()}


def actions(*states: MemberState | None, recovers: bool = True, lost: t.Sequence[str] = ()) -> str:
    """Return what each host does, as in ``h1 seed, h2 join``."""
    return ", ".join(
        f"{host} {start.action}" for host, start in sorted(cluster.decide(reports(*states, recovers=recovers, lost=lost)).items())
    )


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        # nobody has data: the first host founds it
        ((EMPTY, EMPTY, EMPTY), "h1 seed, h2 join, h3 join"),
        # one server becomes a cluster
        ((EMPTY, stopped(None, ""), EMPTY), "h1 join, h2 seed, h3 join"),
        # it works
        ((SERVING, SERVING, SERVING), ""),
        ((SERVING, SERVING, stopped(7)), "h3 rejoin"),
        ((SERVING, SERVING, EMPTY), "h3 join"),
        # how old a member's data are does not matter to a cluster that works, and neither does a host that is away
        ((EMPTY, SERVING, stopped(None)), "h1 join, h3 rejoin"),
        ((None, SERVING, stopped()), "h3 rejoin"),
        # all have stopped: the newest data win, not the first host
        ((stopped(9), stopped(11), stopped(10)), "h1 rejoin, h2 recover, h3 rejoin"),
        ((stopped(9), stopped(9), stopped(9)), "h1 recover, h2 rejoin, h3 rejoin"),
        # a fresh volume is never chosen
        ((EMPTY, stopped(3), stopped(2)), "h1 join, h2 recover, h3 rejoin"),
        # some wait for the others
        ((WAITING, WAITING, stopped()), "h3 rejoin"),
        ((WAITING, stopped(11), EMPTY), "h2 rejoin, h3 join"),
    ],
)
def test_each_member_does_its_part(states: tuple[MemberState, ...], expected: str) -> None:
    assert actions(*states) == expected


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ((stopped(9), stopped(8), None), "they may have newer data (h3 takes no part in this run)"),
        ((stopped(9), stopped(8), stopped(fault="h3 is damaged")), "they may have newer data (h3: h3 is damaged)"),
        ((EMPTY, EMPTY, None), "they may have data (h3 takes no part in this run)"),
        ((stopped(9), stopped(8, "b"), stopped(7)), "members have data of different clusters (h1: a, h2: b, h3: a)"),
        ((stopped(9), stopped(8, ""), EMPTY), "members have data of different clusters (h1: a, h2: none)"),
        ((stopped(None, ""), stopped(None, ""), EMPTY), "h1, h2 have data that belong to no cluster"),
        ((stopped(9), stopped(None), stopped(7)), "h2 cannot say how new its data are"),
    ],
)
def test_nobody_starts_while_it_is_not_known_who_has_the_newest_data(states: tuple[MemberState | None, ...], reason: str) -> None:
    starts = cluster.decide(reports(*states))
    assert {start.action for start in starts.values()} == {"refuse"}
    assert len(starts) == sum(state is not None for state in states)
    assert all(reason in start.reason for start in starts.values())


@pytest.mark.parametrize(
    ("states", "expected", "reason"),
    [
        ((SERVING, stopped(9, "b"), EMPTY), "h2 refuse, h3 join", "its data are of cluster b; remove its volume"),
        ((SERVING, stopped(9, ""), EMPTY), "h2 refuse, h3 join", "its data are of no cluster; remove its volume"),
        ((SERVING, stopped(fault="unreadable"), SERVING), "h2 refuse", "unreadable; repair it, or remove its volume"),
        ((SERVING, dataclasses.replace(SERVING, cluster="b"), EMPTY), "h3 refuse", "there are two clusters (h1: a, h2: b)"),
    ],
)
def test_a_cluster_that_works_takes_no_foreign_data(states: tuple[MemberState, ...], expected: str, reason: str) -> None:
    assert actions(*states) == expected
    assert any(reason in start.reason for start in cluster.decide(reports(*states)).values())


def test_a_server_that_runs_alone_founds_the_cluster_with_its_data() -> None:
    starts = cluster.decide(reports(EMPTY, STANDALONE, EMPTY))
    assert {host: start.action for host, start in starts.items()} == {"h1": "join", "h2": "seed", "h3": "join"}
    assert (starts["h2"].started_at, starts["h2"].environment["CLUSTER_NEW"]) == (STANDALONE.started_at, "192.0.2.1 192.0.2.3")
    assert starts["h1"].environment["CLUSTER_PEERS"] == "192.0.2.2"
    # an interrupted run has started others, which wait without data
    assert actions(MemberState(running=True), STANDALONE, EMPTY) == "h2 seed, h3 join"


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ((STANDALONE, SERVING, SERVING), "h1 runs with data of no cluster, while there are data on h2, h3"),
        ((STANDALONE, stopped(9), EMPTY), "h1 runs with data of no cluster, while there are data on h2"),
        ((STANDALONE, EMPTY, None), "not all members are known, and they may have data (h3 takes no part in this run)"),
        ((STANDALONE, STANDALONE, EMPTY), "h1, h2 run with data that belong to no cluster"),
    ],
)
def test_a_server_that_runs_alone_is_not_replaced_while_others_may_have_data(states: tuple[t.Any, ...], reason: str) -> None:
    starts = cluster.decide(reports(*states))
    assert starts["h1"].action == "refuse"
    assert {start.action for start in starts.values()} == {"refuse"}
    assert reason in starts["h1"].reason


def test_members_that_agree_by_themselves_only_start() -> None:
    assert actions(stopped(9), stopped(11), None, recovers=False) == "h1 rejoin, h2 rejoin"
    assert actions(stopped(None), EMPTY, stopped(None), recovers=False) == "h1 rejoin, h2 join, h3 rejoin"
    # whoever founds a cluster has to know that there is none
    assert actions(EMPTY, EMPTY, None, recovers=False) == "h1 refuse, h2 refuse"


def test_an_operator_gives_up_the_data_of_a_lost_host() -> None:
    assert actions(stopped(9), stopped(8), None, lost=["h3"]) == "h1 recover, h2 rejoin"
    assert actions(EMPTY, EMPTY, None, lost=["h3"]) == "h1 seed, h2 join"
    # it must not bring them back
    assert actions(stopped(9), stopped(8), stopped(99), lost=["h3"]) == "h1 recover, h2 rejoin, h3 refuse"
    assert actions(SERVING, SERVING, stopped(99), lost=["h3"]) == "h3 refuse"
    assert actions(SERVING, SERVING, EMPTY, lost=["h3"]) == "h3 join"


def test_commands_are_told_what_they_need() -> None:
    starts = cluster.decide(reports(stopped(9), stopped(11), EMPTY))
    assert starts["h2"].environment == {
        "CLUSTER_NAME": "galera",
        "CLUSTER_HOST": "h2",
        "CLUSTER_ADDRESS": "192.0.2.2",
        "CLUSTER_MEMBERS": "192.0.2.1 192.0.2.2 192.0.2.3",
        "CLUSTER_PEERS": "",
        "CLUSTER_ID": "a",
        "CLUSTER_POSITION": "11",
        "CLUSTER_NEW": "192.0.2.3",
    }
    assert (starts["h3"].environment["CLUSTER_PEERS"], starts["h3"].environment["CLUSTER_POSITION"]) == ("192.0.2.2", "")
    assert starts["h2"].reason == "has the newest data (position 11) and recovers cluster galera"
    assert starts["h3"].reason == "joins through h2 cluster galera"
    assert cluster.decide(reports(SERVING, SERVING, EMPTY))["h3"].environment["CLUSTER_PEERS"] == "192.0.2.1 192.0.2.2"


_STATE = st.builds(
    MemberState,
    running=st.booleans(),
    data=st.booleans(),
    cluster=st.sampled_from(["", "a", "b"]),
    position=st.none() | st.integers(0, 3),
    serving=st.booleans(),
    fault=st.sampled_from(["", "unreadable"]),
) | st.builds(MemberState, running=st.booleans(), data=st.just(True), standalone=st.just(True))


@given(st.tuples(*[st.none() | _STATE] * 3).filter(any), st.booleans())
def test_there_is_never_a_second_cluster_and_nothing_newer_is_left_behind(states: t.Any, recovers: bool) -> None:
    known = {host: state for host, state in zip(MEMBERS, states, strict=True) if state}
    starts = cluster.decide(reports(*states, recovers=recovers))
    # one that runs as a member is left alone, every other one is told something
    assert starts.keys() == {host for host, state in known.items() if not state.running or state.standalone}
    leaders = [host for host, start in starts.items() if start.action in ("seed", "recover")]
    assert len(leaders) <= 1
    for host in leaders:
        others = [state for other, state in known.items() if other != host]
        assert len(known) == len(MEMBERS)
        # one that runs without data waits for the first
        assert not any((state.running and state.data) or state.fault for state in others)
        assert known[host].standalone or not any(state.running for state in others)
        if starts[host].action == "recover":
            assert all((state.position or 0) <= (known[host].position or 0) for state in others if state.data)
        else:
            assert not any(state.data for state in others)


def test_hosts_and_containers_are_told_apart() -> None:
    found = {host: [dataclasses.asdict(report)] for host, report in reports(EMPTY, EMPTY, EMPTY).items()}
    other = MemberReport("ovn", "nb", {"h1": "192.0.2.1"}, stopped(fault="damaged"), recovers=True)
    found["h1"].append(dataclasses.asdict(other))
    starts = cluster.decide_all(found)
    assert {host: {name: start.action for name, start in own.items()} for host, own in starts.items()} == {
        "h1": {"mariadb": "seed", "nb": "refuse"},
        "h2": {"mariadb": "join"},
        "h3": {"mariadb": "join"},
    }
    (line,) = cluster.refusals(starts)
    assert line.startswith("nb on h1: not all members are known, and they may have newer data (h1: damaged)")


def test_a_cluster_is_founded_though_every_host_has_lost_its_data() -> None:
    assert actions(EMPTY, EMPTY, EMPTY, lost=["h1", "h2", "h3"]) == "h1 seed, h2 join, h3 join"
    assert actions(EMPTY, EMPTY, EMPTY, lost=["h1"]) == "h1 join, h2 seed, h3 join"


ALONE: dict[str, t.Any] = {"alone": {"mariadb": ["192.0.2.2", "192.0.2.3"]}}
GONE: dict[str, t.Any] = {"leaving": ["mariadb", "other"]}


def test_members_leave_before_the_one_that_is_left_goes_on_alone() -> None:
    found = {"h1": ALONE, "h2": GONE, "h3": GONE, "h4": {}}
    assert cluster.leaving(found) == {"h2": ["mariadb"], "h3": ["mariadb"]}
    assert cluster.left_behind(found, MEMBERS) == []


def test_members_stay_where_a_cluster_does() -> None:
    assert cluster.leaving({"h1": {}, "h2": GONE}) == {}
    assert cluster.left_behind({"h1": {}, "h2": GONE}, MEMBERS) == []


@pytest.mark.parametrize("third", [{}, {"h3": {}}, {"h3": {"leaving": ["other"]}}])
def test_nobody_leaves_members_behind(third: dict[str, t.Any]) -> None:
    (line,) = cluster.left_behind({"h1": ALONE, "h2": GONE, **third}, MEMBERS)
    assert line.startswith("mariadb on h1 is to go on without a cluster, but members run on 192.0.2.3")
