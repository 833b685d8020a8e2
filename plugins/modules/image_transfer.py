#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Images pushed to or pulled from a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_transfer
short_description: Images pushed to or pulled from a registry
version_added: 0.1.0
description:
  - Ships those images that the registry, or this host, does not have or has in another version, several at a time.
author: The caisson authors (@caisson)
options:
  direction:
    description: Which way.
    type: str
    choices: [push, pull]
    required: true
  images:
    description: References without a registry; both ends use them.
    type: list
    elements: str
    required: true
  registry:
    description: Registry as host and port.
    type: str
    required: true
  parallel:
    description: Images that are shipped at the same time.
    type: int
    default: 4
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Says which images would be shipped and why.}
  diff_mode: {support: full, description: Shows each image and the reason.}
"""

EXAMPLES = r"""
- name: Pull the image of memcached
  caisson.openstack.image_transfer:
    direction: pull
    images: ["caisson/memcached:2026.1-0a1b2c3d"]
    registry: 192.0.2.1:5000
"""

RETURN = r"""
shipped:
  description: Images that were shipped, with the reason.
  returned: always
  type: dict
  sample: {'caisson/memcached:2026.1-0a1b2c3d': this host does not have it}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.images import transfer
from ansible_collections.caisson.openstack.plugins.module_utils.images.store import ImageStore


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "direction": {"type": "str", "choices": ["push", "pull"], "required": True},
            "images": {"type": "list", "elements": "str", "required": True},
            "registry": {"type": "str", "required": True},
            "parallel": {"type": "int", "default": 4},
            **arguments.ENGINE,
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        store = ImageStore(connect(params, timeout=1800))
    except EngineError as error:
        module.fail_json(msg=str(error))
    outcomes = transfer.run(store, params["images"], params["registry"], params["direction"], module.check_mode, params["parallel"])
    failed = [outcome for outcome in outcomes if outcome.error]
    shipped = {outcome.image: outcome.reason for outcome in outcomes if outcome.reason and not outcome.error}
    if failed:
        details = "\n".join(f"  - {outcome.image}: {outcome.error}" for outcome in failed)
        module.fail_json(msg=f"{len(failed)} of {len(outcomes)} images could not be shipped:\n{details}", shipped=shipped)
    lines = "".join(f"{image}: {reason}\n" for image, reason in shipped.items())
    module.exit_json(changed=bool(shipped), shipped=shipped, diff={"before": "", "after": lines})


if __name__ == "__main__":
    main()
