# SPDX-License-Identifier: Apache-2.0
"""Services of other operators are neither rotated nor checked."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles


def _resolve(value: t.Any, variables: t.Mapping[str, t.Any]) -> t.Any:
    return variables[value.strip("{} ")] if isinstance(value, str) and value.startswith("{{") else value


@pytest.mark.parametrize(
    ("definition", "override", "expected"),
    [
        ({}, {}, True),
        ({"enabled": "{{ no }}"}, {}, False),
        ({"external": "{{ no }}"}, {}, True),
        ({"external": "{{ yes }}"}, {}, False),
        ({"external": "{{ yes }}"}, {"external": False}, True),
        ({"enabled": True}, {"enabled": False}, False),
    ],
)
def test_an_external_service_is_not_one_of_this_cloud(definition: dict[str, t.Any], override: dict[str, t.Any], expected: bool) -> None:
    variables = {"x_service": definition, "x_service_overrides": override, "yes": True, "no": False}
    assert play_roles.enabled(_resolve, variables, "x") == expected
