#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Containers and one-shot jobs of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: containers
short_description: Containers and one-shot jobs of a host
version_added: 0.1.0
description:
  - Brings all containers of a host to their specification in one call, in dependency order and in parallel where
    nothing stands between, and waits until they are healthy.
  - A container is replaced only if its specification, image or configuration differs; the reason is returned.
  - The names of all containers of the cloud are kept in C(/var/lib/caisson/metrics) for monitoring.
  - A job is a container that runs to its end; it runs again only if its image, command, triggers or database changed.
author: The caisson authors (@caisson)
options:
  created_databases:
    description: Databases that were created in this run.
    type: list
    elements: str
    default: []
  finished_jobs:
    description: Jobs that earlier calls of the same task ran; O(created_databases) is no reason to run them again.
    type: list
    elements: str
    default: []
  prune_services:
    description: Services whose containers are removed if they are not in O(keep).
    type: list
    elements: str
    default: []
  prune_only:
    description: >-
      If there are any, only containers of these names are removed. They leave together, so that none is asked whether the others can
      spare it.
    type: list
    elements: str
    default: []
  keep:
    description: Names of the containers that belong on the host.
    type: list
    elements: str
    default: []
  starts:
    description: By container how a member of a cluster that does not run is to start, as M(caisson.openstack.plan) decides.
    type: dict
    default: {}
extends_documentation_fragment:
  - caisson.openstack.engine
  - caisson.openstack.cloud
  - caisson.openstack.progress
  - caisson.openstack.specifications
attributes:
  check_mode: {support: full, description: Says what would be done and why.}
  diff_mode: {support: full, description: Shows each option that differs.}
"""

EXAMPLES = r"""
- name: Start memcached
  caisson.openstack.containers:
    cloud: example
    containers:
      - name: memcached
        service: memcached
        image: caisson/memcached:2026.1
        command: [memcached, -l, 127.0.0.1]
        user: "42457:42457"
"""

RETURN = r"""
outcomes:
  description: What was done about each container and job, with the reasons.
  returned: always
  type: list
  elements: dict
  sample: [{name: memcached, kind: container, action: create, reasons: [it does not exist], state: done}]
waiting:
  description: Containers that are not healthy yet.
  returned: always
  type: list
  elements: str
"""

import pathlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments, lock, metrics
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Converger
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import diff, report
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import DEFAULT_PATH, StateError, StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model.cluster import MemberStart
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec


def _converge(module: AnsibleModule) -> None:
    params = module.params
    try:
        engine = Engine(connect(params))
        starts = {name: dataclass_spec.construct(MemberStart, item) for name, item in params["starts"].items()}
        converger = Converger(
            engine,
            params["cloud"],
            StateFile(),
            module.check_mode,
            params["patience"],
            params["elapsed"],
            starts=starts,
            starting=params["starting"],
            finished_jobs=params["finished_jobs"],
        )
        outcomes = converger.prune(params["prune_services"], params["keep"], params["prune_only"])
        outcomes += converger.converge(
            [dataclass_spec.construct(ContainerSpec, item) for item in params["containers"]],
            [dataclass_spec.construct(JobSpec, item) for item in params["jobs"]],
            params["created_databases"],
            params["parallel"],
        )
        if not module.check_mode:
            metrics.write(engine, params["cloud"])
    except (EngineError, StateError, OSError) as error:
        module.fail_json(msg=str(error))
    result, failure = report(outcomes)
    result["diff"] = diff(outcomes)
    if failure:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            **arguments.ENGINE,
            **arguments.CLOUD,
            **arguments.PROGRESS,
            **arguments.SPECIFICATIONS,
            "created_databases": {"type": "list", "elements": "str", "default": []},
            "finished_jobs": {"type": "list", "elements": "str", "default": []},
            "prune_services": {"type": "list", "elements": "str", "default": []},
            "prune_only": {"type": "list", "elements": "str", "default": []},
            "keep": {"type": "list", "elements": "str", "default": []},
            "starts": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    # a run whose controller was killed may still be at work on the host
    with lock.exclusive(pathlib.Path(DEFAULT_PATH).parent, make=not module.check_mode):
        _converge(module)


if __name__ == "__main__":
    main()
