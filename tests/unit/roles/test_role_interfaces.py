# SPDX-License-Identifier: Apache-2.0
"""What roles and playbooks use of each other: no private variable of another role, and only entry points that have a specification."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[3]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
#: Directories of a role whose files Ansible evaluates.
_EVALUATED = ("defaults", "handlers", "meta", "tasks", "templates", "vars")
_IMPORTS = ("ansible.builtin.import_role", "ansible.builtin.include_role")


def _texts() -> t.Iterator[tuple[str, pathlib.Path, str]]:
    """Yield the role, empty for playbooks, the path and the text of each file that Ansible evaluates."""
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        yield "", path, path.read_text(encoding="utf-8")
    for role in ROLES:
        for directory in _EVALUATED:
            for path in sorted((ROOT / "roles" / role / directory).rglob("*")):
                if path.is_file():
                    yield role, path, path.read_text(encoding="utf-8")


def _owner(variable: str) -> str:
    """Return the role to which a private variable belongs."""
    owners = [role for role in ROLES if variable.startswith(f"__{role}_") or variable == f"__{role}"]
    return max(owners, key=len, default="")


def test_private_variables_are_used_by_their_role_only() -> None:
    found = sorted(
        {
            f"{path.relative_to(ROOT)}: {name} belongs to {_owner(name) or 'no role'}"
            for role, path, text in _texts()
            for name in re.findall(r"(?<![\w$])__[a-z]\w*", text)
            # labels of Prometheus begin like that, too
            if not name.endswith("__") and not name.startswith("__param_") and _owner(name) != role
        }
    )
    assert not found, "\n".join(found)


def test_only_options_are_named_as_host_groups() -> None:
    """The check of the inventory takes each variable that ends in _group for the name of a group that has to be there."""
    derived = {
        f"{path.relative_to(ROOT)}: {name}"
        for role in ROLES
        for path in (ROOT / "roles" / role / "vars").rglob("*.yml")
        for name in yaml.safe_load(path.read_text(encoding="utf-8")) or ()
        if name.endswith("_group")
    }
    assert not derived


def _tasks(node: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """Yield every task and play of nested YAML."""
    if isinstance(node, dict):
        yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _tasks(item)


def _used() -> t.Iterator[tuple[str, str, str, dict[str, t.Any]]]:
    """Yield where an entry point of a role is used, the role, the entry point, and the variables that are set for it."""
    for _role, path, text in _texts():
        if path.suffix != ".yml" or path.parent.name not in ("tasks", "playbooks", "handlers"):
            continue
        for task in _tasks(yaml.safe_load(text)):
            for key in _IMPORTS:
                # hooks are named by the definitions of services
                if key in task and "{{" not in task[key]["name"]:
                    name = task[key]["name"].removeprefix("caisson.openstack.")
                    yield str(path.relative_to(ROOT)), name, task[key].get("tasks_from", "main"), task.get("vars") or {}


def _specifications(role: str) -> dict[str, t.Any]:
    return dict(yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"])


@pytest.mark.parametrize("role", sorted({role for _path, role, _entry, _variables in _used()}))
def test_every_entry_point_that_is_used_has_a_specification(role: str) -> None:
    specified = _specifications(role)
    # a role without tasks is imported for its variables
    own = [(path, entry, variables) for path, name, entry, variables in _used() if name == role]
    uses = [use for use in own if (ROOT / "roles" / role / "tasks" / f"{use[1]}.yml").exists()]
    missing = {f"{path}: {role} has no specification of {entry}" for path, entry, _variables in uses if entry not in specified}
    assert not missing, "\n".join(sorted(missing))
    unknown = {
        f"{path}: {variable} is no option of {role}/{entry}"
        for path, entry, variables in uses
        for variable in variables
        if variable.startswith(f"{role}_") and variable not in specified[entry].get("options", {})
    }
    assert not unknown, "\n".join(sorted(unknown))


@pytest.mark.parametrize("role", ROLES)
def test_every_specification_is_of_an_entry_point(role: str) -> None:
    # the options of a role without tasks are those of main
    assert _specifications(role).keys() <= {path.stem for path in (ROOT / "roles" / role / "tasks").glob("*.yml")} | {"main"}


def test_roles_do_not_depend_on_each_other_in_a_circle() -> None:
    needs: dict[str, set[str]] = {role: set() for role in ROLES}
    for path, role, _entry, _variables in _used():
        if path.startswith("roles/"):
            needs[path.split("/")[1]].add(role)
    while leaves := {role for role, others in needs.items() if not others & (needs.keys() - {role})}:
        needs = {role: others for role, others in needs.items() if role not in leaves}
    assert not needs
