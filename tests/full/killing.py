# SPDX-License-Identifier: Apache-2.0
"""Kill runs at random points."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time

from tests import runs
from tests.cloud.conftest import ARTIFACTS, Cloud


def kill_runs(cloud: Cloud, points: int, longest: float) -> None:
    """Kill as many runs as there are *points*, each after at most *longest* seconds; none may fail for what one before it left.

    ``CAISSON_SEED`` repeats the points of an earlier test.
    """
    seed = int(os.environ.get("CAISSON_SEED", "0")) or random.randrange(1, 2**32)
    print(f"seed {seed}; CAISSON_SEED={seed} repeats it")
    chance = random.Random(seed)
    killed = 0
    with (ARTIFACTS / "kill-points.log").open("w") as log:
        log.write(f"seed {seed}\n")
        for point in range(points):
            # each run has something to do, even after the cloud stands
            variables = json.dumps({"cloud_debug": bool(point % 2), "memcached_memory": 64 + point})
            seconds = chance.uniform(1.0, longest)
            command = ["ansible-playbook", "-i", "inventory/aio/hosts.yml", "caisson.openstack.site", "-e", variables]
            with subprocess.Popen(command, cwd=cloud.root, env=cloud.environment, stdout=log, stderr=log, start_new_session=True) as run:
                try:
                    run.wait(seconds)
                except subprocess.TimeoutExpired:
                    runs.kill(run)
                    killed += 1
            log.write(f"\npoint {point}: {'killed' if run.returncode < 0 else f'ended with {run.returncode}'} after {seconds:.1f} s\n")
            log.flush()
            assert run.returncode <= 0, f"point {point} of seed {seed}: a run after a killed one failed; see {log.name}"
            time.sleep(0.2)
    print(f"{killed} of {points} runs were killed")
    assert killed
