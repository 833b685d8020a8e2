# SPDX-License-Identifier: Apache-2.0
"""Refuse an inventory that describes no cloud, before any host is asked for anything."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import pathlib
import re
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.inventory.manager import IGNORED
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.parsing.vault import EncryptedString
from ansible.template import trust_as_template
from ansible.utils.vars import load_extra_vars

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import named_volumes
from ansible_collections.caisson.openstack.plugins.module_utils.preflight import api_name
from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import formats, play_roles
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.merge import MOUNTS, MergeError, merge
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.validate import resolve_group
from ansible_collections.caisson.openstack.plugins.plugin_utils.origins import origin
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import (
    addressing,
    bridges,
    inventory_checks,
    networks,
    ranges,
    shared_settings,
)
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import OVERRIDES, SHARED, Role, Setting

_ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"
_BALANCER = "loadbalancer"
_SWITCH = "openvswitch_group"
_TUNNEL = "cloud_tunnel_address"
#: The interface of the external bridge.
_INTERFACE = "openvswitch_external_interface"
#: What a role's list of the options that may differ from host to host is called, behind the name of the role.
_OF_HOSTS = "_host_options"
#: A container or frontend: its role, what is written of it, and what that means.
_Place = tuple[str, dict[str, t.Any], dict[str, t.Any]]
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class ActionModule(ControllerAction):
    """Runs on the controller only, once for all hosts."""

    def act(self, args: Arguments) -> Result:
        """Return on which ports each host is going to listen, and its volumes; see the documentation of the module."""
        if networks.LIBRARY_ERROR:
            raise AnsibleActionFail(networks.LIBRARY_ERROR)
        # reading the variables of a host takes long
        self._written = functools.cache(self._vars["hostvars"].raw_get)
        self._forced = load_extra_vars(self._loader)
        self._groups = {name: list(hosts) for name, hosts in self._vars["groups"].items()}
        self._in_play = play_roles.in_play(self._task.get_play())
        hosts = self._groups["all"]
        paths = {path.name: path for path in _ROLES.iterdir() if path.is_dir()} | self._in_play
        self._patterns = self._group_patterns()
        settings = {host: self._settings(host, paths) for host in hosts}
        declared = _declared(paths, settings, [name for name in paths if f"{name}_service" in self._vars])
        errors, warnings = inventory_checks.check_names(settings, declared)
        errors += inventory_checks.check_types(_known(settings), declared, self._secret_kinds())
        for check in (inventory_checks.check_groups, inventory_checks.check_control, inventory_checks.check_build_host):
            errors += [("", error) for error in check(self._patterns, self._groups)]
        errors += [("", error) for error in inventory_checks.check_group_sizes(self._patterns, self._groups, self._limit)]
        errors += [("", error) for error in inventory_checks.check_host_names(self._members(), self._groups)]
        errors += inventory_checks.check_hosts(_known(settings), declared, hosts)
        errors += self._check_directory(settings)
        errors += [("", error) for error in self._check_sources()]
        errors += self._check_vaults(settings)
        errors += [("", error) for error in self._check_shared(settings, declared)]
        if not inventory_checks.check_groups(self._patterns, self._groups):
            errors += self._check_addresses(settings)
        if errors:
            lines = "\n".join(f"  - {line}" for line in inventory_checks.lines(errors, hosts))
            raise AnsibleActionFail(f"the inventory is invalid; nothing was changed:\n{lines}")
        places = list(self._places())
        found = {"listeners": self._listeners(places), "volumes": self._volumes(places)}
        return {"changed": False, **found, "warnings": inventory_checks.lines(warnings, hosts)}

    # -- what the inventory says --------------------------------------------------------------------------------

    def _settings(self, host: str, names: t.Collection[str]) -> dict[str, Setting]:
        """Return the variables of *host* that an operator set and that belong to roles by their names."""
        raw = self._written(host)
        facts = raw.get("ansible_facts") or {}
        mine = {key: value for key, value in raw.items() if key.endswith(OVERRIDES) or inventory_checks.role_of(key, names)}
        return {
            key: dataclasses.replace(self._setting(value, raw), forced=key in self._forced)
            for key, value in mine.items()
            if key not in facts
        }

    def _setting(self, value: t.Any, raw: t.Mapping[str, t.Any]) -> Setting:
        """Return a value and where it was set; one whose expressions only later tasks can resolve is not known."""
        found = value
        # a date would become a text
        if not isinstance(value, (str, datetime.date)) or (isinstance(value, str) and "{" in value):
            found = self._template(value, {**self._vars, **raw}, ...)
        return Setting(found, origin(value))

    def _template(self, value: t.Any, variables: t.Mapping[str, t.Any], default: t.Any) -> t.Any:
        try:
            return play_roles.template(self._templar, value, variables)
        except AnsibleError:
            return default

    def _enabled(self, role: str) -> bool:
        overrides = self._template(self._vars.get(f"{role}{OVERRIDES}"), self._vars, None)
        return not isinstance(overrides, dict) or boolean(overrides.get("enabled", True), strict=False)

    def _group_patterns(self) -> dict[str, str]:
        """Return the variables of the play's roles that name host groups."""
        names = [name for name in self._vars if name.endswith("_group") and inventory_checks.role_of(name, self._in_play)]
        enabled = [name for name in names if self._enabled(inventory_checks.role_of(name, self._in_play))]
        found = {name: self._template(self._vars[name], self._vars, None) for name in enabled}
        return {name: value for name, value in found.items() if isinstance(value, str)}

    def _limit(self, variable: str) -> dict[str, t.Any]:
        """Return what the role of the play that *variable* belongs to declares of it beyond its type."""
        return dict(play_roles.limits(self._in_play[inventory_checks.role_of(variable, self._in_play)]).get(variable, {}))

    def _members(self) -> list[str]:
        """Return the hosts of the play and those of the services' groups, in the order of the inventory."""
        patterns = [pattern for pattern in self._patterns.values() if set(pattern.split(":")) <= self._groups.keys()]
        members = {*self._vars.get("ansible_play_hosts_all", self._groups["all"]), *self._hosts(*patterns)}
        return [host for host in self._groups["all"] if host in members]

    def _check_directory(self, settings: inventory_checks.Settings) -> t.Iterator[inventory_checks.Violation]:
        name = "cloud_overrides_dir"
        for host, own in settings.items():
            setting = own.get(name)
            if setting and isinstance(setting.value, str) and not pathlib.Path(setting.value).is_dir():
                yield host, f"{setting.named(name)}: '{setting.value}' is not a directory; create it, or remove the variable"

    def _check_sources(self) -> t.Iterator[str]:
        """Yield an error for each directory given with ``-i`` of which Ansible reads the overrides, too, as an inventory."""
        overrides = self._template(self._vars.get("cloud_overrides_dir"), self._vars, None)
        if isinstance(overrides, str) and overrides and pathlib.Path(overrides).is_dir():
            yield from inventory_checks.check_sources(self._vars.get("ansible_inventory_sources") or [], pathlib.Path(overrides), _ignored)

    def _check_vaults(self, settings: inventory_checks.Settings) -> t.Iterator[inventory_checks.Violation]:
        for host, own in settings.items():
            raw = self._written(host)
            for name, setting in own.items():
                if setting.value is ... and isinstance(raw[name], EncryptedString):
                    remedy = "give --vault-password-file or --vault-id"
                    yield host, f"{setting.named(name)}: none of the vault passwords that were given decrypts it; {remedy}"

    def _check_shared(self, settings: inventory_checks.Settings, declared: t.Mapping[str, Role]) -> t.Iterator[str]:
        """Yield an error for each setting of the whole cloud that its hosts do not agree on."""
        hosts = [host for host in self._hosts_of_services() if host in settings]
        owners = [role for role in declared if role in self._in_play and (declared[role].service or role == SHARED)]
        options = {name: option for role in owners for name, option in declared[role].options.items() if not name.endswith(OVERRIDES)}
        own = {name for role in owners for name in self._vars.get(f"{role}{_OF_HOSTS}") or []}
        for name in sorted({name for host in hosts for name in settings[host] if name in options} - own):
            found = {host: settings[host].get(name) or self._default(name, host) for host in hosts}
            # an expression that only later tasks can resolve may well be the same for all
            if not any(name in settings[host] and setting.value is ... for host, setting in found.items()):
                yield from shared_settings.check(name, {host: _typed(options[name], setting) for host, setting in found.items()})

    def _hosts_of_services(self) -> list[str]:
        return list(dict.fromkeys(host for pattern in self._patterns.values() for host in self._hosts_or_none(pattern)))

    def _default(self, name: str, host: str) -> Setting:
        """Return what a host has that does not set *name*."""
        role = inventory_checks.role_of(name, self._in_play)
        value = _defaults(self._in_play[role]).get(name)
        raw = self._written(host)
        found = self._template(trust_as_template(value), {**self._vars, **raw}, ...) if isinstance(value, str) else value
        return Setting(found, f"default of role {role}")

    # -- addresses and ports ------------------------------------------------------------------------------------

    def _check_addresses(self, settings: inventory_checks.Settings) -> list[inventory_checks.Violation]:
        addresses = {host: self._address(host, settings[host]) for host in self._hosts(*self._patterns.values())}
        known = {host: setting for host, setting in addresses.items() if setting.value is not ...}
        errors = addressing.check_addresses(known)
        if SHARED in self._in_play and _BALANCER in self._in_play and not errors:
            api = self._template(self._vars["cloud_api_address"], self._vars, None)
            texts = {host: str(setting.value) for host, setting in known.items()}
            found = addressing.check_api_address(api, texts, self._hosts(self._patterns.get(f"{_BALANCER}_group", "all"))) if api else []
            errors += [("", error) for error in [*found, *self._check_api_names(api)]]
        own_errors: list[inventory_checks.Violation] = []
        for host, own in _known(settings).items():
            own_errors += addressing.check_networks(host, own, str(addresses[host].value) if host in addresses else "")
        wrong = {host for host, _error in own_errors}
        sound = {host: own for host, own in _known(settings).items() if host not in wrong}
        none = Setting(self._template(self._vars.get(_INTERFACE, ""), self._vars, ""))
        isolated = {host for host, own in sound.items() if not own.get(_INTERFACE, none).value}
        errors += own_errors + ranges.check(sound, known, isolated)
        return errors + self._check_switches(_known(settings), known)

    def _check_switches(self, settings: inventory_checks.Settings, addresses: t.Mapping[str, Setting]) -> list[inventory_checks.Violation]:
        """Return the errors of tunnels and physical networks, which end at the switches of the play's hosts."""
        switches = [host for host in self._hosts(self._patterns.get(_SWITCH, "")) if host in addresses] if _SWITCH in self._patterns else []
        tunnels = {host: settings[host][_TUNNEL] for host in switches if _TUNNEL in settings[host]}
        errors = addressing.check_tunnels(tunnels, {host: addresses[host] for host in switches})
        mappings = {host: self._value(settings[host], bridges.MAPPINGS) for host in switches}
        for host, mapping in mappings.items():
            errors += bridges.check_mappings(host, mapping, str(self._value(settings[host], bridges.TUNNEL).value))
        mapped = dict.fromkeys(network for mapping in mappings.values() for network, _bridge in bridges.parse(str(mapping.value)))
        for host, own in settings.items() if switches else ():
            errors += bridges.check_networks(host, own, mapped)
        return errors

    def _check_api_names(self, address: t.Any) -> list[str]:
        """Return what is wrong with the names of the APIs, among them one that the controller does not find at *address*."""
        name, others = (self._template(self._vars.get(key), self._vars, None) for key in ("cloud_api_fqdn", "cloud_api_names"))
        errors = [f"cloud_api_names: {error}" for error in api_name.check_hosts(others if isinstance(others, list) else [])]
        if not name:
            return errors
        name = str(name).lower()
        wrong = api_name.check(name) or api_name.misled(name, str(address), api_name.resolve(name), "the controller")
        return [*errors, *([f"cloud_api_fqdn: {wrong}"] if wrong else [])]

    def _value(self, own: t.Mapping[str, Setting], name: str) -> Setting:
        """Return what a host of the play's roles has for *name*."""
        return own[name] if name in own else Setting(self._template(self._vars.get(name, ""), self._vars, ""))

    def _address(self, host: str, own: t.Mapping[str, Setting]) -> Setting:
        """Return the address on which *host* serves, as the filter addresses finds it."""
        raw = self._written(host)
        return own.get("cloud_address") or self._setting(raw.get("ansible_host") or host, raw)

    def _hosts(self, *patterns: str) -> list[str]:
        hosts: dict[str, None] = {}
        for pattern in patterns:
            hosts.update(dict.fromkeys(resolve_group(pattern, self._groups)))
        return list(hosts)

    def _listeners(self, places: list[_Place]) -> dict[str, list[dict[str, t.Any]]]:
        """Return the ports on which the services of the play are going to listen, by host."""
        found: dict[str, list[dict[str, t.Any]]] = {}
        balancers = self._hosts_or_none(self._patterns.get(f"{_BALANCER}_group")) if _BALANCER in self._in_play else []
        for role, raw, item in places:
            own = self._hosts_or_none(item.get("group"))
            for key, hosts in (("ports", own), ("listen_port", own), ("port", balancers)):
                for host in hosts:
                    found.setdefault(host, []).extend(_ports(role, raw.get(key), item.get(key)))
        return found

    def _volumes(self, places: list[_Place]) -> dict[str, list[str]]:
        """Return the named volumes of containers of the play, by host; those that only a later task can name are left out."""
        found: dict[str, dict[str, None]] = {}
        for _role, raw, item in places:
            mounts = self._template(raw.get("volumes"), self._vars, None)
            if isinstance(mounts, list):
                for host in self._hosts_or_none(item.get("group")):
                    found.setdefault(host, {}).update(dict.fromkeys(named_volumes(map(str, mounts))))
        return {host: list(names) for host, names in found.items()}

    def _places(self) -> t.Iterator[_Place]:
        """Yield the containers and frontends of the play's services, each with its role, as it is written and resolved."""
        for role in self._in_play:
            definition = self._vars.get(f"{role}_service")
            if definition and self._enabled(role):
                written = _merged(_listening(definition), _listening(self._vars.get(f"{role}{OVERRIDES}")))
                plain = {kind: [_without_volumes(item) for item in items] for kind, items in written.items()}
                resolved = self._template(plain, self._vars, {})
                for kind, items in resolved.items():
                    yield from ((role, raw, item) for raw, item in zip(written[kind], items, strict=True))

    def _hosts_or_none(self, pattern: t.Any) -> list[str]:
        try:
            return self._hosts(str(pattern))
        except KeyError:  # the model refuses it
            return []


