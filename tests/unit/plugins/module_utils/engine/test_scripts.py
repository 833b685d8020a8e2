# SPDX-License-Identifier: Apache-2.0
"""Programs for containers: the script gets its parameters, and the API client."""

from __future__ import annotations

import json
import subprocess
import sys

from ansible_collections.caisson.openstack.plugins.module_utils.common import openstack_api
from ansible_collections.caisson.openstack.plugins.module_utils.engine.scripts import program


def test_a_program_gives_its_parameters_to_main_and_writes_what_it_returns_last() -> None:
    parameters = {"text": 'it\'s {a} "quote" \\ and\na line', "list": [1, None, True]}
    source = program("import json\n\n\ndef main(given):\n    print('working')\n    return {'got': given}\n", parameters)
    done = subprocess.run([sys.executable, "-"], input=source, capture_output=True, text=True, check=True)
    first, last = done.stdout.splitlines()
    assert (first, json.loads(last)) == ("working", {"got": parameters})


def test_a_script_imports_its_modules_and_they_those_before_them() -> None:
    modules = {"first": "WORD = 'it\\'s'\n", "second": "from first import WORD\nTEXT = WORD + ' {here}'\n"}
    source = program("from second import TEXT\n\n\ndef main(given):\n    return {'text': TEXT}\n", {}, modules)
    done = subprocess.run([sys.executable, "-IS", "-"], input=source, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"text": "it's {here}"}


def test_a_program_that_fails_writes_no_result() -> None:
    source = program("def main(given):\n    raise SystemExit('not within 1 s')", {})
    done = subprocess.run([sys.executable, "-"], input=source, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", "not within 1 s")


def test_a_script_imports_the_client_where_the_collection_is_not_installed() -> None:
    script = f"""from __future__ import annotations
from {openstack_api.__name__} import Client

def main(given):
    return {{"kind": Client.__name__}}
"""
    done = subprocess.run([sys.executable, "-IS", "-"], input=program(script, {}), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"kind": "Client"}
