# SPDX-License-Identifier: Apache-2.0
"""Turn the definitions of the play's service roles into what one host has to run."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import json
import pathlib
import re
import typing as t
import zlib

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.template import trust_as_template

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model import selection
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import ConfigFile, Service
from ansible_collections.caisson.openstack.plugins.plugin_utils import compiled, options, override_files
from ansible_collections.caisson.openstack.plugins.plugin_utils.addresses import Addresses
from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result, warn
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import build as model
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import (
    elsewhere,
    expressions,
    formats,
    oslo_options,
    overrides,
    play_roles,
    validate,
)
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.merge import MOUNTS, MergeError, merge
from ansible_collections.caisson.openstack.plugins.plugin_utils.origins import origin
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import SHARED
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import secret_text

#: The options that the services of each release declare.
_OPTIONS = pathlib.Path(__file__).resolve().parents[2] / "roles" / "images" / "files" / "options"
#: An expression that only names a variable.
_VARIABLE = re.compile(r"\s*\{\{\s*(\w+)\s*\}\}\s*")


class ActionModule(ControllerAction):
    """Runs on the controller only; nothing is asked of the host."""

    ARGUMENTS: t.ClassVar = {
        "image_prefix": {"type": "str", "required": True},
        "image_tag": {"type": "str", "required": True},
        "overrides_dir": {"type": "str", "default": ""},
        "services": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, args: Arguments) -> Result:
        """Return the model of the host; see the documentation of the module."""
        self._args = args
        self._errors: list[str] = []
        self._hidden: list[str] = []
        site = model.Site(
            host=self._vars["inventory_hostname"],
            groups={name: list(hosts) for name, hosts in self._vars["groups"].items()},
            image_prefix=args["image_prefix"],
            image_tag=args["image_tag"],
            addresses=Addresses(self._vars["hostvars"]),
        )
        try:
            with compiled.remembered() as self._own_texts:
                built = self._build(site)
        except (dataclass_spec.SchemaError, validate.ModelError) as error:
            self._errors += error.messages
        if self._errors:
            raise AnsibleActionFail(_report([self._attributed(error) for error in self._errors]))
        return _result(built, {*self._secrets, *self._hidden})

    def _resolve_shared(self) -> None:
        """Resolve what the services share once, not wherever it is used; what cannot be resolved may not be used in this play."""
        for name in play_roles.variables(self._paths[SHARED]) if SHARED in self._paths else ():
            with contextlib.suppress(AnsibleError, KeyError):
                self._vars[name] = play_roles.template(self._templar, self._vars[name], {**self._vars, "omit": overrides.OMIT})

    def _known_secrets(self, names: t.Iterable[str]) -> set[str]:
        """Return every secret of the secrets file, of variables that take the place of one, and of accounts that take turns."""
        accounts = self._template(self._vars.get("cloud_accounts") or {}, "cloud_accounts") or {}
        alternate = [(account["alternate"] or {}).get("password", "") for account in accounts.values()]
        variables = {name: self._vars[name] for name in names if name in self._vars}
        found = [
            self._template(value, name) for name, value in {"cloud_secrets": self._vars.get("cloud_secrets") or {}, **variables}.items()
        ]
        return {text for text in _texts([alternate, found]) if text}

    def _attributed(self, error: str) -> str:
        """Return an error of a service with the operator's override of that service, from which it may come."""
        name = re.split(r"_service\b|_service_overrides\b|: ", error)[0]
        override = f"{name}_service_overrides"
        if not self._vars.get(override):
            return error
        where = origin(self._vars[override])
        return f"{error} [{override} in {where}]" if where else f"{error} [{override}]"

    def _build(self, site: model.Site) -> model.HostModel:
        self._paths = play_roles.in_play(self._task.get_play())
        kinds = self._secret_kinds()
        self._vars, self._errors = options.typed(self._templar, self._vars, self._paths, kinds)
        self._secrets = self._known_secrets(kinds)
        self._resolve_shared()
        self._contents: dict[tuple[str, str, tuple[str, ...]], list[_Content]] = {}
        services = [service for service in map(self._load, self._definitions()) if service]
        if self._errors:
            raise validate.ModelError([])
        if self._args["overrides_dir"]:
            hosts = site.groups.get("all", [])
            self._errors += overrides.strays(pathlib.Path(self._args["overrides_dir"]), services, site.groups, hosts)
        validate.check(services, site.groups, self._balancer(site))
        active = [service for service in services if service.enabled]
        self._extra = {"service_frontends": model.frontends(active, site.groups, site.addresses)}
        return model.build(services, site, self._render, self._selection(services))

    def _balancer(self, site: model.Site) -> str:
        """Return this host if its load balancer listens on the address of the services, otherwise nothing."""
        if "loadbalancer" not in self._paths:
            return ""
        group, address = (self._template(self._vars[f"loadbalancer_{name}"], f"loadbalancer_{name}") for name in ("group", "address"))
        known = all(name in site.groups for name in str(group).split(":"))
        here = known and site.host in validate.resolve_group(str(group), site.groups) and str(address).strip() == site.addresses[site.host]
        return site.host if here else ""

    def _selection(self, services: list[Service]) -> selection.Selection:
        """Return what the operator chose by list, tags and limit."""
        chosen, errors = selection.choose(
            [service.name for service in services],
            self._args["services"],
            self._vars.get("ansible_run_tags") or [],
            self._vars.get("ansible_skip_tags") or [],
        )
        if errors:
            raise validate.ModelError(errors)
        return selection.Selection(chosen, frozenset(self._vars.get("ansible_play_hosts_all") or [self._vars["inventory_hostname"]]))

    # -- definitions --------------------------------------------------------------------------------------------

    def _definitions(self) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
        """Yield the definition of each service role in the play."""
        for name in self._paths:
            definition = self._vars.get(f"{name}_service")
            if definition is None:
                continue
            # the content of files is rendered later; for that a list of files must be a list, not an expression
            yield name, self._listed(definition, f"{name}_service")

    def _listed(self, definition: t.Any, where: str) -> dict[str, t.Any]:
        """Return *definition* with values that are an expression as a whole resolved."""
        if not isinstance(definition, t.Mapping):
            self._errors.append(f"{where}: expected a mapping")
            return {}
        listed = {key: self._listed_value(value, where) for key, value in definition.items()}
        if isinstance(listed.get("files"), list):
            # files that services share stand among their own as an expression
            groups = [self._listed_value(item, where) for item in listed["files"]]
            files = [file for group in groups if group is not None for file in (group if isinstance(group, list) else [group])]
            listed["files"] = [self._template(file, where) if isinstance(file, str) else file for file in files]
        return listed

    def _listed_value(self, value: t.Any, where: str) -> t.Any:
        """Return the value of an expression; of one that only names a list, that list as it is written."""
        if not isinstance(value, str):
            return value
        name = _VARIABLE.fullmatch(value)
        written = self._vars.get(name[1]) if name and self._templar.is_template(value) else None
        return list(written) if isinstance(written, list) else self._template(value, where)

    def _load(self, item: tuple[str, dict[str, t.Any]]) -> Service | None:
        """Template a definition, but for the content of its files, merge the operator's overrides in and validate it."""
        name, definition = item
        known = len(self._errors)
        overrides_name = f"{name}_service_overrides"
        override = self._listed(self._vars.get(overrides_name) or {}, overrides_name)
        definition, override = self._shortened(definition, override)
        data = self._template(_without_contents(definition, ""), f"{name}_service")
        changes = self._template(_without_contents(override, overrides_name), overrides_name)
        if len(self._errors) > known:
            return None
        try:
            service = dataclass_spec.load(Service, merge(data, overrides.omitted(changes), MOUNTS, f"{name}_service"), f"{name}_service")
        except (MergeError, overrides.OverrideError) as error:
            self._errors.append(str(error))
            return None
        except dataclass_spec.SchemaError as error:
            self._errors += error.messages
            return None
        if service.name != name:
            self._errors.append(f"{name}_service.name: is '{service.name}'; it must be the name of the role")
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
        # merging has brought together where the content of each file stands
        places = {"": definition, overrides_name: override}
        for file in service.files:
            chosen = (file.content or {}).items()
            self._contents[_key(service, file)] = [_Content(variable, places[variable]["files"][at]["content"]) for variable, at in chosen]
        return service

    def _shortened(self, definition: elsewhere.Definition, override: elsewhere.Definition) -> tuple[t.Any, t.Any]:
        """Return a definition and its override without what only other hosts need; the first host of the play checks all of it."""
        host = self._vars["inventory_hostname"]
        if host == next(iter(self._vars.get("ansible_play_hosts") or ()), host):
            return definition, override
        try:
            groups = play_roles.template(self._templar, elsewhere.groups_of(definition, override), self._vars)
        except AnsibleError:  # templating the definition says what is wrong
            return definition, override
        return elsewhere.shorten(definition, override, groups, host, self._vars["groups"])

    # -- files --------------------------------------------------------------------------------------------------

    def _render(self, service: Service, file: ConfigFile) -> str:
        where = f"{service.name}: {file.path}"
        known = len(self._errors)
        try:
            defined = self._defined(service, file, where)
            found = self._overrides(service, file) if self._args["overrides_dir"] else []
            if len(self._errors) > known:
                return ""
            content = functools.reduce(merge, (value for _variable, value in defined))
            if file.oslo:
                self._check_names(service, content, [*((where, value) for variable, value in defined if variable), *found])
            content = overrides.apply(content, found)
            if file.oslo:
                content = secret_text.for_oslo(content, self._secrets)
            return formats.render(file.format, content)
        except overrides.OverrideError as error:
            self._errors += [f"{where}: {message}" for message in error.messages]
            return ""
        except (OSError, UnicodeDecodeError, MergeError, formats.FormatError) as error:
            self._errors.append(f"{where}: {error}")
            return ""

    def _defined(self, service: Service, file: ConfigFile, where: str) -> list[tuple[str, t.Any]]:
        """Return the content of a file as the role defines it and as a variable of the operator changes it, each with that variable."""
        contents = self._contents[_key(service, file)]
        if file.template:
            text = self._own_template(service.name, file.template)
            contents = [_Content("", text), *filter(lambda content: content.variable, contents)]
        values = []
        for content in contents:
            known = len(self._errors)
            value = overrides.omitted(self._template(content.raw, where))
            if len(self._errors) == known and (value is None or (isinstance(value, str) and not value.strip() and content.variable)):
                self._errors.append(f"{where}: content{f' in {content.variable}' if content.variable else ''} is empty; leave it out")
            values.append((content.variable, value))
        if not contents:
            self._errors.append(f"{where}: has neither content nor template")
        return values

    def _own_template(self, service: str, name: str) -> str:
        """Return the text of a template of a role."""
        text = (self._paths[service] / "templates" / name).read_text(encoding="utf-8")
        if compiled.is_own(self._paths[service]):
            self._own_texts.add(text)
        return trust_as_template(text)

    def _check_names(self, service: Service, content: t.Any, given: list[tuple[str, t.Any] | overrides.Override]) -> None:
        """Note the options in overrides of a file that its service does not read."""
        release = self._vars.get("cloud_release")
        known = oslo_options.read(_OPTIONS / f"{release}.txt") if given else None
        if not known or service.name not in known.services:
            return
        extra = [str(pattern) for pattern in self._vars.get("cloud_extra_oslo_options") or []]
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
                warn(f"{place}: {text}")

    def _overrides(self, service: Service, file: ConfigFile) -> list[overrides.Override]:
        """Return what the operator's files say of a file."""
        host = self._vars["inventory_hostname"]
        groups = override_files.precedence(self._vars["hostvars"], host)
        paths = overrides.candidates(pathlib.Path(self._args["overrides_dir"]), service.name, file, groups, host)

        def read(path: pathlib.Path) -> str | None:
            text, encrypted = override_files.read(path, self._loader)
            known = len(self._errors)
            resolved = self._override_text(file.format, text, f"{service.name}: override {path}") if text else ""
            if encrypted:
                file.sensitive = file.hidden = True
                self._hidden += overrides.hidden(resolved)
            return None if len(self._errors) > known else resolved

        return overrides.load(file, paths, read)

    def _override_text(self, form: str, text: str, where: str) -> str:
        """Return the text of an override file with its expressions resolved, each written in the format of the file."""
        known = len(self._errors)
        found = self._template(trust_as_template(expressions.prepared(text, form)), where)
        if isinstance(found, str) or len(self._errors) > known:
            return found or ""
        if found is None:
            raise formats.FormatError("its expression yields nothing; give it a default")
        return formats.render(form, found) if isinstance(found, (dict, list)) else expressions.written(found, form, 1)

    def _template(self, value: t.Any, where: str) -> t.Any:
        """Return *value* as plain data with its expressions resolved, or None after noting the error."""
        variables = {**self._vars, **getattr(self, "_extra", {}), "omit": overrides.OMIT}
        try:
            return play_roles.template(self._templar, value, variables)
        except AnsibleError as error:
            message = " ".join(str(error).split()).replace(f"The filter plugin '{expressions.FILTER}' failed: ", "")
            self._errors.append(f"{where}: {message}")
            return None


