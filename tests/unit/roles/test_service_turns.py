# SPDX-License-Identifier: Apache-2.0
"""A stage replaces what several hosts have host by host: the tasks of the role, run by Ansible with fakes of the modules."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.common import packed
from ansible_collections.caisson.openstack.plugins.module_utils.output import plan_steps
from tests.unit.roles import fake_role

FAKES = ("containers", "host_step", "backend_servers", "container_script", "host_identity")
HOSTS = ["c1", "c2", "c3"]
#: What the gate finds.
UP = {"seconds": dict.fromkeys(HOSTS, 1.0), "errors": {}}
#: Tier of each container that all hosts have.
TIERS = {"mariadb": "backend", "keystone_api": "identity", "nova_api": "api", "nova_metadata": "api"}


def _of(tier: str, steps: list[dict[str, t.Any]]) -> list[str]:
    return [step["name"] for step in steps if step["tier"] == tier]


def _model(stages: t.Sequence[str] = ("service",), hooks: t.Sequence[t.Mapping[str, str]] = ()) -> dict[str, t.Any]:
    """Return the model of each host; its stages are the same."""
    jobs = [{"name": "on_api", "place": "nova_api"}, {"name": "on_single", "place": "single"}]
    containers = [{"name": name, "service": name} for name in [*TIERS, "single"]]
    gate = {"agent": None, "url": "", "backend": ""}
    gates = [
        {**gate, "container": "mariadb"},
        {**gate, "container": "nova_api", "backend": "nova_api", "url": "http://x"},
        {**gate, "container": "nova_metadata", "agent": {"api": "compute", "binary": "nova-x"}},
    ]
    stage = {"bootstrap": [{"name": "first"}], "containers": containers, "start": jobs, "finalize": [{"name": "last"}]}
    return {"files": "", "parts": packed.pack({"gates": gates, "stages": dict.fromkeys(stages, stage), "hooks": hooks})}


def _variables(replaced: list[str], serial: int) -> dict[str, t.Any]:
    steps = [
        {"name": name, "stage": "service", "tier": TIERS[name], "reasons": [], "kind": "container", "service": name} for name in replaced
    ]
    steps.append({"name": "single", "stage": "", "tier": "", "reasons": [], "kind": "container", "service": "single"})
    tiers = [tier for tier in dict.fromkeys(TIERS.values()) if any(step["tier"] == tier for step in steps)]
    batches = [HOSTS[at : at + serial] for at in range(0, len(HOSTS), serial)]
    return {
        "__service_stage": "service",
        "__service_plan": {
            "turns": [
                {"stage": "service", "tier": tier, "hosts": batch, "containers": {host: _of(tier, steps) for host in batch}}
                for tier in tiers
                for batch in batches
            ]
        },
        "__service_host_plan": {"steps": steps},
        "service_model": _model(),
        "loadbalancer_group": "control",
        "cloud_name": "example",
        "cloud_region": "one",
        "cloud_admin_auth": {},
        "cloud_image_prefix": "",
        "cloud_image_tag": "1",
    }


@pytest.fixture
def run(tmp_path: pathlib.Path) -> t.Callable[..., fake_role.Run]:
    """Runs a stage, or other tasks, on three hosts."""

    def call(
        replaced: list[str], answers: dict[str, t.Any] | None = None, serial: int = 1, tasks: str = "stage", **variables: t.Any
    ) -> fake_role.Run:
        role = {"import_role": {"name": "caisson.openstack.service", "tasks_from": tasks}}
        after = {"caisson.openstack.host_identity": {"state": "released"}}
        play = {"hosts": "all", "gather_facts": False, "any_errors_fatal": True, "tasks": [{"block": [role], "always": [after]}]}
        host = {"ansible_connection": "local", **_variables(replaced, serial), **variables}
        inventory = {"control": {"hosts": dict.fromkeys(HOSTS, host)}}
        return fake_role.run(tmp_path, [play], inventory, ["service"], FAKES, {"container_script ": {"result": UP}, **(answers or {})})

    return call


def _short(calls: list[dict[str, t.Any]]) -> list[str]:
    lines = []
    for item in calls:
        names = [one["name"] for key in ("containers", "jobs") for one in item.get(key, [])] if item["name"] == "containers" else []
        parts = [item["host"], item["name"], item.get("state", ""), *item.get("only", []), *item.get("backends", []), *names]
        on = f" on {item['delegate_to']}" if item["delegate_to"] else ""
        lines.append(" ".join(filter(None, parts)) + on)
    return lines


def _turn(host: str, *names: str, backends: str = "", gate: bool = False) -> list[str]:
    balancers = [
        [f"{host} backend_servers {state} {backends} on {other}" for other in HOSTS] if backends else [] for state in ("drained", "ready")
    ]
    asked = [f"{host} container_script on c1"] if gate else []
    return [f"{host} host_identity renewed", *balancers[0], " ".join([host, "host_step", *names]), *asked, *balancers[1]]


def _everywhere(what: str) -> set[str]:
    return {f"{host} {what}" for host in HOSTS}


def test_what_several_hosts_have_is_replaced_host_by_host_in_the_order_of_tiers(run: t.Callable[..., fake_role.Run]) -> None:
    done = run(["nova_metadata", "mariadb", "nova_api"])
    calls = _short(done.calls)
    assert done.code == 0, done.text
    assert set(calls[:3]) == _everywhere("containers first")
    # all else at once: it is done on every host before the first turn
    assert set(calls[3:6]) == _everywhere("containers keystone_api single on_single")
    turns = [_turn(host, "mariadb") for host in HOSTS]
    turns += [_turn(host, "nova_metadata", "nova_api", backends="nova_api", gate=True) for host in HOSTS]
    assert calls[6:-6] == [call for turn in turns for call in turn]
    assert set(calls[-6:-3]) == _everywhere("containers last")


def test_without_replacements_there_are_no_turns(run: t.Callable[..., fake_role.Run]) -> None:
    done = run([])
    assert done.code == 0, done.text
    assert set(_short(done.calls)[3:6]) == _everywhere("containers mariadb keystone_api nova_api nova_metadata single on_api on_single")
    assert {item["name"] for item in done.calls} == {"containers", "host_identity"}


def _gates(done: fake_role.Run) -> list[list[str]]:
    """Return the hosts of each call of the gate."""
    return [list(item["parameters"]["hosts"]) for item in done.calls if item["name"] == "container_script"]


def test_the_apis_are_asked_once_for_the_hosts_of_a_turn(run: t.Callable[..., fake_role.Run]) -> None:
    done = run(["nova_api", "nova_metadata"], serial=2)
    assert done.code == 0, done.text
    assert _gates(done) == [["c1", "c2"], ["c3"]]
    (first, _second) = (item["parameters"]["hosts"] for item in done.calls if item["name"] == "container_script")
    question = {"agents": [{"api": "compute", "binary": "nova-x"}], "urls": ["http://x"]}
    assert first == {"c1": question, "c2": question}
    assert [item["host"] for item in done.calls if item.get("state") == "ready"].count("c2") == len(HOSTS)


def test_what_the_gate_says_of_a_host_fails_that_host(run: t.Callable[..., fake_role.Run]) -> None:
    late = {"result": {"seconds": {"c1": 1.0}, "errors": {"c2": "not within 180 s: nova-x on c2 is not up"}}}
    done = run(["nova_api"], {"container_script ": late}, serial=2)
    assert done.code != 0
    assert "c2 failed to replace or restart nova_api. step | Check that the host is up in the APIs: not within 180 s: nova-x" in done.text
    assert "c1 failed to replace" not in done.text
    # the hosts after them stay as they are, and both get their requests back
    assert {item["host"] for item in done.calls if item["name"] == "host_step"} == {"c1", "c2"}
    assert _undrained(done) == {"c1", "c2"}


def _undrained(done: fake_role.Run) -> set[str]:
    """Return the hosts that every load balancer sends requests to again."""
    ready = [(item["host"], item["delegate_to"]) for item in done.calls if item.get("state") == "ready"]
    return {host for host in HOSTS if {(host, balancer) for balancer in HOSTS} <= set(ready)}


def test_a_host_that_fails_leaves_no_other_host_of_its_turn_drained(run: t.Callable[..., fake_role.Run]) -> None:
    done = run(["nova_api"], {"host_step  c2": {"failed": True, "msg": "no space left"}}, serial=2)
    assert done.code != 0
    assert {item["host"] for item in done.calls if item.get("state") == "drained"} == {"c1", "c2"}
    assert _undrained(done) == {"c1", "c2"}, done.text
    assert "c1 failed to replace" not in done.text


def test_a_gate_that_cannot_run_fails_all_hosts_of_the_turn(run: t.Callable[..., fake_role.Run]) -> None:
    done = run(["nova_api"], {"container_script ": {"failed": True, "msg": "no image client:1"}}, serial=2)
    assert done.code != 0
    for host in ("c1", "c2"):
        assert f"{host} failed to replace or restart nova_api. step | Check that the host is up in the APIs: no image client:1" in done.text
    assert {item["host"] for item in done.calls if item["name"] == "host_step"} == {"c1", "c2"}


def test_hosts_of_one_turn_go_at_the_same_time(run: t.Callable[..., fake_role.Run]) -> None:
    done = run(["mariadb"], serial=2)
    steps = [call.split()[0] for call in _short(done.calls) if "host_step" in call]
    renewed = [call.split()[0] for call in _short(done.calls) if "renewed" in call]
    assert (sorted(steps[:2]), steps[2:], sorted(renewed[:2])) == (["c1", "c2"], ["c3"], ["c1", "c2"]), done.text


def test_a_host_that_fails_stops_the_run_before_the_next_one(run: t.Callable[..., fake_role.Run]) -> None:
    done = run(["nova_api"], {"host_step  c2": {"failed": True, "msg": "it may not stop: two members are down"}})
    calls = _short(done.calls)
    assert done.code != 0
    assert calls[6:-3] == [
        *_turn("c1", "nova_api", backends="nova_api", gate=True),
        # requests come again, whatever happened
        *(call for call in _turn("c2", "nova_api", backends="nova_api")),
    ], done.text
    assert [item.get("timeout") for item in done.calls if item["name"] == "backend_servers"][-3:] == [0, 0, 0]
    assert done.text.count("stopped because another host failed") == 2
    # every host gives its lock back
    assert set(calls[-3:]) == _everywhere("host_identity released")
    assert "c2 failed to replace or restart nova_api." in done.text
    assert "it may not stop: two members are down The hosts after it were not changed" in done.text


def test_a_run_that_lost_its_place_drains_nothing(run: t.Callable[..., fake_role.Run]) -> None:
    done = run(["mariadb"], {"host_identity renewed c2": {"failed": True, "msg": "taken over by ada"}})
    assert [call for call in _short(done.calls) if "host_step" in call] == ["c1 host_step mariadb"], done.text
    assert "taken over by ada" in done.text


def test_the_apis_are_not_asked_with_a_password_that_is_about_to_change(run: t.Callable[..., fake_role.Run]) -> None:
    bootstrap = {"name": "keystone_bootstrap", "stage": "", "tier": "", "reasons": ["triggers changed"]}
    for stage, asked in (("infrastructure", 0), ("service", 3)):
        found = _variables(["nova_api"], 1)
        for item in (*found["__service_plan"]["turns"], *found["__service_host_plan"]["steps"]):
            item["stage"] = stage if item["tier"] else ""
        found["__service_host_plan"]["steps"].append(bootstrap)
        found["service_model"] = _model(["infrastructure", "service"])
        changed = {name: found[name] for name in ("__service_plan", "__service_host_plan", "service_model")}
        done = run(["nova_api"], **changed, __service_stage=stage)
        assert [item["name"] for item in done.calls].count("container_script") == asked, done.text
        assert [item["name"] for item in done.calls].count("host_step") == 3, done.text


def test_hooks_of_a_service_are_included_around_its_change_and_at_the_end(
    run: t.Callable[..., fake_role.Run], tmp_path: pathlib.Path
) -> None:
    tasks = tmp_path / "site/mariadb/tasks"
    tasks.mkdir(parents=True)
    hooks = []
    for point in ("before_replace", "after_replace", "after_start"):
        (tasks / f"{point}.yml").write_text(f"[{{name: it, caisson.openstack.container_script: {{state: {point}}}}}]")
        hook = {"point": point, "tasks": str(tasks / f"{point}.yml")}
        # of another service, which does not change
        hooks += [{**hook, "service": "mariadb"}, {**hook, "service": "nova_api"}]
    done = run(["mariadb"], service_model=_model(hooks=hooks))
    assert done.code == 0, done.text
    calls = [call for call in _short(done.calls) if "container_script" in call or "host_step" in call]
    around = [
        [f"{host} container_script before_replace", f"{host} host_step mariadb", f"{host} container_script after_replace"] for host in HOSTS
    ]
    assert calls[:-3] == [call for own in around for call in own]
    assert set(calls[-3:]) == _everywhere("container_script after_start")


def test_servers_that_a_killed_run_left_drained_get_requests_again(run: t.Callable[..., fake_role.Run]) -> None:
    drained = plan_steps.drained_step("nova_api", "c3", "loadbalancer")
    plan = {"steps": [dataclasses.asdict(drained), *_variables(["mariadb"], 1)["__service_host_plan"]["steps"]]}
    done = run([], tasks="undrain", __service_host_plan=plan)
    assert done.code == 0, done.text
    calls = [item for item in done.calls if item["name"] == "backend_servers"]
    # each load balancer undrains its own servers
    assert sorted((item["host"], item["delegate_to"]) for item in calls) == [(host, None) for host in HOSTS]
    assert {(*item["backends"], item["server"], item["state"], item["timeout"]) for item in calls} == {("nova_api", "c3", "ready", 0)}
    assert [item for item in run([], tasks="undrain").calls if item["name"] == "backend_servers"] == []


def test_members_that_leave_are_gone_before_the_one_that_is_left_is_replaced() -> None:
    (block,) = (
        task["block"] for task in yaml.safe_load((fake_role.ROLES / "service/tasks/main.yml").read_text("utf-8")) if "block" in task
    )
    tasks = [task.get("ansible.builtin.import_tasks") or task["name"] for task in block]
    assert tasks.index("Remove members of clusters of which one is left") < tasks.index("stage.yml")


def test_a_run_undrains_when_all_stages_are_done() -> None:
    phases = re.findall(r"import_tasks: (\w+)\.yml", (fake_role.ROLES / "service/tasks/main.yml").read_text("utf-8"))
    assert phases[-2:] == ["prune", "undrain"]
    assert phases.count("stage") == 3
