# SPDX-License-Identifier: Apache-2.0
"""The packages of the core stand in layers: each imports from itself and from those before it, and nothing imports in a circle."""

from __future__ import annotations

import ast
import graphlib
import pathlib
import sys
import typing as t

PLUGINS = pathlib.Path(__file__).parents[3] / "plugins"
PREFIX = "ansible_collections.caisson.openstack.plugins."

#: From the ground up. A package may import from its own layer's left neighbours only if they are in a layer before.
LAYERS: list[list[str]] = [
    ["module_utils.common"],
    ["module_utils.model"],
    ["module_utils.engine"],
    ["module_utils.images"],
    ["module_utils.rollout"],
    [
        "module_utils.backup",
        "module_utils.identity",
        "module_utils.output",
        "module_utils.preflight",
        "module_utils.prober",
        "module_utils.registration",
    ],
    ["plugin_utils.migrations", "plugin_utils.model"],
    ["plugin_utils.rollout", "plugin_utils.secrets"],
    ["plugin_utils.output", "plugin_utils.preflight"],
    ["plugin_utils"],
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}


def _package(module: str) -> str:
    return module.rpartition(".")[0]


def _modules(*kinds: str) -> t.Iterator[tuple[str, pathlib.Path]]:
    for kind in kinds:
        for path in sorted((PLUGINS / kind).rglob("*.py")):
            yield ".".join(path.relative_to(PLUGINS).with_suffix("").parts), path


def _imports(path: pathlib.Path) -> set[str]:
    """Return the modules of the collection that a file imports, as ``module_utils.engine.client``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
            name = str(node.module).removeprefix(PREFIX)
            parts = [f"{name}.{alias.name}" for alias in node.names]
            found |= {part if (PLUGINS / f"{part.replace('.', '/')}.py").is_file() else name for part in parts}
    return found


CORE = {name: _imports(path) for name, path in _modules("module_utils", "plugin_utils")}


def test_every_package_has_a_layer() -> None:
    assert {_package(name) for name in CORE} == set(RANK)


def test_imports_go_down() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, others in CORE.items()
        for other in others
        if _package(other) != _package(name) and RANK[_package(other)] >= RANK[_package(name)]
    ]
    assert wrong == []


def test_nothing_imports_in_a_circle() -> None:
    list(graphlib.TopologicalSorter(CORE).static_order())


def test_a_module_imports_what_is_shipped_to_hosts_only() -> None:
    wrong = [
        f"{name} imports {other}" for name, path in _modules("modules") for other in _imports(path) if not other.startswith("module_utils.")
    ]
    assert wrong == []


def test_what_no_module_needs_is_not_among_what_is_shipped() -> None:
    """Code that runs on the controller only belongs to plugin_utils."""
    needed: set[str] = set()
    left = [other for _name, path in _modules("modules") for other in _imports(path)]
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            left += CORE[name]
    assert sorted(name for name in CORE if name.startswith("module_utils.") and name not in needed) == []


def test_hosts_need_no_python_package_but_the_sdk_of_the_engine() -> None:
    """Others, such as netaddr, are for the controller; the bills of materials are made there, too."""
    allowed = {
        "module_utils.engine.client": {"docker"},
        "module_utils.images.sbom": {"cyclonedx", "packageurl"},
        # runs in a container
        "module_utils.registration.external_sql": {"pymysql"},
        "module_utils.registration.external_amqp": {"amqp"},
    }
    for name, path in _modules("module_utils", "modules"):
        nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, (ast.Import, ast.ImportFrom))]
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
        packages = {package.partition(".")[0] for package in names} - sys.stdlib_module_names - {"ansible", "ansible_collections"}
        assert packages <= allowed.get(name, set()), name
