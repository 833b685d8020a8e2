# SPDX-License-Identifier: Apache-2.0
"""A cloud keeps its identity: who comes with other secrets, another name or another host is refused, and not a byte has changed.

The runs have directories of their own in the place of /etc/caisson and /var/lib/caisson, so that a cloud of this machine has no part in it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import connect
from tests import plays
from tests.runs import kill

from .conftest import Lab

ROOT = pathlib.Path(__file__).parents[2]

_PLAY = """
- hosts: all
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - {import_role: {name: demo}}
    - {import_role: {name: caisson.openstack.host, tasks_from: check}, vars: {host_engine_needed: true}}
    - import_role: {name: caisson.openstack.service, tasks_from: rotate}
      vars: {service_rotation: {rotate: [demo_key], finished: move}}
      when: rotate | default('no') == 'yes'
    - import_role: {name: caisson.openstack.service}
"""
_DEMO = """
demo_required_secrets:
  - {name: demo_password}
  - {name: demo_key, type: hex}
demo_service:
  name: demo
  stage: service
  containers:
    - name: "{{ cloud_name }}-demo"
      image: python
      group: control
      command: [sleep, "86400"]
      env: {GREETING: "{{ greeting | default('hello') }}", KEY: "{{ cloud_secrets.demo_key | hash('sha256') }}"}
      volumes: ["{{ cloud_name }}-data:/data"]
      stop_timeout: 0
      healthcheck: {test: [CMD, "true"]}
  jobs:
    - {name: demo_wait, phase: bootstrap, container: "{{ cloud_name }}-demo", command: [sleep, "{{ pause | default(0) }}"]}
"""
#: The directories of the run take the place of the host's. They lie on file systems of their own, for what is mounted on a directory
#: of the host is gone once that is removed, as a cloud on this host does to its own.
_OWN_DIRECTORIES = """
mount -t tmpfs tmpfs /mnt
for place in etc var/lib; do
  mkdir -p /mnt/$place/upper /mnt/$place/work
  mount -t overlay overlay -o lowerdir=/$place,upperdir=/mnt/$place/upper,workdir=/mnt/$place/work /$place
  mkdir -p /$place/caisson
