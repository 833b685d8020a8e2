#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Run the jobs that are needed before containers of the former release start again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: revert_jobs
short_description: Run the jobs that are needed before containers of the former release start again
version_added: 0.1.0
description:
  - Runs each job in the image, and with the options, that its container had before the rollout changed it.
  - A job whose container was not changed by the rollout is left out. The others run at each call, because what still runs the newer release
    keeps writing.
author: The caisson authors (@caisson)
options:
  rollout:
    description: Identifier of the rollout.
    type: str
    required: true
  root:
    description: Directory of the host below which configuration files live.
    type: path
    default: /etc/caisson
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.cloud, caisson.openstack.specifications.jobs]
attributes:
  check_mode: {support: full, description: Returns the jobs that would run.}
  diff_mode: {support: none, description: A job has no state to compare.}
"""

EXAMPLES = r"""
- name: Prepare the database for the former release
  caisson.openstack.revert_jobs:
    cloud: example
    rollout: 2026.1-1a2b
    jobs: "{{ (host_model.parts | caisson.openstack.model_part('rollout_jobs')).revert }}"
"""

RETURN = r"""
jobs:
  description: Names of the jobs that ran, or would run.
  returned: success
  type: list
  elements: str
"""

import pathlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments, lock
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import DEFAULT_PATH
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import JobSpec
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.snapshots import Snapshots
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.step import run_revert_jobs


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            **arguments.ENGINE,
            **arguments.CLOUD,
            **arguments.JOBS,
            "rollout": {"type": "str", "required": True},
            "root": {"type": "path", "default": "/etc/caisson"},
        },
        supports_check_mode=True,
    )
    params = module.params
    jobs = [dataclass_spec.construct(JobSpec, item) for item in params["jobs"]]
    try:
        engine = Engine(connect(params))
        with lock.exclusive(pathlib.Path(DEFAULT_PATH).parent, make=not module.check_mode):
            snapshots = Snapshots(pathlib.Path(params["root"]))
            names = run_revert_jobs(engine, params["cloud"], params["rollout"], snapshots, jobs, module.check_mode)
    except (EngineError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(names), jobs=names)


if __name__ == "__main__":
    main()
