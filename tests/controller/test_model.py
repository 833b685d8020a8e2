# SPDX-License-Identifier: Apache-2.0
"""Definitions, overrides and mistakes of an operator, through real runs of Ansible. No host is contacted."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import packed
from tests import plays

_REPOSITORY = pathlib.Path(__file__).parents[2]
_PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {name: alpha, rolespec_validate: false}
    - caisson.openstack.model: {image_prefix: caisson/, image_tag: "1", overrides_dir: "{{ overrides }}"}
      register: made
    - ansible.builtin.copy: {content: "{{ made | to_json }}", dest: "{{ results }}/{{ inventory_hostname }}", mode: "0600"}
      delegate_to: localhost
"""
#: A password that rotates: the other account of the pair is accepted too, and its password is a secret.
_ACCOUNT = {"pair": ["a", "a_b"], "user": "a_b", "alternate": {"user": "a", "password": "former-password"}}
_INVENTORY = {
    "all": {
        "vars": {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "cloud_secrets": {"x": "hunter2hunter2"},
            "cloud_accounts": {"x": _ACCOUNT},
        }
    },
    "control": {"hosts": {"c1": {"cloud_address": "192.0.2.1"}, "c2": {"cloud_address": "192.0.2.2"}}},
    "compute": {"hosts": {"n1": {}}},
}
_SERVICE = """
alpha_service:
  name: alpha
  stage: service
  containers:
    - name: alpha_api
      image: alpha
      group: "{{ alpha_group }}"
      command: [run]
      user: "1:1"
      config_dir: /etc/alpha
      env: "{{ alpha_env }}"
  files:
    - path: /etc/alpha/alpha.conf
      containers: [alpha_api]
      format: ini
      oslo: true
      sensitive: true
      content:
        DEFAULT: "{{ alpha_default }}"
        database: {connection: "mysql://{{ cloud_secrets.x }}@h"}
    - "{{ alpha_shared }}"
    - {path: /etc/alpha/list, containers: [alpha_api], format: text, template: list.j2}
  databases: [{name: alpha, user: alpha, password: "{{ cloud_secrets.x }}"}]
  frontends: [{name: alpha, port: 80, listen_port: 10080, group: "{{ alpha_group }}"}]
"""
_DEFAULTS = """
alpha_group: control
alpha_workers: 2
alpha_shared:
  - {path: /etc/shared/greeting, format: text, content: "hello {{ alpha_workers }}"}
alpha_env: {A: "1"}
alpha_default: {debug: false, workers: "{{ alpha_workers }}", host: "{{ inventory_hostname }}"}
"""
_TEMPLATE = """\
{% for f in service_frontends %}
{{ f.name }} {{ f.backends | map(attribute='address') | join(' ') }}
{% endfor %}
"""
_ARGUMENTS = """
argument_specs:
  main:
    options:
      alpha_group: {type: str, description: Group of hosts.}
      alpha_workers: {type: int, description: Number of workers.}
"""


