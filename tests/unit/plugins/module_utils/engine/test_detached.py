# SPDX-License-Identifier: Apache-2.0
"""How detached containers are followed. What containers do is tested on a real engine: tests/integration."""

from __future__ import annotations

import types

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import wait
from ansible_collections.caisson.openstack.plugins.module_utils.engine import detached


class Runner(detached.DetachedRunner):
    """Its container ends after *seconds*, which pass only while somebody sleeps. A fake."""

    def __init__(self, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self._seconds, self.removed = 0.0, seconds, list[str]()
        monkeypatch.setattr(wait, "time", types.SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep))

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def progress(self, name: str) -> detached.Progress:
        return detached.Progress(0 if self.now >= self._seconds else None, "", f"{name} works")

    def remove(self, name: str) -> None:
        self.removed.append(name)


@pytest.mark.parametrize(
    ("seconds", "patience", "remaining", "code", "waited"),
    [
        (0, 10, 60, 0, 0),
        (3, 10, 60, 0, 3),
        # a further call follows it
        (30, 10, 60, None, 10),
        (30, 10, 5, 124, 5),
        (30, 10, 10, 124, 10),
    ],
)
def test_a_container_is_followed_to_its_end_or_as_long_as_patience_and_time_last(
    monkeypatch: pytest.MonkeyPatch, seconds: float, patience: float, remaining: float, code: int | None, waited: float
) -> None:
    runner = Runner(seconds, monkeypatch)
    progress = runner.follow("x", patience, remaining)
    assert (progress.rc, runner.now) == (code, waited)
    assert progress.stderr.startswith("x works")
    assert runner.removed == ([] if code is None else ["x"])
