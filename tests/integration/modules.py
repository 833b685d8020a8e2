# SPDX-License-Identifier: Apache-2.0
"""Modules of the collection, run as Ansible runs them."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

ROOT = pathlib.Path(__file__).parents[2]


def run_module(module: str, /, **arguments: t.Any) -> dict[str, t.Any]:
    """Return what *module* says."""
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.caisson.openstack.plugins.modules.{module}"],
        env={**os.environ, "PYTHONPATH": str(ROOT / ".dev")},
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
