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
  - Asks the engine for its version and its free disk space. An engine that does not answer is a result, not a failure.
author: The caisson authors (@caisson)
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
disk:
  description: Directory with the images, containers and volumes of the engine, and the MiB that are free there; empty if not on this host.
  returned: when it answers
  type: dict
  sample: {directory: /var/lib/docker, free: 51200}
reason:
  description: Why it is not available.
  returned: when it is not
  type: str
"""

import pathlib
import shutil

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect

_MEBIBYTE = 2**20


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=arguments.ENGINE, supports_check_mode=True)
    try:
        client = connect(module.params, timeout=10)
        version, directory = client.version()["Version"], Engine(client).directory()
    except EngineError as error:
        module.exit_json(changed=False, available=False, reason=str(error))
    # the engine may run on another machine
    local = pathlib.Path(directory).is_dir()
    disk = {"directory": directory, "free": shutil.disk_usage(directory).free // _MEBIBYTE} if local else {}
    module.exit_json(changed=False, available=True, version=version, disk=disk)


if __name__ == "__main__":
    main()
