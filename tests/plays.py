# SPDX-License-Identifier: Apache-2.0
"""Playbooks, run by the Ansible of this environment with the collection of this checkout."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t

BIN = pathlib.Path(sys.executable).parent
_COLLECTIONS = pathlib.Path(__file__).parents[1] / ".dev"


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a run, with *more* variables."""
    path = f"{BIN}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(_COLLECTIONS), "NO_COLOR": "1", **more}


def command(inventory: str, playbook: str, *arguments: str) -> list[str]:
    """Return the command that runs a playbook."""
    return [str(BIN / "ansible-playbook"), "-i", inventory, playbook, *arguments]


def run(directory: pathlib.Path, command: t.Sequence[str], check: bool = False, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run *command* in a directory with further environment *variables*; its errors are part of its output.

    Args:
        check: whether a run that fails is a failure of the test.
    """
    done = subprocess.run(
        command, cwd=directory, env=environment(**variables), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert not check or done.returncode == 0, done.stdout
    return done
