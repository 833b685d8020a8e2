# SPDX-License-Identifier: Apache-2.0
"""What is read from the output of a run."""

from __future__ import annotations

from tests.bench.cloud import Run


def test_task_rounds_are_counted_from_the_output() -> None:
    assert Run(1, 1, "PLAY [x]\n\nTASK [a] ***\nok\nTASK [b] ***\n").task_rounds == 2
