# SPDX-License-Identifier: Apache-2.0
"""What an operator sets reaches the definitions in the type that is declared, whichever way it came in, and all users of it follow."""

from __future__ import annotations

import functools
import json
import pathlib
import re
import typing as t

import pytest
import yaml

from tests.definitions import switches
from tests.unit.roles.rendering import ROOT, lines, render, run

HOST_CAPABILITIES = {"virt_type": "qemu", "ovs_datapath": "netdev", "apparmor": False, "cgroup_version": 2, "interface": "eth0"}
HOSTS = {"control1": "192.0.2.11", "compute1": "192.0.2.31", "compute2": "192.0.2.32"}
GROUPS = {"control": ["control1"], "network": ["control1"], "compute": ["compute1", "compute2"]}
#: Roles whose options the definitions read.
ROLES = sorted(path.parents[2].name for path in ROOT.glob("roles/*/vars/main/service.yml") if path.parents[2].name != "registry")


@functools.cache
def options() -> dict[str, dict[str, t.Any]]:
    """Return the options of all services and of what they share, with the defaults that are written down."""
    found: dict[str, dict[str, t.Any]] = {}
    for role in [*ROLES, "cloud"]:
        directory = ROOT / "roles" / role
        defaults = yaml.safe_load((directory / "defaults" / "main.yml").read_text("utf-8"))
        specs = yaml.safe_load((directory / "meta" / "argument_specs.yml").read_text("utf-8"))["argument_specs"]
        entry = specs["services" if role == "cloud" else "main"]
        found |= {name: {**spec, "default": defaults.get(name)} for name, spec in entry["options"].items()}
    return found


def other(option: dict[str, t.Any]) -> bool | int:
    """Return another value than the default."""
    default = option["default"]
    if option["type"] == "bool":
        return not default
    return default + 1 if isinstance(default, int) else 30


def write_inventory(directory: pathlib.Path, variables: dict[str, t.Any], addresses: dict[str, str] = HOSTS) -> pathlib.Path:
    """Write an inventory of a control host and two hypervisors, and return its file."""
    hosts = {host: {"cloud_address": address} for host, address in addresses.items()}
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
    inventory = write_inventory(directory, chosen["native"])
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
    expected = render(native, place, {"cloud_host_capabilities": HOST_CAPABILITIES}, *arguments)
    inventory, arguments = given(tmp_path / "mixed", ways, values())
    found = render(inventory, place, {"cloud_host_capabilities": HOST_CAPABILITIES}, *arguments)
    assert sorted(lines(found) ^ lines(expected)) == []


#: Ports of clusters and of external servers, which a single host of each kind does not have; see test_database_hosts, test_external_*.
OF_CLUSTERS = {
    "mariadb_group_port",
    "mariadb_increment_port",
    "mariadb_transfer_port",
    "loadbalancer_peers_port",
    "mariadb_external_port",
    "rabbitmq_external_port",
}


@functools.cache
def ports() -> dict[str, int]:
    """Return the ports that an operator may set, and those that roles say once for all others, with their values."""
    found = {name: option["default"] for name, option in options().items() if name.endswith("_port")}
    for file in (file for role in ROLES for file in (ROOT / "roles" / role / "vars").rglob("*.yml")):
        for name, value in yaml.safe_load(file.read_text("utf-8")).items():
            found |= {name: value} if name.endswith("_port") else {}
            found |= {f"{name}.{part}": port for part, port in value.items()} if name.endswith("_ports") else {}
    return found


