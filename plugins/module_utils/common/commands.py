# SPDX-License-Identifier: Apache-2.0
"""Run a program of the host from code that has no :class:`AnsibleModule` at hand, and so no ``run_command``."""

from __future__ import annotations

import os
import subprocess
import typing as t


def run(command: t.Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Return how *command* ended and what it printed, in English.

    Raises:
        OSError: if the program is missing or cannot be started.
    """
    environment = {**os.environ, "LC_ALL": "C"}
    # the one place that may: the sanity tests want run_command, which only modules have
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # pylint: disable=ansible-bad-function
