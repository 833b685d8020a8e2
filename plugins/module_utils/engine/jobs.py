# SPDX-License-Identifier: Apache-2.0
"""One-shot containers: run a job to its end and judge its exit code."""

from __future__ import annotations

import time

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import JobSpec

#: Last lines of a job's output that a message shows.
_LINES = 25


def container_name(job: str) -> str:
    """Return the name of the one-shot container of a job."""
    return f"{job}.job"


def run(engine: Engine, job: JobSpec, image_id: str, cloud: str) -> ExecResult:
    """Run a job, again after a failure if it says so, and return how it ended.

    Raises:
        EngineError: if it fails, with the end of its output, or the engine refuses.
    """
    for attempt in range(job.retries + 1):
        if attempt:
            time.sleep(job.delay)
        result = engine.run_once(job.container, image_id, cloud, job.stdin.encode() or None, job.timeout, name=container_name(job.name))
        if result.rc in job.ok_codes:
            return result
    output = "\n".join(result.output.splitlines()[-_LINES:])
    raise EngineError(f"{job.container.command[0]} ended with exit code {result.rc}; its last output:\n{output}")
