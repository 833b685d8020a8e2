# SPDX-License-Identifier: Apache-2.0
"""A load balancer may listen below 1024 if it has to, and only then."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Container, Frontend, Service
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import low_ports
from tests.unit.builders import a_container, a_service


def _granted(port: int, enabled: bool = True, **options: t.Any) -> Container:
    balancer = a_service(name="balancer", containers=[a_container(public_ports=True, **options), a_container("other")])
    service = a_service(name="web", containers=[], frontends=[Frontend("web", port, 18080, "control")], enabled=enabled)
    found: list[Service] = low_ports.grant([balancer, service])
    assert found[0].containers[1] == a_container("other", tier="api")
    return found[0].containers[0]


@pytest.mark.parametrize(("port", "enabled"), [(1024, True), (8080, True), (443, False)])
def test_nothing_is_granted_that_is_not_needed(port: int, enabled: bool) -> None:
    assert _granted(port, enabled) == a_container(public_ports=True, tier="api")


def test_a_low_port_is_bound_by_the_same_user_with_one_capability() -> None:
    granted = _granted(443)
    # its files go on belonging to its group
    assert granted.user == "0:2000"
    assert granted.capabilities == ["NET_BIND_SERVICE", "SETGID", "SETUID"]
    assert granted.command == [
        *("setpriv", "--reuid=1000", "--regid=2000", "--clear-groups"),
        *("--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service", "run"),
    ]
    assert granted.no_new_privileges


def test_root_keeps_its_command() -> None:
    granted = _granted(80, user="0:0")
    assert (granted.user, granted.command, granted.capabilities) == ("0:0", ["run"], ["NET_BIND_SERVICE"])