class Site:
    """An inventory of three hosts, one service role and a directory of overrides."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        for path, text in {
            "roles/alpha/vars/main.yml": _SERVICE,
            "roles/alpha/defaults/main.yml": _DEFAULTS,
            "roles/alpha/meta/argument_specs.yml": _ARGUMENTS,
            "roles/alpha/templates/list.j2": _TEMPLATE,
            "play.yml": _PLAYBOOK,
            "inventory.json": json.dumps(_INVENTORY),
            "results/.keep": "",
        }.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        (self.directory / path).parent.mkdir(parents=True, exist_ok=True)
        (self.directory / path).write_text(text)

    def run(self, arguments: t.Sequence[str] = (), **variables: t.Any) -> str:
        """Run the playbook for all hosts, with further arguments; return what it printed if it failed."""
        extra = {"overrides": str(self.directory / "config"), "results": str(self.directory / "results"), **variables}
        program = str(pathlib.Path(sys.executable).parent / "ansible-playbook")
        command = [program, "-i", "inventory.json", "play.yml", "-e", json.dumps(extra), *arguments]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(_REPOSITORY / ".dev")}
        done = subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr if done.returncode else ""

    def result(self, host: str) -> dict[str, t.Any]:
        return dict(json.loads((self.directory / "results" / host).read_text()))

    def stages(self, host: str) -> dict[str, t.Any]:
        return dict(packed.unpack(self.result(host)["parts"])["stages"])

    def packed(self, host: str) -> dict[str, t.Any]:
        return dict(packed.unpack(self.result(host)["files"]))

    def content(self, host: str, name: str) -> str:
        (file,) = (item for item in self.packed(host)["files"] if item["path"].endswith(name))
        return str(file["content"])


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Site:
    return Site(tmp_path)


def test_each_host_gets_its_own_model(site: Site) -> None:
    assert site.run() == ""
    assert [site.result(host)["containers"] for host in ("c1", "c2", "n1")] == [["alpha_api"], ["alpha_api"], []]
    assert "host = c2" in site.content("c2", "alpha.conf")
    assert site.content("c1", "alpha_api/files/etc/shared/greeting") == "hello 2"
    assert site.content("c1", "list") == "alpha 192.0.2.1 192.0.2.2\n"
    # what is masked in diffs has every generated secret
    assert site.packed("c1")["secrets"] == ["former-password", "hunter2hunter2"]


def test_overrides_of_every_level_apply_in_their_order(site: Site) -> None:
    site.write("config/global.conf", "[DEFAULT]\ndebug = true\nlevel = global\n")
    site.write("config/alpha/alpha.conf", "[DEFAULT]\nlevel = service\nname = {{ inventory_hostname | upper }}\n")
    site.write("config/groups/control/alpha/alpha.conf", "[DEFAULT]\nlevel = group\n")
    site.write("config/hosts/c2/alpha/alpha.conf", "[DEFAULT]\nlevel = host\n")
    site.write("config/alpha/list", "my own\n")
    overrides = {
        "containers": [{"name": "alpha_api", "env": {"B": "{{ alpha_workers }}"}, "memory": "64m"}],
        "files": [
            {"path": "/etc/alpha/alpha.conf", "content": {"DEFAULT": {"host": None, "own": "{{ alpha_workers }}"}}},
            {"path": "/etc/alpha/new.json", "containers": ["alpha_api"], "format": "json", "content": {"a": [1]}},
        ],
    }
    # an extra variable is text to Ansible, the inventory's are templates
    site.write("group_vars/all.json", json.dumps({"alpha_service_overrides": overrides}))
    assert site.run() == ""
    assert site.content("c1", "alpha.conf") == (
        "[DEFAULT]\ndebug = true\nworkers = 2\nown = 2\nlevel = group\nname = C1\n\n[database]\nconnection = mysql://hunter2hunter2@h\n"
    )
    assert "level = host\nname = C2\n" in site.content("c2", "alpha.conf")
    assert site.content("c1", "list") == "my own\n"
    assert json.loads(site.content("c1", "new.json")) == {"a": [1]}
    (container,) = site.stages("c1")["service"]["containers"]
    assert (container["env"], container["memory"]) == ({"A": "1", "B": "2"}, "64m")


_BAD_VARIABLES: list[tuple[dict[str, t.Any], str]] = [
    ({"alpha_group": "contorl"}, "alpha_api belongs to host group contorl, which the inventory does not have (it has: compute, control)"),
    ({"alpha_workers": "many"}, "alpha_workers (<CLI option '-e'>): expected a whole number, got 'many'"),
    ({"alpha_service_overrides": "text"}, "alpha_service_overrides: expected a mapping"),
    ({"alpha_service_overrides": {"contaners": []}}, "alpha_service.contaners: unknown key; did you mean 'containers'?"),
    (
        {"alpha_service_overrides": {"containers": [{"name": "alpha_api", "comand": ["x"]}]}},
        "containers[alpha_api].comand: unknown key; did you",
    ),
    (
        {"alpha_service_overrides": {"containers": [{"name": "alpha_api", "user": "root"}]}},
        "user of alpha_api is 'root'; it must be numbers",
    ),
    (
        {"alpha_service_overrides": {"files": [{"path": "/etc/alpha/alpha.conf", "content": ["x"]}]}},
        "alpha: /etc/alpha/alpha.conf: expected a mapping, got a list",
    ),
    (
        {"alpha_service_overrides": {"files": ["x"]}},
        "alpha_service.files: an item has no 'path', which identifies the items of this list",
    ),
    *(
        (
            {"alpha_service_overrides": {"files": [{"path": path, "content": content}]}},
            f"alpha: {path}: content in alpha_service_overrides is empty; leave it out",
        )
        for path, content in (("/etc/alpha/alpha.conf", None), ("/etc/alpha/list", " "), ("/etc/shared/greeting", "{{ none }}"))
    ),
    (
        {"alpha_service_overrides": {"containers": None}},
        "alpha_service.containers: is empty, which would remove the whole list; leave it out",
    ),
    ({"alpha_shared": "word"}, "alpha_service.files[1]: expected a mapping, got 'word'"),
    ({"alpha_service_overrides": {"name": "beta"}}, "alpha_service.name: is 'beta'; it must be the name of the role"),
    (
        {"alpha_service_overrides": {"stage": "third"}},
        "alpha_service.stage: expected one of infrastructure, identity, service, got 'third'",
    ),
]
_BAD_FILES: list[tuple[str, str, str]] = [
    ("config/alpha/alpha.conf", "[DEFAULT\n", "alpha.conf: line 1: section header '[DEFAULT' is not closed"),
    ("config/alpha/list", "# {{ '' }}\n\n".replace("# ", ""), "alpha/list: it is empty, which would empty /etc/alpha/list"),
    ("config/alpha/list", "{{ omit }}", "alpha/list: omit removes an option of a file that is merged"),
    ("config/alpha/alpha.conf", "[DEFAULT]\n  debug = true\n", "alpha.conf: line 2: it is indented, but does not continue an option"),
    ("config/global.conf", "[a]\nx\n", "global.conf: line 2: expected 'option = value'"),
    ("config/alpha/alpha.conf", "[a]\nx = {{ nothing }}\n", "config/alpha/alpha.conf: 'nothing' is undefined"),
    ("roles/alpha/templates/list.j2", "{{ nothing }}", "alpha: /etc/alpha/list: 'nothing' is undefined"),
    ("roles/alpha/templates/list.j2", "{% if %}", "alpha: /etc/alpha/list: "),
    ("roles/alpha/defaults/main.yml", _DEFAULTS.replace("{A: ", "{{{ "), "defaults/main.yml"),
    ("roles/alpha/vars/main.yml", _SERVICE.replace("template: list.j2", "template: lost.j2"), "alpha: /etc/alpha/list: "),
    ("roles/alpha/vars/main.yml", _SERVICE.replace(", template: list.j2", ""), "alpha: /etc/alpha/list: has neither content nor template"),
]


def _check(output: str, words: str) -> None:
    assert words in output
    assert "Traceback" not in output
    assert "hunter2" not in output


@pytest.mark.parametrize(("variables", "words"), _BAD_VARIABLES, ids=[words[:40] for _variables, words in _BAD_VARIABLES])
def test_a_bad_variable_is_refused_with_its_name_and_the_remedy(site: Site, variables: dict[str, t.Any], words: str) -> None:
    _check(site.run(**variables), words)


@pytest.mark.parametrize(("path", "text", "words"), _BAD_FILES, ids=[words[:40] for _path, _text, words in _BAD_FILES])
def test_a_bad_file_is_refused_with_its_name(site: Site, path: str, text: str, words: str) -> None:
    site.write(path, text)
    _check(site.run(), words)


def test_faults_of_all_places_are_reported_together(site: Site) -> None:
    site.write("roles/alpha/templates/list.j2", "{{ nothing }}")
    site.write("config/alpha/alpha.conf", "[a]\nx\n")
    site.write("config/hosts/c1/alpha/alpha.conf", "[a\n")
    output = site.run()
    _check(output, "'nothing' is undefined")
    _check(output, "expected 'option = value'")
    _check(output, "section header '[a' is not closed")


_SKIPPED = """
- hosts: localhost
  gather_facts: false
  tasks:
    - {ansible.builtin.command: "true", when: false, register: service_model}
    - ansible.builtin.debug: {msg: "{{ item }}"}
      loop: "{{ service_model.parts | caisson.openstack.model_part('hooks') }}"
      when: false
    # a task that is not skipped fails, and says what is missing
    - ansible.builtin.debug: {msg: "{{ service_model.parts | caisson.openstack.model_part('hooks') }}"}
      ignore_errors: true
"""


def test_tasks_of_a_play_that_is_skipped_need_no_model(tmp_path: pathlib.Path) -> None:
    (tmp_path / "play.yml").write_text(_SKIPPED)
    output = plays.run(tmp_path, plays.command("localhost,", "play.yml"), check=True).stdout
    assert "has no attribute 'parts'" in output
    assert re.search(r"failed=0 +skipped=2 +rescued=0 +ignored=1", output)
