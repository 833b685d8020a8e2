# SPDX-License-Identifier: Apache-2.0
"""What an inventory says of its hosts, with expressions resolved as far as they can be before any host is contacted."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import typing as t

from ansible.errors import AnsibleError
from ansible.template import trust_as_template

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.groups import hosts_of, names
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.templates import Resolve
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import declarations, inventory_checks
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import OVERRIDES, Setting


@dataclasses.dataclass
class Inventory:
    """The inventory as a play sees it.

    ``variables`` are those of the task, ``in_play`` names and directories of the play's roles. ``written`` returns the variables of a
    host before expressions are resolved, ``resolve`` resolves them, ``origin`` says where a value was set, ``forced`` are the names
    of variables from the command line.
    """

    variables: t.Mapping[str, t.Any]
    in_play: t.Mapping[str, pathlib.Path]
    written: t.Callable[[str], t.Mapping[str, t.Any]]
    resolve: Resolve
    origin: t.Callable[[t.Any], str]
    forced: t.Container[str] = ()

    def __post_init__(self) -> None:
        """Find the host groups of the play's enabled services."""
        self.groups = {name: list(hosts) for name, hosts in self.variables["groups"].items()}
        named = [name for name in self.variables if name.endswith("_group") and inventory_checks.role_of(name, self.in_play)]
        enabled = [name for name in named if self.is_enabled(inventory_checks.role_of(name, self.in_play))]
        found = {name: self.template(self.variables[name], None) for name in enabled}
        #: Variables of the play's roles that name host groups.
        self.patterns = {name: value for name, value in found.items() if isinstance(value, str)}

    def template(self, value: t.Any, default: t.Any, raw: t.Mapping[str, t.Any] | None = None) -> t.Any:
        """Return *value* with its expressions resolved, or *default*; variables in *raw* take precedence."""
        try:
            return self.resolve(value, {**self.variables, **raw} if raw else self.variables)
        except AnsibleError:
            return default

    def is_enabled(self, role: str) -> bool:
        """Return whether the service of a role is enabled, as far as that is known."""
        return play_roles.enabled(self.resolve, self.variables, role)

    # -- settings -----------------------------------------------------------------------------------------------

    def settings(self, host: str, roles: t.Collection[str]) -> dict[str, Setting]:
        """Return the variables of *host* that an operator set and that belong to *roles* by their names."""
        raw = self.written(host)
        facts = raw.get("ansible_facts") or {}
        mine = {key: value for key, value in raw.items() if key.endswith(OVERRIDES) or inventory_checks.role_of(key, roles)}
        return {
            key: dataclasses.replace(self._setting(value, raw), forced=key in self.forced)
            for key, value in mine.items()
            if key not in facts
        }

    def _setting(self, value: t.Any, raw: t.Mapping[str, t.Any]) -> Setting:
        """Return a value and where it was set; the value is ``...`` if only later tasks can resolve its expressions."""
        found = value
        # a date would become a text
        if not isinstance(value, (str, datetime.date)) or (isinstance(value, str) and "{" in value):
            found = self.template(value, ..., raw)
        return Setting(found, self.origin(value))

    def value(self, own: t.Mapping[str, Setting], name: str) -> Setting:
        """Return what a host with the settings *own* has for *name*."""
        return own[name] if name in own else Setting(self.template(self.variables.get(name, ""), ""))

    def own(self, host: str, name: str) -> Setting:
        """Return what *host* has for a variable that belongs to no role; nothing if it has none."""
        raw = self.written(host)
        return self._setting(raw[name], raw) if raw.get(name) is not None else Setting(None)

    def default(self, name: str, host: str) -> Setting:
        """Return what *host* has if it does not set *name*."""
        role = inventory_checks.role_of(name, self.in_play)
        value = declarations.defaults(self.in_play[role]).get(name)
        found = self.template(trust_as_template(value), ..., self.written(host)) if isinstance(value, str) else value
        return Setting(found, f"default of role {role}")

    def address(self, host: str, own: t.Mapping[str, Setting]) -> Setting:
        """Return the address on which *host* serves, as the filter addresses finds it."""
        raw = self.written(host)
        return own.get("cloud_address") or self._setting(raw.get("ansible_host") or host, raw)

    def limit(self, variable: str) -> dict[str, t.Any]:
        """Return what the role that *variable* belongs to declares of it beyond its type."""
        found = dict(play_roles.limits(self.in_play[inventory_checks.role_of(variable, self.in_play)]).get(variable, {}))
        lifted = "unless" in found and self.template(self.variables.get(found["unless"]), None)
        return {key: value for key, value in found.items() if not lifted or key != "hosts"}

    # -- hosts --------------------------------------------------------------------------------------------------

    def hosts(self, *patterns: str) -> list[str]:
        """Return the hosts of several patterns of groups, each once.

        Raises:
            KeyError: if a group does not exist.
        """
        return list(dict.fromkeys(host for pattern in patterns for host in hosts_of(pattern, self.groups)))

    def hosts_or_none(self, pattern: t.Any) -> list[str]:
        """Return the hosts of a pattern; none if a group does not exist, which the model refuses."""
        try:
            return self.hosts(str(pattern))
        except KeyError:
            return []

    def hosts_of_services(self) -> list[str]:
        """Return the hosts of all services that have host groups."""
        return list(dict.fromkeys(host for pattern in self.patterns.values() for host in self.hosts_or_none(pattern)))

    def members(self) -> list[str]:
        """Return the hosts of the play and those of the services' groups, in the order of the inventory."""
        patterns = [pattern for pattern in self.patterns.values() if set(names(pattern)) <= self.groups.keys()]
        members = {*self.variables.get("ansible_play_hosts_all", self.groups["all"]), *self.hosts(*patterns)}
        return [host for host in self.groups["all"] if host in members]
