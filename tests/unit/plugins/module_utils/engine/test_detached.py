# SPDX-License-Identifier: Apache-2.0
"""Programs in detached containers, and how these are followed. What containers do is tested on a real engine: tests/integration."""

from __future__ import annotations

import json
import subprocess
import sys
import types

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import wait
from ansible_collections.caisson.openstack.plugins.module_utils.engine import detached


def test_a_program_gives_its_parameters_to_main_and_writes_what_it_returns_last() -> None:
    parameters = {"text": 'it\'s {a} "quote" \\ and\na line', "list": [1, None, True]}
    source = detached.python_source("import json\n\n\ndef main(given):\n    print('working')\n    return {'got': given}\n", parameters)
    done = subprocess.run([sys.executable, "-"], input=source, capture_output=True, text=True, check=True)
    first, last = done.stdout.splitlines()
    assert (first, json.loads(last)) == ("working", {"got": parameters})


def test_a_program_that_fails_writes_no_result() -> None:
    source = detached.python_source("def main(given):\n    raise SystemExit('not within 1 s')", {})
    done = subprocess.run([sys.executable, "-"], input=source, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", "not within 1 s")


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
