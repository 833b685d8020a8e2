# SPDX-License-Identifier: Apache-2.0
"""Decide for each member of a cluster how it starts, from what all of them know. Pure.

A cluster is founded once, and by one member. After all have stopped it goes on with the newest data, or not at all: to start from older
data would throw away what users were told is stored. So whatever is not known, or contradicts itself, is refused, and an operator decides.
"""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model.cluster import MemberReport, MemberStart, MemberState

Starts = dict[str, MemberStart]


class _Cluster:
    """One cluster with what its members said.

    Args:
        reports: by host, of the hosts that take part in the run.
    """

    def __init__(self, reports: t.Mapping[str, MemberReport]) -> None:
        one = next(iter(reports.values()))
        self.name = one.cluster
        self.recovers = one.recovers
        self.addresses = one.members
        self.lost = set(one.lost_hosts)
        self.states = {host: reports[host].state for host in one.members if host in reports}
        self.stopped = {host: state for host, state in self.states.items() if not state.running}
        self.standalone = {host: state for host, state in self.states.items() if state.running and state.standalone}
        self.serving = [host for host, state in self.states.items() if state.running and state.serving]
        self.with_data = {host: state for host, state in self.stopped.items() if state.data and host not in self.lost}

    def unknown(self) -> list[str]:
        """Return, with the reason, the members that may have data which nobody can judge."""
        absent = [f"{host} takes no part in this run" for host in self.addresses if host not in self.states and host not in self.lost]
        return absent + [f"{host}: {state.fault}" for host, state in self.stopped.items() if state.fault and host not in self.lost]

    def new(self) -> list[str]:
        """Return the hosts whose members start in this run and have no data."""
        return [host for host, state in self.stopped.items() if not state.data]

    def start(self, action: t.Literal["seed", "join", "rejoin", "recover"], host: str, peers: t.Iterable[str], reason: str) -> MemberStart:
        """Return how *host* starts, with what its command needs to know."""
        state = self.states[host]
        environment = {
            "CLUSTER_NAME": self.name,
            "CLUSTER_HOST": host,
            "CLUSTER_ADDRESS": self.addresses[host],
            "CLUSTER_MEMBERS": " ".join(self.addresses.values()),
            "CLUSTER_PEERS": " ".join(self.addresses[peer] for peer in peers if peer != host),
            "CLUSTER_NEW": " ".join(self.addresses[new] for new in self.new()),
            "CLUSTER_ID": state.cluster,
            "CLUSTER_POSITION": "" if state.position is None else str(state.position),
        }
        return MemberStart(action, environment, f"{reason} cluster {self.name}", state.started_at)

    def follow(self, first: list[str], leave_out: t.Collection[str] = ()) -> Starts:
        """Return how the stopped members join those of *first*."""
        through = f"through {', '.join(first)}" if first else "when others have"
        return {
            host: self.start("rejoin", host, first, f"starts again {through} in")
            if state.data
            else self.start("join", host, first, f"joins {through}")
            for host, state in self.stopped.items()
            if host not in leave_out
        }

    def refuse(self, hosts: t.Iterable[str], reason: str) -> Starts:
        """Return that *hosts* must not start."""
        return {host: MemberStart("refuse", reason=reason) for host in hosts}


def decide(reports: t.Mapping[str, MemberReport]) -> Starts:
    """Return by host how the members that do not run as members start, or that they must not.

    Args:
        reports: what each host of the run says of its member of one cluster.
    """
    cluster = _Cluster(reports)
    given_up = [host for host, state in cluster.stopped.items() if state.data and host in cluster.lost]
    refused = cluster.refuse(given_up, "its data were given up (lost_hosts), but are still there; remove its volume, then it joins again")
    if cluster.standalone:
        return _convert(cluster) | refused
    if cluster.serving:
        return _join_serving(cluster) | refused
    if len(cluster.stopped) < len(cluster.states):
        # some wait for the others: to start what is missing is all that they need
        running = [host for host in cluster.states if host not in cluster.stopped]
        return cluster.follow(running) | refused
    return _start_stopped(cluster) | refused


def decide_all(found: t.Mapping[str, t.Iterable[t.Mapping[str, t.Any]]]) -> dict[str, Starts]:
    """Return by host and container how the members of all clusters start.

    Args:
        found: by host the reports that the module :mod:`host_plan` has made.
    """
    reports: dict[tuple[str, str], dict[str, MemberReport]] = {}
    for host, items in found.items():
        for item in items:
            report = dataclass_spec.load(MemberReport, item, f"{host}: cluster")
            reports.setdefault((report.cluster, report.container), {})[host] = report
    starts: dict[str, Starts] = {}
    for (_name, container), members in reports.items():
        for host, start in decide(members).items():
            starts.setdefault(host, {})[container] = start
    return starts


def refusals(starts: t.Mapping[str, Starts]) -> list[str]:
    """Return why members must not start, a line for each."""
    return [f"{name} on {host}: {start.reason}" for host, own in starts.items() for name, start in own.items() if start.action == "refuse"]


def leaving(found: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, list[str]]:
    """Return by host the members that are removed before the one that is left goes on without a cluster.

    Args:
        found: by host what the module :mod:`host_plan` has returned.
    """
    alone = {container for result in found.values() for container in result.get("alone") or {}}
    return {host: own for host, result in found.items() if (own := sorted(alone & set(result.get("leaving") or [])))}


