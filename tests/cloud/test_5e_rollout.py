# SPDX-License-Identifier: Apache-2.0
"""A change is rolled out host by host, is restored by itself where it fails, and can be taken back or finalized.

One container gets another image of the same release, one another setting, so that this needs no further images; the scenario
``upgrade`` of Molecule goes to another release.
"""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest

from tests import apis, journals
from tests.cloud.conftest import Cloud, recap
from tests.cloud.machines import machine, machines
from tests.cloud.pinger import Pinger
from tests.cloud.test_5_sandwich import other_image

JOURNAL = pathlib.Path("/var/lib/caisson/rollout.json")
ANSWERS = pathlib.Path("/var/lib/caisson/prober/answers.jsonl")
#: One container of a tier that comes early, and one of a tier that comes late.
MOVED = {"placement_api": "placement", "nova_compute": "nova"}
SERVICES = {**MOVED, "glance_api": "glance", "horizon": "horizon"}


def images(cloud: Cloud) -> dict[str, str]:
    """Return the image of each container."""
    return {name: data["Image"] for name, data in cloud.containers.items()}


def probers() -> int:
    """Return how many probers began to ask."""
    return ANSWERS.read_text().count('"kind": "start"')


def overrides(changes: t.Mapping[str, t.Mapping[str, t.Any]]) -> str:
    """Return the settings that change containers."""
    return json.dumps(
        {f"{SERVICES[name]}_service_overrides": {"containers": [{"name": name, **change}]} for name, change in changes.items()}
    )


@pytest.fixture(scope="module")
def others(cloud: Cloud) -> dict[str, dict[str, t.Any]]:
    """Another image that does the same, and another setting."""
    return {"placement_api": {"image": other_image(cloud, "placement_api")}, "nova_compute": {"stop_timeout": 61}}


@pytest.fixture(scope="module")
def former(cloud: Cloud) -> dict[str, str]:
    """Images before the first rollout."""
    return images(cloud)


def test_the_plan_alone_changes_nothing(cloud: Cloud, former: dict[str, str], others: dict[str, dict[str, t.Any]]) -> None:
    before = {name: data["Id"] for name, data in cloud.containers.items()}
    text = cloud.play("upgrade", "--check", "-e", overrides(others))
    assert "1. identity   aio: placement_api" in text
    assert "2. compute    aio: nova_compute" in text
    assert "Backup: " in text
    assert re.search(r"Free disk space: \d+ MiB or more, the least in /\S+ of aio\.", text)
    assert {name: data["Id"] for name, data in cloud.containers.items()} == before
    assert not JOURNAL.exists()


@pytest.mark.long
def test_what_does_not_get_healthy_is_put_back_and_stops_the_rollout(
    cloud: Cloud, former: dict[str, str], others: dict[str, dict[str, t.Any]]
) -> None:
    server = cloud.verify()
    process = machine()
    broken = other_image(cloud, "nova_compute", "broken", ["rm", "/opt/openstack/bin/nova-compute"])
    changes = {**others, "nova_compute": {"image": broken}}
    with Pinger(server["floating_ip"]) as pinger:
        text = cloud.play("upgrade", "-e", overrides(changes), check=False)
    assert "aio was restored: tier compute (nova_compute) is in its former state" in " ".join(text.split())
    events = journals.parse(JOURNAL.read_text())["events"]
    last = {event["tier"]: event["state"] for event in events if event["phase"] == "roll"}
    assert last == {"identity": "done", "compute": "reverted"}
    now = images(cloud)
    assert {name for name in now if now[name] != former[name]} == {"placement_api"}
    print(f"nova_compute was broken and restored: {pinger.lost} of {pinger.sent} pings lost")
    assert machine() == process
    assert not pinger.gaps
    # no other change is made meanwhile
    assert "is open (expanded)" in " ".join(cloud.play("site", check=False).split())


@pytest.mark.long
def test_a_rollout_is_taken_back(cloud: Cloud, former: dict[str, str]) -> None:
    assert machines()
    # as after a rollout that came to its end
    cloud.play("prober", "-e", "prober=stop")
    before = probers()
    cloud.play("rollback")
    assert probers() == before + 1
    assert images(cloud) == former
    # its verification deleted what the one before it left
    assert not machines()
    assert recap(cloud.play("site"))["changed"] == 0
    assert "there is nothing to rollback" in cloud.play("rollback", check=False)


@pytest.mark.long
def test_a_rollout_of_some_services_leaves_others_alone_and_is_finalized(
    cloud: Cloud, former: dict[str, str], others: dict[str, dict[str, t.Any]]
) -> None:
    before = {name: data["Id"] for name, data in cloud.containers.items()}
    selection = ("-e", f"services={','.join(MOVED.values())}")
    # of those that are left out one that the others need must not wait for a change of its own
    text = cloud.play("upgrade", "--check", "-e", overrides({**others, "glance_api": {"stop_timeout": 61}}), *selection, check=False)
    assert "glance_api of service glance differs from its definition" in text
    arguments = ("-e", overrides({**others, "horizon": {"stop_timeout": 61}}), *selection)
    text = cloud.play("upgrade", *arguments)
    now = images(cloud)
    assert {name for name, data in cloud.containers.items() if data["Id"] != before[name]} == set(MOVED)
    assert {name for name in now if now[name] != former[name]} == {"placement_api"}
    assert "Next: finalize" in text
    failed = {name: int(count) for name, count in re.findall(r"API ([\w-]+): .*?, (\d+) of \d+ failed", text)}
    print("failed requests while placement and the hypervisor moved:", failed)
    assert failed == dict.fromkeys(apis.probes(), 0)
    cloud.play("finalize", *arguments)
    assert cloud.containers["horizon"]["Id"] == before["horizon"]
    assert "there is nothing to rollback" in cloud.play("rollback", check=False)
    cloud.play("status", "-e", overrides(others))
