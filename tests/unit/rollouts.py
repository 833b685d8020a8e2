# SPDX-License-Identifier: Apache-2.0
"""A rollout as it could have been: three control hosts, two computes, one of which did not get healthy at first."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import (
    Check,
    Event,
    Migration,
    Package,
    PlannedUpdate,
    Rollout,
)

#: 21 November 2026, 14:02 UTC.
BEGIN = 1795269720.0
CONTROL = ("control-1", "control-2", "control-3")
COMPUTE = ("compute-1", "compute-2")
#: Tier, its hosts, seconds on each, and its containers with their services.
_TIERS: tuple[tuple[str, tuple[str, ...], float, dict[str, str]], ...] = (
    ("switch", (*CONTROL, *COMPUTE), 6, {"openvswitch": "openvswitch"}),
    ("ovn", (*CONTROL, *COMPUTE), 9, {"ovn_controller": "ovn"}),
    ("backend", CONTROL, 38, {"mariadb": "mariadb", "rabbitmq": "rabbitmq"}),
    ("identity", CONTROL, 24, {"keystone": "keystone"}),
    ("conductor", CONTROL, 17, {"nova_conductor": "nova"}),
    ("worker", CONTROL, 15, {"nova_scheduler": "nova"}),
    ("api", CONTROL, 33, {"nova_api": "nova", "neutron_server": "neutron", "glance_api": "glance", "placement_api": "placement"}),
    ("compute", COMPUTE, 46, {"libvirt": "libvirt", "nova_compute": "nova"}),
)
TRACE = """\
container nova_compute is not healthy after 180 s:
Traceback (most recent call last):
  File "/opt/caisson/lib/python3.11/site-packages/nova/cmd/compute.py", line 59, in main
    service.serve(server)
nova.exception.ServiceTooOld: This service is older (v61) than the minimum (v66) <script>alert("no")</script>"""


def event(seconds: float, phase: str, state: t.Any, host: str = "", tier: str = "", detail: str = "") -> Event:
    """Return an event so many seconds after the begin."""
    return Event(at=BEGIN + seconds, phase=phase, state=state, host=host, tier=tier, detail=detail)


def a_rollout() -> Rollout:
    """Return a rollout that was verified; the steps are those of one run, except the last compute's second try."""
    events = [event(0, "backed_up", "begun"), event(151, "backed_up", "done", detail="9 databases, 41 MiB")]
    events += [event(152, "expanded", "begun"), event(187, "expanded", "done")]
    at = 190.0
    for tier, hosts, seconds, _containers in _TIERS:
        for host in hosts:
            events.append(event(at, "roll", "begun", host, tier))
            if (tier, host) == ("compute", "compute-2"):
                events.append(event(at + 181, "roll", "failed", host, tier, TRACE))
                events.append(event(at + 206, "roll", "reverted", host, tier, "the former image runs again"))
                at += 1800
                events.append(event(at, "roll", "begun", host, tier))
            at += seconds
            events.append(event(at, "roll", "done", host, tier))
    events.append(event(at + 2, "rolled", "done"))
    events += [event(at + 3, "verified", "begun"), event(at + 95, "verified", "done", detail="a server was booted and answered")]
    return Rollout(
        cloud="example",
        id="20261121-140200",
        release_from="2025.2",
        release_to="2026.1",
        revision=len(events),
        phase="verified",
        updates=_updates(),
        packages=_packages(),
        migrations=_migrations(),
        checks=[
            Check(service="nova", result="success"),
            Check(service="neutron", result="warning", detail="network_segment_ranges: NULL in physical_network becomes ''"),
            Check(service="placement", result="success"),
        ],
        events=events,
    )


def a_large_rollout(hosts: int) -> Rollout:
    """Return a rollout of so many hosts that is half done."""
    tiers = ("switch", "ovn", "network", "compute")
    steps = [(f"host-{number}", tier) for tier in tiers for number in range(hosts)]
    updates = [PlannedUpdate(host=host, tier=tier, container=f"{tier}_agent", service="nova") for host, tier in steps]
    done = [event(at, "roll", state, *step) for at, step in enumerate(steps[: len(steps) // 2]) for state in ("begun", "done")]
    return dataclasses.replace(a_rollout(), updates=updates, events=done, revision=len(done), phase="expanded")


def _updates() -> list[PlannedUpdate]:
    return [
        PlannedUpdate(
            host=host,
            tier=tier,
            container=container,
            service=service,
            image_from="sha256:" + "0a1b2c3d" * 8,
            image_to=f"registry.example.org:5000/caisson/{service}:2026.1-9f8e7d6c",
            release_from="2025.2",
            release_to="2026.1",
            reasons=["image", "configuration"] if service == "nova" else ["image"],
            impact="pings to guests may be lost for a moment" if tier == "switch" else "",
        )
        for tier, hosts, _seconds, containers in _TIERS
        for host in hosts
        for container, service in containers.items()
    ]


def _packages() -> list[Package]:
    return [
        Package(image="nova", name="nova", version_from="32.1.0", version_to="33.0.1"),
        Package(image="neutron", name="neutron", version_from="27.0.1", version_to="28.0.0"),
        Package(image="keystone", name="keystone", version_from="28.0.0", version_to="29.0.0"),
        Package(image="nova", name="oslo.messaging", version_from="17.1.0", version_to="17.3.0"),
        Package(image="nova", name="python-dateutil", version_from="2.9.0"),
    ]


def _migrations() -> list[Migration]:
    return [
        Migration(schema="nova_api", revision="b30f573d3377", kind="additive", details=["adds column instance_mappings.owner"]),
        Migration(schema="keystone", revision="29e87d24a316", kind="index", details=["adds index ix_trust_project_id"]),
        Migration(
            schema="neutron",
            revision="b1bca967e19d",
            kind="destructive",
            details=["deletes duplicate rows of network_segment_ranges", "makes physical_network NOT NULL"],
        ),
    ]


def figures() -> dict[str, t.Any]:
    """Return what a prober saw of :func:`a_rollout`: nova failed for a moment, the switch lost a few pings."""
    since, until, bucket = BEGIN - 20, BEGIN + 2795, 10
    bad = {"compute": {1065: 3, 1075: 5}, "identity": {385: 1}, "network": {}, "image": {}, "placement": {}}
    apis = []
    for name, failed in bad.items():
        times = range(0, int(until - since), bucket)
        timeline = [{"at": since + at, "asked": 7, "failed": failed.get(at + int(since - BEGIN) + 5, 0)} for at in times]
        asked, lost = sum(item["asked"] for item in timeline), sum(item["failed"] for item in timeline)
        gap = {"longest_gap": lost * 1.6, "availability": 100 * (asked - lost) / asked, "slowest": 2.41 if lost else 0.38}
        apis.append({"name": name, "asked": asked, "failed": lost, "retried": lost and 2, "timeline": timeline, **gap})
    gaps = [{"at": BEGIN + 208, "seconds": 0.42, "lost": 21}, {"at": BEGIN + 216, "seconds": 1.3, "lost": 64}]
    quiet = {"address": "2001:db8:2f:41::1:207", "sent": 140750, "lost": 0, "longest_gap": 0.0, "gaps": []}
    loud = {"address": "203.0.113.17", "sent": 140750, "lost": 85, "longest_gap": 1.3, "gaps": gaps}
    return {"since": since, "until": until, "apis": apis, "pings": [loud, quiet]}
