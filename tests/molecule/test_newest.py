# SPDX-License-Identifier: Apache-2.0
"""The newest ansible-core runs the unit tests and the sanity tests, and deploys a host."""

from __future__ import annotations

from tests.molecule.scenario import run_scenario


def test_newest_ansible() -> None:
    run_scenario("newest")
