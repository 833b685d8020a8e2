# SPDX-License-Identifier: Apache-2.0
"""What the check of a host says of volumes, against an engine that has one. A fake; for a real one see tests/integration."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.identity.identity import Expected, Record, Seen
from ansible_collections.caisson.openstack.plugins.modules import host_check

EXPECTED = Expected(cloud="demo", host="n1", file="secrets.yml", state="missing")
PARAMS: dict[str, t.Any] = {"volumes": ["data", "other"], "engine_url": "unix:///nowhere"}
RECORD = Record(cloud="demo", host="n1")


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    present = types.SimpleNamespace(volumes=lambda names: [name for name in names if name == "data"])
    monkeypatch.setattr(host_check, "Engine", lambda _client: present)
    monkeypatch.setattr(host_check, "connect", lambda *_url, **_options: None)


def test_volumes_of_an_unknown_cloud_are_refused_before_anything_is_written() -> None:
    (fault,) = host_check._strange(PARAMS, Seen(), EXPECTED, no_engine=False)
    assert "has volumes of a cloud that it knows nothing of: data. " in fault
    assert "host_belongs_to_this_inventory_now=n1" in fault


@pytest.mark.parametrize(
    ("params", "seen", "expected", "no_engine"),
    [
        ({"volumes": ["other"]}, Seen(), {}, False),
        ({"volumes": []}, Seen(), {}, False),
        ({}, Seen(record=RECORD, copy=RECORD, state_file=True), {"state": "kept"}, False),
        ({}, Seen(), {"adopt": ["n1"]}, False),
        # the engine itself is what is wrong then
        ({}, Seen(), {}, True),
    ],
)
def test_volumes_of_a_host_that_says_what_it_is_are_its_own(
    params: dict[str, t.Any], seen: Seen, expected: dict[str, t.Any], no_engine: bool
) -> None:
    wanted = Expected(**{"cloud": "demo", "host": "n1", "file": "secrets.yml", "state": "missing", **expected})
    assert host_check._strange({**PARAMS, **params}, seen, wanted, no_engine) == []
