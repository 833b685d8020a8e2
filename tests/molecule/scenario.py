# SPDX-License-Identifier: Apache-2.0
"""A scenario of Molecule from its hosts' creation to their removal. Needs the images of ``make cloud`` on this machine."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

from tests import engine_lock, whole_host

ROOT = pathlib.Path(__file__).parents[2]


def run_scenario(name: str) -> None:
    """Run a scenario and keep what it printed."""
    environment = {**os.environ, "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    command = ["molecule", "test", "--scenario-name", name]
    # the build host of some scenarios is this one
    whole_host.clear()
    with engine_lock.shared(), whole_host.shared():
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    whole_host.clear()
    (ROOT / "artifacts").mkdir(exist_ok=True)
    (ROOT / f"artifacts/molecule-{name}.log").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-8000:]
