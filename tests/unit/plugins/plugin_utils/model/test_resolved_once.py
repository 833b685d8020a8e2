# SPDX-License-Identifier: Apache-2.0
"""Variables that are resolved once."""

from __future__ import annotations

import copy
import importlib.util
import sys
import typing as t

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import resolved_once
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.resolved_once import templar_with


def _trusted(**variables: str) -> dict[str, t.Any]:
    return {name: trust_as_template(text) for name, text in variables.items()}


@pytest.fixture
def templar() -> Templar:
    return Templar(loader=DataLoader(), variables={})


def test_a_variable_is_resolved_once_for_all_that_refer_to_it(templar: Templar) -> None:
    variables = _trusted(drawn="{{ range(10 ** 12) | random }}", through="{{ drawn }}")
    values = [templar_with(templar, dict(variables)).template(trust_as_template(text)) for text in ("{{ drawn }}", "{{ through }}")]
    assert values[0] == values[1]


def test_a_variable_of_another_value_is_resolved_anew(templar: Templar) -> None:
    variables = _trusted(name="{{ first }}") | {"first": "a"}
    text = trust_as_template("{{ name }}")
    found = [templar_with(templar, {**variables, "first": value}).template(text) for value in ("a", "b", "a")]
    assert found == ["a", "b", "a"]


def test_an_error_is_one_each_time(templar: Templar) -> None:
    variables = _trusted(wrong="{{ nobody }}", default="{{ wrong | default('none') }}")
    for _time in range(2):
        with pytest.raises(AnsibleError, match="'nobody' is undefined"):
            templar_with(templar, variables).template(trust_as_template("{{ wrong }}"))
    assert templar_with(templar, variables).template(trust_as_template("{{ default }}")) == "none"


def test_a_plugin_may_copy_the_variables(templar: Templar) -> None:
    variables = _trusted(name="{{ first }}") | {"first": ["a"]}
    made = templar_with(templar, variables)
    assert made.template(trust_as_template("{{ name }}")) == ["a"]
    assert dict(copy.deepcopy(made.available_variables)) == variables


def test_an_ansible_without_these_internals_resolves_at_each_use(templar: Templar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ansible._internal._templating._lazy_containers", None)
    spec = importlib.util.spec_from_file_location("resolved_once_without_internals", str(resolved_once.__file__))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.Lazy is None
    assert module.templar_with(templar, _trusted(a="{{ 1 + 1 }}")).template(trust_as_template("{{ a }}")) == 2
