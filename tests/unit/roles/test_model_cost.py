# SPDX-License-Identifier: Apache-2.0
"""The model of a host takes as many steps in a cloud of any size. Nothing is timed: calls of functions are counted."""

from __future__ import annotations

import collections
import json
import pathlib

from tests.bench import inventory
from tests.unit.roles import rendering

_SIZES = (20, 200)
_HOST_CAPABILITIES = {"virt_type": "kvm", "ovs_datapath": "system", "apparmor": True, "cgroup_version": 2}


def _calls(directory: pathlib.Path, size: int) -> collections.Counter[str]:
    """Return how often each function is called for a hypervisor that is not the first of its play."""
    directory.mkdir()
    hosts = directory / "hosts" / "hosts.json"
    hosts.parent.mkdir()
    inventory.write(size, hosts)
    done = rendering.run(hosts, directory, {"cloud_host_capabilities": _HOST_CAPABILITIES}, playbook="count_model.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    return collections.Counter(json.loads((directory / "compute0002.json").read_text("utf-8")))


def test_the_model_of_a_hypervisor_takes_as_many_calls_among_any_number(tmp_path: pathlib.Path) -> None:
    few, many = (_calls(tmp_path / str(size), size) for size in _SIZES)
    more = {name: number for name, number in (many - few).items() if number > 5}
    assert not more, f"called more often among {_SIZES[1]} hypervisors than among {_SIZES[0]}: {more}"
    assert sum(few.values()) > 10_000
