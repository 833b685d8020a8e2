# SPDX-License-Identifier: Apache-2.0
"""What an inventory says, looked at before any host is: names and types of variables, and host groups. Pure."""

from __future__ import annotations

import collections
import dataclasses
import difflib
import pathlib
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.groups import hosts_of, known_hosts_of, names
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import limits
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import secret_store

OVERRIDES = "_service_overrides"
#: The group of the host that builds images for others.
BUILD = "build"
#: The group that playbooks name themselves, whatever groups the services are in.
CONTROL = "control"
#: Names the hosts that keep the journal of upgrades; group ``control`` unless the operator says otherwise.
JOURNAL = "rollout_journal_group"
#: The role whose variables hold for all services.
SHARED = "cloud"

#: The variable that names the directory of override files.
DIRECTORY = "cloud_overrides_dir"

#: How alike two names must be for one to be a slip of the other; as a service's name is short, it is measured less strictly.
_LIKENESS = 0.8
_SERVICE_LIKENESS = 0.7
#: Names of variables whose values are not shown.
SECRET = re.compile(r"(password|secret|key|keys|cookie)$")


@dataclasses.dataclass(frozen=True)
class Setting:
    """A variable that an operator set for a host, and where; ``origin`` is empty where that is not known.

    One that is ``forced`` comes from the command line, above all that roles say.
    """

    value: t.Any
    origin: str = ""
    forced: bool = False

    def named(self, name: str) -> str:
        """Return *name* and where it was set, for messages."""
        return f"{name} ({self.origin})" if self.origin else name


@dataclasses.dataclass(frozen=True)
class Role:
    """What a role declares: options of its argument spec, the names of all its variables, and those that an inventory cannot set."""

    options: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    names: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    service: bool = False


#: What an operator set, by host and name.
Settings = t.Mapping[str, t.Mapping[str, Setting]]
#: An error of one host, or of the inventory if the host is empty.
Violation = tuple[str, str]


def known(settings: Settings) -> dict[str, dict[str, Setting]]:
    """Return those of *settings* whose values are known by now."""
    return {host: {name: setting for name, setting in own.items() if setting.value is not ...} for host, own in settings.items()}


def lines(errors: t.Iterable[Violation], hosts: t.Collection[str]) -> list[str]:
    """Return each error once, with the hosts that have it unless these are all."""
    found: dict[str, list[str]] = {}
    for host, message in errors:
        found.setdefault(message, []).append(host)
    return [message if "" in where or len(where) == len(hosts) else f"{message} [{', '.join(where)}]" for message, where in found.items()]


def role_of(name: str, roles: t.Container[str]) -> str:
    """Return the role to which a variable belongs by its name, or an empty text."""
    prefix = name.rpartition("_")[0]
    while prefix and prefix not in roles:
        prefix = prefix.rpartition("_")[0]
    return prefix


def check_names(settings: Settings, roles: t.Mapping[str, Role]) -> tuple[list[Violation], list[Violation]]:
    """Return an error for each variable that is a slip of one that exists, and a warning for those that only may be.

    A name that is like no other may be the operator's own: it is not refused.
    """
    errors, warnings = [], []
    for host, own in settings.items():
        for name, setting in own.items():
            refused, doubtful = _check_name(name, setting, roles)
            errors += [(host, refused)] if refused else []
            warnings += [(host, doubtful)] if doubtful else []
    return errors, warnings


def _check_name(name: str, setting: Setting, roles: t.Mapping[str, Role]) -> tuple[str, str]:
    role = role_of(name, roles)
    if name.endswith(OVERRIDES):
        service = name.removesuffix(OVERRIDES)
        services = [other for other, declared in roles.items() if declared.service]
        near = difflib.get_close_matches(service, services, n=1, cutoff=_SERVICE_LIKENESS)
        if service in services or not near:
            return "", ""
        return f"{setting.named(name)}: there is no service '{service}'; did you mean '{near[0]}{OVERRIDES}'?", ""
    if role and name in roles[role].fixed:
        return _check_fixed(name, setting, role, roles[role])
    if not role or name in roles[role].names:
        return "", ""
    word = name.removeprefix(f"{role}_")
    known = {other.removeprefix(f"{role}_"): other for other in roles[role].options}
    known = {other.removeprefix(f"{SHARED}_"): other for other in roles.get(SHARED, Role()).options} | known
    near = difflib.get_close_matches(word, known, n=1, cutoff=_LIKENESS)
    if near:
        return f"{setting.named(name)}: no role has a variable of this name; did you mean '{known[near[0]]}'?", ""
    if roles[role].service:
        return "", f"{setting.named(name)}: role {role} has no variable of this name and ignores it"
    return "", ""


