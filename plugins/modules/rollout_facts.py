#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""What new images say of an upgrade to them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_facts
short_description: What new images say of an upgrade to them
version_added: 0.1.0
description:
  - Runs the upgrade checks of services, and finds the schema migrations that are pending, in one-shot containers of the new images with
    the configuration that is there. Nothing is changed.
author: The caisson authors (@caisson)
options:
  jobs:
    description: Upgrade checks, as the model makes them.
    type: list
    elements: dict
    default: []
  schemas:
    description: Schemas, as the model makes them.
    type: list
    elements: dict
    default: []
  parallel:
    description: Containers that run at the same time.
    type: int
    default: 4
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.cloud]
attributes:
  check_mode: {support: full, description: 'Works the same, because nothing is changed.'}
  diff_mode: {support: none, description: Nothing is changed.}
"""

EXAMPLES = r"""
- name: Ask the new images for checks and pending migrations
  caisson.openstack.rollout_facts:
    cloud: example
    jobs: "{{ (host_model.parts | caisson.openstack.model_part('rollout_jobs')).check }}"
    schemas: "{{ host_model.parts | caisson.openstack.model_part('schemas') }}"
"""

RETURN = r"""
checks:
  description: Result of each upgrade check, with what it said if that was not success.
  returned: success
  type: list
  elements: dict
  sample: [{service: nova, result: success, detail: ''}]
schemas:
  description: For each schema its revisions now and then, those that the new image does not know, and the scripts of pending migrations.
  returned: success
  type: list
  elements: dict
  sample: [{name: placement, current: [c0a0b0], target: [c0a0b0], ahead: [], pending: []}]
absent:
  description: Images that are not on the host yet, so that nothing can be said.
  returned: success
  type: list
  elements: str
"""

import concurrent.futures
import json
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Schema
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec

_TIMEOUT = 180  # seconds


class Asker:
    """Asks images on one host."""

    def __init__(self, engine: Engine, params: t.Mapping[str, t.Any]) -> None:
        self._engine = engine
        self._cloud = params["cloud"]

    def image(self, spec: ContainerSpec) -> str:
        """Return the id of an image, empty if it is not here yet."""
        return self._engine.image_id(spec.image) or ""

    def check(self, job: JobSpec) -> dict[str, str]:
        """Return what a check says."""
        done = self._engine.run_once(job.container, self.image(job.container), self._cloud, timeout=job.timeout)
        result = {0: "success"}.get(done.rc, "warning" if done.rc in job.ok_codes else "failure")
        return {"service": job.service, "result": result, "detail": "" if result == "success" else done.output[-4000:]}

    def schema(self, item: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return what is pending for a schema.

        Raises:
            EngineError: if that cannot be found out.
        """
        wanted = dataclass_spec.construct(Schema, item["schema"])
        spec = dataclass_spec.construct(ContainerSpec, item["container"]).once(f"pending_{wanted.name}", wanted.command("pending"))
        done = self._engine.run_once(spec, self.image(spec), self._cloud, timeout=_TIMEOUT)
        if done.rc:
            raise EngineError(f"cannot tell which migrations of {wanted.name} are pending: {done.output[-2000:]}")
        return {**json.loads(done.stdout.splitlines()[-1]), "reviewed": wanted.reviewed}


def _ask(params: dict[str, t.Any]) -> dict[str, t.Any]:
    asker = Asker(Engine(connect(params)), params)
    jobs = [dataclass_spec.construct(JobSpec, item) for item in params["jobs"]]
    places = [job.container for job in jobs] + [dataclass_spec.construct(ContainerSpec, item["container"]) for item in params["schemas"]]
    absent = sorted({spec.image for spec in places if not asker.image(spec)})
    if absent:
        return {"checks": [], "schemas": [], "absent": absent}
    with concurrent.futures.ThreadPoolExecutor(max_workers=params["parallel"]) as pool:
        checks, schemas = pool.map(asker.check, jobs), pool.map(asker.schema, params["schemas"])
        return {"checks": list(checks), "schemas": list(schemas), "absent": []}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "jobs": {"type": "list", "elements": "dict", "default": [], "no_log": False},
            "schemas": {"type": "list", "elements": "dict", "default": []},
            "parallel": {"type": "int", "default": 4},
            **arguments.ENGINE,
            **arguments.CLOUD,
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, **_ask(module.params))
    except EngineError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
