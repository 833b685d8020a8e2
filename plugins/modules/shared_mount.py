#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""A directory whose mounts are seen by containers and host alike."""

from __future__ import annotations

DOCUMENTATION = r"""
module: shared_mount
short_description: A directory whose mounts are seen by containers and host alike
version_added: 0.1.0
description:
  - Under systemd every mount is shared already and nothing is done. Elsewhere the directory becomes a shared mount of its own.
author: The caisson authors (@caisson)
options:
  path:
    description: Directory; created if it does not exist.
    type: path
    required: true
attributes:
  check_mode: {support: full, description: Says whether it would be mounted.}
  diff_mode: {support: full, description: Shows why the directory is mounted.}
"""

EXAMPLES = r"""
- name: Share the mount of network namespaces with containers
  caisson.openstack.shared_mount:
    path: /run/netns
"""

RETURN = r"""
reason:
  description: Why it was mounted.
  returned: when changed
  type: str
"""

import pathlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import mounts


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True)
    path = pathlib.Path(module.params["path"])
    point, shared = mounts.propagation(pathlib.Path("/proc/self/mountinfo").read_text(), str(path))
    if shared and path.is_dir():
        module.exit_json(changed=False)
    reason = "it does not exist" if not path.is_dir() else f"mounts below {point} are not shared"
    if not module.check_mode:
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not shared and point != str(path):
            module.run_command(["mount", "--bind", str(path), str(path)], check_rc=True)
        if not shared:
            module.run_command(["mount", "--make-shared", str(path)], check_rc=True)
    module.exit_json(changed=True, reason=reason, diff={"before": f"{path}: {reason}\n", "after": f"{path}: shared mount\n"})


if __name__ == "__main__":
    main()
