#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Update some containers of a host, or restore what they were before a rollout."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_step
short_description: Update some containers of a host, or restore what they were before a rollout
version_added: 0.1.0
description:
  - One step of a run that changes several hosts, the containers of one tier on one host.
  - Before a rollout changes a container, its specification, image and configuration are kept on the host as a snapshot. With
    O(state=reverted) the container is restored from its snapshot, independently of the inventory.
  - A container that is up to date is left alone, so an interrupted step can be run again.
author: The caisson authors (@caisson)
options:
  rollout:
    description: Identifier of the rollout; snapshots of another rollout are replaced. Without it no snapshot is kept.
    type: str
    default: ''
  only:
    description: Names of the containers that the step is for.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(rolled) brings the containers to what O(containers) and O(files) say.
      - V(reverted) restores those that this rollout has changed.
    type: str
    choices: [rolled, reverted]
    default: rolled
extends_documentation_fragment:
  - caisson.openstack.engine
  - caisson.openstack.cloud
  - caisson.openstack.files
  - caisson.openstack.progress
  - caisson.openstack.specifications
attributes:
  check_mode: {support: full, description: Returns in RV(updates) which containers would be changed and why.}
  diff_mode: {support: full, description: 'Shows options and files that differ, secrets masked; with O(state=reverted) options only.'}
"""

EXAMPLES = r"""
- name: Update the API to its new release
  caisson.openstack.host_step:
    cloud: example
    rollout: 2026.1-1a2b
    only: [nova_api, nova_metadata]
    containers: "{{ (host_model.parts | caisson.openstack.model_part('stages')).service.containers }}"
    files: "{{ host_model.files }}"
"""

RETURN = r"""
updates:
  description: Containers that were changed, or would be, with image and release before and after and the reasons.
  returned: success
  type: list
  elements: dict
  sample:
    - container: nova_api
      service: nova
      image_from: sha256:0a1b
      image_to: sha256:2c3d
      new_image: true
      release_from: '2025.2'
      release_to: '2026.1'
      reasons: ['image: 0a1b -> 2c3d']
outcomes:
  description: What was done about each container and job, with the reasons.
  returned: always
  type: list
  elements: dict
waiting:
  description: Containers that are not healthy yet.
  returned: always
  type: list
  elements: str
"""

import dataclasses
import pathlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments, config_tree, lock, metrics
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import report
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import DEFAULT_PATH, StateError, StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.snapshots import Snapshots
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.step import HostStep, StepResult


def _take(module: AnsibleModule) -> StepResult:
    params = module.params
    root = pathlib.Path(params["root"])
    engine = Engine(connect(params))
    step = HostStep(
        engine=engine,
        cloud=params["cloud"],
        rollout=params["rollout"],
        names=params["only"],
        state=StateFile(),
        snapshots=Snapshots(root),
        root=root,
        check_mode=module.check_mode,
        patience=params["patience"],
        elapsed=params["elapsed"],
        parallel=params["parallel"],
        starting=params["starting"],
    )
    if params["state"] == "reverted":
        result = step.revert()
    else:
        result = step.roll(
            [dataclass_spec.construct(ContainerSpec, item) for item in params["containers"]],
            [dataclass_spec.construct(JobSpec, item) for item in params["jobs"]],
            config_tree.unpack(params["files"]),
        )
    if not module.check_mode:
        metrics.write(engine, params["cloud"])
    return result


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            **arguments.ENGINE,
            **arguments.CLOUD,
            **arguments.FILES,
            **arguments.PROGRESS,
            **arguments.SPECIFICATIONS,
            "rollout": {"type": "str", "default": ""},
            "only": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["rolled", "reverted"], "default": "rolled"},
        },
        supports_check_mode=True,
    )
    if not module.params["rollout"] and module.params["state"] == "reverted":
        module.fail_json(msg="parameter 'rollout' is required with state=reverted: it says which rollout the snapshots belong to")
    try:
        # a run whose controller was killed may still be at work on the host
        with lock.exclusive(pathlib.Path(DEFAULT_PATH).parent, make=not module.check_mode):
            step = _take(module)
    except (EngineError, StateError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    result, failure = report(step.outcomes)
    result |= {"changed": bool(step.updates) or result["changed"], "updates": [dataclasses.asdict(update) for update in step.updates]}
    if module._diff:
        result["diff"] = step.diff
    if failure:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
