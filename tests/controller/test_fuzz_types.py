# SPDX-License-Identifier: Apache-2.0
"""A value means the same whichever way it came in: each option of each role, with random values, through Ansible's own parsers."""

from __future__ import annotations

import json
import os
import pathlib
import random
import secrets
import tempfile
import typing as t

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv

from ansible_collections.caisson.openstack.plugins.plugin_utils import options
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles
from tests.controller.test_fuzz import ROOT, _Plain

#: What YAML, INI and command lines may take for something else than text.
_TEXTS = ["no", "on", "5", "1e3", "0x10", "01", "1_000", "null", "~", "2026-01-01", "12:30", "a: b", "a b", "'a'", '"a"', "[a]", "é"]
Texts = dict[str, str]


def _inventory(texts: Texts) -> dict[str, t.Any]:
    """Return the variables of an inventory in INI format."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "hosts"
        file.write_text("[all:vars]\n" + "".join(f"{name}={text}\n" for name, text in texts.items()), encoding="utf-8")
        variables = InventoryManager(loader=DataLoader(), sources=[str(file)]).groups["all"].get_vars()
    return {name: variables[name] for name in texts}


def _arguments(texts: Texts) -> dict[str, t.Any]:
    """Return the variables of ``-e name=value``."""
    return dict(parse_kv(" ".join(f"{name}={json.dumps(text, ensure_ascii=False)}" for name, text in texts.items())))


_WAYS: dict[str, t.Callable[[Texts], dict[str, t.Any]]] = {
    "an inventory in INI format": _inventory,
    "-e name=value": _arguments,
    "YAML in quotes": lambda texts: yaml.safe_load(yaml.safe_dump(texts, default_style="'")),
}


def _declared() -> tuple[dict[str, pathlib.Path], dict[str, dict[str, t.Any]]]:
    """Return the roles that define services, and their options of one value."""
    paths = {path.parents[2].name: path.parents[2] for path in ROOT.glob("roles/*/vars/main/service.yml")} | {"cloud": ROOT / "roles/cloud"}
    found = {name: spec for path in paths.values() for name, spec in play_roles.options(path).items()}
    return paths, {name: spec for name, spec in found.items() if spec.get("type", "str") in ("bool", "int", "float", "str")}


def _typed(paths: dict[str, pathlib.Path], values: dict[str, t.Any]) -> tuple[dict[str, t.Any], list[str]]:
    services: dict[str, t.Any] = {f"{name}_service": {} for name in paths}
    found, errors = options.typed(_Plain(), services | values, paths, {})
    return {name: found[name] for name in values}, errors


def _value(choose: random.Random, kind: str) -> t.Any:
    values: dict[str, list[t.Any]] = {
        "bool": [True, False],
        "int": [choose.randrange(70000), choose.randrange(10), 0, -1],
        "float": [choose.random() * 10, 2.0],
    }
    return choose.choice(values.get(kind) or _TEXTS)


@pytest.mark.parametrize("way", _WAYS)
def test_a_value_means_the_same_whichever_way_it_came_in(way: str) -> None:
    seed = os.environ.get("FUZZ_SEED") or secrets.token_hex(4)
    print(f"FUZZ_SEED={seed}")
    paths, declared = _declared()
    assert {spec.get("type", "str") for spec in declared.values()} >= {"bool", "int", "str"}
    for number in range(20):
        choose = random.Random(f"{seed}-{number}")
        values = {name: _value(choose, spec.get("type", "str")) for name, spec in declared.items()}
        texts = _WAYS[way]({name: _text(choose, value) for name, value in values.items()})
        # Ansible itself changes some texts before anybody else sees them: 0x10 in an INI file is 16
        lost = {name for name, value in values.items() if isinstance(value, str) and texts[name] != value and str(texts[name]) != value}
        values, texts = ({name: value for name, value in found.items() if name not in lost} for found in (values, texts))
        wanted, given = _typed(paths, values), _typed(paths, texts)
        refused = [{error.split(" ")[0].strip(":") for error in errors} for _found, errors in (wanted, given)]
        assert refused[0] == refused[1], f"FUZZ_SEED={seed}, {number}"
        for name in values.keys() - refused[0]:
            one, other = wanted[0][name], given[0][name]
            assert (type(one), one) == (type(other), other), f"FUZZ_SEED={seed}, {number}: {name}={texts[name]!r} is {other!r}, not {one!r}"


def _text(choose: random.Random, value: t.Any) -> str:
    """Return a value as people write it."""
    return choose.choice([str(value), str(value).lower(), "yes" if value else "no"]) if isinstance(value, bool) else str(value)
