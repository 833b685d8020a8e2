# SPDX-License-Identifier: Apache-2.0
"""Which of Nova's records of services a change of the inventory leaves without a host."""

from __future__ import annotations

import pathlib
import runpy
import types

SCRIPT = runpy.run_path(str(pathlib.Path(__file__).parents[3] / "roles/nova/files/former_services.py"))


def test_conductors_and_schedulers_of_hosts_that_are_gone_are_forgotten() -> None:
    services = [
        types.SimpleNamespace(binary=binary, host=host)
        for binary in ("nova-conductor", "nova-scheduler", "nova-compute")
        for host in ("c1", "c3")
    ]
    found = [(item.binary, item.host) for item in SCRIPT["former"](services, ["c1", "c2"])]
    assert found == [("nova-conductor", "c3"), ("nova-scheduler", "c3")]
