#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""What a host offers to the containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: substrate_facts
short_description: What a host offers to the containers
version_added: 0.1.0
description:
  - Finds out, by trying, whether guests run with KVM and whether the kernel has a datapath for Open vSwitch.
  - The trial of KVM boots the small test guest that the libvirt image holds. Its result is kept until the host boots again or the
    image changes.
author: The caisson authors (@caisson)
options:
  cloud:
    description: Name of the cloud, kept as a label of the trial's container.
    type: str
    required: true
  libvirt_image:
    description: Reference of the libvirt image; KVM is not tried without one.
    type: str
    default: ''
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Tries as well but keeps nothing.}
"""

EXAMPLES = r"""
- name: Gather the capabilities of the host
  caisson.openstack.substrate_facts:
    cloud: example
    libvirt_image: caisson/libvirt:2026.1-0a1b2c3d
"""

RETURN = r"""
ansible_facts:
  description: Facts of the host.
  returned: always
  type: dict
  contains:
    cloud_substrate:
      description: What was found.
      returned: always
      type: dict
      sample: {virt_type: kvm, ovs_datapath: system, cgroup_version: 2, apparmor: true, service_manager: systemd}
reasons:
  description: Why guests and switch run as they do.
  returned: always
  type: dict
  sample: {virt_type: a guest booted, ovs_datapath: the kernel has a datapath}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import DEFAULT_URL, Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.preflight import host_capabilities


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "cloud": {"type": "str", "required": True},
            "libvirt_image": {"type": "str", "default": ""},
            "engine_url": {"type": "str", "default": DEFAULT_URL},
        },
        supports_check_mode=True,
    )
    cloud, image = module.params["cloud"], module.params["libvirt_image"]
    device = host_capabilities.kvm_device()
    try:
        engine = Engine(connect(module.params["engine_url"])) if device and image else None
        image_id = engine.image_id(image) if engine else None
        virt, virt_reason = host_capabilities.virt_type(
            device,
            image_id,
            host_capabilities.boot_id(),
            StateFile(),
            lambda found: engine is not None and host_capabilities.run_guest(engine, found, cloud, "kvm"),
            remember=not module.check_mode,
        )
    except EngineError as error:
        module.fail_json(msg=str(error))
    datapath, datapath_reason = host_capabilities.ovs_datapath(host_capabilities.netlink_family_exists, host_capabilities.load_module)
    facts = {
        "virt_type": virt,
        "ovs_datapath": datapath,
        "cgroup_version": host_capabilities.cgroup_version(),
        "apparmor": host_capabilities.apparmor(),
        "service_manager": host_capabilities.service_manager(),
    }
    module.exit_json(ansible_facts={"cloud_substrate": facts}, reasons={"virt_type": virt_reason, "ovs_datapath": datapath_reason})


if __name__ == "__main__":
    main()
