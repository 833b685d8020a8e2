# SPDX-License-Identifier: Apache-2.0
"""What people and monitoring are told of a cloud."""

from __future__ import annotations

import datetime
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils import plans, status

_ROW = {
    "name": "api",
    "service": "x",
    "status": "running",
    "health": "healthy",
    "image": "sha256:0a1b2c3d4e5f6a7b",
    "since": "2026-01-02T03:04:05.6Z",
}
_INFO: dict[str, t.Any] = {"containers": [_ROW], "missing": [], "faulty": []}
_STEP = {"kind": "container", "name": "api", "action": "replace", "reasons": ["files: as in its image -> /x changed"]}


def _status(info: t.Any = None, steps: t.Sequence[t.Any] = (), hosts: t.Sequence[str] = ("c1",)) -> status.Status:
    plan = plans.make("caisson", {"c1": {"steps": list(steps)}}, {}, datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC))
    return status.make(plan, {"c1": info or _INFO}, hosts)


def test_a_sound_cloud_is_said_to_be_so() -> None:
    found = _status()
    assert (found.faults, found.drifted) == ([], False)
    lines = status.lines(found)
    assert lines[1].split() == ["c1", "api", "running", "healthy", "0a1b2c3d4e5f", "2026-01-02T03:04:05"]
    assert lines[-1] == "1 hosts, 1 containers: all healthy, no drift"


def test_every_fault_names_its_host() -> None:
    found = _status({**_INFO, "missing": ["db"], "faulty": ["api"]}, hosts=["c1", "c2"])
    assert found.faults == ["c1: db is missing", "c1: api is down or not healthy", "c2: it did not answer, or could not be examined"]
    assert "FAULT c1: db is missing" in status.lines(found)


def test_drift_is_told_with_its_reason() -> None:
    found = _status(steps=[_STEP])
    assert found.drifted
    assert any("/x changed" in line for line in status.lines(found))
    assert status.lines(found)[-1].endswith("with drift")


def test_monitoring_gets_json() -> None:
    data = json.loads(status.dump(_status(steps=[_STEP])))
    assert (data["cloud"], data["drifted"], data["faults"]) == ("caisson", True, [])
    assert data["drift"]["c1"][0]["name"] == "api"
    assert data["hosts"]["c1"]["containers"][0]["health"] == "healthy"
