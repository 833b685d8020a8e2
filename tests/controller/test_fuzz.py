# SPDX-License-Identifier: Apache-2.0
"""Whatever an operator writes, it is a model or a refusal with reasons, never a traceback.

The definitions are the real ones, with their expressions resolved once by a real run; each of the mutants then goes through the
real actions in this process. Only Ansible's template engine is a stand-in, which returns what it gets. ``FUZZ_SEED`` repeats a run.
"""

from __future__ import annotations

import copy
import json
import os
import pathlib
import random
import re
import secrets
import subprocess
import sys
import types
import typing as t

import pytest
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.caisson.openstack.plugins.action import inventory_check, model
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import ConfigFile
from ansible_collections.caisson.openstack.plugins.plugin_utils import override_files
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import overrides
from tests.definitions import switches

ROOT = pathlib.Path(__file__).parents[2]
MUTANTS, MISPLACED = 1000, 200
_MODEL = {"image_prefix": "caisson/", "image_tag": "1"}
#: Hosts by group, and addresses.
_GROUPS = {"control": ["c1"], "network": ["c1"], "compute": ["n1", "n2"], "all": ["c1", "n1", "n2"], "ungrouped": []}
_ADDRESSES = {host: f"192.0.2.{number}" for number, host in enumerate(_GROUPS["all"], 11)}
_ODD: list[t.Any] = [
    *(None, "", 0, -1, True, 3.5, 10**40, 65536, "x", "x\ny", "é\0", "a: b: c", "0", "[", "{", "../..", "/", "control:", ":", " "),
    *([], {}, [None], [[]], [{}], {"a": None}, {"": ""}, {1: 2}, {"name": 5}, [{"name": "x"}], [{"path": []}], {"enabled": "perhaps"}),
    *("999.1.1.1/24", 22, 5000, "5000", "15000", 3306, "all", "ungrouped", "control:!c1", "control,network", "all:&compute"),
    *(float("nan"), float("inf"), "999.1.1.1", "192.0.2.11", "192.0.2.0/24", "0.0.0.0/0", "::1", "1_000", "01", "2026.1", "no", "512q"),
]
#: What no host may be called, and what none of them may have for an address, a port or a group.
_NAMES = ["c 1", "c1;id", "$(id)", "c'1", 'c"1', "c1:2", "c/1", "é1", "c1\n", "1", "a" * 300, "c..1", "-", "{{ c1 }}", "c1%0a", "N1"]
_NO_ADDRESSES = ["999.1.1.1", "192.0.2.12", "0.0.0.0/0", "[::1]", "127.1 ", "", 5, True, ["192.0.2.11"]]
_NO_PORTS = [0, -1, 65536, "0", "x", True, [5000], 3.5]
_NO_GROUPS = ["contorl", "control:contorl", "control:!network", "control,network", "ungrouped", ":", "", 5, ["control"]]
_TEXTS = [
    *("", "[", "[]", "[a\n", "a", "a = 1\n", "[a]\n = 1\n", "[a]\nb = 1\n  c\n", "  x\n", "{", "{}", "[1]", "null", "NaN", '{"a": NaN}'),
    *("a: 2001-99-99\n", "a: &a [*a]\n", "- &a [*a]\n", "a: !!python/none x\n", "a: !!binary x\n", "? {a: 1}\n: 2\n", "%", "a: 1\na: 2\n"),
    *(
        "[" * 20000,
        '{"a":' * 20000,
        "9" * 5000,
        "a: " + "9" * 5000,
        "\0",
        "\ufeff[a]\nb = 1\n",
        "a: 2001-01-01\n",
        "a: 0x\n",
        "!!set {a, b}\n",
    ),
]
_PLAYBOOK = """
- hosts: c1
  gather_facts: false
  tasks:
    - {import_role: {name: caisson.openstack.cloud, tasks_from: services}}
    - caisson.openstack.secrets: {file: "{{ directory }}/secrets.yml"}
      register: service_secret_store
      check_mode: true
    - ansible.builtin.copy:
        content: "{{ dict(names | zip(query('ansible.builtin.vars', *names))) | to_json }}"
        dest: "{{ directory }}/definitions.json"
        mode: "0600"
"""


