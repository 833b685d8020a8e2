# SPDX-License-Identifier: Apache-2.0
"""Three control hosts and two hypervisors: deployed, changed and cut off from power while users read and write."""

from __future__ import annotations

from tests.molecule.scenario import run_scenario


def test_scenario() -> None:
    run_scenario("region")
