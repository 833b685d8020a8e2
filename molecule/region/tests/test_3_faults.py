# SPDX-License-Identifier: Apache-2.0
"""Control hosts die, stand still and lose contact while users read and write."""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
import typing as t

import pytest

from tests.molecule.observer import Observer
from tests.molecule.region import CONTROLS, Region, cut_off, hung, impostor, low_disk_of_broker, parted, power, slow, without_power
from tests.molecule.waiting import wait

#: Seconds until all users are served again after one host has died, at most.
_GAP = 10
#: Images are files of the first control host: nobody reads them while it is off.
_UNSERVED = {CONTROLS[0]: {"images"}}
#: Seconds after which a user gives a request up: what hangs has one of each when it begins to hang.
_LIMIT = 5
#: Seconds that a container is stopped, or stands still.
_FAULT = 15
#: What begins and ends a fault of a container; one whose process is killed starts again by itself.
_OF_CONTAINERS = {
    "killed": ("kill -9 $(docker inspect --format '{{.State.Pid}}' %s)", "docker start %s"),
    "stopped": ("docker stop %s", "docker start %s"),
    "hung": ("docker pause %s", "docker unpause %s"),
}
#: Seconds in which users notice whatever they are going to notice.
_WATCH = 30


@pytest.fixture(autouse=True)
def whole(region: Region) -> t.Iterator[None]:
    """Begin with all hosts, and end with them."""
    region.whole()
    yield
    power("on", *CONTROLS)
    region.whole()


def test_the_host_with_the_address_dies(region: Region, users: t.Callable[..., Observer]) -> None:
    host = region.holder()
    _suffers(region, users, host, without_power(host))


def test_the_host_of_the_databases_writer_dies(region: Region, users: t.Callable[..., Observer]) -> None:
    host = region.writer()
    _suffers(region, users, host, without_power(host))


def test_all_control_hosts_lose_power(region: Region, users: t.Callable[..., Observer]) -> None:
    with users() as observer:
        time.sleep(10)
        power("off", *CONTROLS)
        time.sleep(5)
        power("on", *reversed(CONTROLS))
        began = time.monotonic()
        wait("users are served", region.serves, 600)
        served = time.monotonic() - began
        time.sleep(_WATCH)
    print(f"all control hosts: served again {served:.0f} s after the power came back")
    # by itself: no run of site
    region.whole()
    assert not observer.lost(region.session())
    region.unchanged()


def test_the_host_with_the_address_hangs(region: Region, users: t.Callable[..., Observer]) -> None:
    host = region.holder()
    _suffers(region, users, host, hung(host))


def test_the_host_of_the_databases_writer_hangs(region: Region, users: t.Callable[..., Observer]) -> None:
    host = region.writer()
    _suffers(region, users, host, hung(host))


def test_the_host_with_the_address_is_cut_off(region: Region, users: t.Callable[..., Observer]) -> None:
    host = region.holder()
    _suffers(region, users, host, cut_off(host))


def test_the_host_of_the_databases_writer_is_cut_off(region: Region, users: t.Callable[..., Observer]) -> None:
    host = region.writer()
    _suffers(region, users, host, cut_off(host))


@pytest.mark.parametrize("pair", list(itertools.combinations(CONTROLS, 2)), ids="-".join)
def test_two_hosts_do_not_reach_each_other(region: Region, users: t.Callable[..., Observer], pair: tuple[str, str]) -> None:
    _suffers(region, users, "", parted(*pair))


def test_packets_of_a_host_take_a_second(region: Region, users: t.Callable[..., Observer]) -> None:
    host = region.holder()
    _suffers(region, users, host, slow(host, 1.0))


def test_a_broker_has_no_room_on_its_disk(region: Region, users: t.Callable[..., Observer]) -> None:
    _suffers(region, users, "", low_disk_of_broker(region.holder()))


def test_another_machine_has_the_address(region: Region, users: t.Callable[..., Observer]) -> None:
    _suffers(region, users, "", impostor())


@pytest.mark.parametrize("fault", list(_OF_CONTAINERS))
def test_each_container_of_a_host_fails(region: Region, users: t.Callable[..., Observer], fault: str) -> None:
    """One after the other, on the host that has the address at the time."""
    host = region.holder()
    begins, ends = _OF_CONTAINERS[fault]
    with users() as observer:
        for container in sorted(region.started(host)):
            print(f"{container} is {fault}")
            region.hosts[host].check_output(begins, container)
            time.sleep(_FAULT)
            region.hosts[host].run(ends, container)
            wait(f"{container} is healthy", functools.partial(_healthy, region, container), 300)
    assert not observer.lost(region.session())
    assert observer.gap(without=_UNSERVED.get(host, ())) <= _GAP, str(observer)


def _healthy(region: Region, container: str) -> bool:
    return not any(container in row for row in region.unhealthy())


def _suffers(region: Region, users: t.Callable[..., Observer], host: str, fault: contextlib.AbstractContextManager[None]) -> None:
    with users(_LIMIT) as observer:
        time.sleep(10)
        with fault:
            time.sleep(_WATCH)
        time.sleep(_WATCH)
    gap = observer.gap(without=_UNSERVED.get(host, ()))
    print(f"longest gap {gap:.1f} s")
    region.whole()
    assert not observer.lost(region.session())
    assert gap <= _GAP, str(observer)
