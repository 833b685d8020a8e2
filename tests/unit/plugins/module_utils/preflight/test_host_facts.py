# SPDX-License-Identifier: Apache-2.0
"""What is read of a host: parsers, and this machine as it is."""

from __future__ import annotations

import os
import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec
from ansible_collections.caisson.openstack.plugins.module_utils.preflight import host_facts
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.host_checks import HostRequirements

ADDRESSES = """\
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: eth0    inet 192.0.2.11/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever preferred_lft forever
7: br-ex    inet 198.51.100.1/24 scope global br-ex\\       valid_lft forever preferred_lft forever
"""
REQUIRED = HostRequirements("192.0.2.11", 0, 0, "198.51.100.1/24")


def test_output_of_tools_and_files_is_parsed() -> None:
    assert host_facts.own_addresses(ADDRESSES) == ["127.0.0.1", "192.0.2.11", "198.51.100.1"]
    assert host_facts.gateways("default via 192.0.2.1 dev eth0 proto dhcp\ndefault via 192.0.2.2 dev eth1\n") == ["192.0.2.1", "192.0.2.2"]
    assert host_facts.name_servers("search x\nnameserver 192.0.2.53\n#nameserver 192.0.2.54\nnameserver fe80::1\n") == ["192.0.2.53"]
    assert host_facts.memory("MemFree: 1 kB\nMemTotal:        8192000 kB\n") == 8000
    assert host_facts.memory("") == 0


def test_containers_are_told_apart_by_their_cloud() -> None:
    labels = {
        "1": {spec.LABEL_CLOUD: "demo", spec.LABEL_CONTAINER: "api"},
        "2": {spec.LABEL_CLOUD: "other"},
        "3": {spec.LABEL_CLOUD: "demo"},
    }
    assert host_facts.split_by_cloud(labels, "demo") == ({"1": "api", "3": ""}, {"2": "other"})


def _engine(labels: dict[str, dict[str, str]]) -> t.Callable[[], Engine]:
    return lambda: t.cast(Engine, types.SimpleNamespace(labels=lambda _labels: labels))


def _no_engine() -> t.NoReturn:
    raise EngineError("no container engine answers")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The output of ``ip`` is that of another host."""
    shown = {"address": ADDRESSES, "route": "default via 192.0.2.1 dev eth0\n"}
    monkeypatch.setattr(host_facts, "_ip", lambda *words: next(text for word, text in shown.items() if word in words))
    monkeypatch.setattr(host_facts, "_RESOLVERS", "/nonexistent")


@pytest.mark.usefixtures("tools")
def test_addresses_that_a_host_needs_matter_before_its_cloud_runs_only() -> None:
    facts = host_facts.read(REQUIRED, "demo", ["https://127.0.0.1/debian", "https://name.invalid"], _engine({}))
    assert facts.needed_addresses == {
        "127.0.0.1": "packages, 127.0.0.1",
        # the address of the bridge is not among them
        "192.0.2.11": "its own address",
        "192.0.2.1": "its gateway",
    }
    running = _engine({"1": {spec.LABEL_CLOUD: "demo", spec.LABEL_CONTAINER: "api"}})
    assert host_facts.read(REQUIRED, "demo", [], running).needed_addresses == {}


@pytest.mark.usefixtures("tools")
def test_an_engine_that_does_not_answer_is_a_finding() -> None:
    facts = host_facts.read(REQUIRED, "demo", [], _no_engine)
    assert (facts.engine_error, facts.containers, facts.uid) == ("no container engine answers", {}, os.getuid())
