# SPDX-License-Identifier: Apache-2.0
"""The scenarios that take long: the newest ansible-core, two hosts, three control hosts, a region, and two regions with one Keystone."""

from __future__ import annotations

import pytest

from tests.molecule.scenario import run_scenario


@pytest.mark.parametrize("scenario", ["newest", "split", "control_hosts", "region", "regions"])
def test_scenario(scenario: str) -> None:
    run_scenario(scenario)
