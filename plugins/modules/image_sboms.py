#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Bills of materials of the images of a build host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_sboms
short_description: Bills of materials of the images of a build host
version_added: 0.1.0
description:
  - Keeps a CycloneDX document for each image, which lists its Debian and Python packages.
  - A document is made once for each image id. What is missing or describes another image is written again.
  - In a playbook the action of the same name writes the documents on the controller, so that the build host needs no
    library for it, and passes them in O(documents).
author: The caisson authors (@caisson)
options:
  directory:
    description: Directory of the build host, with a file C(<image>.cdx.json) for each image.
    type: path
    required: true
  images:
    description: Reference of each image by name; those that are not on the host are left out.
    type: dict
    required: true
  version:
    description: Version of the images in the documents.
    type: str
    required: true
  documents:
    description: Text of documents to write, by image name; filled in by the action.
    type: dict
    default: {}
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Says which documents would be made.}
  diff_mode: {support: full, description: Shows the names of the documents that are made.}
"""

EXAMPLES = r"""
- name: Write the bill of materials of an image
  caisson.openstack.image_sboms:
    directory: /var/lib/caisson/sbom/2026.1-0a1b2c3d
    version: 2026.1-0a1b2c3d
    images: {memcached: caisson/memcached:2026.1-0a1b2c3d}
"""

RETURN = r"""
stale:
  description: For each image without a right document its id and what the document is made from.
  returned: always
  type: dict
"""

import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.images import sbom
from ansible_collections.caisson.openstack.plugins.module_utils.images.store import ImageStore

ARGUMENTS: dict[str, t.Any] = {
    "directory": {"type": "path", "required": True},
    "images": {"type": "dict", "required": True},
    "version": {"type": "str", "required": True},
    "documents": {"type": "dict", "default": {}},
    **arguments.ENGINE,
}


def _stale(store: ImageStore, directory: pathlib.Path, images: t.Mapping[str, str]) -> dict[str, dict[str, str]]:
    stale = {}
    for name, reference in images.items():
        image = store.inspect(reference)
        path = directory / f"{name}.cdx.json"
        if image is None or (path.is_file() and sbom.describes(path.read_text(encoding="utf-8"), image.id)):
            continue
        files = {"dpkg": sbom.DPKG_STATUS, "python": sbom.PYTHON_SBOM}
        stale[name] = {"id": image.id, **{key: (store.read(reference, file) or b"").decode() for key, file in files.items()}}
    return stale


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    directory = pathlib.Path(module.params["directory"])
    documents = module.params["documents"]
    try:
        if documents and not module.check_mode:
            directory.mkdir(parents=True, exist_ok=True)
            for name, text in documents.items():
                (directory / f"{name}.cdx.json").write_text(text, encoding="utf-8")
            module.exit_json(changed=True, stale={})
        stale = _stale(ImageStore(connect(module.params)), directory, module.params["images"])
    except (EngineError, OSError) as error:
        module.fail_json(msg=str(error))
    diff = {"before": "", "after": "".join(f"{directory / name}.cdx.json\n" for name in stale)}
    module.exit_json(changed=bool(stale), stale=stale, diff=diff)


if __name__ == "__main__":
    main()