def left_behind(found: t.Mapping[str, t.Mapping[str, t.Any]], addresses: t.Mapping[str, str]) -> list[str]:
    """Return, a line for each, which members would go on although another one leaves their cluster with the data.

    Args:
        found: by host what the module :mod:`host_plan` has returned.
        addresses: by host.
    """
    gone = leaving(found)
    lines = []
    for host, result in found.items():
        for container, others in (result.get("alone") or {}).items():
            leave = {addresses[other] for other, names in gone.items() if container in names}
            if left := [address for address in others if address not in leave]:
                lines.append(
                    f"{container} on {host} is to go on without a cluster, but members run on {', '.join(left)}, from where this run does "
                    f"not remove them; let these hosts take part without {container}, or stop it there (docker stop {container})"
                )
    return lines


def _convert(cluster: _Cluster) -> Starts:
    """Return how the cluster is founded with the data of a server that runs without one, while all others have none."""
    hosts = [*cluster.stopped, *cluster.standalone]
    names = ", ".join(cluster.standalone)
    others = [host for host, state in cluster.states.items() if (state.data or state.fault) and host not in cluster.standalone]
    if others:
        wrong = "remove the volumes of those that are wrong"
        reason = f"{names} runs with data of no cluster, while there are data on {', '.join(others)}; {wrong}"
        return cluster.refuse(hosts, reason)
    if unknown := cluster.unknown():
        return cluster.refuse(hosts, f"not all members are known, and they may have data ({'; '.join(unknown)})")
    if len(cluster.standalone) > 1:
        reason = f"{names} run with data that belong to no cluster; keep one of them, stop the others and remove their volumes"
        return cluster.refuse(hosts, reason)
    return _led_by(cluster, "seed", next(iter(cluster.standalone)), "seeds with its data")


def _join_serving(cluster: _Cluster) -> Starts:
    """Return how stopped members join a cluster that works."""
    identifiers = {cluster.states[host].cluster for host in cluster.serving}
    if len(identifiers) > 1:
        found = _listed({host: cluster.states[host] for host in cluster.serving})
        return cluster.refuse(cluster.stopped, f"there are two clusters ({found}); stop the one that is to go, and remove its volumes")
    starts = cluster.follow(cluster.serving)
    for host, state in cluster.with_data.items():
        if state.fault:
            starts |= cluster.refuse([host], f"{state.fault}; repair it, or remove its volume to let it join again")
        elif state.cluster not in identifiers:
            other = f"of cluster {state.cluster}" if state.cluster else "of no cluster"
            starts |= cluster.refuse([host], f"its data are {other}; remove its volume to let it join again")
    return starts


def _start_stopped(cluster: _Cluster) -> Starts:
    """Return how a cluster starts of which no member runs."""
    unknown = cluster.unknown()
    # whoever founds a cluster, and whoever goes on with the newest data, has to know all others
    founds = not any(state.cluster for state in cluster.with_data.values())
    if unknown and (founds or cluster.recovers):
        remedy = "start from there, or name the hosts whose data are lost in lost_hosts of the cluster's definition"
        what = "they may have newer data" if cluster.with_data else "they may have data"
        return cluster.refuse(cluster.stopped, f"not all members are known, and {what} ({'; '.join(unknown)}); {remedy}")
    if not cluster.with_data:
        # one that has lost nothing if there is one
        first = min(cluster.states, key=lambda host: host in cluster.lost)
        return _led_by(cluster, "seed", first, "founds")
    if len({state.cluster for state in cluster.with_data.values()}) > 1:
        found = _listed(cluster.with_data)
        return cluster.refuse(
            cluster.stopped, f"members have data of different clusters ({found}); remove the volumes of those that are wrong"
        )
    if founds:
        if len(cluster.with_data) == 1:
            return _led_by(cluster, "seed", next(iter(cluster.with_data)), "seeds with its data")
        names = ", ".join(cluster.with_data)
        return cluster.refuse(
            cluster.stopped, f"{names} have data that belong to no cluster; keep one of them and remove the volumes of the others"
        )
    return _recover(cluster) if cluster.recovers else cluster.follow([])


def _recover(cluster: _Cluster) -> Starts:
    positions = {host: state.position for host, state in cluster.with_data.items() if state.position is not None}
    if silent := [host for host in cluster.with_data if host not in positions]:
        reason = f"{', '.join(silent)} cannot say how new its data are; repair it, or remove its volume if others have newer ones"
        return cluster.refuse(cluster.stopped, reason)
    newest = max(positions, key=lambda host: positions[host])  # of equal ones the first in the order of the group
    return _led_by(cluster, "recover", newest, f"has the newest data (position {positions[newest]}) and recovers")


def _led_by(cluster: _Cluster, action: t.Literal["seed", "recover"], host: str, reason: str) -> Starts:
    return cluster.follow([host], leave_out=[host]) | {host: cluster.start(action, host, [], reason)}


def _listed(states: t.Mapping[str, MemberState]) -> str:
    return ", ".join(f"{host}: {state.cluster or 'none'}" for host, state in states.items())
