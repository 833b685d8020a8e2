# SPDX-License-Identifier: Apache-2.0
"""The collection runs on versions of ansible-core that are newer than the pinned one."""

from __future__ import annotations

import ast
import pathlib

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = pathlib.Path(__file__).parents[3]
PLUGINS = ROOT / "plugins"


def _private_imports(path: pathlib.Path) -> list[str]:
    """Return what a file imports of Ansible from modules whose names begin with an underscore."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return [name for name in names if name.startswith("ansible.") and "._" in name]


def test_one_file_imports_internals_of_ansible() -> None:
    found = [str(path.relative_to(PLUGINS)) for path in sorted(PLUGINS.rglob("*.py")) if _private_imports(path)]
    assert found == ["plugin_utils/origins.py"]


@pytest.mark.parametrize("version", ["2.19.0", "2.20.1", "2.21.5", "2.30.0"])
def test_no_newer_version_is_refused(version: str) -> None:
    assert version in SpecifierSet(yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"])
