# SPDX-License-Identifier: Apache-2.0
"""What the action plugins take from the roles of a play: their data, with expressions resolved."""

from __future__ import annotations

import functools
import json
import pathlib
import re
import typing as t

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import resolved_once
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.templates import Resolve

#: That of libyaml is many times as fast, and reads what a role has of its own.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Kind = t.TypeVar("_Kind")


def in_play(play: t.Any) -> dict[str, pathlib.Path]:
    """Return name and directory of each role of the play, what a role depends on before it."""
    roles: dict[str, pathlib.Path] = {}
    for role in play.roles:
        for item in (*role.get_all_dependencies(), role):
            roles.setdefault(item.get_name(include_role_fqcn=False), pathlib.Path(item._role_path))
    return roles


@functools.cache
def options(path: pathlib.Path) -> dict[str, t.Any]:
    """Return the options that the argument specs of the role in directory *path* declare, each with its ``limit``."""
    specs = _meta(path, "argument_specs").get("argument_specs") or {}
    declared = limits(path)
    found: dict[str, t.Any] = {}
    for spec in specs.values():
        for name, option in (spec.get("options") or {}).items():
            found.setdefault(name, {**option, "limit": declared.get(name, {})})
    return found


@functools.cache
def limits(path: pathlib.Path) -> dict[str, t.Any]:
    """Return what the role in directory *path* says of its options beyond their types; see the module limits."""
    return _meta(path, "limits")


@functools.cache
def variables(path: pathlib.Path, directory: str = "vars") -> list[str]:
    """Return the names of the variables that the role in directory *path* has in ``vars`` or ``defaults``, in the order of the files."""
    texts = [file.read_text(encoding="utf-8") for file in sorted((path / directory).rglob("*.yml"))]
    return list(dict.fromkeys(name for text in texts for name in re.findall(r"^([A-Za-z]\w*):", text, re.MULTILINE)))


def _meta(path: pathlib.Path, name: str) -> dict[str, t.Any]:
    file = path / "meta" / f"{name}.yml"
    return dict(yaml.load(file.read_bytes(), Loader=_LOADER) or {}) if file.is_file() else {}


def template(templar: t.Any, value: t.Any, variables: t.Mapping[str, t.Any]) -> t.Any:
    """Return *value* as plain data with its expressions resolved; what is undefined raises Ansible's own error."""
    return _data(resolved_once.templar_with(templar, variables), value)


def template_separately(templar: t.Any, value: t.Any, variables: t.Mapping[str, t.Any]) -> t.Any:
    """Return the same for variables that are used once, such as those of each host by turns: nothing is kept, which takes less time."""
    return _data(templar.copy_with_new_env(available_variables=variables), value)


def _data(templar: t.Any, value: t.Any) -> t.Any:
    return json.loads(json.dumps(plain(templar.template(value))))


def required(
    templar: t.Any, play: t.Any, variables: t.Mapping[str, t.Any], noun: str, kind: type[_Kind], disabled: bool = True
) -> list[_Kind]:
    """Return what the lists ``<role>_required_<noun>`` of the roles of a play ask for, *disabled* services as well or not.

    Raises:
        schema.SchemaError: if one has another form.
    """
    found = []
    for role in in_play(play):
        if not disabled and not enabled(functools.partial(template, templar), variables, role):
            continue
        name = f"{role}_required_{noun}"
        found += [dataclass_spec.load(kind, item, name) for item in template(templar, variables.get(name, []), variables)]
    return found


def enabled(resolve: Resolve, variables: t.Mapping[str, t.Any], role: str) -> bool:
    """Return whether the service of a role is enabled and not external, by the operator's override or its definition.

    If that is not known yet, it is.
    """
    return _says(resolve, variables, role, "enabled", True) and not _says(resolve, variables, role, "external", False)


def _says(resolve: Resolve, variables: t.Mapping[str, t.Any], role: str, key: str, default: bool) -> bool:
    found: t.Any = default
    for name in (f"{role}_service", f"{role}_service_overrides"):
        value = variables.get(name)
        try:
            data = resolve(value, variables) if isinstance(value, str) else value
            found = data.get(key, found) if isinstance(data, t.Mapping) else found
            found = resolve(found, variables) if isinstance(found, str) else found
        except AnsibleError:
            continue
    return boolean(found, strict=False)


def plain(value: t.Any) -> t.Any:
    """Return ordinary dicts and lists in the place of the template engine's lazy ones."""
    if isinstance(value, t.Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    # YAML has dates, sets and bytes too, which no definition has a use for
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
