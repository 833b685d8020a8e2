# SPDX-License-Identifier: Apache-2.0
"""A run without changes looks at a host twice: what else it asks in these two calls, and when it does not."""

from __future__ import annotations

import pathlib
import typing as t
from unittest import mock

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import Outcome
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal_file import JournalFile
from ansible_collections.caisson.openstack.plugins.modules import host_check, host_plan
from tests.unit.rollouts import a_rollout

ROLES = pathlib.Path(__file__).parents[4] / "roles"
AUTH = {"auth_url": "https://192.0.2.1:5000/v3", "username": "admin", "password": "p", "project_name": "admin", "ca_certificates": ""}
DATABASE = {"name": "glance", "user": "glance", "password": "p"}
PARAMS: dict[str, t.Any] = {
    "databases": [],
    "database_container": "mariadb",
    "auth": None,
    "auth_job": "keystone_bootstrap",
    "auth_external": False,
    "database_server": None,
    "database_moved": False,
    "users": [{"name": "glance", "password": "p", "roles": ["service"]}],
    "endpoints": [],
    "project": "service",
    "region": "RegionOne",
}


def shared(tmp_path: pathlib.Path, *outcomes: Outcome, **params: t.Any) -> tuple[dict[str, list[str]], list[str]]:
    """Return what would change in the databases and in the catalog, and which of them were asked."""
    asked: list[str] = []
    with (
        mock.patch.object(host_plan.databases, "observe", lambda *_args: _noted(asked, "database")),
        mock.patch.object(host_plan.catalog, "observe", lambda *_args, **_wanted: _noted(asked, "catalog")),
    ):
        return host_plan._shared({**PARAMS, **params}, mock.MagicMock(), StateFile(str(tmp_path / "state.json")), list(outcomes)), asked


def _noted(asked: list[str], name: str) -> list[str]:
    asked.append(name)
    return [f"{name}: it does not exist"]


def test_a_host_that_is_given_neither_databases_nor_a_login_asks_nobody(tmp_path: pathlib.Path) -> None:
    assert shared(tmp_path) == ({"database": [], "catalog": []}, [])


def test_databases_and_catalog_are_compared_where_they_are_given(tmp_path: pathlib.Path) -> None:
    changes, asked = shared(tmp_path, databases=[DATABASE], auth=AUTH)
    assert changes == {"database": ["database: it does not exist"], "catalog": ["catalog: it does not exist"]}
    assert asked == ["database", "catalog"]


@pytest.mark.parametrize(
    ("name", "reason", "asks"),
    [("keystone_bootstrap", "triggers changed", False), ("keystone_bootstrap", "it never ran", True), ("other", "triggers changed", True)],
)
def test_keystone_is_not_asked_with_a_password_that_it_gets_in_this_run(tmp_path: pathlib.Path, name: str, reason: str, asks: bool) -> None:
    outcome = Outcome(name, "job", "keystone", "run", [reason])
    assert ("catalog" in shared(tmp_path, outcome, databases=[DATABASE], auth=AUTH)[1]) is asks


def test_the_check_of_a_host_tells_what_it_offers_and_how_far_a_rollout_is(tmp_path: pathlib.Path) -> None:
    JournalFile(tmp_path / "rollout.json").replace(a_rollout())
    params = {"host_capabilities": True, "journal": True, "cloud": "example", "libvirt_image": "libvirt:1", "address": "192.0.2.11"}
    offered = ({"virt_type": "kvm"}, {"virt_type": "a guest booted"})
    with (
        mock.patch.object(host_check.host_capabilities, "detect", return_value=offered) as detect,
        mock.patch.object(host_check, "DEFAULT_PATH", tmp_path / "rollout.json"),
    ):
        found = host_check._facts(params, remember=False)
        assert host_check._facts({**params, "host_capabilities": False, "journal": False}, remember=True) == {}
    detect.assert_called_once_with("example", "libvirt:1", "192.0.2.11", params, False)
    assert found["ansible_facts"] == {"cloud_host_capabilities": {"virt_type": "kvm"}}
    assert (found["journal"]["phase"], found["journal"]["updates"]) == ("verified", [])


def _modules(path: str) -> list[dict[str, t.Any]]:
    """Return the tasks of a file and of those that it imports, each with its module as ``module``."""
    found: list[dict[str, t.Any]] = []
    for task in yaml.safe_load((ROLES / path).read_text("utf-8")):
        if "ansible.builtin.import_tasks" in task:
            found += _modules(f"{path.split('/', maxsplit=1)[0]}/tasks/{task['ansible.builtin.import_tasks']}")
        elif "ansible.builtin.import_role" in task:
            role = task["ansible.builtin.import_role"]
            found += _modules(f"{role['name'].rpartition('.')[2]}/tasks/{role['tasks_from']}.yml")
        else:
            # what Ansible itself offers, such as assert, runs on the controller
            own = [key for key in task if key.startswith("caisson.openstack.")]
            found += [{"module": key.rpartition(".")[2], **task} for key in own]
    return found


def test_a_run_without_changes_starts_two_modules_on_each_host() -> None:
    on_controller = {"inventory_check", "hosts_check", "secrets", "model", "plan"}
    tasks = [task for task in _modules("host/tasks/check.yml") + _modules("service/tasks/plan.yml") if task["module"] not in on_controller]
    always = [task["module"] for task in tasks if "when" not in task and "loop" not in task]
    assert always == ["host_check", "host_plan"]
    # of control hosts that take no part in the run, and where no check of the host came before
    others = {task["module"]: task.get("when") or task.get("loop") for task in tasks if task["module"] not in always}
    hosts = "{{ rollout_journal_read_hosts | default(rollout_journal_hosts) }}"
    assert others == {"rollout": hosts, "host_capabilities_facts": "not __service_looked"}


def test_a_container_is_not_used_while_the_databases_are_in_an_external_server(tmp_path: pathlib.Path) -> None:
    StateFile(str(tmp_path / "state.json")).put("databases", "server", "the external server 192.0.2.50:3306")
    with pytest.raises(
        host_plan.ExternalDatabaseError, match=r"are in the external server 192.0.2.50:3306, and container mariadb does not"
    ):
        shared(tmp_path, databases=[DATABASE])
    assert shared(tmp_path, databases=[DATABASE], database_moved=True)[1] == ["database"]