done
mount --bind "$0/etc" /etc/caisson
mount --bind "$0/var" /var/lib/caisson
exec "$@"
"""


class Site:
    """A cloud of one container, its host and its operators, each with a directory."""

    def __init__(self, directory: pathlib.Path, lab: Lab) -> None:
        self.lab = lab
        self.host = directory / "host"
        self.one, self.other = directory / "one", directory / "other"
        for path in (self.host / "etc", self.host / "var", self.one):
            path.mkdir(parents=True)
        (self.one / "roles/demo/vars").mkdir(parents=True)
        (self.one / "roles/demo/vars/main.yml").write_text(_DEMO)
        (self.one / "play.yml").write_text(_PLAY)
        (self.one / "password").write_text("hunter2\n")
        self.inventory("here")
        self._kept = directory / "kept"

    def inventory(self, host: str) -> None:
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "cloud_address": "127.0.9.8",
            "host_minimum_memory": 0,
            "host_minimum_disk": 0,
        }
        hosts = {"all": {"hosts": {host: variables}, "children": {"control": {"hosts": {host: {}}}}}}
        (self.one / "hosts.yml").write_text(yaml.safe_dump(hosts))

    def command(self, *arguments: str) -> list[str]:
        play = plays.command("hosts.yml", "play.yml", "-e", f"cloud_name={self.lab.cloud}", *arguments)
        return ["unshare", "--mount", "sh", "-ec", _OWN_DIRECTORIES, str(self.host), *play]

    def run(self, *arguments: str, where: pathlib.Path | None = None, check: bool = False) -> subprocess.CompletedProcess[str]:
        return plays.run(where or self.one, self.command(*arguments), check)

    def deployed(self, *arguments: str) -> str:
        return self.run(*arguments, check=True).stdout

    def state(self) -> dict[str, str]:
        """Return digests of all that belongs to the cloud: files of the host and the operator, containers, volumes."""
        found = {}
        for root in (self.host, self.one):
            for path in sorted(path for path in root.rglob("*") if path.is_file()):
                found[str(path)] = f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        client = self.lab.client
        for row in client.containers(all=True, filters={"label": self.lab.label}):
            state = client.inspect_container(row["Id"])["State"]
            found[row["Id"]] = " ".join(str(state[key]) for key in ("Status", "Pid", "StartedAt"))
        volumes = [volume["Name"] for volume in client.volumes()["Volumes"] or [] if volume["Name"].startswith(self.lab.cloud)]
        return {**found, "volumes": " ".join(sorted(volumes))}

    @property
    def secrets(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", yaml.safe_load((self.one / "secrets.yml").read_text())["cloud_secrets"])

    def edit_secrets(self, **changes: t.Any) -> None:
        """Change secrets by hand; None removes one."""
        values = {name: value for name, value in {**self.secrets, **changes}.items() if value is not None}
        (self.one / "secrets.yml").write_text(yaml.safe_dump({"cloud_secrets": values}))

    def edit_records(self, **changes: t.Any) -> None:
        """Make the host remember something else."""
        state, copy = self.host / "var/state.json", self.host / "etc/cloud.json"
        data = json.loads(state.read_text())
        data["identity"].update(changes)
        state.write_text(json.dumps(data))
        copy.write_text(json.dumps(data["identity"]))

    def keep(self) -> None:
        for path in (self.host, self.one):
            shutil.copytree(path, self._kept / path.name)

    def bring_back(self) -> None:
        for path in (self.host, self.one):
            shutil.rmtree(path)
            shutil.copytree(self._kept / path.name, path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    """A cloud that runs."""
    lab = Lab(connect())
    site = Site(tmp_path_factory.mktemp("site"), lab)
    try:
        site.deployed()
        shutil.copy(site.one / "secrets.yml", site.one / "older.yml")
        site.deployed("-e", "rotate=yes")
        site.keep()
        yield site
    finally:
        lab.clean()


@pytest.fixture
def site(made: Site) -> t.Iterator[Site]:
    """The same, as it was, whatever a test did to its files."""
    yield made
    made.bring_back()


@dataclasses.dataclass(frozen=True)
class Case:
    """What is wrong, and what a run says of it."""

    name: str
    prepare: t.Callable[[Site], t.Any]
    says: tuple[str, ...]
    arguments: tuple[str, ...] = ()


def _remove(*names: str) -> t.Callable[[Site], None]:
    def remove(site: Site) -> None:
        for name in names:
            (site.one.parent / name).unlink()

    return remove


def _write(name: str, text: str) -> t.Callable[[Site], t.Any]:
    return lambda site: (site.one.parent / name).write_text(text)


def _encrypt(site: Site) -> None:
    subprocess.run([plays.BIN / "ansible-vault", "encrypt", "--vault-password-file", "password", "secrets.yml"], cwd=site.one, check=True)


CASES = [
    Case("secrets file missing", _remove("one/secrets.yml"), ("secrets.yml does not exist", "generated again", "host_recreate_cloud_with")),
    Case("secrets file empty", _write("one/secrets.yml", ""), ("secrets.yml holds no secrets",)),
    Case("secrets file cut off", lambda site: site.edit_secrets(demo_key=None), ("lacks demo_key, which cloud", "Restore the right file")),
    Case("without its identity", lambda site: site.edit_secrets(cloud_identity=None), ("lacks cloud_identity",)),
    Case("broken YAML", _write("one/secrets.yml", "cloud_secrets: {demo_key: 'ab"), ("cannot keep the secrets", "it is not YAML")),
    Case("of another cloud", lambda site: site.edit_secrets(cloud_identity="ab" * 32), ("holds the secrets of another one",)),
    Case("older", lambda site: shutil.copy(site.one / "older.yml", site.one / "secrets.yml"), ("is older than cloud", "at generation 1")),
    Case(
        "changed apart",
        lambda site: site.edit_secrets(generation={"number": 9, "history": ["0a0b0c0d"]}),
        ("two copies that were changed apart", "at generation 9"),
    ),
    Case("vault without its password", _encrypt, ("cannot keep the secrets", "--vault-password-file")),
    Case("state file lost", _remove("host/var/state.json"), ("state.json of this host is lost", "host_belongs_to_this_inventory_now=here")),
    Case("both copies lost", _remove("host/var/state.json", "host/etc/cloud.json"), ("runs containers of cloud", "state.json is lost")),
    Case("state file cut off", _write("host/var/state.json", '{"jobs": {'), ("cannot read /var/lib/caisson/state.json",)),
    Case("state file of nobody", _write("host/var/state.json", "{}"), ("or is not the one that belongs to cloud",)),
    Case(
        "disk of another machine",
        lambda site: site.edit_records(machine={"product": "0", "system": "0"}),
        ("was written on another machine", "its disk is a copy, or was moved"),
    ),
    Case("host renamed", lambda site: site.inventory("Node-1"), ("this machine is host here of cloud", "the inventory calls it Node-1")),
    Case(
        "cloud renamed",
        lambda _site: None,
        ("cloud_name was changed: this host runs cloud", "A cloud keeps its name"),
        ("-e", "cloud_name=renamed"),
    ),
    Case(
        "claimed by two inventories",
        _remove("one/secrets.yml"),
        ("this host belongs to cloud", "two inventories claim it"),
        ("-e", "cloud_name=another"),
    ),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_it_is_refused_and_not_a_byte_changes(site: Site, case: Case) -> None:
    case.prepare(site)
    before = site.state()
    done = site.run(*case.arguments)
    assert done.returncode, done.stdout
    message = re.sub(r"\s+", " ", done.stdout)
    assert all(word in message for word in case.says), done.stdout
    assert "changed=0" in done.stdout
    assert "hunter2" not in message
    assert site.state() == before


def test_a_second_checkout_is_refused_and_makes_no_secrets(site: Site) -> None:
    shutil.copytree(site.one, site.other, ignore=shutil.ignore_patterns("secrets.yml"))
    before = site.state()
    done = site.run(where=site.other)
    assert "does not exist: its secrets would be generated again" in done.stdout
    assert site.state() == before
    assert not (site.other / "secrets.yml").exists()
    shutil.rmtree(site.other)


def test_a_run_without_changes_leaves_the_host_alone(site: Site) -> None:
    before = site.state()
    assert "changed=0" in site.deployed()
    assert site.state() == before


def test_deliberate_changes_go_on_working(site: Site) -> None:
    # a secret by hand, a rotation, an encrypted file, other words for the same
    site.edit_secrets(demo_key="cd" * 32)
    assert "changed=0" not in site.deployed()
    site.deployed("-e", "rotate=yes")
    _encrypt(site)
    site.deployed("--vault-password-file", "password")


def test_an_operator_may_consent(site: Site) -> None:
    site.edit_secrets(cloud_identity="ab" * 32)
    assert site.run("-e", "host_recreate_cloud_with_these_secrets=other").returncode
    site.deployed("-e", f"host_recreate_cloud_with_these_secrets={site.lab.cloud}")
    site.deployed()
    site.edit_records(machine={"product": "0", "system": "0"})
    assert site.run("-e", "host_belongs_to_this_inventory_now=there").returncode
    site.deployed("-e", "host_belongs_to_this_inventory_now=here")
    site.deployed()


@pytest.mark.parametrize("known", [True, False], ids=["the right file", "another file"])
def test_a_cloud_of_before_is_recognised_by_its_secrets(site: Site, known: bool) -> None:
    state = site.host / "var/state.json"
    data = json.loads(state.read_text())
    del data["identity"]
    state.write_text(json.dumps(data))
    (site.host / "etc/cloud.json").unlink()
    (site.host / "etc/demo").mkdir()
    (site.host / "etc/demo/demo.conf").write_text(f"[demo]\nurl = demo://{site.secrets['demo_password']}@host\n")
    site.edit_secrets(cloud_identity=None, generation=None, **({} if known else {"demo_password": "x" * 32, "demo_key": "ee" * 32}))
    before = site.state()
    done = site.run()
    assert (done.returncode == 0) is known, done.stdout
    if known:
        assert json.loads(state.read_text())["identity"]["fingerprint"]
    else:
        assert "none of the secrets in" in done.stdout
        assert site.state() == before


def test_volumes_of_an_earlier_cloud_are_noticed(site: Site) -> None:
    for row in site.lab.client.containers(all=True, filters={"label": site.lab.label}):
        site.lab.client.remove_container(row["Id"], force=True)
    for path in (site.host / "var", site.host / "etc"):
        shutil.rmtree(path)
        path.mkdir()
    (site.one / "secrets.yml").unlink()
    before = site.state()
    done = site.run()
    assert done.returncode
    # no secrets were made either
    assert site.state() == before
    assert f"has volumes of an unknown cloud: {site.lab.cloud}-data" in done.stdout
    site.bring_back()
    site.deployed()


def test_the_second_of_two_operators_is_told_of_the_first(site: Site) -> None:
    change = ("-e", "pause=60", "-e", "greeting=slowly")
    first = subprocess.Popen(site.command(*change), cwd=site.one, env=plays.environment(), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not (site.host / "var/run.json").exists() or not json.loads((site.host / "var/run.json").read_text())["holder"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        second = site.run("-e", "greeting=quickly")
    finally:
        kill(first)
    assert second.returncode
    assert re.search(
        r"\w+ on \S+ \(pid \d+\) has been changing this host since \d{4}-\S+ \S+ UTC and was last seen \d+ s ago", second.stdout
    )
    # it was killed, on the same machine
    site.deployed("-e", "greeting=quickly")
    assert json.loads((site.host / "var/run.json").read_text())["holder"] is None
