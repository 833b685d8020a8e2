# SPDX-License-Identifier: Apache-2.0
"""A cloud of three hosts goes to the next two releases under running servers, which takes two hours."""

from __future__ import annotations

from tests.molecule.scenario import run_scenario


def test_scenario() -> None:
    run_scenario("upgrade")