def _ignored(name: str) -> bool:
    """Return whether Ansible passes over a file or directory of this name in a directory that is an inventory."""
    return bool(IGNORED.search(name.encode()))


def _known(settings: inventory_checks.Settings) -> dict[str, dict[str, Setting]]:
    """Return what is known of *settings* by now."""
    return {host: {name: setting for name, setting in own.items() if setting.value is not ...} for host, own in settings.items()}


def _typed(option: t.Mapping[str, t.Any], setting: Setting) -> Setting:
    """Return a setting with its value in the type that its option declares, so that it can be compared."""
    value, wrong = dataclass_spec.convert_option(option, setting.value, "")
    return setting if wrong else dataclasses.replace(setting, value=value)


def _declared(paths: t.Mapping[str, pathlib.Path], settings: inventory_checks.Settings, services: list[str]) -> dict[str, Role]:
    """Return what roles declare; of one that no variable belongs to, no more than that it is there."""
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
def _defaults(path: pathlib.Path) -> dict[str, t.Any]:
    """Return the defaults of a role, their expressions as they are written."""
    file = path / "defaults" / "main.yml"
    return dict(formats.parse("yaml", file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _listening(definition: t.Any) -> dict[str, list[dict[str, t.Any]]]:
    """Return the part of a definition, or of an override, that says what listens where and keeps data."""
    keys = ("name", "state", "group", "ports", "port", "listen_port", "volumes")
    found = {}
    for kind in ("containers", "frontends"):
        items = definition.get(kind) if isinstance(definition, t.Mapping) else None
        if isinstance(items, list) and all(isinstance(item, t.Mapping) for item in items):
            found[kind] = [{key: item[key] for key in keys if key in item} for item in items]
    return found


def _without_volumes(item: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return *item* without what only facts of the host may resolve."""
    return {key: value for key, value in item.items() if key != "volumes"}


def _merged(definition: t.Any, override: t.Any) -> t.Any:
    """Return *definition* with *override* applied, or as it is if that does not fit, which the model refuses."""
    try:
        return merge(definition, override, MOUNTS)
    except MergeError:
        return definition


def _ports(service: str, raw: t.Any, value: t.Any) -> list[dict[str, t.Any]]:
    """Return the ports that *value* means, and the variable that *raw* takes them from."""
    setting = _VARIABLE.fullmatch(raw) if isinstance(raw, str) else None
    values = value if isinstance(value, list) else [value]
    return [{"service": service, "port": int(item), "setting": setting[1] if setting else ""} for item in values if str(item).isdigit()]
