# SPDX-License-Identifier: Apache-2.0
"""What a host need not know of containers and jobs that belong elsewhere."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import elsewhere

_KNOWN = {"control": ["c1"], "compute": ["n1", "n2"]}
_API = {
    "name": "api",
    "image": "x",
    "command": ["run"],
    "user": "1:1",
    "group": "control",
    "ports": [80],
    "env": {"A": "{{ a }}"},
    "memory": "{{ m }}",
}
_AGENT = {**_API, "name": "agent", "group": "compute"}
_JOB = {"name": "sync", "phase": "bootstrap", "container": "api", "command": ["sync"], "triggers": ["{{ many }}"], "after": ["agent"]}
_DEFINITION: dict[str, t.Any] = {"name": "x", "containers": [_API, _AGENT], "jobs": [_JOB], "files": [{"path": "/etc/x"}]}


def _on(host: str, override: dict[str, t.Any] | None = None) -> tuple[t.Any, t.Any]:
    override = override or {}
    return elsewhere.shorten(_DEFINITION, override, elsewhere.groups_of(_DEFINITION, override), host, _KNOWN)


def test_what_runs_here_stays_as_it_is() -> None:
    definition, _override = _on("c1")
    assert (definition["containers"][0], definition["jobs"]) == (_API, [_JOB])


def test_of_what_runs_elsewhere_the_rest_of_the_cloud_knows_where_it_is() -> None:
    definition, _override = _on("n1")
    short = {"name": "api", "image": "x", "command": [], "user": "1:1", "group": "control", "ports": [80]}
    assert definition["containers"] == [short, _AGENT]
    assert definition["jobs"] == [{"name": "sync", "phase": "bootstrap", "container": "api", "command": [], "after": ["agent"]}]
    assert definition["files"] == _DEFINITION["files"]


def test_an_override_moves_a_container() -> None:
    definition, override = _on("n1", {"containers": [{"name": "api", "group": "control:compute", "env": {"B": "1"}}]})
    assert (definition, override["containers"][0]["env"]) == (_DEFINITION, {"B": "1"})


def test_an_override_loses_what_the_definition_loses() -> None:
    changes = {
        "containers": [
            {"name": "api", "command": ["other"], "memory": "1g", "user": "2:2"},
            {"name": "new", "group": "control", "command": ["x"]},
        ]
    }
    _definition, override = _on("n1", changes)
    assert override["containers"] == [{"name": "api", "user": "2:2"}, changes["containers"][1]]


@pytest.mark.parametrize("group", ["contrl", "compute:contrl", 5, None])
def test_a_group_that_is_none_is_left_to_the_validation(group: t.Any) -> None:
    definition = {"containers": [{**_API, "group": group}]}
    assert elsewhere.shorten(definition, {}, elsewhere.groups_of(definition), "c1", _KNOWN) == (definition, {})


@pytest.mark.parametrize("containers", ["{{ expression }}", None, ["text", {"image": "no name"}]])
def test_what_is_no_list_of_containers_is_left_to_the_validation(containers: t.Any) -> None:
    definition = {"name": "x", "containers": containers}
    assert elsewhere.shorten(definition, {}, elsewhere.groups_of(definition), "n1", _KNOWN) == (definition, {})
