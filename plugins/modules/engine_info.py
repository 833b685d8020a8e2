#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Whether a usable container engine answers on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_info
short_description: Whether a usable container engine answers on a host
version_added: 0.1.0
description:
  - Asks the engine for its version. That none answers is a result, not a failure.
author: The caisson authors (@caisson)
options: {}
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Never changes anything.}
"""

EXAMPLES = r"""
- name: Look for an engine
  caisson.openstack.engine_info:
  register: engine
"""

RETURN = r"""
available:
  description: Whether an engine answers whose API is recent enough.
  returned: always
  type: bool
version:
  description: Version of the engine.
  returned: when it answers
  type: str
reason:
  description: Why it is not available.
  returned: when it is not
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import DEFAULT_URL, EngineError, connect


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec={"engine_url": {"type": "str", "default": DEFAULT_URL}}, supports_check_mode=True)
    try:
        client = connect(module.params["engine_url"], timeout=10)
        module.exit_json(changed=False, available=True, version=client.version()["Version"])
    except EngineError as error:
        module.exit_json(changed=False, available=False, reason=str(error))


if __name__ == "__main__":
    main()
