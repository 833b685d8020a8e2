# SPDX-License-Identifier: Apache-2.0
"""Changes of the members of all clusters, while users read and write."""

from __future__ import annotations

import json
import typing as t

from tests.molecule.observer import Observer
from tests.molecule.region import CONTROLS, Region

#: One more option for each: their containers restart or are replaced.
_CHANGES = {
    "mariadb_max_connections": 900,
    "rabbitmq_memory": "260MB",
    "keystone_service_overrides": {"containers": [{"name": "keystone_api", "env": {"REGION_TEST": "changed"}}]},
}


def test_a_change_of_all_members_costs_no_request(region: Region, users: t.Callable[[], Observer]) -> None:
    before = {name: region.started(name) for name in CONTROLS}
    with users() as observer:
        region.play("site", "-e", json.dumps(_CHANGES))
    for name in CONTROLS:
        after = region.started(name)
        changed = {container for container, moment in after.items() if before[name].get(container) != moment}
        assert changed >= {"mariadb", "rabbitmq", "keystone_api"}
        assert "haproxy" not in changed
    assert not observer.failed
    assert not observer.lost(region.session())


def test_the_change_is_taken_back_the_same_way(region: Region, users: t.Callable[[], Observer]) -> None:
    with users() as observer:
        region.play("site")
    assert not observer.failed
    assert not observer.lost(region.session())
    region.whole()
    region.unchanged()


def test_a_rotation_of_all_secrets_costs_no_request(region: Region, users: t.Callable[[], Observer]) -> None:
    with users() as observer:
        region.play("rotate", "-e", '{"rotate_secrets": ["all"]}')
    assert not observer.failed
    assert not observer.lost(region.session())
    region.whole()
    region.unchanged()
