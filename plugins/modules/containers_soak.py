#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Check that containers stay up after they were updated."""

from __future__ import annotations

DOCUMENTATION = r"""
module: containers_soak
short_description: Check that containers stay up after they were updated
version_added: 0.1.0
description:
  - Watches containers for O(soak) seconds, and until each is up for O(uptime) seconds.
  - Fails as soon as one is down, unhealthy, or was restarted or replaced since M(caisson.openstack.host_step) updated it.
author: The caisson authors (@caisson)
options:
  only:
    description: Names of the containers to watch.
    type: list
    elements: str
    required: true
  soak:
    description: Seconds to watch the containers in any case.
    type: int
    default: 0
  uptime:
    description: Seconds since its start that each container has to be up.
    type: int
    default: 0
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.cloud]
attributes:
  check_mode: {support: full, description: Never changes anything.}
  diff_mode: {support: none, description: Never changes anything.}
"""

EXAMPLES = r"""
- name: Watch the API for a minute
  caisson.openstack.containers_soak:
    cloud: example
    only: [nova_api, nova_metadata]
    soak: 60
"""

RETURN = r"""
unstable:
  description: Containers that did not stay up.
  returned: failure
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateError, StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import soak


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            **arguments.ENGINE,
            **arguments.CLOUD,
            "only": {"type": "list", "elements": "str", "required": True},
            "soak": {"type": "int", "default": 0},
            "uptime": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        engine = Engine(connect(params))
        failures = soak.watch(engine, params["cloud"], params["only"], StateFile(), params["soak"], params["uptime"])
    except (EngineError, StateError) as error:
        module.fail_json(msg=str(error))
    if failures:
        module.fail_json(msg="containers did not stay up: " + "\n".join(failures.values()), unstable=list(failures))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
