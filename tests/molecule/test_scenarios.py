# SPDX-License-Identifier: Apache-2.0
"""Every scenario of Molecule from its hosts' creation to their removal. Needs the images of ``make cloud`` on this machine."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SCENARIOS = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str) -> None:
    environment = {**os.environ, "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    command = ["molecule", "test", "--scenario-name", scenario]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    (ROOT / "artifacts").mkdir(exist_ok=True)
    (ROOT / f"artifacts/molecule-{scenario}.log").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-8000:]
