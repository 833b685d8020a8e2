# SPDX-License-Identifier: Apache-2.0
"""Check the inventory on the controller, once for all hosts, before any host is contacted."""

from __future__ import annotations

import functools
import pathlib
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.inventory.manager import IGNORED
from ansible.parsing.vault import EncryptedString
from ansible.utils.vars import load_extra_vars

from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles
from ansible_collections.caisson.openstack.plugins.plugin_utils.origins import origin
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import (
    declarations,
    host_addresses,
    host_zones,
    inventory_checks,
    listeners,
    networks,
    peers,
    quorums,
    shared_settings,
)
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory import Inventory
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Settings, Violation

_ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"


class ActionModule(ControllerAction):
    """Runs on the controller only, once for all hosts."""

    def act(self, args: Arguments) -> Result:
        """Return on which ports each host is going to listen, and its volumes; see the documentation of the module."""
        if networks.LIBRARY_ERROR:
            raise AnsibleActionFail(networks.LIBRARY_ERROR)
        inventory = Inventory(
            variables=self._vars,
            in_play=play_roles.in_play(self._task.get_play()),
            # reading the variables of a host takes long
            written=functools.cache(self._vars["hostvars"].raw_get),
            resolve=functools.partial(play_roles.template_separately, self._templar),
            origin=origin,
            forced=load_extra_vars(self._loader),
        )
        hosts = inventory.groups["all"]
        items = list(listeners.items(inventory))
        errors, warnings = self._check(inventory, items)
        if errors:
            lines = "\n".join(f"  - {line}" for line in inventory_checks.lines(errors, hosts))
            raise AnsibleActionFail(f"the inventory is invalid; nothing was changed:\n{lines}")
        return {
            "changed": False,
            "listeners": listeners.listeners(inventory, items),
            "peers": peers.peers(inventory, items),
            "volumes": listeners.volumes(inventory, items),
            "warnings": inventory_checks.lines(warnings, hosts),
        }

    def _check(self, inventory: Inventory, items: list[listeners.Item]) -> tuple[list[Violation], list[Violation]]:
        """Return errors and warnings."""
        hosts, groups, patterns = inventory.groups["all"], inventory.groups, inventory.patterns
        paths = {path.name: path for path in _ROLES.iterdir() if path.is_dir()} | dict(inventory.in_play)
        settings = {host: inventory.settings(host, paths) for host in hosts}
        known = inventory_checks.known(settings)
        declared = declarations.declared(paths, settings, [name for name in paths if f"{name}_service" in self._vars])
        errors, warnings = inventory_checks.check_names(settings, declared)
        errors += inventory_checks.check_types(known, declared, self._secret_kinds())
        wrong_groups = inventory_checks.check_groups(patterns, groups)
        of_all = [
            *wrong_groups,
            *inventory_checks.check_control(patterns, groups),
            *inventory_checks.check_build_host(patterns, groups),
            *inventory_checks.check_group_sizes(patterns, groups, inventory.limit),
            *inventory_checks.check_host_names(inventory.members(), groups),
        ]
        errors += [("", error) for error in of_all]
        errors += inventory_checks.check_hosts(known, declared, hosts)
        errors += inventory_checks.check_directories(settings)
        errors += host_zones.check(inventory, hosts)
        errors += [("", error) for error in self._check_sources(inventory)]
        errors += _check_vaults(inventory, settings)
        errors += [("", error) for error in shared_settings.check_all(inventory, settings, declared)]
        if not wrong_groups:
            refused, doubtful = quorums.check(inventory, items)
            errors += [("", error) for error in refused]
            warnings += [("", warning) for warning in doubtful]
            errors += host_addresses.check(inventory, settings)
        return errors, warnings

    def _check_sources(self, inventory: Inventory) -> list[str]:
        """Return an error for each directory given with ``-i`` in which Ansible reads the override files as inventories, too."""
        overrides = inventory.template(self._vars.get(inventory_checks.DIRECTORY), None)
        if not isinstance(overrides, str) or not overrides or not pathlib.Path(overrides).is_dir():
            return []
        return inventory_checks.check_sources(self._vars.get("ansible_inventory_sources") or [], pathlib.Path(overrides), _is_ignored)


def _is_ignored(name: str) -> bool:
    """Return whether Ansible ignores a file or directory of this name in a directory that is an inventory."""
    return bool(IGNORED.search(name.encode()))


def _check_vaults(inventory: Inventory, settings: Settings) -> t.Iterator[Violation]:
    """Yield an error for each value that none of the vault passwords decrypts."""
    for host, own in settings.items():
        raw = inventory.written(host)
        for name, setting in own.items():
            if setting.value is ... and isinstance(raw[name], EncryptedString):
                remedy = "give --vault-password-file or --vault-id"
                yield host, f"{setting.named(name)}: none of the vault passwords that were given decrypts it; {remedy}"
