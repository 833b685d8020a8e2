# SPDX-License-Identifier: Apache-2.0
"""The model of a host takes as many steps in a cloud of any size. Nothing is timed: calls of functions are counted."""

from __future__ import annotations

import collections
import json
import pathlib

import pytest

from tests.bench import inventory
from tests.unit.roles import rendering

_SIZES = (20, 200)
_HOST_CAPABILITIES = {"virt_type": "kvm", "ovs_datapath": "system", "apparmor": True, "cgroup_version": 2, "interface": "eth0"}
Calls = collections.Counter[str]


def _calls(directory: pathlib.Path, size: int) -> tuple[Calls, Calls]:
    """Return how often each function is called for a hypervisor that is not the first of its play, and when the model is made again."""
    hosts = directory / "hosts" / "hosts.json"
    hosts.parent.mkdir(parents=True)
    inventory.write(size, hosts)
    done = rendering.run(hosts, directory, {"cloud_host_capabilities": _HOST_CAPABILITIES}, playbook="count_model.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    first, again = json.loads((directory / "compute0002.json").read_text("utf-8"))
    return Calls(first), Calls(again)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Calls, Calls]]:
    """The calls among few and among many hypervisors."""
    return [_calls(tmp_path_factory.mktemp("model") / str(size), size) for size in _SIZES]


def test_the_model_of_a_hypervisor_takes_as_many_calls_among_any_number(counted: list[tuple[Calls, Calls]]) -> None:
    few, many = (again for _first, again in counted)
    more = {name: number for name, number in (many - few).items() if number > 5}
    assert not more, f"called more often among {_SIZES[1]} hypervisors than among {_SIZES[0]}: {more}"
    assert few.total() > 10_000


def test_a_worker_reads_nothing_that_is_the_same_for_all_hosts(counted: list[tuple[Calls, Calls]]) -> None:
    first, _again = counted[1]
    loads = ("loader.py: PluginLoader._load_module_source", "play_roles.py: _meta", "compiled.py: _loaded")
    assert {name: first[name] for name in loads if first[name]} == {}
