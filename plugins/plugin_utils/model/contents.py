# SPDX-License-Identifier: Apache-2.0
"""Renders the files of services: content of the role, then the operator's variables and override files."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import typing as t

from ansible.template import trust_as_template

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import ConfigFile, Service
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import expressions, formats, oslo_options, overrides
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.definitions import Content, Definitions
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.merge import MergeError, merge
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.templates import Templates


@dataclasses.dataclass(frozen=True)
class OverrideFiles:
    """The operator's override files.

    ``groups`` are those of the host, the strongest last. ``read`` returns the text of a file, and whether it was encrypted.
    """

    directory: pathlib.Path
    groups: t.Sequence[str]
    read: t.Callable[[pathlib.Path], tuple[str, bool]]


@dataclasses.dataclass(frozen=True)
class OsloRules:
    """How files are written that oslo.config reads.

    ``options`` returns those of the release, None if they are not known; ``extra`` are patterns of others that the operator permits.
    ``escape`` writes secrets so that oslo.config reads them back, ``warn`` prints a warning.
    """

    options: t.Callable[[], oslo_options.Options | None]
    extra: t.Sequence[str]
    escape: t.Callable[[t.Any], t.Any]
    warn: t.Callable[[str], object]


class Contents:
    """Renders files for one host; errors are noted with the templates.

    ``hidden`` are texts of encrypted override files, which must not be shown.
    """

    def __init__(
        self,
        templates: Templates,
        definitions: Definitions,
        role_template: t.Callable[[str, str], str],
        files: OverrideFiles | None,
        oslo: OsloRules,
    ) -> None:
        """Take the definitions, and what returns the text of a template by service and name."""
        self._templates = templates
        self._errors = templates.errors
        self._definitions = definitions
        self._role_template = role_template
        self._files = files
        self._oslo = oslo
        self.hidden: list[str] = []

    def render(self, service: Service, file: ConfigFile) -> str:
        """Return the text of a file, empty after noting what is wrong."""
        where = f"{service.name}: {file.path}"
        known = len(self._errors)
        try:
            defined = self._defined(service, file, where)
            found = self._overrides(service, file)
            if len(self._errors) > known:
                return ""
            content = functools.reduce(merge, (value for _variable, value in defined))
            if file.oslo:
                self._check_names(service, content, [*((where, value) for variable, value in defined if variable), *found])
            content = overrides.apply(content, found)
            return formats.render(file.format, self._oslo.escape(content) if file.oslo else content)
        except overrides.OverrideError as error:
            self._errors += [f"{where}: {message}" for message in error.messages]
        except (OSError, UnicodeDecodeError, MergeError, formats.FormatError) as error:
            self._errors.append(f"{where}: {error}")
        return ""

    def _defined(self, service: Service, file: ConfigFile, where: str) -> list[tuple[str, t.Any]]:
        """Return the content of a file as the role defines it and as a variable of the operator changes it, each with that variable."""
        contents = self._definitions.contents(service, file)
        if file.template:
            text = self._role_template(service.name, file.template)
            contents = [Content("", text), *filter(lambda content: content.variable, contents)]
        values = []
        for content in contents:
            known = len(self._errors)
            value = overrides.omitted(self._templates(content.raw, where))
            if len(self._errors) == known and (value is None or (isinstance(value, str) and not value.strip() and content.variable)):
                self._errors.append(f"{where}: content{f' in {content.variable}' if content.variable else ''} is empty; leave it out")
            values.append((content.variable, value))
        if not contents:
            self._errors.append(f"{where}: has neither content nor template")
        return values

    def _check_names(self, service: Service, content: t.Any, given: list[tuple[str, t.Any] | overrides.Override]) -> None:
        """Note the options in overrides of a file that its service does not read."""
        known, extra = self._oslo.options() if given else None, self._oslo.extra
        if not known or service.name not in known.services:
            return
        for item in given:
            place, data = (f"override {item.path}", item.data) if isinstance(item, overrides.Override) else item
            if not isinstance(data, t.Mapping):
                continue  # merging refuses it
            errors, former = oslo_options.check(known, service.name, data, content, extra)
            if isinstance(item, overrides.Override) and item.path.name == overrides.GLOBAL:
                # a service may ignore what is for another
                errors = oslo_options.check_shared(known, data, extra)
            # files of several containers may have the same overrides
            self._errors += [f"{place}: {error}" for error in errors if f"{place}: {error}" not in self._errors]
            for text in former:
                self._oslo.warn(f"{place}: {text}")

    def _overrides(self, service: Service, file: ConfigFile) -> list[overrides.Override]:
        """Return what the operator's files say of a file."""
        if self._files is None:
            return []
        files, host = self._files, self._templates.variables["inventory_hostname"]

        def read(path: pathlib.Path) -> str | None:
            text, encrypted = files.read(path)
            known = len(self._errors)
            resolved = self._override_text(file.format, text, f"{service.name}: override {path}") if text else ""
            if encrypted:
                file.sensitive = file.hidden = True
                self.hidden += overrides.hidden(resolved)
            return None if len(self._errors) > known else resolved

        return overrides.load(file, overrides.candidates(files.directory, service.name, file, files.groups, host), read)

    def _override_text(self, form: str, text: str, where: str) -> str:
        """Return the text of an override file with its expressions resolved, each written in the format of the file."""
        known = len(self._errors)
        found = self._templates(trust_as_template(expressions.prepared(text, form)), where)
        if isinstance(found, str) or len(self._errors) > known:
            return found or ""
        if found is None:
            raise formats.FormatError("its expression yields nothing; give it a default")
        return formats.render(form, found) if isinstance(found, (dict, list)) else expressions.written(found, form, 1)
