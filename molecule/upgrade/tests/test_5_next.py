# SPDX-License-Identifier: Apache-2.0
"""The release after the next one: the control host boots in the middle of it, and a hypervisor is cut off."""

from __future__ import annotations

import subprocess
import typing as t

from tests.molecule.upgrade import RELEASES, Guest, UpgradedCloud, release, unwell
from tests.molecule.waiting import wait

AFTER = release(RELEASES[2])


def when(cloud: UpgradedCloud, host: str, tier: str, act: t.Callable[[], object]) -> str:
    """Begin to upgrade, or go on, do something when a host's tier begins, and return what the run, that ends by itself, printed."""
    pending = [act]

    def seen() -> bool:
        if pending and cloud.states().get((host, tier)) == "begun":
            pending.pop()()
        return False

    _killed, text = cloud.play_until(seen, "upgrade", *AFTER)
    assert not pending, f"the run ended before tier {tier} of {host}: {text[-3000:]}"
    return text


def test_the_control_host_boots_in_the_middle(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    before = cloud.started("control1")["mariadb"]

    def boot() -> None:
        subprocess.run(["docker", "restart", "--time", "60", "molecule-control1"], check=True, capture_output=True)

    text = when(cloud, "control1", "worker", boot)
    assert "control1" in unwell(text), text[-3000:]
    wait("its containers start", lambda: cloud.started("control1")["mariadb"] != before)
    wait("every container is healthy", lambda: not cloud.unhealthy())
    assert cloud.unharmed(guests)


def test_a_hypervisor_is_cut_off_in_the_middle(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    def cut() -> None:
        subprocess.run(["docker", "exec", "molecule-compute1", "ip", "link", "set", "eth0", "down"], check=True)

    try:
        text = when(cloud, "compute1", "compute", cut)
    finally:
        subprocess.run(["docker", "exec", "molecule-compute1", "ip", "link", "set", "eth0", "up"], check=True)
    assert unwell(text) == {"compute1"}, text[-3000:]
    wait("every container is healthy", lambda: not cloud.unhealthy())
    assert ("compute2", "compute") not in cloud.states()
    assert cloud.unharmed(guests)


def test_it_is_gone_on_with(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    cloud.play("upgrade", *AFTER)
    done = [event for event in cloud.journal()["events"] if (event["phase"], event["state"]) == ("roll", "done")]
    places = [(event["host"], event["tier"]) for event in done]
    print(f"steps that were done: {len(places)}, of which again: {len(places) - len(set(places))}")
    assert not cloud.unhealthy()
    assert cloud.unharmed(guests)


def test_where_nothing_interferes_nobody_notices(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    cloud.play("rollback", *AFTER)
    cloud.unnoticed("upgrade", AFTER, guests)
    cloud.play("finalize", *AFTER)
    assert not cloud.unhealthy()
    assert cloud.unharmed(guests)