@dataclasses.dataclass(frozen=True)
class _Content:
    """The content of a file as it is written in the role or in a variable of the operator."""

    variable: str
    raw: t.Any


def _without_contents(definition: dict[str, t.Any], variable: str) -> dict[str, t.Any]:
    """Return a definition as it is before the content of its files is known; in its place stands where that is written."""
    if not isinstance(definition.get("files"), list):
        return definition
    return {**definition, "files": [_without_content(file, variable, at) for at, file in enumerate(definition["files"])]}


def _without_content(file: t.Any, variable: str, at: int) -> t.Any:
    return {**file, "content": {variable: at}} if isinstance(file, t.Mapping) and "content" in file else file


def _key(service: Service, file: ConfigFile) -> tuple[str, str, tuple[str, ...]]:
    return service.name, file.path, tuple(file.containers)


def _report(errors: list[str]) -> str:
    lines = "\n".join(f"  - {error}" for error in errors)
    return f"the service definitions are invalid; nothing was changed:\n{lines}"


def _texts(value: t.Any) -> t.Iterator[str]:
    """Yield every text in nested data."""
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)


def _result(built: model.HostModel, known: set[str]) -> dict[str, t.Any]:
    """Return the model as the value of a registered variable. It holds secrets, so it is never shown."""
    secrets = {*(item.password for item in built.databases), *(item.password for item in built.users), *known}
    payload = {
        "directories": [spec.name for spec in built.containers],
        "files": [dataclasses.asdict(file) for file in built.files],
        "secrets": sorted({form for secret in secrets for form in secret_text.forms(secret)}),
    }
    return {
        "changed": False,
        "_ansible_no_log": True,
        "services": built.services,
        "containers": [spec.name for spec in built.containers],
        "images": built.images,
        "files": base64.b64encode(zlib.compress(json.dumps(payload).encode())).decode(),
        "stages": {name: dataclasses.asdict(stage) for name, stage in built.stages.items()},
        "databases": [dataclasses.asdict(item) for item in built.databases],
        "users": [dataclasses.asdict(item) for item in built.users],
        "endpoints": [dataclasses.asdict(item) for item in built.endpoints],
        "volumes": built.volumes,
        "required": [dataclasses.asdict(spec) for spec in built.required],
        "remote_dependencies": [dataclasses.asdict(item) for item in built.remote_dependencies],
        "backups": [dataclasses.asdict(spec) for spec in built.backups],
        "gates": [dataclasses.asdict(gate) for gate in built.gates],
        "rollout_jobs": {phase: [dataclasses.asdict(job) for job in jobs] for phase, jobs in built.rollout_jobs.items()},
        "schemas": [dataclasses.asdict(spec) for spec in built.schemas],
        "restores": [dataclasses.asdict(spec) for spec in built.restores],
        "hooks": [dataclasses.asdict(hook) for hook in built.hooks],
        # the same for all hosts, and as text a fifth of the size
        "apis": json.dumps(
            {"probes": {name: dataclasses.asdict(probe) for name, probe in built.probes.items()}, "resources": built.resources}
        ),
    }
