# SPDX-License-Identifier: Apache-2.0
"""What the gate asks for after a step of several hosts."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.filter.gate_questions import gate_questions

_COMPUTE = {"api": "compute", "binary": "nova-conductor"}
GATES: list[dict[str, t.Any]] = [
    {"container": "nova_api", "agent": None, "url": "http://c/"},
    {"container": "nova_conductor", "agent": _COMPUTE, "url": ""},
    {"container": "mariadb", "agent": None, "url": ""},
]


def test_each_host_is_asked_for_what_its_step_replaces() -> None:
    containers = {"c1": ["nova_api", "mariadb"], "c2": ["nova_conductor"], "c3": ["mariadb"]}
    assert gate_questions(containers, dict.fromkeys(containers, GATES), {host: {} for host in containers}) == {
        "c1": {"agents": [], "urls": ["http://c/"]},
        "c2": {"agents": [_COMPUTE], "urls": []},
        "c3": {"agents": [], "urls": []},
    }


def test_nobody_waits_for_a_host_whose_step_has_failed() -> None:
    containers = {"c1": ["nova_api"], "c2": ["nova_api"]}
    replaced: dict[str, dict[str, t.Any]] = {"c1": {"failed": True, "msg": "no image"}, "c2": {"updates": []}}
    assert list(gate_questions(containers, dict.fromkeys(containers, GATES), replaced)) == ["c2"]
