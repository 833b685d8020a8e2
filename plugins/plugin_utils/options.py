# SPDX-License-Identifier: Apache-2.0
"""The operator's variables in the types that the argument specs of the roles declare, however they were given."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleError

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles
from ansible_collections.caisson.openstack.plugins.plugin_utils.origins import origin
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import inventory_checks

Variables = dict[str, t.Any]


def typed(
    templar: t.Any, variables: Variables, paths: t.Mapping[str, pathlib.Path], secrets: t.Mapping[str, str]
) -> tuple[Variables, list[str]]:
    """Return *variables* with the options of the roles that define a service resolved and converted, and what is wrong with them.

    Args:
        paths: names and directories of the roles in the play.
        secrets: kinds of the secrets that these ask for, by name.
    """
    owners = [name for name in paths if name == inventory_checks.SHARED or f"{name}_service" in variables]
    specs = {option: spec for name in owners for option, spec in play_roles.options(paths[name]).items()}
    # overrides are resolved with the definition that they are merged into
    declared = {option: spec for option, spec in specs.items() if option in variables and not option.endswith(inventory_checks.OVERRIDES)}
    found, errors = dict(variables), []
    # expressions come last: they may refer to the values
    plain = [option for option in declared if not _may_be_expression(variables[option])]
    for chosen in (plain, [option for option in declared if option not in plain]):
        values, unresolved = _resolve(templar, found, chosen)
        errors += unresolved
        for option, value in values.items():
            setting = inventory_checks.Setting(value, origin(variables[option]))
            converted, wrong = inventory_checks.convert_value(option, declared[option], setting, secrets)
            found[option] = value if wrong else converted
            errors += wrong
    return found, errors


def _may_be_expression(value: t.Any) -> bool:
    return "{" in value if isinstance(value, str) else not isinstance(value, (bool, int, float))


def _resolve(templar: t.Any, variables: Variables, names: t.Collection[str]) -> tuple[Variables, list[str]]:
    """Return the values of *names* as plain data, and what is wrong with those that cannot be resolved."""
    try:
        return play_roles.template(templar, {name: variables[name] for name in names}, variables), []
    except AnsibleError:
        pass  # which of them it is, is found out one by one
    values, errors = {}, []
    for name in names:
        try:
            values[name] = play_roles.template(templar, variables[name], variables)
        except AnsibleError as error:
            # shared settings, such as the API's address, need not be known to a play that does not use them
            if not name.startswith(f"{inventory_checks.SHARED}_"):
                errors.append(f"{name}: {' '.join(str(error).split())}")
    return values, errors
