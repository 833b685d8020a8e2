# SPDX-License-Identifier: Apache-2.0
"""The scenario that is short enough for each change, with the ansible-core of the requirements."""

from __future__ import annotations

from tests.molecule.scenario import run_scenario


def test_default() -> None:
    run_scenario("default")
