# SPDX-License-Identifier: Apache-2.0
"""Loads the definitions of the services in a play: templated, merged with the operator's overrides, and validated."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import ConfigFile, Service
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import elsewhere, overrides
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.merge import MOUNTS, MergeError, merge
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.templates import Templates

#: What counts of the definition of an external service.
_EXTERNAL = ("name", "stage", "enabled", "external", "external_servers", "endpoints")
#: An expression that only names a variable.
_VARIABLE = re.compile(r"\s*\{\{\s*(\w+)\s*\}\}\s*")


@dataclasses.dataclass(frozen=True)
class Content:
    """The content of a file as it is written in the role, or in the ``variable`` of the operator."""

    variable: str
    raw: t.Any


class Definitions:
    """The definitions of the services in a play.

    The content of files is not templated with the definition, but when the file is rendered: most files belong to other hosts.
    """

    def __init__(self, templates: Templates, paths: t.Mapping[str, pathlib.Path]) -> None:
        """Take the roles of the play, by name, with their directories."""
        self._templates = templates
        self._errors = templates.errors
        self._variables = templates.variables
        self._paths = paths
        self._contents: dict[tuple[str, str, tuple[str, ...]], list[Content]] = {}

    def load(self) -> list[Service]:
        """Return the services of the play; those whose definitions have errors, which are noted, are left out."""
        found = []
        for name in self._paths:
            definition = self._variables.get(f"{name}_service")
            if definition is not None:
                service = self._load(name, self._listed(definition, f"{name}_service"))
                found += [service] if service else []
        return found

    def contents(self, service: Service, file: ConfigFile) -> list[Content]:
        """Return the content of a file as the role and the operator's override of the service write it."""
        return self._contents[_key(service, file)]

    def _listed(self, definition: t.Any, where: str) -> dict[str, t.Any]:
        """Return *definition* with values resolved that are an expression as a whole: a list of files must be a list."""
        if not isinstance(definition, t.Mapping):
            self._errors.append(f"{where}: expected a mapping")
            return {}
        listed = {key: self._listed_value(value, where) for key, value in definition.items()}
        if isinstance(listed.get("files"), list):
            # an item may be an expression for files that services share
            groups = [self._listed_value(item, where) for item in listed["files"]]
            files = [file for group in groups if group is not None for file in (group if isinstance(group, list) else [group])]
            listed["files"] = [self._templates(file, where) if isinstance(file, str) else file for file in files]
        return listed

    def _listed_value(self, value: t.Any, where: str) -> t.Any:
        """Return the value of an expression; if it only names a list, that list as it is written."""
        if not isinstance(value, str):
            return value
        name = _VARIABLE.fullmatch(value)
        written = self._variables.get(name[1]) if name and self._templates.is_template(value) else None
        return list(written) if isinstance(written, list) else self._templates(value, where)

    def _load(self, name: str, definition: dict[str, t.Any]) -> Service | None:
        known = len(self._errors)
        variable = f"{name}_service_overrides"
        override = self._listed(self._variables.get(variable) or {}, variable)
        if boolean(self._templates({**definition, **override}.get("external", False), variable), strict=False):
            definition, override = ({key: item[key] for key in _EXTERNAL if key in item} for item in (definition, override))
        definition, override = self._shortened(definition, override)
        service = self._merged(name, definition, override, known)
        if service is None:
            return None
        if service.name != name:
            self._errors.append(f"{name}_service.name: is '{service.name}'; it must be the name of the role")
        self._find_files(name, service)
        # an override may have added content to a file of the role
        places = {"": definition, variable: override}
        for file in service.files:
            chosen = (file.content or {}).items()
            self._contents[_key(service, file)] = [Content(place, places[place]["files"][at]["content"]) for place, at in chosen]
        return service

    def _merged(self, name: str, definition: dict[str, t.Any], override: dict[str, t.Any], known: int) -> Service | None:
        """Return a service without the content of its files, or None if there are more than the *known* errors."""
        variable, changes_variable = f"{name}_service", f"{name}_service_overrides"
        data = self._templates(_without_contents(definition, ""), variable)
        changes = self._templates(_without_contents(override, changes_variable), changes_variable)
        if len(self._errors) > known:
            return None
        try:
            return dataclass_spec.load(Service, merge(data, overrides.omitted(changes), MOUNTS, variable), variable)
        except (MergeError, overrides.OverrideError) as error:
            self._errors.append(str(error))
        except dataclass_spec.SchemaError as error:
            self._errors += error.messages
        return None

    def _find_files(self, name: str, service: Service) -> None:
        """Read the scripts of jobs, and find the tasks of hooks, in the directory of the role."""
        for job in (job for job in service.jobs if job.script):
            try:
                job.stdin = (self._paths[name] / "files" / job.script).read_text(encoding="utf-8")
            except OSError as error:
                self._errors.append(f"{name}: script of job {job.name}: {error}")
        for hook in service.hooks:
            path = self._paths[name] / "tasks" / hook.tasks
            if "/" in hook.tasks or not path.is_file():
                self._errors.append(f"{name}: hook {hook.point}: {self._paths[name]}/tasks has no file '{hook.tasks}'")
            hook.tasks = str(path)

    def _shortened(self, definition: elsewhere.Definition, override: elsewhere.Definition) -> tuple[t.Any, t.Any]:
        """Return a definition and its override without what only other hosts need; the first host of the play checks all of it."""
        host = self._variables["inventory_hostname"]
        if host == next(iter(self._variables.get("ansible_play_hosts") or ()), host):
            return definition, override
        try:
            groups = self._templates.strictly(elsewhere.groups_of(definition, override))
        except AnsibleError:  # templating the definition says what is wrong
            return definition, override
        return elsewhere.shorten(definition, override, groups, host, self._variables["groups"])


def _without_contents(definition: dict[str, t.Any], variable: str) -> dict[str, t.Any]:
    """Return a definition with the place where the content of each file is written instead of that content."""
    if not isinstance(definition.get("files"), list):
        return definition
    return {**definition, "files": [_without_content(file, variable, at) for at, file in enumerate(definition["files"])]}


def _without_content(file: t.Any, variable: str, at: int) -> t.Any:
    return {**file, "content": {variable: at}} if isinstance(file, t.Mapping) and "content" in file else file


def _key(service: Service, file: ConfigFile) -> tuple[str, str, tuple[str, ...]]:
    return service.name, file.path, tuple(file.containers)
