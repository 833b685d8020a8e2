# SPDX-License-Identifier: Apache-2.0
"""An image that does not do its work is found out at the first host, which is restored; nobody else notices."""

from __future__ import annotations

import json
import re

import pytest

from tests.molecule.upgrade import Guest, UpgradedCloud, other_image

_BINARY = "/opt/openstack/bin/nova-compute"
#: What is done to the image of the hypervisor's service, and the task that notices.
BROKEN = {
    "absent": (f"rm {_BINARY}", "Replace the containers and wait until they are healthy"),
    "deaf": (
        f"printf '#!/bin/sh\\ntrap exit TERM\\nsleep infinity & wait\\n' >{_BINARY}",
        "Replace the containers and wait until they are healthy",
    ),
    "mute": (
        "cd /opt/openstack/lib/python3*/site-packages/nova/servicegroup/drivers && rm -f __pycache__/db.* && "
        "sed -i 's/    def _report_state(self, service):/&\\n        return/' db.py && grep -A1 'def _report_state' db.py | grep -q return",
        "Check that the host is up in the APIs",
    ),
    "frail": (
        f"mv {_BINARY} {_BINARY}-steady && printf '#!/bin/sh\\n{_BINARY}-steady \"$@\" &\\nsleep 60\\nkill $!\\nexit 1\\n' >{_BINARY} && "
        f"chmod 755 {_BINARY}",
        "Check that the containers stay up",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_image_stops_at_the_first_host(cloud: UpgradedCloud, guests: list[Guest], kind: str) -> None:
    script, task = BROKEN[kind]
    image = other_image("nova_compute", kind, script)
    settings = {
        "nova_service_overrides": {"containers": [{"name": "nova_compute", "image": image, "start_timeout": 90}]},
        "service_gate_timeout": 90,
    }
    before, other = cloud.everything(), cloud.started("compute2")
    text = cloud.play("upgrade", "-e", json.dumps(settings), check=False)
    assert "compute1 was restored: tier compute (nova_compute) is in its former state" in text, text[-3000:]
    assert re.search(rf"restored[^.]*\. \S+ \| {task}", text), text[-3000:]
    assert cloud.states() == {("compute1", "compute"): "reverted"}
    assert cloud.everything() == before
    assert cloud.started("compute2") == other
    assert cloud.unharmed(guests)
    cloud.play("rollback")
    assert cloud.unharmed(guests)
