# SPDX-License-Identifier: Apache-2.0
"""What a rollout does with a host that fails in its step or does not stay up afterwards: the tasks of the role, run by Ansible.

What they call, the host's engine, its load balancer and the journals, is a fake that writes down how it is called.
"""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.common import packed
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import TIERS
from tests.unit.roles import fake_role

ROLE = pathlib.Path(__file__).parents[3] / "roles/rollout"
FAKES = ("host_step", "containers_soak", "revert_jobs", "rollout", "backend_servers", "rollout_report", "container_script")
UPDATES = [("compute", "nova_compute"), ("conductor", "nova_conductor"), ("api", "nova_api"), ("compute", "libvirt")]
VARIABLES = {
    "rollout_current": {
        "journal": {"id": "r1"},
        "updates": {"aio": [{"tier": tier, "container": name} for tier, name in UPDATES]},
        "tiers": ["conductor", "api", "compute"],
        "containers_by_tier": {"api": {"aio": ["nova_api"]}},
    },
    "service_model": {
        "parts": packed.pack(
            {
                "gates": [{"container": "nova_api", "backend": "nova_api", "agent": "", "url": ""}],
                "stages": {},
                "hooks": [],
                "rollout_jobs": {"revert": [{"name": "back"}]},
            }
        ),
        "files": "",
        "containers": [],
    },
    "prober_figures": {"figures": {}},
    "prober_host": "aio",
    "loadbalancer_group": "control",
    "cloud_name": "example",
    "cloud_region": "one",
    "cloud_admin_auth": {},
    "cloud_image_prefix": "",
    "cloud_image_tag": "1",
}
UP = {"container_script ": {"result": {"seconds": {"aio": 1.0}, "errors": {}}}}
READ = {"journal": {"id": "r1", "revision": 1, "events": [{"at": 0}]}, "changed": False}


@dataclasses.dataclass
class Run:
    """How a run ended, and what it called: each call in short."""

    code: int
    text: str
    calls: list[str]


@pytest.fixture
def run(tmp_path: pathlib.Path) -> t.Callable[..., Run]:
    """Runs tasks of the role on a host that is a control host as well."""

    def call(tasks: str, answers: dict[str, t.Any], **variables: t.Any) -> Run:
        role = {"import_role": {"name": "caisson.openstack.rollout", "tasks_from": tasks}}
        play = {"hosts": "all", "gather_facts": False, "tasks": [role]}
        # those of the host, because a host is asked for what others know of it
        host = {"ansible_connection": "local", **VARIABLES, **variables}
        inventory = {"control": {"hosts": {"aio": host}}}
        roles = ["hypervisor", "rollout", "rollout_journal", "service"]
        done = fake_role.run(tmp_path, [play], inventory, roles, FAKES, {"rollout read": READ, **UP, **answers})
        return Run(done.code, done.text, [_short(item) for item in done.calls])

    return call


def _short(item: dict[str, t.Any]) -> str:
    if "only" in item:
        seconds = [f"{key}={item[key]}" for key in ("soak", "uptime") if int(item.get(key) or 0)]
        return " ".join([item["name"], *filter(None, [item.get("state")]), *item["only"], *seconds])
    if item["name"] == "rollout" and item["state"] == "noted":
        return " ".join(filter(None, ["noted", item["phase"], item["tier"], item["event"], item.get("detail")]))
    step = item.get("parameters", {}).get("step")
    return " ".join(filter(None, [item["name"], item.get("state"), *item.get("backends", []), step]))


def _unstable(*names: str) -> dict[str, t.Any]:
    return {"containers_soak ": {"failed": True, "msg": "containers did not stay up: api", "unstable": names}}


ALL = "nova_compute nova_conductor nova_api libvirt"
WHY = "recheck | Check that the containers stayed up: containers did not stay up: api"


def test_what_stays_up_is_only_looked_at(run: t.Callable[..., Run]) -> None:
    done = run("recheck", {}, rollout_soak=60)
    assert (done.code, done.calls) == (0, [f"containers_soak {ALL} uptime=60"]), done.text


def test_the_tier_that_was_updated_last_is_put_back_if_it_does_not_stay_up(run: t.Callable[..., Run]) -> None:
    done = run("recheck", _unstable("libvirt"))
    assert done.calls == [
        f"containers_soak {ALL} uptime=75",
        f"noted roll compute failed {WHY}",
        "revert_jobs",
        # all of its tier
        "host_step reverted nova_compute libvirt",
        "noted roll compute reverted",
        "rollout read",
        "rollout_report",
    ], done.text
    assert done.code != 0
    assert "aio was restored: tier compute (nova_compute, libvirt) is in its former state" in done.text
    assert WHY in done.text


