#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""What a host offers to the containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_capabilities_facts
short_description: What a host offers to the containers
version_added: 0.1.0
description:
  - Finds out, by trying, whether guests run with KVM and whether the kernel has a datapath for Open vSwitch.
  - The trial of KVM boots the small test guest that the libvirt image holds. Its result is kept until the host boots again or the
    image changes.
author: The caisson authors (@caisson)
options:
  libvirt_image:
    description: Reference of the libvirt image; KVM is not tried without one.
    type: str
    default: ''
  address:
    description: Address on which the host serves, to find the network interface that has it.
    type: str
    default: ''
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.cloud]
attributes:
  check_mode: {support: full, description: Tries as well but keeps nothing.}
"""

EXAMPLES = r"""
- name: Gather the capabilities of the host
  caisson.openstack.host_capabilities_facts:
    cloud: example
    address: 192.0.2.11
    libvirt_image: caisson/libvirt:2026.1-0a1b2c3d
"""

RETURN = r"""
ansible_facts:
  description: Facts of the host.
  returned: always
  type: dict
  contains:
    cloud_host_capabilities:
      description: What was found.
      returned: always
      type: dict
      sample: {virt_type: kvm, ovs_datapath: system, cgroup_version: 2, apparmor: true, service_manager: systemd, interface: eth0}
reasons:
  description: Why guests and switch run as they do.
  returned: always
  type: dict
  sample: {virt_type: a guest booted, ovs_datapath: the kernel has a datapath}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.preflight import host_capabilities


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "libvirt_image": {"type": "str", "default": ""},
            "address": {"type": "str", "default": ""},
            **arguments.ENGINE,
            **arguments.CLOUD,
        },
        supports_check_mode=True,
    )
    try:
        found, reasons = host_capabilities.detect(
            module.params["cloud"], module.params["libvirt_image"], module.params["address"], module.params, remember=not module.check_mode
        )
    except EngineError as error:
        module.fail_json(msg=str(error))
    module.exit_json(ansible_facts={"cloud_host_capabilities": found}, reasons=reasons)


if __name__ == "__main__":
    main()
