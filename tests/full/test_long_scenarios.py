# SPDX-License-Identifier: Apache-2.0
"""The scenarios that take long: a cloud on two hosts, a region whose hosts lose power, and two regions with one Keystone."""

from __future__ import annotations

import pytest

from tests.molecule.scenario import run_scenario


@pytest.mark.parametrize("scenario", ["split", "region", "regions"])
def test_scenario(scenario: str) -> None:
    run_scenario(scenario)
