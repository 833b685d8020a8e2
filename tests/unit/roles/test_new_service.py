# SPDX-License-Identifier: Apache-2.0
"""What a new service takes: its role, and its entry in the list of the cloud's services. The one that is counted is made up."""

from __future__ import annotations

import filecmp
import inspect
import pathlib
import re
import typing as t

import pytest

from tests import definitions, docs, fake_cloud
from tests.scripts import load
from tests.unit.roles import test_definitions as rules
from tests.unit.roles import test_image_definitions as images
from tests.unit.roles import test_prober
from tests.unit.roles.rendering import ROOT, Host, render

#: The one file outside its role, and what it gets.
LIST = "roles/cloud/tasks/services.yml"
ENTRY = """
- name: Load the definition of Greeter
  ansible.builtin.import_role: {name: caisson.openstack.greeter, rolespec_validate: false}
"""


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The collection with one service more."""
    directory = tmp_path_factory.mktemp("collections") / "ansible_collections" / "caisson" / "openstack"
    (directory / "roles" / "cloud" / "tasks").mkdir(parents=True)
    for source in (*_files(ROOT), *_files(ROOT / "roles"), *_files(ROOT / "roles/cloud"), *_files(ROOT / "roles/cloud/tasks")):
        place = directory / source.relative_to(ROOT)
        if not place.exists():
            place.symlink_to(source)
    (directory / "roles" / "greeter").symlink_to(ROOT / "tests" / "greeter")
    (directory / LIST).unlink()
    (directory / LIST).write_text((ROOT / LIST).read_text("utf-8") + ENTRY, "utf-8")
    return directory


def _files(directory: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in sorted(directory.iterdir()) if not path.name.startswith(".")]


@pytest.fixture(scope="module")
def models(collection: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> list[Host]:
    variables = {"cloud_release": "2026.1", "cloud_host_capabilities": rules.HOST_CAPABILITIES_OF["2026.1"]}
    inventory = ROOT / "inventory" / "aio" / "hosts.yml"
    return list(render(inventory, tmp_path_factory.mktemp("models"), variables, collections=collection.parents[2]).values())


@pytest.fixture
def _with_it(collection: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    """What is read of the roles in this test is read of those of the collection with the new service."""
    for module in (definitions, docs, images):
        monkeypatch.setattr(module, "ROLES", collection / "roles")
    monkeypatch.setattr(images, "COMMON", collection / "roles" / "images")
    definitions.definitions.cache_clear()
    yield
    definitions.definitions.cache_clear()


def test_it_is_its_role_and_one_entry_in_one_list(collection: pathlib.Path) -> None:
    listed = [path for path in collection.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [str(path.relative_to(collection)) for path in listed] == [LIST]
    assert not filecmp.cmp(listed[0], ROOT / LIST, shallow=False)
    assert len(ENTRY.strip().splitlines()) == 2
    own = [path for path in (ROOT / "tests" / "greeter").rglob("*") if path.is_file()]
    assert len(own) <= 8
    assert sum(len(path.read_text("utf-8").splitlines()) for path in own) <= 220


def test_what_serves_all_services_names_none() -> None:
    """The suite itself has a list of services that it takes for granted; comments may tell of one."""
    services = [name for name, item in definitions.definitions().items() if "keystone" in item.get("requires", [])]
    names = re.compile(rf"\b({'|'.join(services)})(_\w+)?\b", re.IGNORECASE)
    found = {
        f"{path.relative_to(ROOT)}: {name[0]}"
        for role in ("backup", "prober", "rollout", "rollout_journal", "service", "tempest")
        for path in (ROOT / "roles" / role).rglob("*")
        if path.is_file() and path.parent.name != "meta" and path.suffix in (".py", ".yml", ".j2")
        for name in names.finditer(re.sub(r'""".*?"""|#.*?$', "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE))
    }
    assert found == {f"roles/tempest/vars/main/options.yml: {name}" for name in ("glance", "horizon", "neutron", "nova")}


def test_it_is_deployed_with_all_that_it_needs(models: list[Host]) -> None:
    (host,) = models
    assert {item["name"] for item in host["containers"] if item["service"] == "greeter"} == {"greeter_api", "greeter_agent"}
    assert [job["place"] for job in host["jobs"] if job["container"]["service"] == "greeter"] == ["greeter_api"]
    assert {item["name"] for item in host["accounts"]} >= {"greeter"}
    assert "greeting" in {item["type"] for item in host["endpoints"]}
    (balancer,) = (file["content"] for file in host["files"] if file["path"] == "haproxy/config/haproxy.cfg")
    assert ":8990" in balancer and ":18990" in balancer


def test_rollouts_wait_for_it_and_the_prober_and_the_verification_ask_it(models: list[Host]) -> None:
    (host,) = models
    gates = {gate["container"]: gate for gate in host["gates"]}
    assert gates["greeter_api"]["url"].endswith(":18990/v1/greetings?limit=1")
    assert gates["greeter_agent"]["agent"]["path"] == "/v1/agents?binary=greeter-agent"
    assert gates["greeter_agent"]["tier"] == "worker"
    assert host["probes"]["greeting"]["write"]["create_path"] == "/v1/greetings"
    assert host["resources"]["greeting"] == ["greetings"]


def test_the_prober_reads_and_writes_there_and_leaves_nothing(models: list[Host], monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (fake_cloud, test_prober):
        monkeypatch.setattr(module, "PROBES", models[0]["probes"])
    with fake_cloud.FakeCloud() as cloud:
        test_prober.test_each_api_is_read_and_written_by_turns_and_nothing_is_left(load("prober", "prober"), cloud, "greeting")


@pytest.mark.usefixtures("_with_it")
def test_it_keeps_the_rules_as_it_is(models: list[Host]) -> None:
    """No test has a list that it would have to be added to."""
    checks = [
        check for name, check in vars(rules).items() if name.startswith("test_") and list(inspect.signature(check).parameters) == ["models"]
    ]
    assert len(checks) > 8
    for check in checks:
        check(models)
    images.test_users_have_ids_of_their_own_and_the_last_word("2026.1")
    images.test_containers_run_as_the_user_of_their_image()
    images.test_images_of_containers_say_what_programs_they_must_have()


@pytest.mark.usefixtures("_with_it")
def test_the_documents_name_it_without_being_edited() -> None:
    assert ", Greeter |" in docs.services()[2]
    assert "| `greeter_agent` | `NET_BIND_SERVICE` | greet at the port that the protocol wants |" in docs.capabilities()
    assert "| 42499 | greeter | `greeter` |" in docs.users()
    assert "| `greeter_cache` | made again |" in docs.volumes()
    assert any("greeter_agent" in line for line in docs.tiers())
