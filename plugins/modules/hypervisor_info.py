#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""What servers leave on a compute host while they exist."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hypervisor_info
short_description: What servers leave on a compute host while they exist
version_added: 0.1.0
description:
  - Lists domains, processes, switch ports, network namespaces and disks of servers, to compare before and after.
author: The caisson authors (@caisson)
options: {}
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Never changes anything.}
"""

EXAMPLES = r"""
- name: Gather the hypervisor's servers
  caisson.openstack.hypervisor_info:
  register: before
"""

RETURN = r"""
remains:
  description: Names by kind.
  returned: always
  type: dict
  sample: {domains: [], processes: [], ports: [], namespaces: [], instances: []}
"""

import pathlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments, protected_processes
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect

#: Container and command by kind.
_COMMANDS = {
    "domains": ("libvirt", ["virsh", "--quiet", "list", "--all", "--name"]),
    "ports": ("openvswitch_db", ["ovs-vsctl", "--db=unix:/run/openvswitch/db.sock", "--timeout=10", "list-ports", "br-int"]),
    "instances": ("nova_compute", ["ls", "/var/lib/nova/instances"]),
}
#: What nova keeps in the directory of the instances beside them.
_KEPT = {"_base", "locks", "snapshots", "compute_nodes", "compute_id"}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=arguments.ENGINE, supports_check_mode=True)
    remains: dict[str, list[str]] = {}
    try:
        engine = Engine(connect(module.params))
        for kind, (container, command) in _COMMANDS.items():
            done = engine.exec(container, command)
            if done.rc:
                module.fail_json(msg=f"cannot list {kind} in container {container}: {done.output}")
            remains[kind] = sorted(set(done.stdout.split()) - _KEPT)
    except EngineError as error:
        module.fail_json(msg=str(error))
    remains["processes"] = [f"{process.name} {process.pid}" for process in protected_processes.find(["qemu-system"])]
    remains["namespaces"] = sorted(path.name for path in pathlib.Path("/run/netns").glob("*"))
    module.exit_json(changed=False, remains=remains)


if __name__ == "__main__":
    main()
