# SPDX-License-Identifier: Apache-2.0
"""Containers of the definitions, with the real image, command and files, on an address where no cloud is."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from tests.unit.roles.rendering import Host
from tests.unit.roles.test_definitions import hosts

from .conftest import Lab
from .test_images import reference

#: Where the inventory has the host.
AIO = "127.0.9.1"


def configuration(container: str, **settings: t.Any) -> dict[str, str]:
    """Return the files of a container by their name in its directory, with *settings* of the operator."""
    return files_of(hosts("aio", "2026.1", **settings)["aio"], container)


def files_of(host: Host, container: str) -> dict[str, str]:
    """Return the files that a host has for a container by their name in its directory."""
    prefix = f"{container}/config/"
    return {file["path"].removeprefix(prefix): file["content"] for file in host["files"] if file["path"].startswith(prefix)}


def write(directory: pathlib.Path, files: t.Mapping[str, str]) -> None:
    """Write files into a directory."""
    for name, text in files.items():
        (directory / name).write_text(text, "utf-8")


def start(
    lab: Lab,
    directory: pathlib.Path,
    name: str,
    address: str,
    files: t.Mapping[str, str],
    places: t.Mapping[str, str] | None = None,
    tmpfs: t.Sequence[str] = (),
    env: t.Mapping[str, str] | None = None,
    **settings: t.Any,
) -> str:
    """Start container *name* at *address* with *files* below *directory*, and return its name here.

    *settings* are the operator's. *places* of the host are replaced by those of the test. What else it has of the host is left out,
    and what it keeps in volumes is in *tmpfs*. Variables in *env* are added to its environment, or replace those of their name.
    """
    spec = next(dict(item) for item in hosts("aio", "2026.1", **settings)["aio"]["containers"] if item["name"] == name)
    (directory / name).mkdir()
    write(directory / name, files)
    volumes = [replaced(bind, {f"/etc/caisson/{name}/config": str(directory / name), **(places or {})}) for bind in spec["volumes"]]
    words = {AIO: address, AIO.replace(".", ","): address.replace(".", ",")}  # Erlang has commas in an address
    values = {
        "name": lab.name(name),
        "image": reference(name),
        "command": [word.replace(AIO, address) for word in spec["command"]],
        "volumes": [bind for bind in volumes if bind.startswith((str(directory), "/usr:"))],
        "tmpfs": [*spec["tmpfs"], *tmpfs],
        "env": {key: replaced(str(value), words) for key, value in {**spec["env"], **(env or {})}.items()},
        "healthcheck": None,
        "stop_timeout": 0,
    }
    made = ContainerSpec(**{**spec, **values})
    lab.engine.create(made, lab.engine.image_id(made.image) or "", lab.cloud)
    lab.engine.start(made.name)
    return made.name


def replaced(text: str, replace: t.Mapping[str, str]) -> str:
    """Return *text* with each of the words replaced, in their order."""
    for old, new in replace.items():
        text = text.replace(old, new)
    return text
