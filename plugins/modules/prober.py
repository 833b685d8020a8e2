#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Send requests to every API and ping servers continuously."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prober
short_description: Send requests to every API and ping servers continuously
version_added: 0.1.0
description:
  - Runs the prober in a container of the client image, which continues after the play. M(caisson.openstack.prober_info) reads its figures.
  - Requests to each API read and write in turn. Objects that they create are deleted.
  - Credentials are passed on standard input only.
author: The caisson authors (@caisson)
options:
  state:
    description:
      - V(started) starts it unless it runs with the same parameters, V(stopped) lets it clean up and end.
    type: str
    choices: [started, stopped]
    required: true
  name:
    description: Name of the container.
    type: str
    required: true
  directory:
    description: Directory of the host for the answers; it is created if it does not exist.
    type: path
  script:
    description: Text of the prober.
    type: str
  image:
    description: Reference of the client image.
    type: str
  cloud:
    description: Name of the cloud, kept as a label.
    type: str
  region:
    description: Region whose APIs are asked.
    type: str
  auth:
    description: How to log in.
    type: dict
    suboptions:
      auth_url: {description: The API with its version., type: str, required: true}
      username: {description: 'A user who may do what is asked, such as an administrator.', type: str, required: true}
      password: {description: Password of the user., type: str, required: true}
      project_name: {description: Project to log in to., type: str, required: true}
      ca_certificates: {description: 'CA certificates to trust instead of the system''s, as PEM text.', type: str, default: ''}
  probes:
    description:
      - Requests by the type of the API in the catalog, as the module M(caisson.openstack.model) returns them.
    type: dict
    default: {}
  addresses:
    description: IPv4 addresses to ping.
    type: list
    elements: str
    default: []
  interval:
    description: Seconds between two requests to an API.
    type: float
    default: 0.2
  ping_interval:
    description: Seconds between two pings of an address.
    type: float
    default: 0.02
  limit:
    description: Seconds that an answer of an API may take.
    type: int
    default: 60
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Says whether it would be started or stopped.}
  diff_mode: {support: full, description: Shows whether it runs.}
"""

EXAMPLES = r"""
- name: Start the prober
  caisson.openstack.prober:
    state: started
    name: caisson_prober
    directory: /var/lib/caisson/prober
    script: "{{ lookup('ansible.builtin.file', 'prober.py') }}"
    image: "{{ cloud_image_prefix }}client:{{ cloud_image_tag }}"
    cloud: "{{ cloud_name }}"
    region: RegionOne
    auth: "{{ cloud_admin_auth }}"
    probes: "{{ host_model.parts | caisson.openstack.model_part('probes') }}"
    addresses: [198.51.100.110]
"""

RETURN = r"""
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.detached import DetachedRunner
from ansible_collections.caisson.openstack.plugins.module_utils.prober.container import ProberContainer, ProberSettings
from ansible_collections.caisson.openstack.plugins.module_utils.registration.catalog import AUTH

#: What is needed to start it.
_NEEDED = ("directory", "script", "image", "cloud", "region", "auth")


def _apply(params: dict[str, t.Any], check: bool) -> tuple[str, str]:
    """Start or stop the prober; return its state before and after in words."""
    prober = ProberContainer(DetachedRunner(connect(params)), params["cloud"], params["name"])
    if params["state"] == "stopped":
        return prober.stop(check)
    names = ("directory", "script", "image", "region", "auth", "probes", "addresses", "interval", "ping_interval", "limit")
    return prober.start(ProberSettings(**{name: params[name] for name in names}), check)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "stopped"], "required": True},
            "name": {"type": "str", "required": True},
            "directory": {"type": "path"},
            "script": {"type": "str"},
            "image": {"type": "str"},
            "cloud": {"type": "str"},
            "region": {"type": "str"},
            "auth": {"type": "dict", "options": AUTH},
            "probes": {"type": "dict", "default": {}},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "interval": {"type": "float", "default": 0.2},
            "ping_interval": {"type": "float", "default": 0.02},
            "limit": {"type": "int", "default": 60},
            **arguments.ENGINE,
        },
        required_if=[("state", "started", _NEEDED)],
        supports_check_mode=True,
    )
    try:
        before, after = _apply(module.params, module.check_mode)
    except (EngineError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=before != after, diff={"before": f"{before}\n", "after": f"{after}\n"})


if __name__ == "__main__":
    main()
