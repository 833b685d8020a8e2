# SPDX-License-Identifier: Apache-2.0
"""Programs that errands run. What containers do with them is tested on a real engine: tests/integration."""

from __future__ import annotations

import json
import subprocess
import sys

from ansible_collections.caisson.openstack.plugins.module_utils.engine import detached


def test_a_program_gives_its_parameters_to_main_and_writes_what_it_returns_last() -> None:
    parameters = {"text": 'it\'s {a} "quote" \\ and\na line', "list": [1, None, True]}
    source = detached.python_source("import json\n\n\ndef main(given):\n    print('working')\n    return {'got': given}\n", parameters)
    done = subprocess.run([sys.executable, "-"], input=source, capture_output=True, text=True, check=True)
    first, last = done.stdout.splitlines()
    assert (first, json.loads(last)) == ("working", {"got": parameters})


def test_a_program_that_fails_writes_no_result() -> None:
    source = detached.python_source("def main(given):\n    raise SystemExit('not within 1 s')", {})
    done = subprocess.run([sys.executable, "-"], input=source, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", "not within 1 s")
