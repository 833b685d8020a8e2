# SPDX-License-Identifier: Apache-2.0
"""What overrides of an operator do to the model, through real runs of Ansible. No host is contacted."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import pytest

from tests.integration.test_model import Site

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
    assert file["sensitive"]
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
    (container,) = (item for item in site.result("c1")["waves"]["service"]["containers"] if item["name"] == "alpha_api")
    assert container["volumes"][:2] == ["data:/data", "/srv/x:/data/x"]


def test_a_file_of_a_definition_is_removed(site: Site) -> None:
    override = {
        "files": [{"path": "/etc/shared/greeting", "state": "absent"}, {"path": "/etc/alpha/more", "format": "text", "content": "x"}]
    }
    assert site.run(alpha_service_overrides=override) == ""
    assert {item["path"] for item in site.packed("c1")["files"]} == {f"alpha_api/config/{name}" for name in ("alpha.conf", "list", "more")}
    assert site.content("c1", "more") == "x"
    assert "debug = false" in site.content("c1", "alpha.conf")
