# SPDX-License-Identifier: Apache-2.0
"""The scenarios that are short enough for each change."""

from __future__ import annotations

import pytest

from tests.molecule.scenario import run_scenario


@pytest.mark.parametrize("scenario", ["default", "split"])
def test_scenario(scenario: str) -> None:
    run_scenario(scenario)
