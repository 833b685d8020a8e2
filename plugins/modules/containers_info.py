#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""State, image and health of the containers of a cloud on one host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: containers_info
short_description: State, image and health of the containers of a cloud on one host
version_added: 0.1.0
description:
  - Lists the containers of a cloud, and those of O(expected) that are missing.
  - A container that the engine has not found healthy yet is asked here and now, by its own health check.
author: The caisson authors (@caisson)
options:
  expected:
    description: Names of the containers that belong on the host.
    type: list
    elements: str
    default: []
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.cloud]
attributes:
  check_mode: {support: full, description: Never changes anything.}
"""

EXAMPLES = r"""
- name: Gather the state of the containers
  caisson.openstack.containers_info:
    cloud: example
"""

RETURN = r"""
containers:
  description: Containers in the order of their names.
  returned: always
  type: list
  elements: dict
  sample: [{name: memcached, service: memcached, status: running, health: healthy, image: 'sha256:0a1b2c3d', restarts: 0}]
missing:
  description: Names that are expected but not there.
  returned: always
  type: list
  elements: str
faulty:
  description: Names of containers that do not run or are not healthy.
  returned: always
  type: list
  elements: str
"""

import concurrent.futures

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments, health
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec

_PARALLEL = 8


def _sound(engine: Engine, state: ContainerState) -> bool:
    return state.running and health.healthy(engine, state, state.healthcheck)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "expected": {"type": "list", "elements": "str", "default": []},
            **arguments.ENGINE,
            **arguments.CLOUD,
        },
        supports_check_mode=True,
    )
    try:
        engine = Engine(connect(module.params))
        found = engine.containers([f"{spec.LABEL_CLOUD}={module.params['cloud']}", spec.LABEL_CONTAINER])
        with concurrent.futures.ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            sound = dict(zip(found, pool.map(lambda state: _sound(engine, state), found.values()), strict=True))
    except EngineError as error:
        module.fail_json(msg=str(error))
    rows = [
        {
            "name": name,
            "service": state.labels.get(spec.LABEL_SERVICE, ""),
            "status": state.status,
            "health": "healthy" if sound[name] else (state.health or "none"),
            "image": state.image_id,
            "since": state.started_at,
            "restarts": state.restarts,
        }
        for name, state in sorted(found.items())
    ]
    module.exit_json(
        changed=False,
        containers=rows,
        missing=sorted(set(module.params["expected"]) - found.keys()),
        faulty=[name for name in sorted(found) if not sound[name]],
    )


if __name__ == "__main__":
    main()
