#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_check
short_description: Whether an inventory describes a cloud
version_added: 0.1.0
description:
  - Looks at what an operator set for all hosts and fails with every error that it finds, each with the variable, the place where
    it was set, the value and what would be right. No host is contacted and nothing is changed.
  - A variable whose name begins with that of a role must be one that the role has; refused is one that looks like a slip of
    another, anything else only gets a warning. Values must be of the declared type.
  - Host groups of enabled services must be there and have hosts. Each host needs an address of its own, and networks must hold
    what they are said to hold. A cluster needs an odd number of members, not all in one C(failure_domain).
author: The caisson authors (@caisson)
requirements: [netaddr on the controller]
options: {}
attributes:
  check_mode: {support: full, description: Never changes anything.}
  diff_mode: {support: none, description: Has no state of its own.}
"""

EXAMPLES = r"""
- name: Check the inventory
  caisson.openstack.inventory_check:
  register: inventory
  run_once: true
"""

RETURN = r"""
listeners:
  description: TCP ports on which services are going to listen, by host.
  returned: success
  type: dict
  sample: {control1: [{service: glance, port: 9292, setting: glance_port}]}
peers:
  description: Other hosts that a host must reach, by host, with address and TCP ports.
  returned: success
  type: dict
  sample: {control1: [{host: control2, address: 192.0.2.12, ports: [15000, 18774]}]}
volumes:
  description: Named volumes of the containers of the play's services, by host.
  returned: success
  type: dict
  sample: {control1: [mariadb_data, rabbitmq_data]}
"""
