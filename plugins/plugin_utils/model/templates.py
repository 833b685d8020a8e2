# SPDX-License-Identifier: Apache-2.0
"""Expressions in what roles and operators write, resolved with the variables of a host; what is wrong with them is collected."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.errors import AnsibleError

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import expressions
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.overrides import OMIT

#: Returns a value as plain data with its expressions resolved by variables, or raises AnsibleError.
Resolve = t.Callable[[t.Any, t.Mapping[str, t.Any]], t.Any]


class Templates:
    """Resolves expressions for one host.

    ``variables`` are those of the host, ``extra`` those that follow from all definitions. What is wrong is added to ``errors``.
    """

    def __init__(self, resolve: Resolve, is_template: t.Callable[[str], bool], variables: dict[str, t.Any], errors: list[str]) -> None:
        self._resolve = resolve
        self.is_template = is_template
        self.variables = variables
        self.extra: dict[str, t.Any] = {}
        self.errors = errors

    def __call__(self, value: t.Any, where: str) -> t.Any:
        """Return *value* as plain data with its expressions resolved, or None after noting the error; *where* is for its message."""
        try:
            return self._resolve(value, {**self.variables, **self.extra, "omit": OMIT})
        except AnsibleError as error:
            message = " ".join(str(error).split()).replace(f"The filter plugin '{expressions.FILTER}' failed: ", "")
            self.errors.append(f"{where}: {message}")
            return None

    def strictly(self, value: t.Any) -> t.Any:
        """Return *value* as plain data with its expressions resolved.

        Raises:
            AnsibleError: if it cannot be resolved.
        """
        return self._resolve(value, self.variables)

    def resolve_once(self, names: t.Iterable[str]) -> None:
        """Resolve variables that many definitions use, once for all; those that cannot be resolved may not be used in this play."""
        resolved, variables = {}, {**self.variables, "omit": OMIT}
        for name in names:
            with contextlib.suppress(AnsibleError, KeyError):
                resolved[name] = self._resolve(variables[name], variables)
        self.variables |= resolved
