# SPDX-License-Identifier: Apache-2.0
"""What an operator sets reaches the definitions in the type that is declared, whichever way it came in, and all users of it follow."""

from __future__ import annotations

import functools
import json
import pathlib
import typing as t

import pytest
import yaml

from tests.unit.roles.rendering import ROOT, lines, render

SUBSTRATE = {"virt_type": "qemu", "ovs_datapath": "netdev", "apparmor": False, "cgroup_version": 2}
HOSTS = {"control1": "192.0.2.11", "compute1": "192.0.2.31"}
GROUPS = {"control": ["control1"], "network": ["control1"], "compute": ["compute1"]}
#: Roles whose options the definitions read.
ROLES = sorted(path.parents[2].name for path in ROOT.glob("roles/*/vars/main/service.yml") if path.parents[2].name != "registry")


@functools.cache
def options() -> dict[str, dict[str, t.Any]]:
    """Return the options of all services and of what they share, with the defaults that are written down."""
    found: dict[str, dict[str, t.Any]] = {}
    for role in [*ROLES, "cloud"]:
        directory = ROOT / "roles" / role
        defaults = yaml.safe_load((directory / "defaults" / "main.yml").read_text("utf-8"))
        specs = yaml.safe_load((directory / "meta" / "argument_specs.yml").read_text("utf-8"))["argument_specs"]["main"]["options"]
        found |= {name: {**spec, "default": defaults.get(name)} for name, spec in specs.items()}
    return found


def other(option: dict[str, t.Any]) -> bool | int:
    """Return another value than the default."""
    default = option["default"]
    if option["type"] == "bool":
        return not default
    return default + 1 if isinstance(default, int) else 30


def write_inventory(directory: pathlib.Path, **variables: t.Any) -> pathlib.Path:
    """Write an inventory of a control host and a hypervisor, and return its file."""
    hosts = {host: {"cloud_address": address} for host, address in HOSTS.items()}
    children: dict[str, t.Any] = {group: {"hosts": {member: {} for member in members}} for group, members in GROUPS.items()}
    file = directory / "hosts.yml"
    file.write_text(yaml.safe_dump({"all": {"hosts": hosts, "children": children, "vars": variables}}), encoding="utf-8")
    return file


WAYS = ("native", "inventory in INI format", "name=value on the command line", "JSON on the command line", "text in group_vars", "fact")


def given(directory: pathlib.Path, ways: dict[str, str], values: dict[str, bool | int]) -> tuple[pathlib.Path, list[str]]:
    """Write *values* so that each comes in by its way, and return the inventory and arguments of a run."""
    chosen = {way: {name: value for name, value in values.items() if ways[name] == way} for way in WAYS}
    texts = {way: {name: str(value).lower() for name, value in own.items()} for way, own in chosen.items()}
    (directory / "group_vars").mkdir(parents=True)
    inventory = write_inventory(directory, **chosen["native"])
    (directory / "group_vars" / "all.yml").write_text(yaml.safe_dump(texts["text in group_vars"]), encoding="utf-8")
    lines = [f"{name}={value}" for name, value in texts["inventory in INI format"].items()]
    (directory / "more.ini").write_text("\n".join(["[all:vars]", *lines, ""]), encoding="utf-8")
    return inventory, [
        *("-i", str(directory / "more.ini")),
        *(argument for name, value in texts["name=value on the command line"].items() for argument in ("-e", f"{name}={value}")),
        *("-e", json.dumps(chosen["JSON on the command line"])),
        *("-e", json.dumps({"model_facts": texts["fact"]})),
    ]


@functools.cache
def values() -> dict[str, bool | int]:
    return {name: other(option) for name, option in options().items() if option["type"] in ("bool", "int")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A directory with the secrets of all models, so that they can be compared."""
    return tmp_path_factory.mktemp("models")


def test_a_value_means_the_same_whichever_way_it_comes_in(place: pathlib.Path, tmp_path: pathlib.Path) -> None:
    ways = {name: WAYS[at % len(WAYS)] for at, name in enumerate(values())}
    native, arguments = given(tmp_path / "native", dict.fromkeys(ways, "native"), values())
    expected = render(native, place, {"cloud_substrate": SUBSTRATE}, *arguments)
    inventory, arguments = given(tmp_path / "mixed", ways, values())
    found = render(inventory, place, {"cloud_substrate": SUBSTRATE}, *arguments)
    assert sorted(lines(found) ^ lines(expected)) == []
