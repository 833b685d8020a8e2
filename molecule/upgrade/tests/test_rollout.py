# SPDX-License-Identifier: Apache-2.0
"""A cloud goes to the next release host by host under running servers: broken images, killed runs, the way back, and the end."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import time
import typing as t

import pytest

from tests.molecule.upgrade import AFTER, BEFORE, COMPUTES, Cloud, Guest

RELEASE = ("-e", f"cloud_release={AFTER}")
_BINARY = "/opt/openstack/bin/nova-compute"
#: What is done to the image of the hypervisor's service, and the task that notices.
BROKEN = {
    "absent": (f"rm {_BINARY}", "Containers are rolled"),
    "deaf": (f"printf '#!/bin/sh\\nexec sleep infinity\\n' >{_BINARY}", "Containers are rolled"),
    "mute": (
        "cd /opt/openstack/lib/python3*/site-packages/nova/servicegroup/drivers && rm -f __pycache__/db.* && "
        "sed -i 's/    def _report_state(self, service):/&\\n        return/' db.py && grep -A1 'def _report_state' db.py | grep -q return",
        "The host is up in the APIs",
    ),
    "frail": (
        f"mv {_BINARY} {_BINARY}-steady && printf '#!/bin/sh\\n{_BINARY}-steady \"$@\" &\\nsleep 60\\nkill $!\\nexit 1\\n' >{_BINARY} && "
        f"chmod 755 {_BINARY}",
        "Containers are steady",
    ),
}


def other_image(kind: str, script: str) -> str:
    """Give the image of the hypervisor's service a further layer on the build host; return the settings that use it."""
    tags = subprocess.run(["docker", "images", "caisson/nova_compute", "--format", "{{.Tag}}"], check=True, capture_output=True, text=True)
    tag = next(tag for tag in tags.stdout.split() if tag.startswith(f"{BEFORE}-"))
    image = f"caisson/nova_compute:{tag}"
    made = subprocess.run(
        ["docker", "create", "--user", "0:0", "--entrypoint", "", image, "sh", "-ec", script], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run(["docker", "start", "--attach", made], check=True)
    subprocess.run(["docker", "commit", made, f"caisson/{kind}_nova_compute:{tag}"], check=True, capture_output=True)
    subprocess.run(["docker", "rm", made], check=True, capture_output=True)
    return json.dumps({"nova_service_overrides": {"containers": [{"name": "nova_compute", "image": f"{kind}_nova_compute"}]}})


def everything(cloud: Cloud) -> dict[tuple[str, str], str]:
    """Return the image of each container of each host."""
    return {(host, name): image for host in cloud.hosts for name, image in cloud.images(host).items()}


def moved(cloud: Cloud, before: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    """Return the containers that have another image than *before*."""
    return {place for place, image in everything(cloud).items() if before[place] != image}


def unchanged(cloud: Cloud, guests: list[Guest]) -> None:
    """Every server is the process that it was."""
    assert [cloud.process(guest.host) for guest in guests] == [guest.process for guest in guests]


def after(seconds: float) -> t.Callable[[], bool]:
    """Return what is true from then on."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def figures(text: str) -> tuple[dict[str, int], dict[str, int]]:
    """Return failed requests of each API, and lost pings of each address, as a run's report says."""
    apis = {name: int(count) for name, count in re.findall(r"API (\w+): \S+ %, (\d+) of \d+ failed", text)}
    pings = {address: int(count) for address, count in re.findall(r"ping (\S+): (\d+) of \d+ lost", text, re.IGNORECASE)}
    return apis, pings


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_image_stops_at_the_first_host(cloud: Cloud, guests: list[Guest], kind: str) -> None:
    script, task = BROKEN[kind]
    before, other = everything(cloud), cloud.started("compute2")
    text = cloud.play("upgrade", "-e", other_image(kind, script), check=False)
    assert "compute1 was put back: tier compute (nova_compute) is what it was before" in text
    assert re.search(rf"put back[^.]*\. \S+ \| {task}", text), text[-3000:]
    assert cloud.states() == {("compute1", "compute"): "reverted"}
    assert everything(cloud) == before
    assert cloud.started("compute2") == other
    unchanged(cloud, guests)
    cloud.play("rollback")
    unchanged(cloud, guests)


def test_half_a_rollout_is_taken_back_and_what_users_made_stays(cloud: Cloud, guests: list[Guest]) -> None:
    before = everything(cloud)

    def half() -> bool:
        return cloud.states().get(("compute1", "compute")) == "done"

    assert cloud.play_until(half, "upgrade", *RELEASE)
    seen = moved(cloud, before)
    assert {("compute1", "nova_compute"), ("control1", "nova_conductor"), ("control1", "neutron_api")} <= seen
    assert ("compute2", "nova_compute") not in seen
    made = cloud.ask("network", "/v2.0/networks", {"network": {"name": "made-meanwhile"}})["network"]["id"]
    # what that run left is not alive any more, as its machine can tell
    cloud.play("rollback", *RELEASE)
    assert everything(cloud) == before
    assert cloud.ask("network", f"/v2.0/networks/{made}")["network"]["name"] == "made-meanwhile"
    unchanged(cloud, guests)


def test_a_rollout_that_is_killed_again_and_again_ends_well(cloud: Cloud, guests: list[Guest]) -> None:
    seed = int(os.environ.get("CAISSON_SEED", "0")) or random.randrange(1, 2**32)
    print(f"seed {seed}; CAISSON_SEED={seed} repeats it")
    chance, points = random.Random(seed), int(os.environ.get("CAISSON_KILLS", "20"))
    before, began = everything(cloud), cloud.started("compute2")
    addresses = ("-e", json.dumps({"rollout_guests": [guest.address for guest in guests]}))
    for point in range(points):
        if not cloud.play_until(after(chance.uniform(5, 90)), "upgrade", *RELEASE, *addresses):
            print(f"it was through after {point} kills")
            break
    text = cloud.play("upgrade", *RELEASE, *addresses)
    assert moved(cloud, before) == {(move["host"], move["container"]) for move in cloud.journal()["moves"]}
    assert {("compute1", "nova_compute"), ("compute2", "nova_compute"), ("control1", "keystone_api")} <= moved(cloud, before)
    unchanged(cloud, guests)
    apis, pings = figures(text)
    print(f"failed requests: {apis}; lost pings: {pings}")
    now = cloud.started("compute2")
    same = {"libvirt", "openvswitch_vswitchd", "ovn_controller"}
    assert {name: now[name] for name in same} == {name: began[name] for name in same}


def test_afterwards_the_servers_answer_and_new_ones_too(cloud: Cloud, guests: list[Guest]) -> None:
    for guest in guests:
        cloud.hosts["control1"].run_expect([0], f"timeout 10 bash -c '</dev/tcp/{guest.address}/22'")
    cloud.play("verify", *RELEASE, "-e", f"verify_hypervisors={','.join(COMPUTES)}")


def test_what_is_final_cannot_be_taken_back(cloud: Cloud, guests: list[Guest]) -> None:
    cloud.play("finalize", *RELEASE)
    assert "there is nothing to rollback" in cloud.play("rollback", *RELEASE, check=False)
    cloud.play("status", *RELEASE)
    unchanged(cloud, guests)


def test_a_site_after_it_changes_nothing(cloud: Cloud) -> None:
    text: t.Any = cloud.play("site", *RELEASE)
    assert {int(count) for count in re.findall(r"changed=(\d+)", text)} == {0}
