# SPDX-License-Identifier: Apache-2.0
"""What the Python of the services does at a fork, so that parent and workers share memory."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

TEMPLATE = pathlib.Path(__file__).parents[3] / "roles" / "images" / "templates" / "Containerfile-openstack.j2"

#: Fork twice; write how many objects are out of garbage collection in parent and child each time.
_FORKS = """
import gc, json, os, site, sys
site.addsitedir(sys.argv[1])
counts = []
for _ in range(2):
    made = [[] for _ in range(1000)]
    reading, writing = os.pipe()
    if not os.fork():
        os.write(writing, str(gc.get_freeze_count()).encode())
        os._exit(0)
    os.wait()
    counts.append([gc.get_freeze_count(), int(os.read(reading, 16))])
    kept = made
print(json.dumps(counts))
"""


def test_objects_of_a_parent_are_frozen_at_its_first_fork_and_all_of_a_worker(tmp_path: pathlib.Path) -> None:
    found = re.search(r"echo '(import .*register_at_fork.*)'", TEMPLATE.read_text())
    assert found
    # a line of a .pth file does not run as a module does: a function in it sees no names of the line
    (tmp_path / "share_memory.pth").write_text(f"{found[1]}\n")
    result = subprocess.run([sys.executable, "-c", _FORKS, str(tmp_path)], capture_output=True, text=True, timeout=30, check=True)
    assert not result.stderr
    (first_parent, first_worker), (second_parent, second_worker) = json.loads(result.stdout)
    assert first_worker >= first_parent > 1000
    # what a process makes later is collected, however often it forks
    assert abs(second_parent - first_parent) < 100
    assert second_worker > second_parent + 900
