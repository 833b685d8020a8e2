# SPDX-License-Identifier: Apache-2.0
"""Variables that are resolved once. Left alone, Ansible resolves a variable anew in each expression that refers to it."""

from __future__ import annotations

import collections
import copy
import operator
import typing as t

try:
    from ansible._internal._templating._engine import TemplateOptions
    from ansible._internal._templating._lazy_containers import _AnsibleLazyTemplateMixin as Lazy
    from ansible._internal._templating._utils import TemplateContext
except ImportError:  # a later Ansible has moved them: variables are resolved as often as they are used, which takes longer
    Lazy = None

Variables = t.Mapping[str, t.Any]

#: Templars that were asked for last: a caller uses a few sets of variables by turns.
_recent: collections.deque[tuple[t.Any, Variables, t.Any]] = collections.deque(maxlen=4)


def templar_with(templar: t.Any, variables: Variables) -> t.Any:
    """Return a templar that knows *variables*: the same one for the very same values, so that each of them is resolved once."""
    for former, known, made in _recent:
        if former is templar and _same(known, variables):
            return made
    made = templar.copy_with_new_env(available_variables=dict(variables))
    engine = getattr(made, "_engine", None)
    if Lazy and engine:
        with TemplateContext(template_value=None, templar=engine, options=TemplateOptions.DEFAULT):
            made.available_variables = collections.ChainMap(Lazy._try_create(dict(variables)))
        made.available_variables.maps = _Layer(made.available_variables.maps, variables)
    _recent.append((templar, dict(variables), made))
    return made


def _same(some: Variables, others: Variables) -> bool:
    return some.keys() == others.keys() and all(map(operator.is_, some.values(), map(others.__getitem__, some)))


class _Layer(list[t.Any]):
    """What a chain of variables consists of. Plugins may copy it; the copy has the variables as they are written."""

    def __init__(self, maps: t.Iterable[t.Any], written: Variables) -> None:
        super().__init__(maps)
        self._written = dict(written)

    def __deepcopy__(self, memo: dict[int, t.Any]) -> list[Variables]:
        return [copy.deepcopy(self._written, memo)]
