# SPDX-License-Identifier: Apache-2.0
"""Control hosts lose power while users read and write."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest

from tests.molecule.observer import Observer
from tests.molecule.region import CONTROLS, Region, power, without_power
from tests.molecule.waiting import wait

#: Seconds until all users are served again after one host has died, at most.
_GAP = 10
#: Images are files of the first control host: nobody reads them while it is off.
_UNSERVED = {CONTROLS[0]: {"images"}}
#: Seconds in which users notice whatever they are going to notice.
_WATCH = 30


@pytest.fixture(autouse=True)
def whole(region: Region) -> t.Iterator[None]:
    """Begin with all hosts, and end with them."""
    region.whole()
    yield
    power("on", *CONTROLS)
    region.whole()


def test_the_host_with_the_address_dies(region: Region, users: t.Callable[[], Observer]) -> None:
    host = region.holder()
    _suffers(region, users, host, without_power(host))


def test_the_host_of_the_databases_writer_dies(region: Region, users: t.Callable[[], Observer]) -> None:
    host = region.writer()
    _suffers(region, users, host, without_power(host))


def test_all_control_hosts_lose_power(region: Region, users: t.Callable[[], Observer]) -> None:
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


def _suffers(region: Region, users: t.Callable[[], Observer], host: str, fault: contextlib.AbstractContextManager[None]) -> None:
    with users() as observer:
        time.sleep(10)
        with fault:
            time.sleep(_WATCH)
        time.sleep(_WATCH)
    gap = observer.gap(without=_UNSERVED.get(host, ()))
    print(f"longest gap {gap:.1f} s")
    region.whole()
    assert not observer.lost(region.session())
    assert gap <= _GAP, str(observer)
