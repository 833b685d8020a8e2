# SPDX-License-Identifier: Apache-2.0
"""Files with which an operator overrides configuration, found by name and merged structurally.

Below the override directory, later wins:

1. ``global.conf`` (into every file of an OpenStack service that oslo.config reads)
2. ``<service>/<file>``
3. ``<service>/<container>/<file>``
4. ``groups/<group>/<service>/<file>``
5. ``hosts/<host>/<service>/<file>``
"""

from __future__ import annotations

import difflib
import os
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils import formats
from ansible_collections.caisson.openstack.plugins.module_utils.definition import ConfigFile, Service
from ansible_collections.caisson.openstack.plugins.module_utils.merge import merge

GLOBAL = "global.conf"
#: What an editor or a reader leaves beside an override.
_IGNORED = ("~", ".bak", ".orig", ".swp", ".md")


class OverrideError(ValueError):
    """An override file cannot be used; the message names the file and what is wrong."""


def candidates(directory: pathlib.Path, service: str, file: ConfigFile, groups: t.Iterable[str], host: str) -> list[pathlib.Path]:
    """Return the files that would be read for *file* on *host*, weakest first, whether they exist or not."""
    name = pathlib.PurePosixPath(file.path).name
    paths = [directory / GLOBAL] if file.oslo else []
    paths.append(directory / service / name)
    paths += [directory / service / container / name for container in file.containers]
    paths += [directory / "groups" / group / service / name for group in groups]
    paths.append(directory / "hosts" / host / service / name)
    return paths


def apply(file: ConfigFile, content: t.Any, paths: t.Iterable[pathlib.Path], template: t.Callable[[str, pathlib.Path], str]) -> t.Any:
    """Return *content* with those of *paths* that exist merged into it; text is replaced as a whole.

    Args:
        template: renders the Jinja expressions of an override file, of which it gets text and path.

    Raises:
        OverrideError: if a file cannot be read or parsed.
    """
    for path in paths:
        if not path.is_file():
            continue
        try:
            text = template(path.read_text(encoding="utf-8"), path)
            content = text if file.format == "text" else merge(content, _mapping(formats.parse(file.format, text), content))
        except RecursionError:
            raise OverrideError(f"override {path}: it is nested too deeply") from None
        except (OSError, UnicodeDecodeError, formats.FormatError) as error:
            raise OverrideError(f"override {path}: {error}") from error
    return content


def _mapping(override: t.Any, content: t.Any) -> t.Any:
    """Return *override*, which must be a mapping where *content* is one."""
    if isinstance(content, t.Mapping) and not isinstance(override, t.Mapping):
        raise formats.FormatError(f"expected a mapping, got {type(override).__name__}")
    return override


def strays(directory: pathlib.Path, services: t.Sequence[Service], groups: t.Collection[str], hosts: t.Collection[str]) -> list[str]:
    """Return a fault for each file below *directory* that overrides nothing: a slip in its path, or a link to nothing.

    A directory that is like the name of no service is left alone: it may belong to one of another play.
    """
    every = {f"{service.name}/{pathlib.PurePosixPath(file.path).name}" for service in services for file in service.files}
    single = {
        f"{service.name}/{container}/{pathlib.PurePosixPath(file.path).name}"
        for service in services
        for file in service.files
        for container in file.containers
    }
    scopes = {"groups": groups, "hosts": hosts}
    faults = []
    for path in _files(directory):
        parts = path.relative_to(directory).parts
        if parts[0] in scopes and len(parts) > 2:
            scope, name, *rest = parts
            fault = _lost_scope(scope, name, scopes[scope]) or _lost("/".join(rest), every, f"{scope}/{name}/")
        else:
            fault = _lost("/".join(parts), every | single | {GLOBAL}, "")
        if not fault and not path.exists():
            fault = "cannot be read: it is a link to nothing"
        faults += [f"override {path}: {fault}"] if fault else []
    return faults


def _files(directory: pathlib.Path) -> t.Iterator[pathlib.Path]:
    for place, directories, names in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        yield from (pathlib.Path(place, name) for name in sorted(names) if not name.startswith(".") and not name.endswith(_IGNORED))


def _lost_scope(scope: str, name: str, known: t.Collection[str]) -> str:
    """Return what is wrong if the inventory has no such group or host."""
    if name in known:
        return ""
    near = difflib.get_close_matches(name, known, n=1)
    return f"the inventory has no {scope[:-1]} '{name}'" + (f"; did you mean '{scope}/{near[0]}'?" if near else "")


def _lost(path: str, known: t.Collection[str], prefix: str) -> str:
    """Return what is wrong if *path*, below *prefix*, is none of the *known* ones."""
    if path in known:
        return ""
    service, slash, name = path.partition("/")
    near = sorted(other for other in known if other.endswith(f"/{path}")) or difflib.get_close_matches(path, sorted(known), n=1, cutoff=0.8)
    own = sorted(other for other in known if other.startswith(f"{service}/"))
    if near:
        return f"no service reads it; did you mean '{prefix}{near[0]}'?"
    if own:
        return f"service {service} has no file '{name}'; it has: {', '.join(other.partition('/')[2] for other in own)}"
    return "" if slash else "no service reads it; an override lies in the directory of its service"