_HOST_OPTIONS = re.compile(r"^(\w+_host_options):", re.MULTILINE)


class _Plain:
    """Stands in for the template engine."""

    def copy_with_new_env(self, **_options: t.Any) -> _Plain:
        return self

    def template(self, value: t.Any) -> t.Any:
        return value

    def is_template(self, _text: str) -> bool:
        return False


class _Role:
    """A role of a play."""

    def __init__(self, name: str) -> None:
        self._name, self._role_path = name, str(ROOT / "roles" / name)

    def get_all_dependencies(self) -> list[_Role]:
        return []

    def get_name(self, include_role_fqcn: bool = True) -> str:
        return self._name


class Hosts(dict[str, dict[str, t.Any]]):
    """The variables of all hosts."""

    def raw_get(self, host: str) -> dict[str, t.Any]:
        return self[host]

    @property
    def _inventory(self) -> t.Any:
        groups = [types.SimpleNamespace(name=name, depth=int(name != "all"), priority=1) for name in ("all", "control", "network")]
        return types.SimpleNamespace(get_host=lambda _name: types.SimpleNamespace(get_groups=lambda: groups))


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    """The definitions and the variables of all services, without expressions."""
    directory = tmp_path_factory.mktemp("definitions")
    roles = sorted(path.parents[2].name for path in ROOT.glob("roles/*/vars/main/service.yml") if path.parents[2].name != "registry")
    groups = [name for role in roles for name in model.play_roles.options(ROOT / "roles" / role) if name.endswith("_group")]
    needy = [f"{role}_required_secrets" for role in roles if (ROOT / "roles" / role / "vars/main/secrets.yml").is_file()]
    own = sorted({name for path in ROOT.glob("roles/*/vars/**/*.yml") for name in _HOST_OPTIONS.findall(path.read_text())})
    names = [*(f"{role}_service" for role in roles), *groups, *needy, *own, "cloud_api_address", "loadbalancer_address"]
    hosts = {host: {"cloud_address": address, "ansible_connection": "local"} for host, address in _ADDRESSES.items()}
    children: dict[str, t.Any] = {
        name: {"hosts": {member: {} for member in members}} for name, members in _GROUPS.items() if name not in ("all", "ungrouped")
    }
    (directory / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "children": children}}))
    (directory / "play.yml").write_text(_PLAYBOOK)
    capabilities = {"virt_type": "qemu", "ovs_datapath": "netdev", "apparmor": False, "cgroup_version": 2, "interface": "eth0"}
    variables = {
        "directory": str(directory),
        "names": names,
        "cloud_host_capabilities": capabilities,
        # keepalived is on as all that can be is, and moves an address that no host has
        "cloud_api_address": "192.0.2.200",
        "ansible_python_interpreter": sys.executable,
        **switches(),
    }
    variables["service_frontends"] = []  # the model knows them when it has all definitions
    program = str(pathlib.Path(sys.executable).with_name("ansible-playbook"))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    command = [program, "-i", "hosts.json", "play.yml", "-e", json.dumps(variables)]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = dict(json.loads((directory / "definitions.json").read_text()))
    # no service of the collection has a YAML file, but services of sites may
    found["glance_service"]["files"].append(
        {"path": "/etc/glance/a.yaml", "containers": ["glance_api"], "format": "yaml", "content": {"a": [1]}}
    )
    return found


