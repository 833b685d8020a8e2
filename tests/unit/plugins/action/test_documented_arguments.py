# SPDX-License-Identifier: Apache-2.0
"""Each action that runs on the controller takes the options that the module of its name documents, fragments included."""

from __future__ import annotations

import importlib
import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import ControllerAction

_PLUGINS = pathlib.Path(__file__).parents[4] / "plugins"
_PREFIX = "ansible_collections.caisson.openstack.plugins"


def _actions() -> dict[str, type[ControllerAction]]:
    found = {
        path.stem: importlib.import_module(f"{_PREFIX}.action.{path.stem}").ActionModule for path in (_PLUGINS / "action").glob("*.py")
    }
    return {name: action for name, action in sorted(found.items()) if issubclass(action, ControllerAction)}


ACTIONS = _actions()


def _fragment(name: str) -> dict[str, t.Any]:
    parts = name.removeprefix("caisson.openstack.").split(".")
    fragment = importlib.import_module(f"{_PREFIX}.doc_fragments.{parts[0]}").ModuleDocFragment
    return dict(yaml.safe_load(getattr(fragment, (parts[1:] or ["DOCUMENTATION"])[0].upper()))["options"])


def _documented(name: str) -> dict[str, t.Any]:
    documentation = yaml.safe_load(importlib.import_module(f"{_PREFIX}.modules.{name}").DOCUMENTATION)
    options = dict(documentation.get("options") or {})
    for fragment in documentation.get("extends_documentation_fragment") or []:
        options |= _fragment(fragment)
    return options


def test_there_are_such_actions() -> None:
    assert {"model", "plan", "status", "rollout_plan"} <= ACTIONS.keys()


@pytest.mark.parametrize("name", ACTIONS)
def test_arguments_are_documented(name: str) -> None:
    keys = ("type", "required", "default", "elements", "choices")
    documented = {option: {key: says[key] for key in keys if key in says} for option, says in _documented(name).items()}
    arguments = {option: {key: says[key] for key in keys if key in says} for option, says in ACTIONS[name].ARGUMENTS.items()}
    assert arguments == documented
