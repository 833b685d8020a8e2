# SPDX-License-Identifier: Apache-2.0
"""Control hosts are replaced by machines without data, and leave, while users read and write."""

from __future__ import annotations

import typing as t

import pytest
from testinfra.host import Host

from tests.molecule import waiting
from tests.molecule.observer import Observer
from tests.molecule.region import ADDRESSES, CONTROLS, FIRST, FOURTH, Region, lose

#: Seconds without an answer while members become the only database and the only broker, at most.
_GAP = 45
_NOW = (*CONTROLS[:-1], FOURTH)


@pytest.fixture(scope="module")
def replaced(reach: t.Callable[[str], Host]) -> t.Iterator[Region]:
    """The region with another machine in the place of the last control host."""
    yield Region(reach, _NOW, ["fourth.yml", "replaced.yml"], CONTROLS[-1])
    lose(FOURTH)


@pytest.fixture(scope="module")
def alone(replaced: Region, reach: t.Callable[[str], Host]) -> Region:
    """The same hosts, of which one is a control host."""
    assert replaced
    return Region(reach, _NOW, ["fourth.yml"], CONTROLS[-1])


def test_a_host_whose_disk_is_lost_is_replaced(region: Region, users: t.Callable[[], Observer]) -> None:
    """The others and hypervisors go on as they are."""
    region.whole()
    others = [name for name in region.hosts if name != CONTROLS[-1]]
    before = {name: region.started(name) for name in others}
    _replace(region, region, CONTROLS[-1], users)
    assert {name: region.started(name) for name in others} == before
    region.unchanged()


def test_a_lost_host_is_replaced_by_one_of_another_name(region: Region, replaced: Region, users: t.Callable[[], Observer]) -> None:
    """No member of any cluster knows the former one any more."""
    lost = CONTROLS[-1]
    _replace(region, replaced, FOURTH, users)
    for command in (
        "ovn_nb_db ovn-appctl -t /run/ovn/ovnnb_db.ctl cluster/status OVN_Northbound",
        "ovn_sb_db ovn-appctl -t /run/ovn/ovnsb_db.ctl cluster/status OVN_Southbound",
        "rabbitmq /usr/lib/rabbitmq/bin/rabbitmqctl cluster_status",
        "mariadb mariadb -e \"SHOW STATUS LIKE 'wsrep_incoming_addresses'\"",
    ):
        text = replaced.hosts[FIRST].check_output(f"docker exec {command}")
        assert ADDRESSES[FOURTH] in text and ADDRESSES[lost] not in text
    replaced.unchanged()


def test_a_database_is_not_left_by_the_last_host_that_the_run_may_change(replaced: Region, alone: Region) -> None:
    """What the others write would be lost."""
    before = {name: replaced.started(name) for name in _NOW}
    refused = alone.play("plan", "--limit", ",".join(_NOW[:-1]), check=False)
    assert f"mariadb on {FIRST} is to go on without a cluster, but members run on {ADDRESSES[FOURTH]}" in refused
    assert {name: replaced.started(name) for name in _NOW} == before


def test_three_control_hosts_become_one(region: Region, alone: Region, users: t.Callable[[], Observer]) -> None:
    """The others are empty then, when their volumes are removed as well."""
    with users() as observer:
        alone.play("site")
    assert not observer.lost(region.session())
    assert observer.gap() <= _GAP, str(observer)
    alone.whole()
    assert alone.holder() == FIRST
    for name in _NOW[1:]:
        assert not alone.images(name)
    alone.unchanged()
    alone.play("destroy", "--limit", ",".join(_NOW[1:]), "-e", "destroy_confirm=caisson-test-molecule")
    for name in _NOW[1:]:
        assert not alone.hosts[name].check_output("docker volume ls --quiet")
    alone.unchanged()


def _replace(region: Region, successor: Region, name: str, users: t.Callable[[], Observer]) -> None:
    """Lose the last control host, which has no images, and let a machine take its place in *successor*: no request fails."""
    region.whole()
    lost = CONTROLS[-1]
    images = region.images(lost)
    lose(lost)
    waiting.wait("users are served", region.serves)
    with users() as observer:
        successor.install(name)
        successor.play("engine")
        successor.play("site")
    assert not observer.failed
    assert not observer.lost(region.session())
    successor.whole()
    assert successor.images(name) == images