class Mutator:
    """Makes one mistake after another, from a seed."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def odd(self) -> t.Any:
        return copy.deepcopy(self._random.choice(_ODD))

    def text(self, sound: str) -> str:
        """Return a text for a file: an odd one, or a *sound* one with a piece lost or doubled."""
        if self._random.random() < 0.5:
            return self._random.choice(_TEXTS)
        start, end = sorted(self._random.randrange(len(sound) + 1) for _side in range(2))
        return self._random.choice([sound[:start] + sound[end:], sound[:end] + sound[start:]])

    def slip(self, word: str) -> str:
        """Return *word* with two letters in the wrong order, or one lost."""
        at = self._random.randrange(max(1, len(word) - 1))
        return self._random.choice([word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :], word[:at] + word[at + 1 :]])

    def pick(self, items: t.Iterable[t.Any]) -> t.Any:
        return self._random.choice(list(items))

    def shuffled(self, items: list[t.Any]) -> list[t.Any]:
        return self._random.sample(items, len(items))

    def change(self, data: t.Any) -> t.Any:
        """Return *data* with one mistake somewhere in it."""
        if not isinstance(data, (dict, list)) or not data or self._random.random() < 0.1:
            return self.odd()
        at = self.pick(data if isinstance(data, dict) else range(len(data)))
        kind = self._random.random()
        if kind < 0.7:
            data[at] = self.change(data[at])
        elif kind < 0.8:
            del data[at]
        elif isinstance(data, dict):
            data[self.slip(str(at))] = data.pop(at) if kind < 0.9 else data[at]
        else:
            data.append(copy.deepcopy(data[at]))
        return data

    def branch(self, data: t.Any) -> t.Any:
        """Return a small part of *data*, under the keys that lead there: what an override looks like."""
        if isinstance(data, dict) and data:
            key = self.pick(data)
            identity = {name: data[name] for name in ("name", "path") if name in data and self._random.random() < 0.9}
            return {**identity, key: self.branch(data[key])}
        return [self.branch(self.pick(data))] if isinstance(data, list) and data else data


def _flat(items: list[t.Any]) -> t.Iterator[dict[str, t.Any]]:
    """Yield the files of a definition, which may name lists of them."""
    for item in items:
        yield from _flat(item) if isinstance(item, list) else [item]


def _sound(definitions: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the variables of a task without a mistake."""
    return {
        **definitions,
        "groups": copy.deepcopy(_GROUPS),
        "group_names": ["control", "network"],
        "inventory_hostname": "c1",
        "cloud_secrets": {"x": "y"},
        "hostvars": Hosts({host: {"cloud_address": address, "ansible_facts": {}} for host, address in _ADDRESSES.items()}),
    }


def _replaced(data: t.Any, option: str, value: t.Any) -> None:
    """Put *value* into the keys *option* of nested *data*, as the expression that stood there would have."""
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        _replaced(item, option, value)
    if isinstance(data, dict) and option in data:
        data[option] = value


def _misplaced(mutate: Mutator, variables: dict[str, t.Any]) -> str:
    """Give one service or host a port, a group, an address or a name that it cannot have; return what that is."""
    hosts, names = variables["hostvars"], [name for name in variables if name.endswith("_service") and variables[name].get("frontends")]
    name = mutate.pick(names)
    role, definition = name.removesuffix("_service"), copy.deepcopy(variables[name])
    kind = mutate.pick(["port", "group", "address", "name"])
    if kind == "port":
        key = mutate.pick(["port", "listen_port"])
        taken = [item[key] for other in names if other != name for item in variables[other]["frontends"]]
        value = mutate.pick([mutate.pick(_NO_PORTS), mutate.pick(taken)])
        mutate.pick(definition["frontends"])[key] = value
    elif kind == "group":
        value = mutate.pick(_NO_GROUPS)
        _replaced(definition["containers"], "group", value)
        for option in (option for option in model.play_roles.options(ROOT / "roles" / role) if option.endswith("_group")):
            variables[option] = value
    elif kind == "address":
        value = mutate.pick(_NO_ADDRESSES)
        hosts["c1"]["cloud_address"] = variables["cloud_address"] = value
    else:
        value = mutate.pick(_NAMES)
        groups = variables["groups"]
        variables["groups"] = {group: [value if host == "c1" else host for host in members] for group, members in groups.items()}
        hosts[value] = hosts.pop("c1")
        variables["inventory_hostname"] = value
    variables[name] = definition
    return f"{kind} {value!r} ({role})"