def elsewhere(directory: pathlib.Path, number: int) -> tuple[pathlib.Path, list[str], dict[str, str]]:
    """Return an inventory and arguments by which every port and address is another, and each value by the name of its variable."""
    found = {name: str(number * 1000 + at) for at, name in enumerate(ports())}
    chosen: dict[str, t.Any] = {}
    for name, value in found.items():
        name, _, part = name.partition(".")
        chosen = {**chosen, name: {**chosen.get(name, {}), part: int(value)} if part else int(value)}
    hosts = {host: f"10.{number}.0.{at}" for at, host in enumerate(HOSTS, 1)}
    names = [name for name in options() if name.endswith("_address") and name not in ("cloud_address", "cloud_tunnel_address")]
    found |= {name: f"10.{number}.1.{at}" for at, name in enumerate(names, 1)}
    chosen |= {name: f"{found[name]}/24" if name == "openvswitch_external_address" else found[name] for name in names}
    # the network between hypervisors has an address of each host
    found |= {f"cloud_address of {host}": address for host, address in hosts.items()}
    found |= {f"cloud_tunnel_address of {host}": f"10.{number}.2.{at}" for at, host in enumerate(HOSTS, 1)}
    chosen |= {"cloud_tunnel_address": "{{ cloud_address | regex_replace('[.]0[.]', '.2.') }}", "openvswitch_tunnel_interface": "eth1"}
    directory.mkdir()
    return write_inventory(directory, {}, hosts), ["-e", json.dumps(chosen)], found


def test_all_users_of_a_port_or_an_address_follow_it(place: pathlib.Path, tmp_path: pathlib.Path) -> None:
    texts = []
    values = []
    for number in (21, 42):
        inventory, arguments, found = elsewhere(tmp_path / str(number), number)
        models = lines(render(inventory, place, {"cloud_host_capabilities": HOST_CAPABILITIES, **switches()}, *arguments))
        # a certificate is for an address, too, but does not show it; Erlang writes addresses with commas, expressions escape the dots
        texts.append(
            {re.sub(r"(?<=\d)(?:,|\\\.)(?=\d)", ".", line) for line in models if not re.search(r"/config/(api.pem|libvirt/)", line)}
        )
        values.append(found)
    before, after = values
    moved = {old: after[name] for name, old in before.items()}
    pattern = re.compile("|".join(rf"(?<!\d){re.escape(old)}(?!\d)" for old in sorted(moved, key=len, reverse=True)))
    assert sorted({pattern.sub(lambda match: moved[match[0]], line) for line in texts[0]} ^ texts[1]) == []
    everything = "\n".join(texts[1])
    assert [name for name, value in after.items() if value not in everything and name not in OF_CLUSTERS] == []
    written_out = {name: rf"(?<![\d.]){value}(?!\d)" for name, value in ports().items()} | {
        host: re.escape(old) for host, old in HOSTS.items()
    }
    assert [(name, line) for name, old in written_out.items() for line in texts[1] if re.search(old, line)] == []


def test_no_port_is_written_out_beside_its_variable() -> None:
    """What is outside of the model follows, too: tasks, scripts and playbooks."""
    values = "|".join(str(value) for value in ports().values())
    files = [file for pattern in ("roles/*/*/**/*", "roles/*/*/*", "playbooks/*.yml") for file in ROOT.glob(pattern)]
    found = {
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in files
        if file.is_file() and "locks" not in file.name and "locks" not in file.parts and "constraints" not in file.parts
        for line in file.read_text("utf-8", errors="replace").splitlines()
        if re.search(rf"(?<![\w.])({values})(?!\w)", line) and not re.match(r"\w+_ports?: ", line)
    }
    assert sorted(found) == []


@functools.cache
def typed_options() -> dict[str, str]:
    """Return all options of all roles and entry points that are no text, with their types."""
    specs = [yaml.safe_load(file.read_text("utf-8")) for file in ROOT.glob("roles/*/meta/argument_specs.yml")]
    entries = [entry.get("options") or {} for spec in specs for entry in spec["argument_specs"].values()]
    return {
        name: option["type"] for options in entries for name, option in options.items() if option.get("type") in ("bool", "int", "float")
    }


