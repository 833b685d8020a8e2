# SPDX-License-Identifier: Apache-2.0
"""Settings of the property-based tests: few examples by default, because these tests are the quick ones.

``HYPOTHESIS_PROFILE=thorough`` looks longer.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, settings

from tests import collection

collection.use()

_SLOW_MACHINE = [HealthCheck.too_slow]

settings.register_profile("quick", max_examples=40, deadline=None, suppress_health_check=_SLOW_MACHINE)
settings.register_profile("thorough", max_examples=1000, deadline=None, suppress_health_check=_SLOW_MACHINE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
