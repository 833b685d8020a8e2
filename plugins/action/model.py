# SPDX-License-Identifier: Apache-2.0
"""Make the model of one host from the definitions of the service roles in the play."""

from __future__ import annotations

import functools
import pathlib
import re
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.template import trust_as_template

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model import selection
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Service
from ansible_collections.caisson.openstack.plugins.plugin_utils import addresses, compiled, options, override_files, preloaded
from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result, warn
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import build as model
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import (
    container_limits,
    oslo_options,
    overrides,
    play_roles,
    results,
    validate,
)
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.contents import Contents, OsloRules, OverrideFiles
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.definitions import Definitions
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.groups import Groups, hosts_of, names
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.templates import Templates
from ansible_collections.caisson.openstack.plugins.plugin_utils.origins import origin
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import SHARED
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import secret_text

#: The options that the services of each release declare.
_OPTIONS = pathlib.Path(__file__).resolve().parents[2] / "roles" / "images" / "files" / "options"

# once for all workers, see there
preloaded.preload()


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
        self._paths = play_roles.in_play(self._task.get_play())
        self._vars["groups"] = Groups(self._vars["groups"])
        errors: list[str] = []
        try:
            with addresses.remembered(), compiled.remembered() as own_texts:
                built, secrets = self._build(errors, own_texts)
        except (dataclass_spec.SchemaError, validate.ModelError) as error:
            errors += error.messages
        if errors:
            raise AnsibleActionFail(_report([self._attributed(error) for error in errors]))
        return results.as_result(built, secrets, secret_text.forms)

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

    def _build(self, errors: list[str], own_texts: set[str]) -> tuple[model.HostModel, set[str]]:
        """Return the model, and secrets that its files may hold; what is wrong is added to *errors*."""
        kinds = self._secret_kinds()
        self._vars, wrong = options.typed(self._templar, self._vars, self._paths, kinds)
        errors += wrong
        self._template = Templates(functools.partial(play_roles.template, self._templar), self._templar.is_template, self._vars, errors)
        secrets = self._known_secrets(kinds)
        if SHARED in self._paths:
            self._template.resolve_once(play_roles.variables(self._paths[SHARED]))
        site = self._site()
        definitions = Definitions(self._template, self._paths)
        services = definitions.load()
        if errors:
            raise validate.ModelError([])
        files = self._override_files()
        if files:
            errors += overrides.strays(files.directory, services, site.groups, site.groups.get("all", []))
        own, wrong = container_limits.load(self._vars.get(container_limits.OPTION) or {}, services)
        errors += wrong
        services = container_limits.apply(services, own)
        validate.check(services, site.groups, self._balancer(site))
        active = [service for service in services if service.enabled]
        self._template.extra = {"service_frontends": model.frontends(active, site.groups, site.addresses)}
        role_template = functools.partial(self._role_template, own_texts)
        contents = Contents(self._template, definitions, role_template, files, self._oslo_rules(secrets))
        built = model.build(services, site, contents.render, self._selection(services))
        built.limits = container_limits.of_host([spec.name for spec in built.containers], own)
        return built, {*secrets, *contents.hidden}

    def _site(self) -> model.Site:
        return model.Site(
            host=self._vars["inventory_hostname"],
            groups=self._vars["groups"],
            image_prefix=self._args["image_prefix"],
            image_tag=self._args["image_tag"],
            addresses=addresses.Addresses(self._vars["hostvars"]),
        )

    def _override_files(self) -> OverrideFiles | None:
        """Return the operator's override files, if there are any."""
        if not self._args["overrides_dir"]:
            return None
        groups = override_files.precedence(self._vars["hostvars"], self._vars["inventory_hostname"])
        return OverrideFiles(pathlib.Path(self._args["overrides_dir"]), groups, lambda path: override_files.read(path, self._loader))

    def _oslo_rules(self, secrets: set[str]) -> OsloRules:
        release = self._vars.get("cloud_release")
        return OsloRules(
            options=lambda: oslo_options.read(_OPTIONS / f"{release}.txt"),
            extra=[str(pattern) for pattern in self._vars.get("cloud_extra_oslo_options") or []],
            escape=lambda content: secret_text.for_oslo(content, secrets),
            warn=warn,
        )

    def _role_template(self, own_texts: set[str], service: str, name: str) -> str:
        """Return the text of a template of a role."""
        text = (self._paths[service] / "templates" / name).read_text(encoding="utf-8")
        if compiled.is_own(self._paths[service]):
            own_texts.add(text)
        return trust_as_template(text)

    def _balancer(self, site: model.Site) -> str:
        """Return this host if its load balancer listens on the address of the services, otherwise nothing."""
        if "loadbalancer" not in self._paths:
            return ""
        group, address = (self._template(self._vars[f"loadbalancer_{name}"], f"loadbalancer_{name}") for name in ("group", "address"))
        known = all(name in site.groups for name in names(str(group)))
        here = known and site.host in hosts_of(str(group), site.groups) and str(address).strip() == site.addresses[site.host]
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


def _report(errors: list[str]) -> str:
    lines = "\n".join(f"  - {error}" for error in errors)
    return f"the service definitions are invalid; nothing was changed:\n{lines}"


def _texts(value: t.Any) -> t.Iterator[str]:
    """Yield every text in nested data."""
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)
