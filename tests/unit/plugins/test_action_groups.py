# SPDX-License-Identifier: Apache-2.0
"""``module_defaults`` of the collection's action groups reach every module that they are for."""

from __future__ import annotations

import ast
import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.engine import address

ROOT = pathlib.Path(__file__).parents[3]
MODULES = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "plugins/modules").glob("*.py"))}
GROUPS = yaml.safe_load((ROOT / "meta/runtime.yml").read_text("utf-8"))["action_groups"]
FRAGMENT = "caisson.openstack.engine"
DEFAULTS = {f"group/{FRAGMENT}": "{{ cloud_engine }}"}


def _fragments(text: str) -> list[str]:
    """Return the documentation fragments of a module, and those that these stand for."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "DOCUMENTATION":
            return yaml.safe_load(ast.literal_eval(node.value)).get("extends_documentation_fragment", [])
    return []


def _members(group: str) -> list[str]:
    own = [item for item in GROUPS[group] if isinstance(item, str)]
    others = [other for item in GROUPS[group] if isinstance(item, dict) for other in item["metadata"]["extend_group"]]
    return own + [name for other in others for name in _members(other)]


def test_the_group_of_the_engine_has_the_modules_that_document_its_options() -> None:
    assert sorted(_members("engine")) == [name for name, text in MODULES.items() if FRAGMENT in _fragments(text)]


def test_the_group_of_the_engine_has_the_modules_that_take_its_options() -> None:
    takes = [name for name, text in MODULES.items() if "arguments.ENGINE" in text or "encryption.ARGUMENT_SPEC" in text]
    assert sorted(_members("engine")) == takes


def test_one_group_has_all_modules() -> None:
    assert sorted(_members("all")) == sorted(MODULES)


def test_the_options_of_the_engine_are_those_that_are_documented() -> None:
    fragment: dict[str, t.Any] = {}
    exec((ROOT / "plugins/doc_fragments/engine.py").read_text("utf-8"), fragment)
    options = yaml.safe_load(fragment["ModuleDocFragment"].DOCUMENTATION)["options"]
    assert {name: {key: option[key] for key in ("type", "default") if key in option} for name, option in options.items()} == (
        address.ARGUMENT_SPEC
    )


PLAYS = [
    (path.name, play)
    for path in sorted((ROOT / "playbooks").glob("*.yml"))
    for play in yaml.safe_load(path.read_text("utf-8"))
    # lock.yml is for the controller alone
    if "hosts" in play and path.name != "lock.yml"
]


@pytest.mark.parametrize(("playbook", "play"), PLAYS, ids=[f"{name}: {play['name']}" for name, play in PLAYS])
def test_every_play_tells_modules_where_the_engine_is(playbook: str, play: dict[str, t.Any]) -> None:
    assert play.get("module_defaults") == DEFAULTS, f"{playbook} lacks the module_defaults of the group {FRAGMENT}"
