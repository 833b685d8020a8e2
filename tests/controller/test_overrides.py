# SPDX-License-Identifier: Apache-2.0
"""What overrides of an operator do to the model, through real runs of Ansible. No host is contacted."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml

from tests.controller.test_model import Site

_GROUPS: dict[str, t.Any] = {
    "all": {"children": {"alpha_hosts": {}, "zone": {}, "area": {}}},
    # the name of the parent comes later in the alphabet than that of its child
    "zone": {"children": {"control": {}}},
    "alpha_hosts": {"hosts": {"c1": {}, "c2": {}}},
    "area": {"hosts": {"c1": {}}, "vars": {"ansible_group_priority": 10}},
}


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Site:
    return Site(tmp_path)


def _override(site: Site, place: str, value: str) -> None:
    site.write(f"config/{place}/alpha/alpha.conf", f"[order]\n{value} = {place}\nlast = {place}\n")


def test_groups_come_in_ansibles_own_order(site: Site) -> None:
    inventory = json.loads((site.directory / "inventory.json").read_text())
    site.write("inventory.json", json.dumps({**inventory, **_GROUPS, "all": {**inventory["all"], **_GROUPS["all"]}}))
    for number, group in enumerate(("all", "zone", "control", "alpha_hosts", "area")):
        _override(site, f"groups/{group}", f"o{number}")
    assert site.run() == ""
    order = site.content("c1", "alpha.conf").split("[order]\n")[1]
    # all, then by depth, then by priority, then by name
    assert order.splitlines() == [
        *("o0 = groups/all", "last = groups/control", "o3 = groups/alpha_hosts"),
        *("o1 = groups/zone", "o4 = groups/area", "o2 = groups/control"),
    ]
    (site.directory / "config/groups/control/alpha/alpha.conf").unlink()
    assert site.run() == ""
    assert "last = groups/area" in site.content("c1", "alpha.conf")
    assert "last = groups/zone" in site.content("c2", "alpha.conf")


def _vault(site: Site, path: str, text: str, password: str) -> None:
    site.write(path, text)
    site.write("password", password)
    program = str(pathlib.Path(sys.executable).with_name("ansible-vault"))
    subprocess.run([program, "encrypt", "--vault-id", "prod@password", path], cwd=site.directory, check=True, capture_output=True)


@pytest.mark.parametrize(("name", "text"), [("list", "user: hunter2hunter3\n"), ("alpha.conf", "[a]\nuser = hunter2hunter3\n")])
def test_a_file_that_ansible_vault_encrypted_is_decrypted_and_never_shown(site: Site, name: str, text: str) -> None:
    _vault(site, f"config/alpha/{name}", text, "right")
    output = site.run()
    assert f"config/alpha/{name}: " in output and "(give --vault-password-file or --vault-id)" in output
    arguments = ["--vault-id", "prod@password"]
    assert site.run(arguments=arguments) == ""
    assert text.splitlines()[-1] in site.content("c1", name)
    (file,) = (item for item in site.packed("c1")["files"] if item["path"].endswith(name))
    assert file["sensitive"] and file["hidden"]
    assert "hunter2hunter3" in site.packed("c1")["secrets"]
    site.write("password", "wrong")
    output = site.run(arguments=arguments)
    assert "Decryption failed" in output and name in output
    assert "hunter2" not in output


def test_an_option_of_an_ini_file_is_removed(site: Site) -> None:
    site.write("config/alpha/alpha.conf", "[DEFAULT]\nworkers = {{ omit }}\n")
    override = {"files": [{"path": "/etc/alpha/alpha.conf", "content": {"DEFAULT": {"debug": "{{ omit }}"}}}]}
    assert site.run(alpha_service_overrides=override) == ""
    assert site.content("c1", "alpha.conf").startswith("[DEFAULT]\nhost = c1\n")


def test_a_mount_is_added_to_those_that_are_there(site: Site) -> None:
    first = [{"name": "alpha_api", "volumes": ["data:/data"], "tmpfs": ["/run"]}]
    service = (site.directory / "roles/alpha/vars/main.yml").read_text()
    site.write("roles/alpha/vars/main.yml", service.replace("      env:", f"      volumes: {first[0]['volumes']}\n      env:"))
    assert site.run(alpha_service_overrides={"containers": [{"name": "alpha_api", "volumes": ["/srv/x:/data/x"]}]}) == ""
    (container,) = (item for item in site.stages("c1")["service"]["containers"] if item["name"] == "alpha_api")
    assert container["volumes"][:2] == ["data:/data", "/srv/x:/data/x"]


def test_a_file_of_a_definition_is_removed(site: Site) -> None:
    override = {
        "files": [{"path": "/etc/shared/greeting", "state": "absent"}, {"path": "/etc/alpha/more", "format": "text", "content": "x"}]
    }
    assert site.run(alpha_service_overrides=override) == ""
    assert {item["path"] for item in site.packed("c1")["files"]} == {f"alpha_api/config/{name}" for name in ("alpha.conf", "list", "more")}
    assert site.content("c1", "more") == "x"
    assert "debug = false" in site.content("c1", "alpha.conf")


def _formats(site: Site) -> None:
    """Add a file of each format that is merged."""
    service = (site.directory / "roles/alpha/vars/main.yml").read_text()
    files = [
        f"    - {{path: /etc/alpha/alpha.{form}, containers: [alpha_api], format: {form}, content: {{for: 5m, keep: 1}}}}\n"
        for form in ("yaml", "json")
    ]
    site.write("roles/alpha/vars/main.yml", service.replace("  databases:", f"{''.join(files)}  databases:"))


_VALUES: dict[str, t.Any] = {"my_list": ["a: b", 2], "my_map": {"x": {"y": None}}, "my_text": "up == 0", "my_none": None, "my_true": True}


def test_expressions_inside_overrides_are_written_in_the_format_of_their_file(site: Site) -> None:
    _formats(site)
    site.write(
        "config/alpha/alpha.yaml",
        "for: {{ my_none }}\nlist: {{ my_list }}\n{% if my_true %}\nmap: {{ my_map }}\n{% endif %}\nexpr: {{ my_text }} # {{ my_text }}\n"
        "on: {{ my_none | default(my_true, true) }}\nfirst: {{ 1 if my_none else my_list[1] }}\n{% raw %}label: '{{ $x }}'{% endraw %}\n",
    )
    site.write("config/alpha/alpha.json", '{"for": {{ none }}, "list": {{ my_list }}, "on": {{ true }}, "expr": "{{ my_text }}"}')
    site.write("config/alpha/alpha.conf", "[a]\non = {{ my_true }}\nnumber = {{ 1 + 1 }}\ntext = x {{- my_text -}} x\nlast = {{ omit }}\n")
    site.write("config/alpha/list", "{% for item in my_list %}\n{{ loop.index }} {{ item }}\n{% endfor %}\n")
    assert site.run(**_VALUES) == ""
    expected = {"keep": 1, "list": ["a: b", 2], "map": {"x": {}}, "expr": "up == 0", "first": 2, "label": "{{ $x }}", True: True}
    assert yaml.safe_load(site.content("c1", "alpha.yaml")) == expected
    assert json.loads(site.content("c1", "alpha.json")) == {"keep": 1, "list": ["a: b", 2], "on": True, "expr": "up == 0"}
    assert "[a]\non = true\nnumber = 2\ntext = xup == 0x\n" in site.content("c1", "alpha.conf")
    assert site.content("c1", "list") == "1 a: b\n2 2\n"


def test_an_expression_that_yields_no_text_is_refused_with_its_line(site: Site) -> None:
    _formats(site)
    places = {
        "config/groups/control/alpha/alpha.conf": ("[a]\nx = 1\ny = {{ my_list }}\n", "line 3: an expression yields a list"),
        "config/alpha/alpha.conf": ("[a]\n\nx = {{ none }}\n", "line 3: an expression yields no value"),
        "config/hosts/c1/alpha/alpha.conf": ("x = [{{ my_map }}]\n", "line 1: an expression yields a mapping"),
        "config/alpha/list": ("a {{ my_true }}\n", "line 1: an expression yields true or false"),
        "config/groups/all/alpha/list": ("{{ my_true }}\n", "line 1: an expression yields true or false"),
        "config/alpha/alpha.yaml": ("a: {{ }}\n", "Syntax error in template: Expected an expression"),
        "config/alpha/alpha.json": ("#jinja2: trim_blocks: false\n{}\n", "line 1: #jinja2: is not supported in overrides"),
    }
    for path, (text, _words) in places.items():
        site.write(path, text)
    output = site.run(**_VALUES)
    for path, (_text, words) in places.items():
        assert any(f"override {site.directory / path}: {words}" in line for line in output.splitlines()), (path, output)
