# SPDX-License-Identifier: Apache-2.0
"""Runs that are killed at random points can be run again, and end well.

These are four, on a cloud that stands; ``make test-full`` has twenty, from the first deployment on, which take ten minutes.
"""

from __future__ import annotations

from tests.cloud.conftest import Cloud, recap
from tests.cloud.killing import kill_runs


def test_a_run_that_was_killed_can_be_run_again(cloud: Cloud) -> None:
    kill_runs(cloud, 4, 15.0)
    cloud.play("site")
    assert recap(cloud.play("site"))["changed"] == 0
    cloud.play("status")