def _mutant(mutate: Mutator, definitions: dict[str, t.Any], directory: pathlib.Path) -> dict[str, t.Any]:
    """Return the variables of a task with one to three mistakes, and write the override files that have some."""
    variables = _sound(definitions)
    hosts = variables["hostvars"]
    services = [name for name in definitions if name.endswith("_service")]
    for _mistake in range(mutate.pick([1, 1, 2, 3])):
        name = mutate.pick(services)
        role, definition = name.removesuffix("_service"), definitions[name]
        what = mutate.pick(["definition", "override", "override", "variable", "variable", "groups", "address", "file", "file"])
        if what == "definition":
            variables[name] = mutate.change(copy.deepcopy(variables[name]))
        elif what == "override":
            variables[f"{name}_overrides"] = mutate.change(copy.deepcopy(mutate.branch(definition)))
        elif what == "variable":
            option = mutate.pick(model.play_roles.options(ROOT / "roles" / mutate.pick([role, "cloud"])))
            variables[option] = mutate.odd()
            hosts[mutate.pick(hosts)][mutate.pick([option, mutate.slip(option)])] = variables[option]
        elif what == "groups":
            group = mutate.pick(["control", "network", "compute"])
            members = variables["groups"].pop(group, [])
            variables["groups"][mutate.pick([group, mutate.slip(group)])] = mutate.pick([members, members[1:], [], list(hosts)])
        elif what == "address":
            hosts[mutate.pick(hosts)][mutate.pick(["cloud_address", "openvswitch_external_address", "verify_external_cidr"])] = mutate.odd()
        else:
            form = mutate.pick(["ini", "yaml", "json", "text"])
            files = [(owner, file) for owner in services for file in _flat(definitions[owner].get("files", [])) if file["format"] == form]
            owner, file = mutate.pick(files)
            parts = [owner.removesuffix("_service"), pathlib.PurePosixPath(file["path"]).name]
            place = mutate.pick(
                [
                    *(parts, [mutate.slip(part) for part in parts], ["global.conf"]),
                    *(["hosts", "c1", *parts], ["groups", "control", *parts], ["groups", "all", *parts]),
                ]
            )
            path = directory.joinpath(*(part for part in place if part))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(mutate.text(json.dumps(file.get("content"), indent=1)), encoding="utf-8")
    return variables