def _check_fixed(name: str, setting: Setting, role: str, declared: Role) -> tuple[str, str]:
    """Return an error for a variable that a role sets itself; on the command line it has an effect, so that is a warning."""
    if setting.forced:
        return "", f"{name}: role {role} sets this variable itself; -e replaces it, and what that makes of the cloud is not checked"
    remedy = (
        f"use {role}{OVERRIDES} or a file below config/{role}"
        if declared.service
        else "use the overrides of a service, or config/global.conf"
    )
    return f"{setting.named(name)}: role {role} sets this variable itself, so the value from the inventory has no effect; {remedy}", ""


def check_types(settings: Settings, roles: t.Mapping[str, Role], secrets: t.Mapping[str, str]) -> list[Violation]:
    """Return an error for each variable whose value is not what its role declares; *secrets* are the kinds of secrets by name."""
    errors = []
    for host, own in settings.items():
        for name, setting in own.items():
            option = roles.get(role_of(name, roles), Role()).options.get(name)
            if option:
                errors += [(host, message) for message in check_value(name, option, setting, secrets)]
    return errors


def check_value(name: str, option: t.Mapping[str, t.Any], setting: Setting, secrets: t.Mapping[str, str]) -> list[str]:
    """Return what is wrong with one value, which is not shown if it is a secret."""
    return convert_value(name, option, setting, secrets)[1]


def convert_value(name: str, option: t.Mapping[str, t.Any], setting: Setting, secrets: t.Mapping[str, str]) -> tuple[t.Any, list[str]]:
    """Return one value in the type that its option declares, and what is wrong with it; a secret is not shown."""
    if name in secrets:
        error = secret_store.error(secrets[name], setting.value)
        return setting.value, [f"{setting.named(name)} {error}"] if error else []
    value, found = dataclass_spec.convert_option(option, setting.value, setting.named(name), hidden=bool(SECRET.search(name)))
    # what a role of a site says of its options may be less than ours do
    limit = option.get("limit") or ({"format": "port"} if name.endswith("_port") else {})
    return value, found or [f"{setting.named(name)}: {error}" for error in limits.check(limit, setting.value)]


def check_hosts(settings: Settings, roles: t.Mapping[str, Role], hosts: t.Collection[str]) -> list[Violation]:
    """Return an error for each host of the inventory that an operator gave a name that is none, or that a variable names in vain."""
    errors: list[Violation] = []
    for host, own in settings.items():
        for name, setting in own.items():
            option = roles.get(role_of(name, roles), Role()).options.get(name, {})
            if option.get("limit", {}).get("format") == "host":
                values = setting.value if isinstance(setting.value, list) else [setting.value]
                errors += [(host, f"{setting.named(name)}: {_unknown_host(str(value), hosts)}") for value in values if value not in hosts]
    return errors


def _unknown_host(name: str, hosts: t.Collection[str]) -> str:
    near = difflib.get_close_matches(name, hosts, n=1)
    return f"the inventory has no host '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")


