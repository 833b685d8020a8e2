#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Take a host out of the load balancer, and put it back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backend_servers
short_description: Take a host out of the load balancer, and put it back
version_added: 0.1.0
description:
  - Runs on a host of the load balancer. A server that is drained gets no new request; the call returns when it has none left.
  - A server that is the only one to serve a backend is left alone, because clients would be refused instead of kept waiting.
author: The caisson authors (@caisson)
options:
  container:
    description: Name of the load balancer's container.
    type: str
    default: haproxy
  backends:
    description: Backends to which the server belongs.
    type: list
    elements: str
    required: true
  server:
    description: Name of the server, that of its host.
    type: str
    required: true
  state:
    description: V(drained) gets no new request, V(ready) gets its share.
    type: str
    choices: [drained, ready]
    required: true
  timeout:
    description: Seconds to wait for the last request, or for the first check that succeeds; V(0) does not wait, and is no failure.
    type: int
    default: 60
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Says what would be changed.}
  diff_mode: {support: none, description: RV(backends) says what was changed.}
"""

EXAMPLES = r"""
- name: Drain the host
  caisson.openstack.backend_servers:
    backends: [nova_api, nova_metadata]
    server: control2
    state: drained
"""

RETURN = r"""
backends:
  description: Backends in which the server was drained or made ready.
  returned: success
  type: list
  elements: str
left:
  description: Requests that were still served when O(timeout) was over.
  returned: success
  type: int
"""

import socket
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import DEFAULT_URL, Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import haproxy_stats

_SOCKET = "/var/lib/haproxy/admin.sock"
_INTERVAL = 0.3  # seconds


class Admin:
    """The socket by which the load balancer is told what to do."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, command: str) -> str:
        """Return the answer to a command.

        Raises:
            OSError: if nobody answers.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(self._path)
            connection.sendall(f"{command}\n".encode())
            parts = iter(lambda: connection.recv(65536), b"")
            return b"".join(parts).decode()


def _change(admin: Admin, params: dict[str, object], names: list[str], check_mode: bool) -> tuple[list[str], int]:
    """Return the backends that were changed, and the requests that are left."""
    server, drained = str(params["server"]), params["state"] == "drained"
    rows = haproxy_stats.parse(admin("show stat"))
    chosen = haproxy_stats.drainable(rows, names, server) if drained else haproxy_stats.drained(rows, names, server)
    if check_mode or not chosen:
        return chosen, 0
    for name in chosen:
        answer = admin(f"set server {name}/{server} state {'drain' if drained else 'ready'}").strip()
        if answer:
            raise EngineError(f"the load balancer refuses to change {name}/{server}: {answer}")
    deadline = time.monotonic() + float(str(params["timeout"]))
    while True:
        rows = haproxy_stats.parse(admin("show stat"))
        left = haproxy_stats.requests(rows, chosen, server) if drained else haproxy_stats.down(rows, chosen, server)
        if not left or time.monotonic() > deadline:
            return chosen, left
        time.sleep(_INTERVAL)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "container": {"type": "str", "default": "haproxy"},
            "backends": {"type": "list", "elements": "str", "required": True},
            "server": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["drained", "ready"], "required": True},
            "timeout": {"type": "int", "default": 60},
            "engine_url": {"type": "str", "default": DEFAULT_URL},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        found = Engine(connect(params["engine_url"])).container(params["container"])
        changed: list[str] = []
        left = 0
        # one that is down sends nobody anywhere
        if found and found.running:
            changed, left = _change(Admin(f"/proc/{found.pid}/root{_SOCKET}"), params, params["backends"], module.check_mode)
    except (EngineError, OSError, ValueError) as error:
        module.fail_json(msg=f"cannot change {params['server']} in the load balancer: {error}")
    if left and params["state"] == "ready" and params["timeout"]:
        module.fail_json(msg=f"the load balancer does not find {params['server']} up in {left} of {', '.join(changed)}")
    module.exit_json(changed=bool(changed), backends=changed, left=left)


if __name__ == "__main__":
    main()
