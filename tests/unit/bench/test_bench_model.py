# SPDX-License-Identifier: Apache-2.0
"""What a run costs the controller."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.bench import model


def test_the_memory_is_that_of_a_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "held = bytearray(64 * 2**20); input()"], stdin=subprocess.PIPE) as child:
        while child.poll() is None and model.memory(child.pid) < 64:
            pass
        found = model.memory(child.pid)
        child.communicate(b"\n")
    assert 64 <= found < 128


def test_a_process_that_has_ended_takes_none() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert model.memory(child.pid) == 0


def test_growth_is_an_exponent() -> None:
    assert model.exponent({50: 0.2, 500: 0.2, 5000: 0.2}) == pytest.approx(1)
    assert model.exponent({50: 0.2, 500: 2, 5000: 20}) == pytest.approx(2)
    # growth between two sizes is not hidden by the third
    assert model.exponent({50: 0.2, 500: 0.4, 5000: 0.2}) > 1.3
