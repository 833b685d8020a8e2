# SPDX-License-Identifier: Apache-2.0
"""The bill of materials of an image, in CycloneDX: its Debian packages, and the Python packages of its environment."""

from __future__ import annotations

import json
import pathlib
import typing as t

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL


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


def document(name: str, version: str, dpkg_status: str, python_sbom: str) -> dict[str, t.Any]:
    """Return the bill of materials of one image as data."""
    bom = Bom()
    bom.metadata.component = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=name)
    for fields in debian_packages(dpkg_status):
        purl = PackageURL("deb", "debian", fields["Package"], fields["Version"], {"arch": fields["Architecture"]})
        bom.components.add(
            Component(name=fields["Package"], version=fields["Version"], type=ComponentType.LIBRARY, purl=purl, bom_ref=str(purl))
        )
    bom.register_dependency(bom.metadata.component, bom.components)
    data = json.loads(JsonV1Dot6(bom).output_as_string())
    if python_sbom:
        data.setdefault("components", []).extend(json.loads(python_sbom).get("components", []))
    return data


def write(path: pathlib.Path, name: str, version: str, dpkg_status: str, python_sbom: str) -> None:
    """Write the bill of materials of one image to *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(name, version, dpkg_status, python_sbom), indent=1) + "\n", encoding="utf-8")
