#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Run a Python script in a one-shot container of the client image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_script
short_description: Run a Python script in a one-shot container of the client image
version_added: 0.1.0
description:
  - The image has the OpenStack clients, ssh and ping, so that the host needs none of them.
  - Script and parameters go in by standard input and are seen nowhere else. The script defines a function C(main) that takes
    the parameters and returns a mapping.
  - For requests to APIs it can import C(plugins/module_utils/common/openstack_api.py) of this collection under its full name.
author: The caisson authors (@caisson)
options:
  script:
    description: In a playbook the name of a file of the role; the action passes its text to the module.
    type: str
    required: true
  modules:
    description:
      - Modules that the script imports, by name; each may import those before it.
      - In a playbook their values are names of files of the role; the action passes the texts to the module.
    type: dict
    default: {}
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
  capabilities:
    description: Capabilities of the container.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that the script may take.
    type: int
    default: 600
  name:
    description:
      - Name of the container, for a script that takes long. The lines that it writes to standard error are shown while it runs.
      - A container with this name from a killed run is removed.
    type: str
    default: ''
  patience:
    description: Seconds after which the call returns although a script with O(name) still runs; the action calls again.
    type: int
    default: 10
  elapsed:
    description: Seconds since the first call for a script with O(name); 0 starts it.
    type: int
    default: 0
  heard:
    description: Lines of a script with O(name) that earlier calls have returned.
    type: int
    default: 0
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.cloud]
attributes:
  check_mode: {support: none, description: 'A script may do anything, so it is skipped.'}
  diff_mode: {support: none, description: What a script changes is not known.}
"""

EXAMPLES = r"""
- name: Run a script with clients
  caisson.openstack.container_script:
    script: smoke_test.py
    parameters: {step: remains}
    image: "{{ cloud_image_prefix }}client:{{ cloud_image_tag }}"
    cloud: "{{ cloud_name }}"
"""

RETURN = r"""
result:
  description: What the script returned.
  returned: success
  type: dict
running:
  description: Whether the script, one with O(name), still runs.
  returned: when it does
  type: bool
said:
  description: What it has written to standard error since the call before.
  returned: while a script with O(name) runs, and at its end
  type: list
  elements: str
"""

import json
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.detached import DetachedRunner, Progress
from ansible_collections.caisson.openstack.plugins.module_utils.engine.scripts import program
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec


def _run(engine: DetachedRunner, params: dict[str, t.Any]) -> Progress:
    """Run the script to its end, or, if it has a name, start or continue it until *patience* is over."""
    spec = ContainerSpec(
        name=params["name"] or "container_script",
        service="container_script",
        image=params["image"],
        command=["/opt/openstack/bin/python", "-"],
        tmpfs=["/tmp:mode=1777"],
        capabilities=params["capabilities"],
    )
    source = program(params["script"], {**params["parameters"], **params["secrets"]}, params["modules"])
    image_id = engine.require_image(params["image"])
    if not params["name"]:
        done = engine.run_once(spec, image_id, params["cloud"], stdin=source.encode(), timeout=params["timeout"])
        return Progress(done.rc, done.stdout, done.stderr)
    if not params["elapsed"]:
        engine.launch(spec, image_id, params["cloud"], source.encode())
    return engine.follow(spec.name, params["patience"], params["timeout"] - params["elapsed"])


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "script": {"type": "str", "required": True},
            "modules": {"type": "dict", "default": {}},
            "parameters": {"type": "dict", "default": {}},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "image": {"type": "str", "required": True},
            "capabilities": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 600},
            "name": {"type": "str", "default": ""},
            "patience": {"type": "int", "default": 10},
            "elapsed": {"type": "int", "default": 0},
            "heard": {"type": "int", "default": 0},
            **arguments.ENGINE,
            **arguments.CLOUD,
        },
        supports_check_mode=False,
    )
    try:
        done = _run(DetachedRunner(connect(module.params)), module.params)
    except EngineError as error:
        module.fail_json(msg=str(error))
    said = done.stderr.splitlines()[module.params["heard"] :] if module.params["name"] else []
    if done.rc is None:
        # the last line may not be complete yet
        module.exit_json(changed=False, running=True, said=said if done.stderr.endswith("\n") else said[:-1])
    if done.rc:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        module.fail_json(msg=lines[-1] if lines else f"the script ended with exit code {done.rc}", log=lines[-30:])
    module.exit_json(changed=False, result=json.loads(done.stdout.splitlines()[-1]), said=said)


if __name__ == "__main__":
    main()