def test_what_others_rely_on_is_not_put_back_under_them(run: t.Callable[..., Run]) -> None:
    done = run("recheck", _unstable("nova_api", "libvirt"))
    assert done.calls == [
        f"containers_soak {ALL} uptime=75",
        f"noted roll compute failed {WHY}",
        f"noted roll api failed {WHY}",
        "rollout read",
        "rollout_report",
    ], done.text
    assert done.code != 0
    assert "Containers that were updated later need it, so nothing was restored" in done.text
    assert WHY in done.text


def test_nothing_is_put_back_if_it_is_not_known_what_did_not_stay_up(run: t.Callable[..., Run]) -> None:
    done = run("recheck", {"containers_soak ": {"failed": True, "msg": "the engine does not answer"}})
    assert (done.code != 0, done.calls) == (True, [f"containers_soak {ALL} uptime=75"]), done.text
    assert "was restored" not in done.text


def test_nothing_is_put_back_once_another_run_has_taken_the_rollout_over(run: t.Callable[..., Run]) -> None:
    taken = {"rollout noted": {"failed": True, "msg": "the rollout was taken over by ada; this run stops"}}
    done = run("recheck", {**_unstable("nova_api"), **taken})
    assert (done.code != 0, done.calls[1:]) == (True, [f"noted roll api failed {WHY}"]), done.text


def test_a_host_without_moves_is_not_looked_at(run: t.Callable[..., Run]) -> None:
    done = run("recheck", {}, rollout_current={"journal": {"id": "r1"}, "updates": {}, "tiers": []})
    assert (done.code, done.calls) == (0, []), done.text


def test_a_step_that_fails_is_put_back(run: t.Callable[..., Run]) -> None:
    done = run("step", {"host_step ": {"failed": True, "msg": "no image"}}, rollout_tier="api")
    why = "step | Replace the containers and wait until they are healthy: no image"
    assert done.calls == [
        "noted roll api begun",
        "backend_servers drained nova_api",
        "host_step nova_api",
        f"noted roll api failed {why}",
        # it is drained already
        "revert_jobs",
        "host_step reverted nova_api",
        "backend_servers ready nova_api",
        "noted roll api reverted",
        "rollout read",
        "rollout_report",
    ], done.text
    assert done.code != 0
    assert f"aio was restored: tier api (nova_api) is in its former state. {why} Hosts that come later" in done.text


@pytest.mark.parametrize(
    ("hosts", "watched"), [(["aio", "other"], ["containers_soak nova_api soak=75"]), (["other", "aio"], [])], ids=["first", "last"]
)
def test_a_step_is_watched_unless_its_host_is_the_last_of_the_tier(run: t.Callable[..., Run], hosts: list[str], watched: list[str]) -> None:
    updates = {host: [{"tier": "api", "container": "nova_api"}] for host in hosts}
    containers = {"api": {host: ["nova_api"] for host in hosts}}
    rollout = {
        "journal": {"id": "r1"},
        "updates": updates,
        "tiers": ["api"],
        "hosts_by_tier": {"api": hosts},
        "containers_by_tier": containers,
    }
    done = run("step", {}, rollout_tier="api", rollout_current=rollout)
    ready = done.calls.index("backend_servers ready nova_api")
    assert done.calls[ready + 1 :] == [*watched, "noted roll api done"], done.text


def test_a_step_back_of_the_operator_is_noted_as_his(run: t.Callable[..., Run]) -> None:
    done = run("revert", {}, rollout_tier="api")
    assert (done.code, done.calls) == (
        0,
        [
            "backend_servers drained nova_api",
            "revert_jobs",
            "host_step reverted nova_api",
            "backend_servers ready nova_api",
            "noted rolling_back api reverted reverted by the operator",
        ],
    ), done.text


SERVICE = {"state": "up", "status": "enabled", "forced_down": False}
EMPTY = {
    "container_script ": {"result": {"service": SERVICE, "servers": [], "failed": [], "left": [], "seconds": {"aio": 1.0}, "errors": {}}}
}
MIGRATE = {
    "rollout_hypervisors": "migrate",
    "cloud_hypervisor_pattern": "control",
    "nova_compute_group": "control",
    "nova_group": "control",
}
ROLLOUT = {
    **t.cast("dict[str, t.Any]", VARIABLES["rollout_current"]),
    "containers_by_tier": {"compute": {"aio": ["nova_compute", "libvirt"]}, "api": {"aio": ["nova_api"]}},
}
DRAIN, ENABLE = ["survey", "hypervisor drain"], "hypervisor release"


