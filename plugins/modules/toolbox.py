#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Run a Python script in a one-shot container of the toolbox image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: toolbox
short_description: Run a Python script in a one-shot container of the toolbox image
version_added: 0.1.0
description:
  - The toolbox has the OpenStack clients, ssh and ping, so that the host needs none of them.
  - Script and parameters go in by standard input and are seen nowhere else. The script defines a function C(main) that takes
    the parameters and returns a mapping.
author: The caisson authors (@caisson)
options:
  script:
    description: In a playbook the name of a file of the role; the action passes its text to the module.
    type: str
    required: true
  parameters:
    description: Argument of the script's function C(main).
    type: dict
    default: {}
  secrets:
    description: Further items of that argument, which are never shown.
    type: dict
    default: {}
  image:
    description: Reference of the image.
    type: str
    required: true
  cloud:
    description: Name of the cloud, kept as a label.
    type: str
    required: true
  capabilities:
    description: Capabilities of the container.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that the script may take.
    type: int
    default: 600
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: none, description: 'A script may do anything, so it is skipped.'}
"""

EXAMPLES = r"""
- name: Ask the cloud
  caisson.openstack.toolbox:
    script: probe.py
    parameters: {step: remains}
    image: "{{ cloud_image_prefix }}toolbox:{{ cloud_image_tag }}"
    cloud: "{{ cloud_name }}"
"""

RETURN = r"""
result:
  description: What the script returned.
  returned: success
  type: dict
"""

import json

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import DEFAULT_URL, Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.spec import ContainerSpec

_END = """

import json as _json
print(_json.dumps(main(_json.loads({parameters!r}))))
"""


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "script": {"type": "str", "required": True},
            "parameters": {"type": "dict", "default": {}},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "image": {"type": "str", "required": True},
            "cloud": {"type": "str", "required": True},
            "capabilities": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 600},
            "engine_url": {"type": "str", "default": DEFAULT_URL},
        },
        supports_check_mode=False,
    )
    params = module.params
    spec = ContainerSpec(
        name="toolbox",
        service="toolbox",
        image=params["image"],
        command=["/opt/openstack/bin/python", "-"],
        tmpfs=["/tmp:mode=1777"],
        capabilities=params["capabilities"],
    )
    source = params["script"] + _END.format(parameters=json.dumps({**params["parameters"], **params["secrets"]}))
    try:
        engine = Engine(connect(params["engine_url"]))
        image_id = engine.image_id(params["image"])
        if not image_id:
            raise EngineError(f"image {params['image']} is not on this host; build it (playbook build) or pull it (playbook pull)")
        done = engine.run_once(spec, image_id, params["cloud"], stdin=source.encode(), timeout=params["timeout"])
    except EngineError as error:
        module.fail_json(msg=str(error))
    if done.rc:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        module.fail_json(msg=lines[-1] if lines else f"the script ended with exit code {done.rc}", log=lines[-30:])
    module.exit_json(changed=False, result=json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
