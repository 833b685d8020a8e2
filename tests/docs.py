# SPDX-License-Identifier: Apache-2.0
"""Generate the tables that repeat definitions, between ``<!-- generated: NAME -->`` and ``<!-- end -->`` (``make docs``)."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import TIER_OF_STAGE, TIERS
from tests.definitions import definitions, images, reasons, titles
from tests.scripts import ROLES

ROOT = ROLES.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"(<!-- generated: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_WHY_TIER = {
    "switch": "a newer controller understands an older database, not the other way round (OVN's own order)",
    "ovn": "after all controllers",
    "backend": "all later tiers depend on them",
    "identity": "all others use Keystone; Nova needs the new Placement",
    "conductor": "it converts objects for older services; an older conductor could not convert newer objects",
    "worker": "they carry out the requests of the APIs",
    "api": "a new feature is offered only when the workers support it",
    "network": "agents after their servers",
    "compute": "there are many, and an older one works with newer controllers",
}


def _table(header: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in (header, *rows)]


def _ruled(header: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> list[str]:
    first, *others = _table(header, rows)
    return [first, "|---" * len(header) + "|", *others]


def services() -> list[str]:
    """Return the services of a cloud: those of OpenStack are Keystone and what requires it."""
    own = [name for name, item in definitions().items() if name == "keystone" or "keystone" in item.get("requires", [])]
    found = {"OpenStack": [name for name in titles() if name in own], "infrastructure": [name for name in titles() if name not in own]}
    return _ruled(["services", ""], [(kind, ", ".join(titles()[name] for name in names)) for kind, names in found.items()])


def tiers() -> list[str]:
    """Return the tiers of a rollout in their order, with their containers."""
    found: dict[str, list[str]] = {tier: [] for tier in TIERS}
    for name, item in definitions().items():
        if name in titles():
            for container in item["containers"]:
                found[container.get("tier") or TIER_OF_STAGE[item["stage"]]].append(container["name"])
    rows = [(str(at), f"`{tier}`", ", ".join(found[tier]), _WHY_TIER[tier]) for at, tier in enumerate(TIERS, 1)]
    return _ruled(["", "tier", "containers", "why there"], rows)


def capabilities() -> list[str]:
    """Return each capability of a container with the comment that stands above it."""
    found = [reason for role in definitions() for reason in reasons(role) if reason.what.isupper()]
    return _ruled(
        ["container", "capability", "why"],
        [
            (f"`{item.container}`", f"`{item.what}`", "the same" if item.same else item.why)
            for item in sorted(found, key=lambda item: item.container)
        ],
    )


def exceptions() -> list[str]:
    """Return the containers that are root or may gain privileges, with the comment that stands above it."""
    found = [reason for role in definitions() for reason in reasons(role) if not reason.what.isupper()]
    return _ruled(["container", "what", "why"], [(f"`{item.container}`", item.what, item.why) for item in found])


def backups() -> list[str]:
    """Return the parts of a backup."""
    rows = [("`secrets`", "the secrets file of the controller, with the keys of Keystone", "the controller")]
    rows += [
        (f"`{part['name']}`", part["holds"], f"`{part['container']}`")
        for item in definitions().values()
        for part in item.get("backups", [])
    ]
    return _ruled(["part", "holds", "from"], rows)


def volumes() -> list[str]:
    """Return the volumes that no backup takes."""
    rows = [(f"`{name}`", why) for item in definitions().values() for name, why in item.get("not_backed_up", {}).items()]
    return _ruled(["volume", "why it is not backed up"], rows)


def users() -> list[str]:
    """Return the users of images and their ids."""
    found: dict[tuple[int, str], list[str]] = {}
    for image in images():
        if image.get("user"):
            found.setdefault((image["user"]["id"], image["user"]["name"]), []).append(f"`{image['name']}`")
    return _ruled(["id", "user", "images"], [(str(number), name, ", ".join(of)) for (number, name), of in sorted(found.items())])


GENERATED: dict[str, t.Callable[[], list[str]]] = {
    "services": services,
    "tiers": tiers,
    "capabilities": capabilities,
    "exceptions": exceptions,
    "backups": backups,
    "volumes without backup": volumes,
    "users": users,
}


def parts(text: str) -> list[str]:
    """Return the names of the generated parts of a document."""
    return [found[2] for found in _BLOCK.finditer(text)]


def rendered(text: str) -> str:
    """Return a document with its generated parts as of the current definitions."""
    return _BLOCK.sub(lambda found: f"{found[1]}{chr(10).join(GENERATED[found[2]]())}\n{found[3]}", text)


def main() -> None:
    """Write all documents."""
    for path in DOCUMENTS:
        path.write_text(rendered(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
