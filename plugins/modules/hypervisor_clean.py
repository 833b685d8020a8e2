#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Remove resources of servers and networks on a host outside of containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hypervisor_clean
short_description: Remove resources of servers and networks on a host outside of containers
version_added: 0.1.0
description:
  - Ends all virtual machines of the libvirt container, deletes all bridges of the switch, and removes the network namespaces
    of the metadata agent. The containers of ovn-controller and of the switch are stopped on the way, because they would create
    again what was deleted.
  - The containers of libvirt and of the switch are started if they are stopped, because virtual machines and bridges outlive them.
  - What does not exist, or cannot be asked for because its container was removed, is skipped. There is a warning for a container that
    cannot be started, and for what is still there in the end.
author: The caisson authors (@caisson)
options: {}
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: "Says what would be removed, as far as containers that run know it."}
  diff_mode: {support: full, description: Shows what is removed.}
"""

EXAMPLES = r"""
- name: Remove what servers left behind
  caisson.openstack.hypervisor_clean:
"""

RETURN = r"""
removed:
  description: What was removed, by kind.
  returned: always
  type: dict
  sample: {domains: [instance-00000001], bridges: [br-int, br-ex], namespaces: []}
"""

import dataclasses

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments, hypervisor
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=arguments.ENGINE, supports_check_mode=True)
    try:
        engine = Engine(connect(module.params))
        warnings = [] if module.check_mode else hypervisor.start(engine)
        found = hypervisor.find(engine)
        if not module.check_mode:
            warnings += hypervisor.remove(engine, found, module.run_command)
    except EngineError as error:
        module.fail_json(msg=str(error))
    for warning in warnings:
        module.warn(warning)
    removed = dataclasses.asdict(found)
    module.exit_json(changed=any(removed.values()), removed=removed, diff={"before": found.lines(), "after": ""})


if __name__ == "__main__":
    main()
