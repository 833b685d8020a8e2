#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Stop or remove the containers of a cloud on one host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: containers_absent
short_description: Stop or remove the containers of a cloud on one host
version_added: 0.1.0
description:
  - Stops all containers of a cloud, those that were created last first, and with O(state=absent) removes them and the named
    volumes in O(volumes).
  - Virtual machines go on running when their host's containers stop. Where one would not, nothing is stopped.
author: The caisson authors (@caisson)
options:
  state:
    description: Whether the containers are kept.
    type: str
    choices: [stopped, absent]
    required: true
  volumes:
    description: Named volumes to remove.
    type: list
    elements: str
    default: []
  order:
    description: Names of containers in the order in which they were started; the last is stopped first.
    type: list
    elements: str
    default: []
  only:
    description: Names of the containers; without it all of the cloud.
    type: list
    elements: str
  timeout:
    description: Seconds between the stop signal and the kill; without it each container has the time of its definition.
    type: int
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.cloud]
attributes:
  check_mode: {support: full, description: Says what would be stopped or removed.}
  diff_mode: {support: full, description: Shows the names.}
"""

EXAMPLES = r"""
- name: Stop the cloud
  caisson.openstack.containers_absent:
    cloud: example
    state: stopped
"""

RETURN = r"""
containers:
  description: Containers that were stopped or removed.
  returned: always
  type: list
  elements: str
volumes:
  description: Volumes that were removed.
  returned: always
  type: list
  elements: str
"""

import concurrent.futures

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments, metrics, protected_processes
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec

#: Containers that are stopped at the same time.
_PARALLEL = 6


def _batches(found: dict[str, ContainerState], order: list[str]) -> list[list[str]]:
    """Return the names in the order of stopping: what was started last first, several at a time."""
    position = {name: number for number, name in enumerate(order)}
    names = sorted(found, key=lambda name: -position.get(name, len(order)))
    return [names[start : start + _PARALLEL] for start in range(0, len(names), _PARALLEL)]


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["stopped", "absent"], "required": True},
            "volumes": {"type": "list", "elements": "str", "default": []},
            "order": {"type": "list", "elements": "str", "default": []},
            "only": {"type": "list", "elements": "str"},
            "timeout": {"type": "int"},
            **arguments.ENGINE,
            **arguments.CLOUD,
        },
        supports_check_mode=True,
    )
    params = module.params
    remove = params["state"] == "absent"
    try:
        engine = Engine(connect(params))
        found = engine.containers([f"{spec.LABEL_CLOUD}={params['cloud']}"])
        if params["only"] is not None:
            found = {name: state for name, state in found.items() if name in params["only"]}
        if not remove:
            found = {name: state for name, state in found.items() if state.running}
            refusals = [
                (name, protected_processes.error(protected_processes.find(state.protected_processes), state.id))
                for name, state in found.items()
                if state.protected_processes
            ]
            for name, refusal in refusals:
                if refusal:
                    module.fail_json(msg=f"nothing was stopped, because of {name}: {refusal}")
        volumes = engine.volumes(params["volumes"]) if remove else []
        if not module.check_mode:
            for batch in _batches(found, params["order"]):
                with concurrent.futures.ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
                    list(pool.map(lambda name: engine.stop(name, params["timeout"] or found[name].stop_timeout), batch))
            for name in found if remove else []:
                engine.remove(name)
            engine.remove_volumes(volumes)
            if remove:
                metrics.write(engine, params["cloud"])
    except (EngineError, OSError) as error:
        module.fail_json(msg=f"{error}; fix this and run it again")
    lines = "".join(f"{name}\n" for name in [*sorted(found), *volumes])
    module.exit_json(changed=bool(found or volumes), containers=sorted(found), volumes=volumes, diff={"before": lines, "after": ""})


if __name__ == "__main__":
    main()
