#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""All configuration files of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config_files
short_description: All configuration files of a host
version_added: 0.1.0
description:
  - Writes those files of the host that differ in content, mode or owner, and removes what is left over in the directories
    of its containers, in one call.
  - Secrets are masked in the diff; a change of nothing but a secret is shown as such.
author: The caisson authors (@caisson)
extends_documentation_fragment: [caisson.openstack.files]
attributes:
  check_mode: {support: full, description: Says what would be written and why.}
  diff_mode: {support: full, description: 'Shows each file, secrets masked.'}
"""

EXAMPLES = r"""
- name: Write the configuration files
  caisson.openstack.config_files:
    files: "{{ host_model.files }}"
"""

RETURN = r"""
changes:
  description: Files that were written or removed, with the reason.
  returned: always
  type: list
  elements: dict
  sample: [{path: keystone_api/config/keystone.conf, reason: content}]
count:
  description: Number of files that are managed on the host.
  returned: always
  type: int
"""

import pathlib
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments, config_tree
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateError, StateFile


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec=arguments.FILES,
        supports_check_mode=True,
    )
    root = pathlib.Path(module.params["root"])
    wanted = config_tree.unpack(module.params["files"])
    try:
        state = StateFile()
        changes = config_tree.plan(root, wanted, state.section("files"))
        if not module.check_mode:
            for container, since in config_tree.edited(changes).items():
                # noted first: a process that started meanwhile has read what is put right now
                state.put("edited", container, {"since": since, "until": time.time()})
            config_tree.apply(root, wanted, changes)
            state.replace("files", config_tree.digests(wanted, state.section("files")))
    except StateError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        hint = "files written before it are complete; fix this and run it again"
        module.fail_json(msg=f"cannot write {error.filename}: {error.strerror}; {hint}")
    module.exit_json(
        changed=bool(changes),
        changes=[{"path": change.path, "reason": change.reason} for change in changes],
        count=len(wanted.files),
        diff=[config_tree.diff(root, change) for change in changes],
    )


if __name__ == "__main__":
    main()
