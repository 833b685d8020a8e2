# SPDX-License-Identifier: Apache-2.0
"""Files with which an operator overrides configuration, found by name and merged structurally.

Below the override directory, later wins:

1. ``global.conf`` (into every file of an OpenStack service that oslo.config reads)
2. ``<service>/<file>``
3. ``<service>/<container>/<file>``
4. ``groups/<group>/<service>/<file>``, in the order in which Ansible reads the variables of groups: ``all``, parents, children
5. ``hosts/<host>/<service>/<file>``
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import pathlib
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import ConfigFile, Service
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import formats
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.merge import MergeError, merge

GLOBAL = "global.conf"
#: What ``{{ omit }}`` becomes in an override: it removes an option, as null does where the format has that.
OMIT = "__omit_place_holder__"
#: What is shorter stands in too many other places to be hidden there.
_SHORTEST_SECRET = 4
#: What an editor or a reader leaves beside an override.
_IGNORED = ("~", ".bak", ".orig", ".swp", ".md")


class OverrideError(ValueError):
    """Override files cannot be used; each of the messages names the file and what is wrong."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def candidates(directory: pathlib.Path, service: str, file: ConfigFile, groups: t.Iterable[str], host: str) -> list[pathlib.Path]:
    """Return the files that would be read for *file* on *host*, weakest first, whether they exist or not."""
    name = pathlib.PurePosixPath(file.path).name
    paths = [directory / GLOBAL] if file.oslo else []
    paths.append(directory / service / name)
    paths += [directory / service / container / name for container in file.containers]
    paths += [directory / "groups" / group / service / name for group in groups]
    paths.append(directory / "hosts" / host / service / name)
    return paths


@dataclasses.dataclass(frozen=True)
class Override:
    """What a file below the override directory says: a text, or data that are merged."""

    path: pathlib.Path
    data: t.Any


def load(file: ConfigFile, paths: t.Iterable[pathlib.Path], read: t.Callable[[pathlib.Path], str | None]) -> list[Override]:
    """Return what those of *paths* say that exist.

    Args:
        read: returns the text of an override file with its expressions resolved, or None if that cannot be done.

    Raises:
        OverrideError: if files cannot be read or parsed, or would empty the file that they override.
    """
    found, errors = [], []
    for path in (path for path in paths if path.is_file()):
        try:
            text = read(path)
            if text is not None:
                found.append(Override(path, _data(file, text)))
        except RecursionError:
            errors.append(f"override {path}: it is nested too deeply")
        except (OSError, ValueError) as error:
            errors.append(f"override {path}: {error}")
    if errors:
        raise OverrideError(*errors)
    return found


def _data(file: ConfigFile, text: str) -> t.Any:
    if file.format != "text":
        return omitted(formats.parse(file.format, text))
    if not text.strip():
        raise OverrideError(f"it is empty, which would empty {file.path}; remove it to leave that as it is")
    if OMIT in text:
        raise OverrideError("omit removes an option of a file that is merged; this one is replaced as a whole")
    return text


def omitted(data: t.Any) -> t.Any:
    """Return *data* of an override with None in the place of each value that is ``{{ omit }}``.

    Raises:
        OverrideError: if that is a part of a value only.
    """
    if isinstance(data, t.Mapping):
        return {key: omitted(value) for key, value in data.items()}
    if isinstance(data, list):
        items = [omitted(item) for item in data]
        # an option that is removed and given is given
        return [item for item in items if item is not None] or None if OMIT in data else items
    if isinstance(data, str) and OMIT in data:
        if data.strip("\"'") != OMIT:
            raise OverrideError("omit removes an option; it must be the whole value")
        return None
    return data


def hidden(text: str) -> list[str]:
    """Return what must not be shown of a file that was encrypted: its lines, and the values of their options."""
    lines = [line.strip().strip("-,").strip() for line in text.splitlines()]
    values = [re.split("[=:]", line, maxsplit=1)[-1].strip().strip("\"'") for line in lines]
    return [word for word in (*lines, *values) if len(word) >= _SHORTEST_SECRET and word.lower() not in ("true", "false", "null", "none")]


def apply(content: t.Any, found: t.Iterable[Override]) -> t.Any:
    """Return *content* with overrides merged into it, the strongest last; text is replaced as a whole.

    Raises:
        OverrideError: if some are of another kind than what they override.
    """
    errors = []
    for override in found:
        try:
            # of a file that merges, one without content says nothing
            content = content if override.data == {} else merge(content, override.data)
        except MergeError as error:
            errors.append(f"override {override.path}: {error}")
    if errors:
        raise OverrideError(*errors)
    return content


def strays(directory: pathlib.Path, services: t.Sequence[Service], groups: t.Collection[str], hosts: t.Collection[str]) -> list[str]:
    """Return an error for each file below *directory* that overrides nothing: a slip in its path, or a link to nothing.

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
    errors = []
    for path in _files(directory):
        parts = path.relative_to(directory).parts
        if parts[0] in scopes and len(parts) > 2:
            scope, name, *rest = parts
            error = _lost_scope(scope, name, scopes[scope]) or _lost("/".join(rest), every, f"{scope}/{name}/")
        else:
            error = _lost("/".join(parts), every | single | {GLOBAL}, "")
        if not error and not path.exists():
            error = "cannot be read: it is a broken link"
        errors += [f"override {path}: {error}"] if error else []
    return errors


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
    return "" if slash else "no service reads it; put an override into the directory of its service"
