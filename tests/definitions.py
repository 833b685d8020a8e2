# SPDX-License-Identifier: Apache-2.0
"""The definitions of the service roles as they are written: what no expression decides, and the comments beside it."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

import yaml

from tests.scripts import ROLES


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why a container departs from the rule: ``what`` is a capability, or one of :data:`EXCEPTIONS`.

    ``why`` is the comment above it in the definition; a capability without one has that of the capability before, and ``same`` is true.
    """

    container: str
    what: str
    why: str
    same: bool = False


#: What a container is besides its capabilities, by what stands in its definition.
EXCEPTIONS = {
    r'user: "0:0"': "root",
    r"no_new_privileges: false": "new privileges",
    r"security_opts: .*apparmor=unconfined.*": "no AppArmor profile",
}


@functools.cache
def definitions() -> dict[str, dict[str, t.Any]]:
    """Return the definition of each service, in the order in which the cloud has them."""
    order = re.findall(r"name: caisson\.openstack\.(\w+)", (ROLES / "cloud" / "tasks" / "services.yml").read_text("utf-8"))
    roles = [*order, *sorted({path.parts[-4] for path in ROLES.glob("*/vars/main/service.yml")} - {*order})]
    return {role: yaml.safe_load((ROLES / role / "vars/main/service.yml").read_text("utf-8"))[f"{role}_service"] for role in roles}


def images() -> list[dict[str, t.Any]]:
    """Return the definition of each image of the services, and of those that all stand on."""
    paths = [*sorted(ROLES.glob("*/vars/main/images.yml")), ROLES / "images" / "vars" / "main.yml"]
    found = [yaml.safe_load(path.read_text("utf-8")) for path in paths]
    return [image for data in found for name, value in data.items() if name.endswith("_images") for image in value]


def accounts(what: str) -> dict[str, str]:
    """Return the passwords ``<service>_<what>_password`` of accounts that come in pairs, each with the user of the first of its pair.

    Services that are off by default are left out.
    """
    found = {}
    for role in on_by_default():
        path = ROLES / role / "vars" / "main" / "secrets.yml"
        for item in yaml.safe_load(path.read_text("utf-8")).get(f"{role}_required_secrets", []) if path.exists() else []:
            if item["name"].endswith(f"_{what}_password") and item.get("paired", True):
                found[item["name"]] = item["user"]
    return found


def titles() -> dict[str, str]:
    """Return what people call each service of the cloud, by its role."""
    text = (ROLES / "cloud" / "tasks" / "services.yml").read_text("utf-8")
    found = re.findall(r"- name: Load the definition of (?:the )?(.+)\n.*name: caisson\.openstack\.(\w+)", text)
    return {role: title for title, role in found}


def on_by_default() -> list[str]:
    """Return the roles of the services that a cloud has without further settings."""
    return [role for role in titles() if f"{role}_enabled" not in switches()]


def switches() -> dict[str, bool]:
    """Return the variables that enable the services that are off by default."""
    found = {}
    for role in titles():
        defaults = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text("utf-8")) or {}
        if defaults.get(f"{role}_enabled") is False:
            found[f"{role}_enabled"] = True
    return found


def reasons(role: str) -> list[Reason]:
    """Return what the definition of a role says of the privileges of its containers."""
    text = (ROLES / role / "vars" / "main" / "service.yml").read_text("utf-8")
    found: list[Reason] = []
    container, comment, listed = "", "", False
    for line in text.partition("\n  containers:\n")[2].splitlines():
        bare = line.strip()
        if re.match(r" {0,2}\S", line):
            break
        if bare.startswith("#"):
            comment = f"{comment} {bare[1:].strip()}".strip()
            continue
        listed = bare == "capabilities:" or (listed and bare.startswith("- "))
        if name := re.fullmatch(r" {4}- name: (\w+)", line):
            container = name[1]
        elif kinds := [kind for pattern, kind in EXCEPTIONS.items() if re.fullmatch(pattern, bare)]:
            found.append(Reason(container, kinds[0], comment))
        elif listed and (capability := re.fullmatch(r"- ([A-Z_]+)", bare)):
            before = found[-1].why if found and found[-1].container == container else ""
            found.append(Reason(container, capability[1], comment or before, not comment))
        comment = ""
    return found
