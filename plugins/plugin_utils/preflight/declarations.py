# SPDX-License-Identifier: Apache-2.0
"""What roles declare of their variables, read from their directories."""

from __future__ import annotations

import functools
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import formats, play_roles
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import inventory_checks
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import SHARED, Role


def declared(paths: t.Mapping[str, pathlib.Path], settings: inventory_checks.Settings, services: t.Collection[str]) -> dict[str, Role]:
    """Return what roles declare; a role without a variable in *settings* is not read.

    Args:
        paths: names and directories of the roles.
        services: roles that define a service.
    """
    mentioned = {inventory_checks.role_of(name, paths) for own in settings.values() for name in own} | {SHARED}
    return {
        name: Role(*_read(path), service=name in services) if name in mentioned else Role(service=name in services)
        for name, path in paths.items()
    }


@functools.cache
def _read(path: pathlib.Path) -> tuple[dict[str, t.Any], frozenset[str], frozenset[str]]:
    """Return the options of a role's argument spec, the names of these and all its variables, and of those that an inventory cannot set."""
    options = play_roles.options(path)
    defaults, fixed = {*play_roles.variables(path, "defaults")}, {*play_roles.variables(path)}
    return options, frozenset({*options, *defaults, *fixed}), frozenset(fixed - defaults - options.keys())


@functools.cache
def defaults(path: pathlib.Path) -> dict[str, t.Any]:
    """Return the defaults of a role with expressions as they are written."""
    file = path / "defaults" / "main.yml"
    return dict(formats.parse("yaml", file.read_text(encoding="utf-8"))) if file.is_file() else {}
