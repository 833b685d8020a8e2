# SPDX-License-Identifier: Apache-2.0
"""Stands in for Ansible's templating: Jinja without tags of origin, so that an undefined variable raises Ansible's error."""

from __future__ import annotations

import typing as t

import jinja2
from ansible.errors import AnsibleError
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.caisson.openstack.plugins.filter import override_value

_ENVIRONMENT = NativeEnvironment(undefined=jinja2.StrictUndefined)
_ENVIRONMENT.filters |= {f"caisson.openstack.{name}": function for name, function in override_value.FilterModule().filters().items()}


def resolve(value: t.Any, variables: t.Mapping[str, t.Any]) -> t.Any:
    """Return *value* with its expressions resolved, and those in what they yield.

    Raises:
        AnsibleError: if a variable is undefined.
    """
    if isinstance(value, t.Mapping):
        return {key: resolve(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, variables) for item in value]
    if not is_template(value):
        return value
    try:
        found = _ENVIRONMENT.from_string(value).render(variables)
        if isinstance(found, jinja2.Undefined):
            str(found)  # raises
        return resolve(found, variables)
    except jinja2.UndefinedError as error:
        raise AnsibleError(str(error)) from None


def is_template(value: t.Any) -> bool:
    """Return whether *value* is a text with an expression."""
    return isinstance(value, str) and "{{" in value
