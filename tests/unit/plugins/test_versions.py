# SPDX-License-Identifier: Apache-2.0
"""The collection runs on versions of ansible-core that are newer than the pinned one."""

from __future__ import annotations

import ast
import importlib
import pathlib
import re

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = pathlib.Path(__file__).parents[3]
PLUGINS = ROOT / "plugins"


def _imports(node: ast.AST) -> list[str]:
    """Return the full names that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []


def _is_private(name: str) -> bool:
    """Return whether a name is of Ansible and one of its parts begins with an underscore; ``__version__`` and its like are public."""
    parts = name.split(".")
    return parts[0] == "ansible" and any(part.startswith("_") and not part.startswith("__") for part in parts)


def _catches_import_error(node: ast.Try) -> bool:
    return any(isinstance(handler.type, ast.Name) and handler.type.id == "ImportError" for handler in node.handlers)


def _private_imports(text: str) -> dict[str, bool]:
    """Return the internals of Ansible that a file imports, and whether each of them may be missing."""
    tree = ast.parse(text)
    guarded = [body for node in ast.walk(tree) if isinstance(node, ast.Try) and _catches_import_error(node) for body in node.body]
    may_be_missing = {name for body in guarded for node in ast.walk(body) for name in _imports(node)}
    return {name: name in may_be_missing for node in ast.walk(tree) for name in _imports(node) if _is_private(name)}


def test_internals_of_ansible_are_imported_in_two_files_and_may_be_missing() -> None:
    found = {str(path.relative_to(PLUGINS)): _private_imports(path.read_text("utf-8")) for path in sorted(PLUGINS.rglob("*.py"))}
    assert {path: names for path, names in found.items() if names} == {
        "plugin_utils/model/resolved_once.py": {
            "ansible._internal._templating._engine.TemplateOptions": True,
            "ansible._internal._templating._lazy_containers._AnsibleLazyTemplateMixin": True,
            "ansible._internal._templating._utils.TemplateContext": True,
        },
        "plugin_utils/origins.py": {"ansible._internal._datatag._tags.Origin": True},
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from ansible._internal import x", {"ansible._internal.x": False}),
        ("from ansible import _internal", {"ansible._internal": False}),
        ("from ansible.parsing.vault import _helper", {"ansible.parsing.vault._helper": False}),
        ("import ansible.module_utils._internal", {"ansible.module_utils._internal": False}),
        ("try:\n    import ansible._x\nexcept ValueError:\n    pass", {"ansible._x": False}),
        ("try:\n    import ansible._x\nexcept ImportError:\n    pass", {"ansible._x": True}),
        ("from ansible.release import __version__\nfrom ansible_collections._x import y", {}),
    ],
)
def test_an_import_of_internals_is_seen(text: str, found: dict[str, bool]) -> None:
    assert _private_imports(text) == found


@pytest.mark.parametrize("version", ["2.19.0", "2.20.1", "2.21.5", "2.30.0"])
def test_no_newer_version_is_refused(version: str) -> None:
    assert version in SpecifierSet(yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"])


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-newest.txt"])
def test_the_readme_names_the_versions_that_the_tests_run_with(name: str) -> None:
    found = re.search(r"^ansible-core==(\S+)$", (ROOT / name).read_text(), re.MULTILINE)
    assert found and f"ansible-core {found[1]}," in (ROOT / "README.md").read_text()


def test_what_is_tested_is_this_checkout() -> None:
    module = importlib.import_module("ansible_collections.caisson.openstack.plugins.module_utils.model.api")
    assert pathlib.Path(str(module.__file__)).resolve() == PLUGINS / "module_utils/model/api.py"
