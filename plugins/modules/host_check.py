#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Whether a host can be part of the cloud."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_check
short_description: Whether a host can be part of the cloud
version_added: 0.1.0
description:
  - Looks at system, size and addresses of the host and fails with every fault that it finds. Nothing is changed.
  - The floating range must not hold an address that the host itself needs, such as its gateway, its name servers or the
    servers that it gets packages from.
author: The caisson authors (@caisson)
options:
  address:
    description: Address on which the host serves.
    type: str
    required: true
  memory:
    description: Memory that the host must have, in MiB.
    type: int
    default: 0
  disk:
    description: Space that must be free below C(/var/lib), in MiB.
    type: int
    default: 0
  external_network:
    description: Floating range that is put on a bridge of this host, in CIDR notation.
    type: str
    default: ''
attributes:
  check_mode: {support: full, description: Never changes anything.}
"""

EXAMPLES = r"""
- name: The host can be part of the cloud
  caisson.openstack.host_check:
    address: 127.0.9.1
    external_network: 198.51.100.0/24
"""

RETURN = r"""
faults:
  description: What is not as it must be.
  returned: on failure
  type: list
  elements: str
"""

import os
import pathlib
import platform
import re
import shutil
import socket
import subprocess
import sys
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils import build_settings, host_checks


def _memory() -> int:
    found = re.search(r"^MemTotal:\s+(\d+) kB", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found.group(1)) // 1024 if found else 0


def _own_addresses() -> list[str]:
    shown = subprocess.run(["ip", "-o", "-4", "address", "show"], capture_output=True, text=True, check=False).stdout
    return re.findall(r"^\d+: \S+\s+inet (\S+?)/", shown, re.MULTILINE)


def _needed(external_bridge_addresses: set[str]) -> dict[str, str]:
    """Return the addresses that this host needs, each with what for."""
    own = [address for address in _own_addresses() if address not in external_bridge_addresses]
    needed = dict.fromkeys(own, "its own address")
    routes = subprocess.run(["ip", "-4", "route", "show", "default"], capture_output=True, text=True, check=False).stdout
    needed |= dict.fromkeys(re.findall(r"via (\S+)", routes), "its gateway")
    resolvers = pathlib.Path("/etc/resolv.conf")
    if resolvers.exists():
        needed |= dict.fromkeys(re.findall(r"^nameserver (\d+\.\S+)", resolvers.read_text(), re.MULTILINE), "a name server")
    settings = build_settings.read()
    for url in (settings["apt_mirror"], settings["apt_security_mirror"], settings["python_index"] or "https://pypi.org"):
        name = urlsplit(url).hostname or ""
        try:
            needed |= {str(entry[4][0]): f"packages, {name}" for entry in socket.getaddrinfo(name, None, socket.AF_INET)}
        except OSError:
            continue
    return needed


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "memory": {"type": "int", "default": 0},
            "disk": {"type": "int", "default": 0},
            "external_network": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    params = module.params
    system = platform.freedesktop_os_release()
    # the bridge has the gateway of the range itself once the cloud runs
    bridge = {params["external_network"].split("/")[0]}
    seen = host_checks.Seen(
        distribution=system.get("ID", "unknown"),
        version=system.get("VERSION_ID", ""),
        python=(sys.version_info[0], sys.version_info[1]),
        uid=os.getuid(),
        memory=_memory(),
        disk=shutil.disk_usage("/var/lib").free // 2**20,
        addresses=tuple(_own_addresses()),
        needed_addresses=_needed(bridge) if params["external_network"] else {},
    )
    wanted = host_checks.Wanted(params["address"], params["memory"], params["disk"], params["external_network"])
    faults = host_checks.faults(seen, wanted)
    if faults:
        lines = "\n".join(f"  - {fault}" for fault in faults)
        what = "this host cannot be part of the cloud as the inventory describes it; nothing was changed"
        module.fail_json(msg=f"{what}:\n{lines}", faults=faults)
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
