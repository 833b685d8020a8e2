# SPDX-License-Identifier: Apache-2.0
"""Expressions are resolved, and what is wrong with them is collected."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError

from ansible_collections.caisson.openstack.plugins.plugin_utils.model.overrides import OMIT
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.templates import Templates
from tests import expressions


def _templates(**variables: object) -> Templates:
    return Templates(expressions.resolve, expressions.is_template, dict(variables), [])


def test_what_follows_from_the_definitions_is_known_once_it_is() -> None:
    templates = _templates(a=1)
    assert templates({"x": ["{{ a }}", "{{ omit }}"]}, "here") == {"x": [1, OMIT]}
    assert templates("{{ b }}", "here") is None
    templates.extra = {"b": 2}
    assert templates("{{ b }}", "here") == 2
    assert templates.errors == ["here: 'b' is undefined"]


def test_an_error_can_be_raised() -> None:
    templates = _templates(a=1)
    assert templates.strictly("{{ a }}") == 1
    with pytest.raises(AnsibleError):
        templates.strictly("{{ b }}")
    assert templates.errors == []


def test_variables_are_resolved_once_where_they_can_be() -> None:
    templates = _templates(a="{{ b }}", b=1, c="{{ nothing }}")
    templates.resolve_once(["a", "c", "no_variable"])
    assert templates.variables == {"a": 1, "b": 1, "c": "{{ nothing }}"}
    assert templates.errors == []
