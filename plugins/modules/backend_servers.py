#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Take a host out of the load balancer, and put it back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backend_servers
short_description: Take a host out of the load balancer, and restore it
version_added: 0.1.0
description:
  - Runs on a host of the load balancer. A server that is drained gets no new request; the call returns when it has none left.
  - Connections to a backend in mode C(tcp), such as a database, may last for ever. They are ended, and clients connect to another server.
  - The state is kept when the load balancer reloads its configuration or starts again.
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
  diff_mode: {support: full, description: Shows the state of the server in each backend.}
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

import functools

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import haproxy_admin

_OTHER = {"drained": "ready", "ready": "drained"}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "container": {"type": "str", "default": haproxy_admin.CONTAINER},
            "backends": {"type": "list", "elements": "str", "required": True},
            "server": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["drained", "ready"], "required": True},
            "timeout": {"type": "int", "default": 60},
            **arguments.ENGINE,
        },
        supports_check_mode=True,
    )
    params, state = module.params, module.params["state"]
    try:
        found = Engine(connect(params)).container(params["container"])
        change = haproxy_admin.ServerChange([])
        # a load balancer that is down sends no requests to anybody
        if found and found.running:
            admin = haproxy_admin.connect_to(found)
            change = haproxy_admin.change(
                admin,
                state,
                params["backends"],
                params["server"],
                params["timeout"],
                module.check_mode,
                functools.partial(haproxy_admin.former_workers, found),
            )
            if change.backends and not module.check_mode:
                haproxy_admin.keep_drained(found, admin)
    except (EngineError, haproxy_admin.HAProxyError, OSError, ValueError) as error:
        module.fail_json(msg=f"cannot change {params['server']} in the load balancer: {error}")
    if change.left and state == "ready" and params["timeout"]:
        names = ", ".join(change.backends)
        module.fail_json(msg=f"the load balancer does not find {params['server']} up in {change.left} of {names}")
    before, after = ("".join(f"{name}/{params['server']}: {what}\n" for name in change.backends) for what in (_OTHER[state], state))
    diff = {"before": before, "after": after}
    module.exit_json(changed=bool(change.backends), backends=change.backends, left=change.left, diff=diff)


if __name__ == "__main__":
    main()
