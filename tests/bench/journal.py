# SPDX-License-Identifier: Apache-2.0
"""What it costs a control host to note a step of a rollout, by the number of hosts."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import tempfile
import time

from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Holder
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal_file import JournalFile
from tests.bench.figures import Figure
from tests.unit.rollouts import BEGIN, a_large_rollout, event

_SIZES = (50, 5000)
_NOTES = 200


def measure(_args: argparse.Namespace) -> list[Figure]:
    """Return the figures of each size: the processor time of one note, without the start of the module."""
    figures = []
    for size in _SIZES:
        with tempfile.TemporaryDirectory() as directory:
            file = JournalFile(pathlib.Path(directory) / "rollout.json")
            holder = Holder(run="bench", who="bench", where="bench", pid=1, seen=BEGIN)
            file.replace(dataclasses.replace(a_large_rollout(size), holder=holder))
            begun = time.process_time()
            for number in range(_NOTES):
                file.append(journal.note(file.state(), "bench", BEGIN, event(number, "roll", "begun", "host-1", "compute")))
            milliseconds = (time.process_time() - begun) / _NOTES * 1000
        figures.append(Figure(f"journal, {size} hosts: a note", milliseconds, "ms", 5))
    return figures