@pytest.mark.parametrize(("tier", "hypervisors"), [("compute", "migrate"), ("compute", "keep"), ("api", "migrate")])
def test_a_hypervisor_is_emptied_first_and_enabled_before_the_step_is_done(run: t.Callable[..., Run], tier: str, hypervisors: str) -> None:
    rollout = {**ROLLOUT, "hosts_by_tier": {tier: ["aio"]}}
    done = run("step", EMPTY, rollout_tier=tier, rollout_current=rollout, **MIGRATE | {"rollout_hypervisors": hypervisors})
    assert done.code == 0, done.text
    if (tier, hypervisors) == ("compute", "migrate"):
        assert done.calls[:3] == [*DRAIN, "noted roll compute begun"] and done.calls[-2:] == [ENABLE, "noted roll compute done"]
    else:
        assert done.calls[0] == f"noted roll {tier} begun" and not {*DRAIN, ENABLE} & {*done.calls}


def test_nothing_is_noted_or_changed_if_a_server_cannot_leave(run: t.Callable[..., Run]) -> None:
    stuck = {"name": "gpu", "why": "it has a device", "kept": False}
    answer = {"container_script ": {"result": {**EMPTY["container_script "]["result"], "servers": [stuck]}}}
    done = run("step", answer, rollout_tier="compute", rollout_current=ROLLOUT, **MIGRATE)
    assert (done.code != 0, done.calls) == (True, DRAIN[:1]), done.text
    assert "servers cannot leave aio: gpu: it has a device" in done.text


def test_a_hypervisor_that_is_restored_is_empty_meanwhile_and_enabled_afterwards(run: t.Callable[..., Run]) -> None:
    done = run("revert", EMPTY, rollout_tier="compute", rollout_current=ROLLOUT, **MIGRATE)
    assert (done.code, done.calls[:2], done.calls[-2]) == (0, DRAIN, ENABLE), done.text
    # a step that failed has emptied it
    done = run(
        "step", {**EMPTY, "host_step ": {"failed": True, "msg": "no image"}}, rollout_tier="compute", rollout_current=ROLLOUT, **MIGRATE
    )
    assert [done.calls.count(call) for call in (*DRAIN, ENABLE)] == [1, 1, 1] and done.code != 0, done.text
    assert done.calls.index(ENABLE) > done.calls.index("host_step reverted nova_compute libvirt")


def test_what_an_interrupted_run_has_disabled_is_enabled_in_the_end(run: t.Callable[..., Run]) -> None:
    assert run("release_lock", EMPTY, **MIGRATE).calls.count(ENABLE) == 1
    assert ENABLE not in run("release_lock", EMPTY).calls


def _playbook(name: str) -> list[dict[str, t.Any]]:
    return list(yaml.safe_load((ROLE.parents[1] / "playbooks" / f"{name}.yml").read_text("utf-8")))


def test_the_last_check_comes_after_the_verification_and_before_that_is_noted() -> None:
    plays = _playbook("upgrade")
    order = [play.get("ansible.builtin.import_playbook") or [_phase(task) for task in play["tasks"]] for play in plays]
    assert order[-3:] == ["verify.yml", ["services", "recheck"], ["services", "note verified", "release_lock"]]
    assert ["services", "note rolled", "stop", "note verified"] in order
    (tier,) = _playbook("rollout_tier")
    assert plays[-2]["max_fail_percentage"] == tier["max_fail_percentage"]
    # of a tier it depends on the zones of its hosts as well
    assert tier["serial"].startswith(plays[-2]["serial"].removesuffix(" }}"))


@pytest.mark.parametrize(("playbook", "file", "tiers"), [("upgrade", "rollout_tier", TIERS), ("rollback", "rollback_tier", TIERS[::-1])])
def test_a_rollout_goes_through_all_tiers_and_back_the_other_way_round(playbook: str, file: str, tiers: tuple[str, ...]) -> None:
    plays = [play for play in _playbook(playbook) if play.get("ansible.builtin.import_playbook") == f"{file}.yml"]
    assert tuple(play["vars"]["rollout_tier"] for play in plays) == tiers
    (tier,) = _playbook(file)
    assert "rollout_tier" in tier["hosts"]
    # imported roles are read at the start, for a tier without hosts as well
    assert all("ansible.builtin.include_role" in task for task in tier["tasks"])


def _phase(task: dict[str, t.Any]) -> str:
    return f"{task['ansible.builtin.import_role'].get('tasks_from')} {task.get('vars', {}).get('rollout_phase', '')}".strip()
