# SPDX-License-Identifier: Apache-2.0
"""The bill of materials of an image, in CycloneDX: its Debian packages, and the Python packages of its environment."""

from __future__ import annotations

import json
import typing as t

try:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    LIBRARY_ERROR = ""
except ImportError as import_error:
    LIBRARY_ERROR = str(import_error)

#: Files of an image that its bill of materials is made from.
DPKG_STATUS = "/var/lib/dpkg/status"
PYTHON_SBOM = "/opt/openstack/share/sbom/python.cdx.json"


def debian_packages(status: str) -> list[dict[str, str]]:
    """Return the installed packages in the text of ``/var/lib/dpkg/status``, each with its fields."""
    packages = []
    for paragraph in status.split("\n\n"):
        fields: dict[str, str] = {}
        for line in paragraph.splitlines():
            name, separator, value = line.partition(": ")
            if separator and not line.startswith(" "):
                fields[name] = value
        if fields.get("Status", "").endswith(" installed"):
            packages.append(fields)
    return packages


def document(name: str, version: str, image_id: str, dpkg_status: str, python_sbom: str) -> str:
    """Return the bill of materials of one image; ``image_id`` is how it is told which image it describes."""
    bom = Bom()
    digest = HashType(alg=HashAlgorithm.SHA_256, content=image_id.removeprefix("sha256:"))
    bom.metadata.component = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=name, hashes=[digest])
    for fields in debian_packages(dpkg_status):
        purl = PackageURL("deb", "debian", fields["Package"], fields["Version"], {"arch": fields["Architecture"]})
        bom.components.add(
            Component(name=fields["Package"], version=fields["Version"], type=ComponentType.LIBRARY, purl=purl, bom_ref=str(purl))
        )
    bom.register_dependency(bom.metadata.component, bom.components)
    data = json.loads(JsonV1Dot6(bom).output_as_string())
    if python_sbom:
        data["components"] += json.loads(python_sbom).get("components", [])
    return json.dumps(data, indent=1) + "\n"


def describes(text: str, image_id: str) -> bool:
    """Return whether the bill of materials in *text* is the one of the image *image_id*."""
    try:
        hashes: list[dict[str, t.Any]] = json.loads(text)["metadata"]["component"]["hashes"]
    except (ValueError, KeyError, TypeError):
        return False
    return any(item.get("content") == image_id.removeprefix("sha256:") for item in hashes)
