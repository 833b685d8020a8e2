# SPDX-License-Identifier: Apache-2.0
"""What a run costs the controller."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.bench import model


def test_the_memory_is_that_of_a_process_and_its_children() -> None:
    alone = model.memory(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "held = bytearray(64 * 2**20); input()"], stdin=subprocess.PIPE) as child:
        while model.memory(child.pid) < 64 and child.poll() is None:
            pass
        together = model.memory(os.getpid())
        assert child.poll() is None
        child.communicate(b"\n")
    assert alone > 0 and together > alone + 60


def test_a_process_that_has_ended_takes_none() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert model.memory(child.pid) == 0
