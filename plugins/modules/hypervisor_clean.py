#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Remove what servers and their networks made on a host outside of containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hypervisor_clean
short_description: Remove what servers and their networks made on a host outside of containers
version_added: 0.1.0
description:
  - Ends all virtual machines of the libvirt container, deletes all bridges of the switch, and removes the network namespaces
    of the metadata agent. The containers of ovn-controller and of the switch are stopped on the way, because they would make
    again what was deleted.
  - What is done already, or cannot be done because its container is gone, is no error.
author: The caisson authors (@caisson)
options: {}
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Says what would be removed.}
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

import pathlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import DEFAULT_URL, Engine, EngineError, connect

_VSCTL = ["ovs-vsctl", "--db=unix:/run/openvswitch/db.sock", "--timeout=15"]
_NAMESPACE_PREFIX = "ovnmeta-"
_NAMESPACES = pathlib.Path("/run/netns")


def _lines(engine: Engine, container: str, command: list[str]) -> list[str]:
    """Return what a command prints, or nothing if its container does not run."""
    state = engine.container(container)
    if state is None or not state.running:
        return []
    return engine.exec(container, command).stdout.split()


def _stop(engine: Engine, container: str) -> None:
    if engine.container(container):
        engine.stop(container, 10)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec={"engine_url": {"type": "str", "default": DEFAULT_URL}}, supports_check_mode=True)
    try:
        engine = Engine(connect(module.params["engine_url"]))
        removed = {
            "domains": _lines(engine, "libvirt", ["virsh", "--quiet", "list", "--name"]),
            "bridges": _lines(engine, "openvswitch_db", [*_VSCTL, "list-br"]),
            # the tap of the userspace datapath outlives the switch
            "links": [name for name in ("ovs-netdev",) if pathlib.Path("/sys/class/net", name).exists()],
            "namespaces": sorted(path.name for path in _NAMESPACES.glob(f"{_NAMESPACE_PREFIX}*")),
        }
        if not module.check_mode:
            for name in removed["domains"]:
                engine.exec("libvirt", ["virsh", "--quiet", "destroy", name])
            _stop(engine, "ovn_controller")
            for name in removed["bridges"]:
                engine.exec("openvswitch_db", [*_VSCTL, "--if-exists", "del-br", name])
            _stop(engine, "openvswitch_vswitchd")
            for name in removed["bridges"]:
                # what the switch's own script adds for a bridge with an address
                module.run_command(["ip", "rule", "delete", "iif", name, "prohibit"])
            for name in removed["links"]:
                module.run_command(["ip", "link", "delete", name])
            for name in removed["namespaces"]:
                module.run_command(["ip", "netns", "delete", name])
    except EngineError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=any(removed.values()), removed=removed)


if __name__ == "__main__":
    main()
