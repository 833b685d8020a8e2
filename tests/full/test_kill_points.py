# SPDX-License-Identifier: Apache-2.0
"""Runs that are killed at twenty random points, most of them of a first deployment, end well when they are run again."""

from __future__ import annotations

from tests.cloud.conftest import NAME, Cloud, recap
from tests.full.killing import kill_runs


def test_a_first_run_that_was_killed_can_be_run_again(cloud: Cloud) -> None:
    cloud.play("destroy", "-e", f"destroy_confirm={NAME}")
    kill_runs(cloud, 20, 25.0)
    cloud.play("site")
    assert recap(cloud.play("site"))["changed"] == 0
    cloud.play("status")
    cloud.play("verify")
