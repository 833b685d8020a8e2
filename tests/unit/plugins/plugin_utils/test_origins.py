# SPDX-License-Identifier: Apache-2.0
"""Where a value was set."""

from __future__ import annotations

import importlib.util
import pathlib
import sys

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.caisson.openstack.plugins.plugin_utils import origins
from ansible_collections.caisson.openstack.plugins.plugin_utils.origins import origin


def test_a_value_of_a_file_names_file_and_place(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "all.yml"
    path.write_text("a: 1\nb: {c: 2}\n")
    loaded = DataLoader().load_from_file(str(path))
    assert (origin(loaded["a"]), origin(loaded["b"])) == (f"{path}:1:4", f"{path}:2:4")


def test_a_value_of_nowhere_has_none() -> None:
    assert origin(1) == ""


def test_an_ansible_without_these_internals_tells_no_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ansible._internal._datatag._tags", None)
    spec = importlib.util.spec_from_file_location("origins_without_internals", str(origins.__file__))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.Origin is None and module.origin(1) == ""