def _run(plugin: t.Any, args: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the result of an action."""
    roles = [_Role(name.removesuffix("_service")) for name in variables if name.endswith("_service")] + [_Role("cloud")]
    task = types.SimpleNamespace(
        args=args, check_mode=False, diff=False, async_val=0, no_log=False, get_play=lambda: types.SimpleNamespace(roles=roles)
    )
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir="/nowhere"))
    action = plugin.ActionModule(task, connection, types.SimpleNamespace(), None, _Plain(), None)
    return dict(action.run(task_vars=variables))


def _act(plugin: t.Any, args: dict[str, t.Any], variables: dict[str, t.Any]) -> str:
    """Run an action and return why it refuses; anything but a result or a refusal with words comes out."""
    try:
        _run(plugin, args, variables)
    except AnsibleError as refusal:
        assert str(refusal).strip()
        return str(refusal)
    except RecursionError:
        raise AssertionError("recursion") from None
    return ""


def test_a_port_group_address_or_name_that_cannot_be_is_refused(definitions: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    seed = os.environ.get("FUZZ_SEED") or secrets.token_hex(4)
    print(f"FUZZ_SEED={seed}")
    for number in range(MISPLACED):
        variables = _sound(definitions)
        what = _misplaced(Mutator(f"{seed}-{number}"), variables)
        refusal = _act(inventory_check, {}, variables) or _act(model, {**_MODEL, "overrides_dir": str(tmp_path)}, variables)
        assert refusal, f"FUZZ_SEED={seed}, mutant {number}: {what} passes"


def test_what_has_no_mistake_is_a_model(definitions: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    """Otherwise a refusal of a mistake would prove nothing."""
    checked = _run(inventory_check, {}, _sound(definitions))
    built = _run(model, {**_MODEL, "overrides_dir": str(tmp_path)}, _sound(definitions))
    # what is looked for on hosts that say nothing of a cloud is what the cloud is going to use
    assert {"mariadb_data", "rabbitmq_data"} <= set(built["volumes"]) == set(checked["volumes"]["c1"])


def test_any_mistake_is_a_model_or_a_refusal(definitions: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    seed = os.environ.get("FUZZ_SEED") or secrets.token_hex(4)
    print(f"FUZZ_SEED={seed}")
    for number in range(MUTANTS):
        directory = tmp_path / str(number)
        variables = _mutant(Mutator(f"{seed}-{number}"), definitions, directory)
        try:
            _act(inventory_check, {}, variables)
            _act(model, {**_MODEL, "overrides_dir": str(directory)}, variables)
        except Exception as error:
            raise AssertionError(f"FUZZ_SEED={seed}, mutant {number}: {type(error).__name__}: {error}") from error


def _inventory(mutate: Mutator) -> dict[str, t.Any]:
    """Return an inventory of one host and of groups in any hierarchy, each of which sets the same variable."""
    names = [*"abcdef"]
    groups: dict[str, t.Any] = {}
    for at, name in enumerate(names):
        values: dict[str, t.Any] = {"last": f"groups/{name}"}
        if mutate.pick([False, False, True]):
            values["ansible_group_priority"] = mutate.pick([1, 2, 10])
        # a group may have any later one as its child, so that there is no circle; some belong to the host
        children: dict[str, t.Any] = {child: {} for child in names[at + 1 :] if mutate.pick([True, False, False])}
        groups[name] = {"vars": values, "children": children, "hosts": {"h": {}} if mutate.pick([True, False]) else {}}
    # names are not in the order of the hierarchy
    mixed = dict(zip(names, mutate.shuffled(names), strict=True))
    renamed = json.loads(re.sub(r'"([a-f])"', lambda found: f'"{mixed[found[1]]}"', json.dumps(groups)))
    for name, group in renamed.items():
        group["vars"]["last"] = f"groups/{name}"
    variables = {"last": "groups/all"} if mutate.pick([True, False]) else {}
    own = {"last": "hosts/h"} if mutate.pick([True, False, False]) else {}
    return {"all": {"vars": variables, "hosts": {"h": own}, "children": renamed}}


def test_overrides_of_groups_and_hosts_win_as_their_variables_do(tmp_path: pathlib.Path) -> None:
    """Ansible itself says who wins."""
    seed = os.environ.get("FUZZ_SEED") or secrets.token_hex(4)
    print(f"FUZZ_SEED={seed}")
    for number in range(200):
        inventory = _inventory(Mutator(f"{seed}-{number}"))
        directory = tmp_path / str(number)
        directory.mkdir()
        (directory / "hosts.json").write_text(json.dumps(inventory))
        loader = DataLoader()
        manager = InventoryManager(loader=loader, sources=[str(directory / "hosts.json")])
        variables = VariableManager(loader=loader, inventory=manager)
        file = ConfigFile("/etc/x/x.conf", "ini", ["x"])
        places = {"all": inventory["all"]["vars"], **{name: group["vars"] for name, group in inventory["all"]["children"].items()}}
        for place in [
            *(f"groups/{name}" for name, values in places.items() if values),
            *(["hosts/h"] if inventory["all"]["hosts"]["h"] else []),
        ]:
            path = directory / place / "x" / "x.conf"
            path.parent.mkdir(parents=True)
            path.write_text(f"[a]\nlast = {place}\n")
        hostvars = HostVars(manager, variables, loader)
        paths = overrides.candidates(directory, "x", file, override_files.precedence(hostvars, "h"), "h")
        found = overrides.apply({"a": {}}, overrides.load(file, paths, pathlib.Path.read_text))
        assert found["a"].get("last") == hostvars.raw_get("h").get("last"), f"FUZZ_SEED={seed}, inventory {number}: {inventory}"
