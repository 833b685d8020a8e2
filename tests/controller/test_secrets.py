# SPDX-License-Identifier: Apache-2.0
"""The file of secrets, kept by real runs of Ansible."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml

_REPOSITORY = pathlib.Path(__file__).parents[2]
_BIN = pathlib.Path(sys.executable).parent
#: Fernet keys.
_ONE, _TWO = (base64.urlsafe_b64encode(digit * 32).decode() for digit in (b"1", b"2"))
_PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  roles: [demo]
  tasks:
    - caisson.openstack.secrets:
        file: "{{ file }}"
        rotate: "{{ rotate | default([]) }}"
        finished: "{{ finished | default('none') }}"
      register: kept
    - ansible.builtin.copy: {content: "{{ kept | to_json }}", dest: "{{ result }}", mode: "0600"}
      check_mode: false
"""
_ROLE = """
demo_required_secrets:
  - {name: demo_password}
  - {name: demo_keys, type: fernet_keys}
  - {name: demo_login, user: demo}
"""
_CERTIFICATES = """
demo_required_certificates:
  - {name: demo_certificate, authority: demo_ca, hosts: [192.0.2.1, demo.example.org]}
"""


class Site:
    """A playbook with one role that needs three secrets."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.file = directory / "new" / "secrets.yml"
        (directory / "roles/demo/vars").mkdir(parents=True)
        (directory / "roles/demo/vars/main.yml").write_text(_ROLE)
        (directory / "play.yml").write_text(_PLAYBOOK)
        for name in "ab":
            (directory / f"vault-{name}").write_text(f"password-{name}\n")

    def tool(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(_REPOSITORY / ".dev"), "ANSIBLE_LOCALHOST_WARNING": "0"}
        return subprocess.run([_BIN / name, *arguments], cwd=self.directory, env=environment, capture_output=True, text=True, check=False)

    def run(self, *arguments: str, rotate: t.Sequence[str] = (), finished: str = "none", result: str = "result") -> dict[str, t.Any]:
        """Run the playbook; return what the task returned, with all that was printed as ``output``."""
        variables = {"file": str(self.file), "rotate": list(rotate), "finished": finished, "result": str(self.directory / result)}
        done = self.tool("ansible-playbook", "play.yml", "-e", json.dumps(variables), "-vvv", "--diff", *arguments)
        if done.returncode:
            return {"failed": True, "output": done.stdout + done.stderr}
        return {**json.loads((self.directory / result).read_text()), "output": done.stdout + done.stderr}

    def vault(self, name: str) -> list[str]:
        return ["--vault-id", f"{name}@vault-{name}"]


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Site:
    return Site(tmp_path)


def test_secrets_are_made_once(site: Site) -> None:
    first = site.run()
    assert (first["changed"], first["generated"], first["phase"]) == (True, ["demo_password", "demo_keys", "demo_login"], "none")
    assert f"{site.file.stat().st_mode & 0o7777:o}" == "600"
    assert yaml.safe_load(site.file.read_text()) == {"cloud_secrets": first["secrets"]}
    before = site.file.read_bytes()
    second = site.run()
    assert (second["changed"], second["secrets"]) == (False, first["secrets"])
    assert site.file.read_bytes() == before
    assert [path.name for path in site.file.parent.iterdir()] == ["secrets.yml"]


def test_no_value_is_ever_printed(site: Site) -> None:
    """The second task would show its content only in a diff, so only the first counts here."""
    shown = site.run()
    task = shown["output"].split("TASK [caisson.openstack.secrets]")[1].split("TASK [")[0]
    assert shown["secrets"]["demo_password"] not in task
    assert all(key not in task for key in shown["secrets"]["demo_keys"])


def test_check_mode_makes_and_writes_nothing(site: Site) -> None:
    planned = site.run("--check")
    assert (planned["changed"], planned["generated"]) == (True, ["demo_password", "demo_keys", "demo_login"])
    assert not site.file.parent.exists()


def test_an_operators_own_file_is_kept_as_it_is(site: Site) -> None:
    site.file.parent.mkdir()
    own = "# mine\ncloud_secrets:\n  demo_password: chosen  # by me\n  more: '{{ not_for_ansible }}'\nother: [1]\n"
    site.file.write_text(own)
    done = site.run()
    assert done["generated"] == ["demo_keys", "demo_login"]
    assert done["secrets"]["demo_password"] == "chosen"
    lines = site.file.read_text().splitlines(keepends=True)
    assert "".join(line for line in lines if "demo_keys" not in line and "demo_login" not in line) == own


def test_rotation_replaces_what_is_named(site: Site) -> None:
    first = site.run()["secrets"]
    begun = site.run(rotate=["demo_keys"])
    assert (begun["changed"], begun["phase"], begun["rotating"]) == (True, "move", ["demo_keys"])
    assert begun["secrets"]["demo_password"] == first["demo_password"]
    assert begun["secrets"]["demo_keys"][-1] == first["demo_keys"][0]
    done = site.run(finished="move")
    assert (done["changed"], done["phase"], done["secrets"]) == (True, "none", begun["secrets"])
    refused = site.run(rotate=["demo_kyes"])
    assert "cannot rotate demo_kyes: no enabled service of this play needs a secret of that name" in refused["output"]


@pytest.mark.parametrize("place", ["demo_service", "demo_service_overrides"])
def test_secrets_of_a_disabled_service_are_made_but_not_rotated(site: Site, place: str) -> None:
    """Nothing would encrypt its data with a new key before the old one is dropped."""
    with (site.directory / "roles/demo/vars/main.yml").open("a") as stream:
        stream.write(f"{place}: {{enabled: '{{{{ on }}}}'}}\n")
    first = site.run("-e", "on=false")
    assert first["generated"] == ["demo_password", "demo_keys", "demo_login"]
    kept = site.run("-e", "on=false", rotate=["all"])
    assert (kept["phase"], kept["rotating"], kept["secrets"]) == ("none", [], first["secrets"])
    assert "cannot rotate demo_keys" in site.run("-e", "on=false", rotate=["demo_keys"])["output"]
    assert site.run("-e", "on=true", rotate=["all"])["rotating"] == ["demo_keys", "demo_login"]


def test_a_rotation_of_an_account_is_in_the_file_at_each_step(site: Site) -> None:
    old = site.run()["secrets"]["demo_login"]
    begun = site.run(rotate=["all"])
    assert (begun["phase"], begun["rotating"], begun["secrets"]["demo_login"]) == ("accept", ["demo_keys", "demo_login"], old)
    new = begun["accounts"]["demo_login"]["alternate"]["password"]
    assert begun["accounts"]["demo_login"] == {"pair": ["demo", "demo_b"], "user": "demo", "alternate": {"user": "demo_b", "password": new}}
    text = site.file.read_text()
    assert old in text and new in text
    # cut off and begun again, or asked by site, it is the same one
    for again in (site.run(rotate=["demo_password"]), site.run(), site.run(finished="move")):
        assert (again["changed"], again["accounts"], again["phase"]) == (False, begun["accounts"], "accept")
    moving = site.run(finished="accept")
    assert moving["accounts"]["demo_login"] == {
        "pair": ["demo", "demo_b"],
        "user": "demo_b",
        "alternate": {"user": "demo", "password": old},
    }
    assert moving["secrets"]["demo_login"] == new
    assert site.run("--check", finished="move")["phase"] == "retire"
    retiring = site.run(finished="move")
    assert (retiring["phase"], retiring["secrets"]["demo_login"]) == ("retire", new)
    assert retiring["accounts"]["demo_login"] == {
        "pair": ["demo", "demo_b"],
        "user": "demo_b",
        "alternate": {"user": "demo", "password": ""},
    }
    done = site.run(finished="retire")
    assert (done["phase"], done["accounts"]["demo_login"]) == ("none", {"pair": ["demo", "demo_b"], "user": "demo_b", "alternate": None})
    assert old not in site.file.read_text()
    assert yaml.safe_load(site.file.read_text())["cloud_secrets"]["demo_login"] == new


def test_a_password_that_is_set_as_a_variable_is_not_rotated(site: Site) -> None:
    old = site.run()["secrets"]
    (site.directory / "roles/demo/defaults").mkdir()
    defaults = 'demo_login: "{{ cloud_secrets.demo_login }}"\ndemo_keys: "{{ cloud_secrets.demo_keys }}"\n'
    (site.directory / "roles/demo/defaults/main.yml").write_text(defaults)
    refused = site.run("-e", "demo_login=chosen", rotate=["demo_login"])
    assert "cannot rotate demo_login: a variable of that name sets it, not this file; change it there" in refused["output"]
    done = site.run("-e", "demo_login=chosen", rotate=["all"])
    assert (done["rotating"], done["secrets"]["demo_login"]) == (["demo_keys"], old["demo_login"])


def test_no_value_of_a_rotation_is_ever_printed(site: Site) -> None:
    site.run()
    for step in ({"rotate": ["all"]}, {"finished": "accept"}, {"finished": "move"}):
        done = site.run(**step)
        values = [done["secrets"]["demo_login"], *done["secrets"]["demo_keys"], (done["accounts"]["demo_login"]["alternate"])["password"]]
        task = done["output"].split("TASK [caisson.openstack.secrets]")[1].split("TASK [")[0]
        assert not [value for value in filter(None, values) if value in task]


def test_certificates_are_made_and_follow_the_hosts_that_they_are_for(site: Site) -> None:
    role = site.directory / "roles/demo/vars/main.yml"
    role.write_text(_ROLE + _CERTIFICATES)
    first = site.run()
    assert first["certificates"] == ["demo_ca", "demo_certificate"]
    assert first["secrets"]["demo_ca"] not in first["output"].split("TASK [caisson.openstack.secrets]")[1].split("TASK [")[0]
    assert (site.run()["changed"], site.run()["certificates"]) == (False, [])
    role.write_text(_ROLE + _CERTIFICATES.replace("192.0.2.1", "192.0.2.2"))
    moved = site.run()
    assert (moved["changed"], moved["certificates"]) == (True, ["demo_certificate"])
    assert moved["secrets"]["demo_ca"] == first["secrets"]["demo_ca"]
    assert site.run()["changed"] is False


def test_a_certificate_that_was_damaged_is_refused_and_not_quoted(site: Site) -> None:
    (site.directory / "roles/demo/vars/main.yml").write_text(_ROLE + _CERTIFICATES)
    site.file.parent.mkdir()
    site.file.write_text("cloud_secrets: {demo_ca: hunter2}\n")
    refused = site.run()
    assert "nothing was changed: demo_ca contains no PEM certificate" in refused["output"]
    assert "hunter2" not in refused["output"]


def test_a_secret_that_the_file_has_twice_is_refused(site: Site) -> None:
    site.file.parent.mkdir()
    text = "cloud_secrets:\n  demo_password: hunter2-one\n  more: x\n  demo_password: hunter2-two\n"
    site.file.write_text(text)
    refused = site.run()
    assert "nothing was changed: line 4 gives a value for the same name as line 2" in refused["output"]
    assert "hunter2" not in refused["output"]
    assert site.file.read_text() == text


def test_a_file_that_others_may_read_is_closed(site: Site) -> None:
    site.run()
    site.file.chmod(0o644)
    assert site.run("--check")["changed"] is True
    assert site.run()["changed"] is True
    assert f"{site.file.stat().st_mode & 0o7777:o}" == "600"


def test_an_encrypted_file_stays_encrypted_with_its_own_password(site: Site) -> None:
    first = site.run()["secrets"]
    encrypted = site.tool("ansible-vault", "encrypt", *site.vault("b"), "--encrypt-vault-id", "b", str(site.file))
    assert encrypted.returncode == 0, encrypted.stderr
    before = site.file.read_bytes()
    assert site.run(*site.vault("a"), *site.vault("b"))["changed"] is False
    assert site.file.read_bytes() == before
    done = site.run(*site.vault("a"), *site.vault("b"), rotate=["demo_password"])
    done = site.run(*site.vault("a"), *site.vault("b"), finished="move")
    assert done["secrets"]["demo_keys"] == first["demo_keys"]
    assert done["secrets"]["demo_password"] != first["demo_password"]
    assert site.file.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;b\n")
    shown = site.tool("ansible-vault", "view", *site.vault("b"), str(site.file))
    kept = yaml.safe_load(shown.stdout)["cloud_secrets"]
    assert {name: value for name, value in kept.items() if name != "rotation"} == done["secrets"]


@pytest.mark.parametrize("password", [[], ["a"]], ids=["none", "wrong"])
def test_without_the_right_password_nothing_is_lost(site: Site, password: list[str]) -> None:
    site.run()
    site.tool("ansible-vault", "encrypt", *site.vault("b"), str(site.file))
    before = site.file.read_bytes()
    refused = site.run(*(argument for name in password for argument in site.vault(name)), rotate=["demo_password"])
    assert f"cannot keep the secrets in {site.file}; nothing was changed" in refused["output"]
    assert "--vault-password-file" in refused["output"]
    assert site.file.read_bytes() == before


def test_a_value_that_is_encrypted_by_itself_stays_so(site: Site) -> None:
    value = site.tool("ansible-vault", "encrypt_string", *site.vault("a"), "chosen").stdout
    site.file.parent.mkdir()
    site.file.write_text(f"cloud_secrets:\n  demo_password: {value}")
    done = site.run(*site.vault("a"))
    assert (done["generated"], done["secrets"]["demo_password"]) == (["demo_keys", "demo_login"], "chosen")
    assert value.strip() in site.file.read_text()


def test_what_follows_a_value_that_is_encrypted_by_itself_is_encrypted_too(site: Site) -> None:
    site.run()
    login = site.tool("ansible-vault", "encrypt_string", *site.vault("a"), "chosen").stdout
    site.file.write_text(f"cloud_secrets:\n  demo_login: {login}  demo_keys: [!vault {json.dumps(_ciphertext(site))}, {_TWO}]\n")
    new = None
    for step in ({"rotate": ["all"]}, {}, {"finished": "accept"}, {"finished": "move"}, {"finished": "retire"}, {}):
        done = site.run(*site.vault("a"), **step)
        if done["phase"] == "accept":
            assert done["secrets"]["demo_login"] == "chosen"
            new = done["accounts"]["demo_login"]["alternate"]["password"]
        text = site.file.read_text()
        assert not [value for value in (new, "chosen", _ONE, *done["secrets"]["demo_keys"][:1]) if value and f'"{value}"' in text]
        assert text.count("$ANSIBLE_VAULT;1.2;AES256;a") >= 2
    assert (done["secrets"]["demo_login"], done["secrets"]["demo_keys"][1:]) == (new, [_TWO, _ONE])


def _ciphertext(site: Site) -> str:
    """Return the first key as ansible-vault encrypts a value."""
    lines = site.tool("ansible-vault", "encrypt_string", *site.vault("a"), _ONE).stdout.splitlines()[1:]
    return "".join(f"{line.strip()}\n" for line in lines)


@pytest.mark.parametrize("text", ["- hunter2\n", "cloud_secrets: hunter2\n", "cloud_secrets: [hunter2\n", "a: *hunter2\n"])
def test_a_broken_file_is_refused_and_not_quoted(site: Site, text: str) -> None:
    site.file.parent.mkdir()
    site.file.write_text(text)
    refused = site.run()
    assert f"cannot keep the secrets in {site.file}; nothing was changed" in refused["output"]
    assert "hunter2" not in refused["output"]
    assert site.file.read_text() == text


def test_two_first_runs_at_once_agree(site: Site) -> None:
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda number: site.run(result=f"result{number}"), range(3)))
    assert done[0]["secrets"] == done[1]["secrets"] == done[2]["secrets"]
    assert sorted(item["changed"] for item in done) == [False, False, True]
