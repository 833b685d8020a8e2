# SPDX-License-Identifier: Apache-2.0
"""Scripts that roles send to hosts, as modules."""

from __future__ import annotations

import importlib.util
import pathlib
import sys
import types
import typing as t

ROLES = pathlib.Path(__file__).parents[1] / "roles"


def load(role: str, name: str, modules: t.Sequence[str] = ()) -> types.ModuleType:
    """Return ``files/<name>.py`` of a role, which imports *modules* from files beside it."""
    for module in modules:
        _load(role, module, module)
    return _load(role, name, f"{role}_{name}")


def _load(role: str, name: str, as_name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(as_name, ROLES / role / "files" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # dataclasses look for their module there
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