def check_host_names(hosts: t.Iterable[str], groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Return an error for each of *hosts* whose name is none, or that two hosts have, or that is in no group."""
    errors = []
    seen: dict[str, str] = {}
    for host in hosts:
        if host in groups.get("ungrouped", ()):
            # what it is called may be a line of a file that is no inventory, even a secret
            errors.append(
                f"host {limits.abridged(host)} is in no group: put it into one, or take it out of the inventory; if nobody wrote it there, "
                "Ansible read a file as an inventory that is none: give -i the file of hosts, or move other files elsewhere"
            )
        elif not limits.host_or_ipv4(host):
            errors.append(
                f"host {dataclass_spec.show(host)}: that is no host name; names have letters, digits, '-', '_' and '.' "
                "and are not only digits. "
                "Rename it in the inventory; how it is reached is said by ansible_host"
            )
        elif host.lower() in seen:
            errors.append(
                f"hosts {seen[host.lower()]} and {host} differ in upper and lower case only, which the databases do not tell apart"
            )
        seen.setdefault(host.lower(), host)
    return errors


def check_directories(settings: Settings) -> t.Iterator[Violation]:
    """Yield an error for each host whose directory of override files does not exist."""
    for host, own in settings.items():
        setting = own.get(DIRECTORY)
        if setting and isinstance(setting.value, str) and not pathlib.Path(setting.value).is_dir():
            yield host, f"{setting.named(DIRECTORY)}: '{setting.value}' is not a directory; create it, or remove the variable"


def check_sources(sources: t.Iterable[str], overrides: pathlib.Path, ignored: t.Callable[[str], bool]) -> list[str]:
    """Return an error for each source of the inventory that is a directory and makes an inventory of files that are none.

    Args:
        sources: what ``-i`` names.
        overrides: directory of the operator's override files.
        ignored: whether Ansible passes over a name in such a directory.
    """
    return [
        f"-i {source} is a directory, and Ansible reads the override files in {overrides} as inventories, too: "
        f"give -i the file of hosts, such as -i {source}/hosts.yml. Or let ansible.cfg leave out what is no inventory: "
        "inventory_ignore_patterns = ^config$, ^secrets\\.yml$, ^clouds\\.yaml$, \\.(key|crt|pem|html)$, ^tempest$"
        for source in map(pathlib.Path, sources)
        if overrides.is_relative_to(source) and not any(map(ignored, overrides.relative_to(source).parts))
    ]


def check_groups(patterns: t.Mapping[str, t.Any], groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Return an error for each host group that is not there or has no hosts.

    Args:
        patterns: what the variables say that name groups, such as ``control`` or ``network:compute``.
        groups: hosts of each group of the inventory.
    """
    missing: dict[str, list[str]] = {}
    empty: dict[str, list[str]] = {}
    for variable, pattern in patterns.items():
        named = names(str(pattern))
        lost = [name for name in named if name not in groups]
        for name in lost:
            missing.setdefault(name, []).append(variable)
        if not lost and not hosts_of(str(pattern), groups):
            empty.setdefault(str(pattern), []).append(variable)
    known = sorted(name for name in groups if name not in ("all", "ungrouped"))
    errors = []
    for name, variables in missing.items():
        if name == CONTROL and variables == [JOURNAL]:
            errors.append(_no_control(patterns))
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        errors.append(f"the inventory has no host group '{name}', which {_names(variables)} (it has: {', '.join(known) or 'none'}){hint}")
    for pattern, variables in empty.items():
        if pattern == CONTROL and variables == [JOURNAL]:
            errors.append(_no_control(patterns))
            continue
        errors.append(f"host group '{pattern}', which {_names(variables)}, has no hosts; put hosts into it, or name another group")
    return errors


def check_control(patterns: t.Mapping[str, t.Any], groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Return an error if group ``control`` has no hosts and :func:`check_groups` does not say so; arguments as there."""
    named = {name for pattern in patterns.values() for name in names(str(pattern))}
    reported = CONTROL in named if CONTROL not in groups else CONTROL in patterns.values()
    if not patterns or groups.get(CONTROL) or reported:
        return []
    return [_no_control(patterns)]


def _no_control(patterns: t.Mapping[str, t.Any]) -> str:
    """Return what to do where group ``control`` has no hosts: most services tell which group is meant."""
    (usual, _count), *_others = collections.Counter(map(str, patterns.values())).most_common()
    children = ", ".join(f"{name}: {{}}" for name in names(usual))
    return (
        f"host group '{CONTROL}' has no hosts: they keep the journal of upgrades, and the first one runs verification, backups of the "
        f"secrets file and the like. If your group has another name, put it into '{CONTROL}', below all, children: "
        f"{CONTROL}: {{children: {{{children}}}}}"
    )


def check_build_host(patterns: t.Mapping[str, t.Any], groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Return an error for each host that builds images for others and would run services too; arguments as :func:`check_groups`."""
    errors = []
    for host in groups.get(BUILD, ()):
        variables = [name for name, pattern in patterns.items() if pattern != BUILD and host in known_hosts_of(str(pattern), groups)]
        if variables:
            errors.append(
                f"host {host} is in group '{BUILD}', and {_names(variables)} a group that has it, too: a build host runs no services, "
                f"and rollouts and backups pass over it; take it out of '{BUILD}' or out of the other group"
            )
    return errors


def check_group_sizes(
    patterns: t.Mapping[str, t.Any], groups: t.Mapping[str, t.Sequence[str]], limit_of: t.Callable[[str], limits.Limit]
) -> list[str]:
    """Return an error for each group with more hosts than the role can use; first arguments as :func:`check_groups`.

    Args:
        limit_of: what the role of a variable declares of it.
    """
    errors = []
    for variable, pattern in patterns.items():
        named = names(str(pattern))
        hosts = known_hosts_of(str(pattern), groups)
        limit = limit_of(variable) if len(hosts) > 1 else {}
        if "hosts" in limit and len(hosts) > limit["hosts"]:
            few = "one host" if limit["hosts"] == 1 else f"{limit['hosts']} hosts"
            errors.append(
                f"{variable} is '{pattern}', which has {len(hosts)} hosts ({', '.join(hosts)}); no more than {few} is supported "
                f"{'unless ' + limit['unless'] + ' is set' if 'unless' in limit else 'yet'}, because {limit['because']}: "
                f"set {variable} to a group with {few}, such as {named[0]}[0]"
            )
    return errors


def _names(variables: list[str]) -> str:
    return f"{', '.join(variables)} name{'s' if len(variables) == 1 else ''}"
