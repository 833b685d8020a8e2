#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Images of a build host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: images
short_description: Images of a build host
version_added: 0.1.0
description:
  - Builds those images whose inputs changed since they were built, parents first and side by side.
  - In a playbook the action of the same name takes the images from the definitions C(<role>_images) of the play's roles,
    renders their Containerfiles and shows progress; O(recipes) is what it passes to the module on the build host.
author: The caisson authors (@caisson)
options:
  release:
    description: OpenStack release.
    type: str
    required: true
  image_prefix:
    description: Prefix of the name of each image.
    type: str
    required: true
  image_tag:
    description: Tag of the images.
    type: str
    required: true
  version:
    description: Version of the collection, kept as a label; filled in by the action.
    type: str
    default: ''
  suite:
    description: Debian suite of the base image.
    type: str
    default: trixie
  mirror:
    description: Debian archive.
    type: str
    required: true
  security_mirror:
    description: Archive of Debian's security updates.
    type: str
    required: true
  python_index:
    description: Python package index; pip's own default if empty.
    type: str
    default: ''
  ca_bundle:
    description: File of the build host with the certificate authorities to trust while building.
    type: path
  base_image:
    description: Image of Debian to build on, instead of a root file system built here.
    type: str
    default: ''
  refresh:
    description: Whether the base image of all others is rebuilt (or pulled again), for the updates of the distribution.
    type: bool
    default: false
  parallel:
    description: Images that are built at the same time.
    type: int
    default: 2
  recipes:
    description: What each image is made from; filled in by the action.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the image., type: str, required: true}
      reference: {description: Reference of the image., type: str, required: true}
      kind:
        description: Whether it is built, made as a root file system, or must exist.
        type: str
        choices: [build, bootstrap, existing]
        default: build
      containerfile: {description: Text of its Containerfile., type: str, default: ''}
      context: {description: Text of further files of the build context by path., type: dict, default: {}}
      parents: {description: Reference of each image that it is made from by name., type: dict, default: {}}
      inputs: {description: Digest of each input., type: dict, default: {}}
      labels: {description: Labels of the image that are no input., type: dict, default: {}}
  build:
    description: Names of the images to build now; without it nothing is built and only the reasons are returned.
    type: list
    elements: str
    default: []
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Says which images would be built and why.}
  diff_mode: {support: full, description: Shows the inputs that changed.}
"""

EXAMPLES = r"""
- name: Build the images
  caisson.openstack.images:
    release: "2026.1"
    image_prefix: caisson/
    image_tag: "{{ lookup('caisson.openstack.image_tag', '2026.1') }}"
    mirror: http://deb.debian.org/debian
    security_mirror: http://deb.debian.org/debian-security
"""

RETURN = r"""
results:
  description: Each image, why it had to be built, and how long that took.
  returned: always
  type: list
  elements: dict
  sample:
    - name: nova
      reference: caisson/nova:2026.1-0a1b2c3d
      kind: build
      reasons: [Containerfile changed]
      built: true
      seconds: 1.2
      error: ''
"""

import dataclasses
import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.images import builder as image_builder
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes as images
from ansible_collections.caisson.openstack.plugins.module_utils.images.store import ImageStore

ARGUMENTS: dict[str, t.Any] = {
    "release": {"type": "str", "required": True},
    "image_prefix": {"type": "str", "required": True},
    "image_tag": {"type": "str", "required": True},
    "version": {"type": "str", "default": ""},
    "suite": {"type": "str", "default": "trixie"},
    "mirror": {"type": "str", "required": True},
    "security_mirror": {"type": "str", "required": True},
    "python_index": {"type": "str", "default": ""},
    "ca_bundle": {"type": "path"},
    "base_image": {"type": "str", "default": ""},
    "refresh": {"type": "bool", "default": False},
    "parallel": {"type": "int", "default": 2},
    "recipes": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(images.Recipe)},
    "build": {"type": "list", "elements": "str", "default": []},
    **arguments.ENGINE,
}


def _local_files(params: dict[str, t.Any]) -> dict[str, str]:
    """Return what a build needs of this host but what must not count as an input."""
    index = params["python_index"]
    bundle = params["ca_bundle"]
    return {
        "build-ca.crt": pathlib.Path(bundle).read_text(encoding="utf-8", errors="replace") if bundle else "",
        "pip.conf": f"[global]\nindex-url = {index}\n" if index else "",
        "uv.toml": f'[[index]]\nurl = "{index}"\ndefault = true\n' if index else "",
    }


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    labels = {"org.opencontainers.image.version": params["version"]}
    recipes = [dataclass_spec.construct(images.Recipe, item) for item in params["recipes"]]
    names = [] if module.check_mode else params["build"]
    bootstrap = image_builder.Bootstrap(params["suite"], params["mirror"], params["security_mirror"])
    try:
        store = ImageStore(connect(params, timeout=1800))
        builder = image_builder.Builder(store, bootstrap, _local_files(params), labels)
        results = builder.plan(recipes, params["refresh"])
        for result in builder.build([recipe for recipe in recipes if recipe.name in names], results, params["parallel"], params["refresh"]):
            results[result.name] = result
    except (EngineError, OSError) as error:
        module.fail_json(msg=str(error))
    failed = [result for result in results.values() if result.error]
    rows = [dataclasses.asdict(result) for result in results.values()]
    if failed:
        details = "\n".join(f"  - image {result.name}: {result.error}" for result in failed)
        module.fail_json(msg=f"{len(failed)} of {len(names)} images could not be built:\n{details}", results=rows)
    module.exit_json(changed=any(result.built for result in results.values()), results=rows)


if __name__ == "__main__":
    main()