def bare_uses(data: t.Any, argument: bool = True) -> t.Iterator[str]:
    """Yield what uses an option as it came in, which may be text.

    Args:
        argument: whether a value is that of an argument of a module, which converts what is given as a whole.
    """
    if isinstance(data, (dict, list)):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from bare_uses(value, argument and key not in ("vars", "when", "loop", "that", "until", "failed_when", "changed_when"))
    elif isinstance(data, str) and not (argument and re.fullmatch(r"\{\{ \w+ \}\}", data)):
        types = typed_options()
        # what a message says of the command line is no use of it
        for found in re.finditer(rf"(?<![\w.'])(?<!-e )({'|'.join(types)})\b(?! \| (?:default\(\w+\) \| )?(?:bool|int|float)\b)", data):
            # a number stands in a text as it came in
            in_text = types[found[1]] != "bool" and "{{ " + found[1] + " }}" in data
            if not in_text and f"{found[1]} | default(omit)" not in data:
                yield data


def test_tasks_convert_options_before_they_use_them() -> None:
    """What comes in as text is text in tasks, and the text 'false' is true; nothing else stands above extra vars."""
    with_definition = [ROOT / "roles" / role for role in ROLES]
    variables = [file for file in ROOT.glob("roles/*/vars/**/*.yml") if not any(map(file.is_relative_to, with_definition))]
    # what the definitions alone refer to gets values in their types
    variables.remove(ROOT / "roles" / "cloud" / "vars" / "main.yml")
    found = [(file.name, use) for file in variables for use in bare_uses(yaml.safe_load(file.read_text("utf-8")), argument=False)]
    for file in [*ROOT.glob("roles/*/tasks/**/*.yml"), *ROOT.glob("playbooks/*.yml")]:
        found += [(file.name, use) for use in bare_uses(yaml.safe_load(file.read_text("utf-8")))]
    assert found == []


def test_what_may_differ_from_host_to_host_are_options() -> None:
    files = [*ROOT.glob("roles/*/vars/main.yml"), *ROOT.glob("roles/*/vars/main/*.yml")]
    variables = {name: value for file in files for name, value in yaml.safe_load(file.read_text("utf-8")).items()}
    lists = {name: value for name, value in variables.items() if name.endswith("_host_options")}
    assert {name.removesuffix("_host_options") for name in lists} >= {"cloud", "nova", "openvswitch"}
    assert [name for names in lists.values() for name in names if name not in options()] == []


def test_an_override_that_is_one_expression_is_written_in_the_format_of_its_file(place: pathlib.Path, tmp_path: pathlib.Path) -> None:
    contents = {
        "monitoring/rules.yml": "{{ my_rules }}\n",
        "glance/glance-api.conf": "{{ {'DEFAULT': {'debug': true}, 'my_section': {'limit': 5}} }}",
    }
    for name, text in contents.items():
        (tmp_path / "config" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "config" / name).write_text(text, encoding="utf-8")
    rules = {"groups": [{"name": "mine", "rules": [{"alert": "A", "expr": "up == 0", "enabled": True}]}]}
    variables = {
        "cloud_host_capabilities": HOST_CAPABILITIES,
        "cloud_overrides_dir": f"{tmp_path}/config",
        "my_rules": rules,
        "cloud_extra_oslo_options": ["my_section/*"],
    }
    files = {file["path"]: file["content"] for file in render(write_inventory(tmp_path, {}), place, variables)["control1"]["files"]}
    found = {group["name"]: group for group in yaml.safe_load(files["prometheus/config/rules.yml"])["groups"]}
    assert found["mine"] == rules["groups"][0]
    assert "debug = true" in files["glance_api/config/glance-api.conf"]
    assert "[my_section]\nlimit = 5\n" in files["glance_api/config/glance-api.conf"]
    for name, text in {"glance/glance-api.conf": "{{ none }}", "rabbitmq/rabbitmq.conf": "{{ [1, 2] }}"}.items():
        (tmp_path / "config" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "config" / name).write_text(text, encoding="utf-8")
    done = run(write_inventory(tmp_path, {}), tmp_path, variables)
    assert "glance-api.conf: its expression yields nothing; give it a default" in done.stdout
    assert "rabbitmq.conf: text is expected, not list" in done.stdout
