# SPDX-License-Identifier: Apache-2.0
"""Bills of materials."""

from __future__ import annotations

import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from ansible_collections.caisson.openstack.plugins.module_utils.images import sbom

IMAGE = "sha256:" + "0123456789abcdef" * 4

STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Version: 2.41-12+deb13u1
Description: GNU C Library
 Version: not this one
 .
 More text.

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1.0
"""

NOVA = {"type": "library", "name": "nova", "version": "33.0.2", "bom-ref": "nova==33.0.2", "purl": "pkg:pypi/nova@33.0.2"}
PYTHON = json.dumps({"components": [NOVA]})


def test_only_installed_packages_count() -> None:
    (package,) = sbom.debian_packages(STATUS)
    assert (package["Package"], package["Version"]) == ("libc6", "2.41-12+deb13u1")


def test_the_document_is_valid_and_lists_both_kinds_of_packages() -> None:
    text = sbom.document("nova", "2026.1-0a1b2c3d", IMAGE, STATUS, PYTHON)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    data = json.loads(text)
    assert {item["purl"] for item in data["components"]} == {"pkg:deb/debian/libc6@2.41-12%2Bdeb13u1?arch=amd64", "pkg:pypi/nova@33.0.2"}
    assert data["metadata"]["component"]["name"] == "nova"


def test_an_image_without_python_packages() -> None:
    data = json.loads(sbom.document("memcached", "1", IMAGE, STATUS, ""))
    assert [item["name"] for item in data["components"]] == ["libc6"]


def test_a_document_tells_which_image_it_describes() -> None:
    text = sbom.document("nova", "1", IMAGE, STATUS, "")
    assert sbom.describes(text, IMAGE)
    assert not sbom.describes(text, "sha256:" + "f" * 64)
    assert not sbom.describes("{}", IMAGE)
    assert not sbom.describes("no json", IMAGE)
