# SPDX-License-Identifier: Apache-2.0
"""Two regions with one Keystone."""

from __future__ import annotations

from tests.molecule.scenario import run_scenario


def test_scenario() -> None:
    run_scenario("regions")
