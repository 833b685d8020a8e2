# SPDX-License-Identifier: Apache-2.0
"""When volumes tell that a host belongs to another cloud; with a real engine: tests/integration/test_identity.py."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.identity import identity
from ansible_collections.caisson.openstack.plugins.module_utils.identity.identity import Expected, Record, Seen

EXPECTED = Expected(cloud="demo", host="n1", file="secrets.yml", state="missing")
RECORD = Record(cloud="demo", host="n1")


def test_volumes_of_an_unknown_cloud_are_refused_before_anything_is_written() -> None:
    (error,) = identity.check(Seen(), EXPECTED, lambda: ["data"])
    assert "has volumes of an unknown cloud: data. " in error
    assert "host_belongs_to_this_inventory_now=n1" in error


def test_a_host_without_volumes_is_accepted() -> None:
    assert identity.check(Seen(), EXPECTED, list) == []


@pytest.mark.parametrize(
    ("seen", "expected"),
    [(Seen(record=RECORD, copy=RECORD, state_file=True), {"state": "kept"}), (Seen(), {"adopt": ["n1"]})],
)
def test_volumes_of_a_host_that_says_what_it_is_are_its_own(seen: Seen, expected: dict[str, t.Any]) -> None:
    wanted = Expected(**{"cloud": "demo", "host": "n1", "file": "secrets.yml", "state": "missing", **expected})
    assert identity.check(seen, wanted, _unasked) == []


def test_what_the_host_says_itself_comes_first() -> None:
    other = Record(cloud="other", host="n1")
    (error,) = identity.check(Seen(record=other, copy=other, state_file=True), EXPECTED, _unasked)
    assert "this host belongs to cloud 'other'" in error


def _unasked() -> t.NoReturn:
    raise AssertionError("it was asked for volumes")
