#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Send signals to containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: containers_signal
short_description: Send signals to containers
version_added: 0.1.0
description:
  - Sends a signal to the first process of each container, for example to make a service reload its configuration or negotiate versions
    with its peers again.
  - The engine does not count the signal as a stop, so the container still starts when the host boots.
author: The caisson authors (@caisson)
options:
  signals:
    description: Signal for each container by its name.
    type: dict
    required: true
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Returns the containers that would get a signal.}
  diff_mode: {support: none, description: A signal has no state to compare.}
"""

EXAMPLES = r"""
- name: Let the compute service ask its peers for their versions again
  caisson.openstack.containers_signal:
    signals: {nova_compute: SIGHUP}
"""

RETURN = r"""
containers:
  description: Containers that got a signal.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec={**arguments.ENGINE, "signals": {"type": "dict", "required": True}}, supports_check_mode=True)
    signals = module.params["signals"]
    try:
        if not module.check_mode:
            engine = Engine(connect(module.params))
            for name, signal in signals.items():
                engine.signal(name, signal)
    except EngineError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(signals), containers=list(signals))


if __name__ == "__main__":
    main()
