# SPDX-License-Identifier: Apache-2.0
"""Containers and jobs brought to their specification on a real engine."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import threading
import time
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import ContainerState, EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Converger
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import Outcome
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import ContainerCommand, Healthcheck, ReadyCheck
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec

from .conftest import Lab


class Host:
    """A host with a state file of its own."""

    def __init__(self, lab: Lab, directory: pathlib.Path) -> None:
        self.lab = lab
        self.path = str(directory / "state.json")

    def spec(self, word: str = "one", **options: t.Any) -> ContainerSpec:
        values = {"service": "test", "image": self.lab.image("base"), "command": ["sleep", "600"], "user": "1000:1000", "stop_timeout": 0}
        return ContainerSpec(name=self.lab.name(word), **{**values, **options})

    def job(self, word: str, *command: str, **options: t.Any) -> JobSpec:
        name = self.lab.name(word)
        return JobSpec(name=name, service="test", container=self.spec(word, command=list(command)), **options)

    def converger(self, check_mode: bool = False, patience: float = 60, elapsed: float = 0, **earlier: t.Any) -> Converger:
        return Converger(self.lab.engine, self.lab.cloud, StateFile(self.path), check_mode, patience, elapsed, **earlier)

    def converge(
        self, *items: ContainerSpec | JobSpec, created: t.Sequence[str] = (), parallel: int = 8, **options: t.Any
    ) -> list[Outcome]:
        containers = [item for item in items if isinstance(item, ContainerSpec)]
        jobs = [item for item in items if isinstance(item, JobSpec)]
        return self.converger(**options).converge(containers, jobs, created, parallel)

    def state(self, word: str = "one") -> ContainerState:
        found = self.lab.engine.container(self.lab.name(word))
        assert found
        return found


@pytest.fixture
def host(lab: Lab, tmp_path: pathlib.Path) -> Host:
    return Host(lab, tmp_path)


def _short(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.action, outcome.state) for outcome in outcomes]


# -- containers -------------------------------------------------------------------------------------------------


def test_a_container_is_created_once(host: Host) -> None:
    (outcome,) = host.converge(host.spec())
    assert (outcome.action, outcome.state, outcome.reasons) == ("create", "done", ["it does not exist"])
    before = host.state()
    (outcome,) = host.converge(host.spec())
    assert (outcome.action, outcome.state, outcome.changed) == ("none", "done", False)
    assert host.state() == before


def test_check_mode_plans_and_does_nothing(host: Host) -> None:
    job = host.job("job", "true")
    assert _short(host.converge(host.spec(), job, check_mode=True)) == [("create", "done"), ("run", "done")]
    assert host.lab.engine.containers([host.lab.label]) == {}
    assert not pathlib.Path(host.path).exists()
    host.converge(host.spec(), job)
    before = host.state()
    (outcome, _job) = host.converge(host.spec(env={"A": "1"}), job, check_mode=True)
    assert (outcome.action, outcome.reasons) == ("replace", ['env: none -> {"A": "1"}'])
    assert host.state() == before


def test_check_mode_works_before_images_are_there(host: Host) -> None:
    spec = host.spec(image="localhost/no-such-image:1")
    assert _short(host.converge(spec, check_mode=True)) == [("create", "done")]


def test_a_difference_replaces_and_says_why(host: Host) -> None:
    host.converge(host.spec())
    before = host.state()
    (outcome,) = host.converge(host.spec(env={"A": "1"}, config_digest="x"))
    assert (outcome.action, outcome.state) == ("replace", "done")
    assert outcome.reasons == ["config_digest: none -> x", 'env: none -> {"A": "1"}']
    assert (outcome.before, outcome.after) == ({"config_digest": "", "env": {}}, {"config_digest": "x", "env": {"A": "1"}})
    assert host.state().id != before.id
    assert [state.name for state in host.lab.engine.containers([host.lab.label]).values()] == [before.name]


def test_what_a_hand_changed_is_put_right(host: Host) -> None:
    spec = host.spec(read_only=False, user="0:0")
    host.converge(spec)
    client, before = host.lab.client, host.state()
    client.update_container(before.name, restart_policy={"Name": "no"}, mem_limit="64m", memswap_limit="64m")
    host.lab.engine.exec(before.name, ["sh", "-c", "echo edited >/usr/bin/edited"])
    (outcome,) = host.converge(spec, check_mode=True)
    assert outcome.action == "replace"
    assert outcome.reasons == [
        "memory: 64m -> none",
        "restart_policy: no -> unless-stopped",
        "files: /usr/bin/edited changed -> as in its image",
    ]
    host.converge(spec)
    assert host.state().id != before.id
    assert _short(host.converge(spec)) == [("none", "done")]


def _cgroup(pid: int) -> dict[str, str]:
    """Return the limits that the kernel holds a process to, with the names of the engine's options."""
    groups = dict(line.split(":")[1:] for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines())
    root = pathlib.Path("/sys/fs/cgroup")
    files = {"memory": ("memory", "memory.limit_in_bytes"), "cpuset_cpus": ("cpuset", "cpuset.cpus"), "cpu_shares": ("cpu", "cpu.shares")}
    if "" in groups and not (root / "memory").is_dir():
        new = {"memory": "memory.max", "cpuset_cpus": "cpuset.cpus.effective", "cpu_shares": "cpu.weight"}
        return {key: (root / groups[""].lstrip("/") / name).read_text(encoding="utf-8").strip() for key, name in new.items()}
    return {
        key: (root / controller / path.lstrip("/") / name).read_text(encoding="utf-8").strip()
        for key, (controller, name) in files.items()
        for names, path in groups.items()
        if controller in names.split(",")
    }


def test_limits_change_while_the_container_runs(host: Host) -> None:
    host.converge(host.spec(memory="64m"))
    before, unset = host.state(), _cgroup(host.state().pid)
    limited: dict[str, t.Any] = {"memory": "1g", "cpuset_cpus": "0", "cpu_shares": 512}
    (planned,) = host.converge(host.spec(**limited), check_mode=True)
    (outcome,) = host.converge(host.spec(**limited))
    assert (outcome.action, outcome.state) == (planned.action, planned.state) == ("update", "done")
    assert outcome.reasons == ["memory: 64m -> 1g", "cpuset_cpus: none -> 0", "cpu_shares: 1024 -> 512"]
    seen = _cgroup(before.pid)
    assert (seen["memory"], seen["cpuset_cpus"]) == (str(2**30), "0")
    assert int(seen["cpu_shares"]) < int(unset["cpu_shares"])
    assert _short(host.converge(host.spec(**limited))) == [("none", "done")]

    # by hand, and back to what it was
    host.lab.client.update_container(before.name, mem_limit="80m", memswap_limit="160m", cpu_shares=2048)
    (outcome,) = host.converge(host.spec(**limited))
    assert outcome.reasons == ["memory: 80m -> 1g", "cpu_shares: 2048 -> 512"]
    assert _cgroup(before.pid) == seen
    (outcome,) = host.converge(host.spec(memory="64m"))
    assert (outcome.action, _cgroup(before.pid)) == ("update", unset)
    assert _short(host.converge(host.spec(memory="64m"))) == [("none", "done")]
    after = host.state()
    assert (after.id, after.pid, after.started_at) == (before.id, before.pid, before.started_at)
    # the engine cannot take a limit of memory away
    (outcome,) = host.converge(host.spec())
    assert (outcome.action, outcome.state, outcome.reasons) == ("replace", "done", ["memory: 64m -> none"])
    assert _short(host.converge(host.spec())) == [("none", "done")]


def test_a_container_that_does_not_run_is_limited_before_it_starts(host: Host) -> None:
    host.converge(host.spec())
    host.lab.engine.stop(host.lab.name("one"), 0)
    (outcome,) = host.converge(host.spec(memory="64m"))
    assert (outcome.action, outcome.state, _cgroup(host.state().pid)["memory"]) == ("start", "done", str(64 * 2**20))


def test_a_process_that_read_an_edited_file_is_restarted(host: Host) -> None:
    spec = host.spec()
    host.converge(spec)
    before, now = host.state(), time.time()
    state = StateFile(host.path)
    # edited and put right before it started, or edited after: it has read what it should
    for since, until in ((now - 1000, now - 900), (now + 1, now + 2)):
        state.put("edited", spec.name, {"since": since, "until": until})
        assert _short(host.converge(spec)) == [("none", "done")]
    state.put("edited", spec.name, {"since": now - 1000, "until": now})
    (outcome,) = host.converge(spec)
    assert (outcome.action, outcome.reasons) == ("restart", ["it started with configuration that was edited by hand"])
    assert (host.state().id, host.state().started_at > before.started_at) == (before.id, True)
    assert _short(host.converge(spec)) == [("none", "done")]


def test_another_image_of_the_same_name_replaces(host: Host) -> None:
    client, base = host.lab.client, host.lab.image("base")
    reference = f"localhost/{host.lab.cloud}"
    client.tag(base, reference, "1")
    try:
        host.converge(host.spec(image=f"{reference}:1"))
        client.tag(host.lab.image("openvswitch"), reference, "1")
        (outcome,) = host.converge(host.spec(image=f"{reference}:1"))
    finally:
        client.remove_image(f"{reference}:1", force=True)
    assert outcome.action == "replace"
    assert outcome.reasons[0].startswith("image: ")


def test_what_the_engine_would_refuse_leaves_the_old_container_alone(host: Host) -> None:
    host.converge(host.spec())
    before = host.state()
    (outcome,) = host.converge(host.spec(volumes=["not a volume"]))
    assert (outcome.action, outcome.state) == ("replace", "failed")
    assert host.state() == before


def test_a_container_of_somebody_else_is_not_touched(host: Host) -> None:
    spec = host.spec()
    host.lab.engine.create(spec, host.lab.engine.image_id(spec.image) or "", host.lab.cloud)
    other = Converger(host.lab.engine, "another-cloud", StateFile(host.path), False, 60)
    (outcome,) = other.converge([spec], [])
    assert outcome.state == "failed"
    assert f"(id {host.state().id[:12]}, image " in outcome.detail
    assert f"is on this host and belongs to cloud {host.lab.cloud}; remove it (docker rm) or" in outcome.detail
    assert host.state().status == "created"
    # a plan says so before anything is changed
    (planned,) = Converger(host.lab.engine, "another-cloud", StateFile(host.path), True).converge([spec], [])
    assert (planned.state, planned.detail) == ("failed", outcome.detail)


def test_a_stranger_is_not_in_the_way_of_a_replacement_or_a_job(host: Host) -> None:
    host.converge(host.spec())
    before = host.state()
    spec = host.spec(env={"A": "1"})
    host.lab.engine.create(spec, host.lab.engine.image_id(spec.image) or "", "another-cloud", name=f"{spec.name}.next")
    try:
        (outcome,) = host.converge(spec)
        assert outcome.state == "failed" and "belongs to cloud another-cloud" in outcome.detail
        assert host.state() == before
        with pytest.raises(EngineError, match="belongs to cloud another-cloud"):
            host.lab.engine.run_once(spec, before.image_id, host.lab.cloud, name=f"{spec.name}.next")
        assert host.lab.engine.container(f"{spec.name}.next")
    finally:
        host.lab.engine.remove(f"{spec.name}.next")


def test_a_missing_image_names_the_remedy(host: Host) -> None:
    (outcome,) = host.converge(host.spec(image="localhost/no-such-image:1"))
    assert outcome.state == "failed"
    assert "image localhost/no-such-image:1 is not on this host; build it" in outcome.detail


def test_a_stopped_container_is_started(host: Host) -> None:
    host.converge(host.spec())
    before = host.state()
    host.lab.engine.stop(before.name, 0)
    (outcome,) = host.converge(host.spec())
    assert (outcome.action, outcome.state, outcome.reasons) == ("start", "done", ["it is exited (exit code 137)"])
    assert host.state().id == before.id


def test_a_replacement_that_was_cut_off_is_completed(host: Host) -> None:
    """The run died after it had made the new container, or after it had removed the old one."""
    wanted = host.spec(env={"A": "1"})
    image_id = host.lab.engine.image_id(wanted.image) or ""
    host.converge(host.spec())
    host.lab.engine.create(wanted, image_id, host.lab.cloud, name=f"{wanted.name}.next")
    host.lab.engine.stop(wanted.name, 0)
    assert _short(host.converge(wanted)) == [("replace", "done")]
    host.lab.engine.create(wanted, image_id, host.lab.cloud, name=f"{wanted.name}.next")
    host.lab.engine.remove(wanted.name)
    assert _short(host.converge(wanted)) == [("create", "done")]
    host.converger().prune({"test"}, {wanted.name})
    assert list(host.lab.engine.containers([host.lab.label])) == [wanted.name]
    assert _short(host.converge(wanted)) == [("none", "done")]


# -- reload -----------------------------------------------------------------------------------------------------

#: Counts the signals it gets in a file of its volume.
_COUNTER = ["sh", "-c", "trap 'echo x >>/srv/count' USR1; while :; do sleep 0.05; done"]


def _reloadable(host: Host, digest: str) -> ContainerSpec:
    return host.spec(command=_COUNTER, user="0:0", volumes=[f"{host.lab.name('data')}:/srv"], reload_signal="SIGUSR1", reload_digest=digest)


def _signals(host: Host) -> int:
    time.sleep(0.3)
    return len(host.lab.engine.exec(host.lab.name("one"), ["sh", "-c", "cat /srv/count || true"]).stdout.splitlines())


def test_a_reload_signals_once_and_keeps_the_container(host: Host) -> None:
    host.converge(_reloadable(host, "a"))
    before = host.state()
    (outcome,) = host.converge(_reloadable(host, "b"))
    assert (outcome.action, outcome.state, outcome.reasons) == ("reload", "done", ["its configuration changed"])
    assert _short(host.converge(_reloadable(host, "b"))) == [("none", "done")]
    assert (_signals(host), host.state().started_at) == (1, before.started_at)


def test_a_reload_does_not_keep_the_container_from_coming_back(host: Host) -> None:
    wanted = dataclasses.replace(_reloadable(host, "b"), command=["sh", "-c", "trap exit USR1; while :; do sleep 0.05; done"])
    host.converge(wanted)
    before = host.state()
    # as the engine sees it, the process ended by itself
    host.lab.engine.signal(wanted.name, "SIGUSR1")
    for _attempt in range(100):
        if host.state().running and host.state().started_at != before.started_at:
            break
        time.sleep(0.1)
    assert host.state().started_at != before.started_at


def test_what_does_not_run_gets_no_signal(host: Host) -> None:
    host.converge(_reloadable(host, "a"))
    host.lab.engine.stop(host.lab.name("one"), 0)
    with pytest.raises(EngineError, match=r"cannot send SIGUSR1 to .*: it is not running"):
        host.lab.engine.signal(host.lab.name("one"), "SIGUSR1")


def test_a_start_reads_the_configuration_too(host: Host) -> None:
    host.converge(_reloadable(host, "a"))
    host.lab.engine.stop(host.lab.name("one"), 0)
    assert _short(host.converge(_reloadable(host, "b"))) == [("start", "done")]
    assert _short(host.converge(_reloadable(host, "b"))) == [("none", "done")]
    assert _signals(host) == 0


def test_a_replacement_forgets_earlier_reloads(host: Host) -> None:
    host.converge(_reloadable(host, "a"))
    host.converge(_reloadable(host, "b"))
    assert _short(host.converge(dataclasses.replace(_reloadable(host, "c"), env={"A": "1"}))) == [("replace", "done")]
    assert _short(host.converge(dataclasses.replace(_reloadable(host, "c"), env={"A": "1"}))) == [("none", "done")]


# -- health -----------------------------------------------------------------------------------------------------


def _healthy_when(test: str, **options: t.Any) -> dict[str, t.Any]:
    """Return options of a container that is healthy when a shell test succeeds; the engine itself looks too late to help."""
    return {"healthcheck": Healthcheck(["CMD-SHELL", test], interval=600, timeout=2), **options}


def test_health_is_asked_for_and_not_waited_for(host: Host) -> None:
    began = time.monotonic()
    assert _short(host.converge(host.spec(**_healthy_when("true")))) == [("create", "done")]
    assert time.monotonic() - began < 20
    assert host.state().health == "starting"


def test_patience_ends_the_call_and_not_the_wait(host: Host) -> None:
    spec = host.spec(tmpfs=["/tmp:mode=1777"], **_healthy_when("test -e /tmp/ready"))
    later = host.spec("two", after=[spec.name])
    assert _short(host.converge(spec, later, patience=0)) == [("create", "waiting"), ("none", "blocked")]
    host.lab.engine.exec(spec.name, ["touch", "/tmp/ready"])
    assert _short(host.converge(spec, later)) == [("none", "done"), ("create", "done")]


def test_short_calls_start_no_more_than_one_long_call_would(host: Host) -> None:
    """Their time is over at once, as on a host where nothing gets healthy quickly."""
    ready = {"tmpfs": ["/tmp:mode=1777"], **_healthy_when("test -e /tmp/ready")}
    specs_of_host = [host.spec(word, **ready) for word in ("a", "b", "c", "d", "e")]

    def call(starting: list[str]) -> tuple[list[str], int]:
        outcomes = host.converge(*specs_of_host, patience=0, parallel=2, starting=starting)
        assert {outcome.state for outcome in outcomes} <= {"done", "waiting", "blocked"}
        # as the action does it: what is waiting and has been changed by any of the calls
        changed = {outcome.name for outcome in outcomes if outcome.changed} | set(starting)
        waiting = [outcome.name for outcome in outcomes if outcome.state == "waiting" and outcome.name in changed]
        return waiting, len(host.lab.engine.containers([host.lab.label]))

    starting, number = call([])
    assert (len(starting), number) == (2, 2)
    assert call(starting) == (starting, 2)
    started = set(starting)
    for expected in (4, 5):
        for name in starting:
            host.lab.engine.exec(name, ["touch", "/tmp/ready"])
        starting, number = call(starting)
        assert (number, started.isdisjoint(starting)) == (expected, True)
        started |= set(starting)


def test_a_container_that_never_gets_healthy_fails_with_what_it_says(host: Host) -> None:
    command = ["sh", "-c", "echo I am here; sleep 600"]
    (outcome,) = host.converge(host.spec(command=command, start_timeout=2, **_healthy_when("echo no luck; false")))
    assert outcome.state == "failed"
    assert "not healthy after" in outcome.detail
    assert "no luck" in outcome.detail
    assert "I am here" in outcome.detail


def test_a_container_that_cannot_run_fails_before_its_time(host: Host) -> None:
    command = ["sh", "-c", "echo bad option; exit 3"]
    (outcome,) = host.converge(host.spec(command=command, start_timeout=600, **_healthy_when("true")), patience=100)
    assert outcome.state == "failed"
    assert "restarted 5 times" in outcome.detail
    assert "bad option" in outcome.detail


def test_a_container_that_has_long_run_gets_its_time_too(host: Host) -> None:
    """What it depends on was replaced a moment ago: it is not healthy now, and will be."""
    spec = host.spec(tmpfs=["/tmp:mode=1777"], start_timeout=3, **_healthy_when("test -e /tmp/ready"))
    host.converge(spec, patience=0)
    time.sleep(4)
    threading.Timer(2, lambda: host.lab.engine.exec(spec.name, ["touch", "/tmp/ready"])).start()
    assert _short(host.converge(spec)) == [("none", "done")]


def test_time_that_earlier_calls_took_counts(host: Host) -> None:
    spec = host.spec(start_timeout=3, **_healthy_when("false"))
    host.converge(spec, patience=0)
    time.sleep(4)
    began = time.monotonic()
    assert _short(host.converge(spec, elapsed=10)) == [("none", "failed")]
    assert time.monotonic() - began < 3


# -- order ------------------------------------------------------------------------------------------------------


def test_what_depends_on_a_failure_is_left_alone(host: Host) -> None:
    job = host.job("job", "false")
    outcomes = host.converge(host.spec(after=[job.name]), host.spec("two"), job)
    assert {outcome.name: outcome.state for outcome in outcomes} == {
        host.lab.name("job"): "failed",
        host.lab.name("one"): "blocked",
        host.lab.name("two"): "done",
    }


def test_independent_containers_come_up_side_by_side(host: Host) -> None:
    items = [
        host.spec(
            word,
            command=["sh", "-c", "sleep 3; touch /tmp/ready; sleep 600"],
            tmpfs=["/tmp:mode=1777"],
            **_healthy_when("test -e /tmp/ready"),
        )
        for word in ("one", "two", "three", "four")
    ]
    began = time.monotonic()
    assert {outcome.state for outcome in host.converge(*items)} == {"done"}
    assert time.monotonic() - began < 10


# -- jobs -------------------------------------------------------------------------------------------------------


def _touch(host: Host, **options: t.Any) -> JobSpec:
    """Return a job that leaves a line in a volume each time it runs."""
    job = host.job("job", "sh", "-c", "echo x >>/srv/count", **options)
    return dataclasses.replace(job, container=dataclasses.replace(job.container, user="0:0", volumes=[f"{host.lab.name('data')}:/srv"]))


def _runs(host: Host) -> int:
    job = host.job("count", "cat", "/srv/count")
    container = dataclasses.replace(job.container, volumes=[f"{host.lab.name('data')}:/srv"])
    return len(host.lab.engine.run_once(container, host.lab.engine.image_id(container.image) or "", host.lab.cloud).stdout.splitlines())


def test_a_job_runs_once_for_each_reason(host: Host) -> None:
    def run(job: JobSpec, created: t.Sequence[str] = ()) -> list[str]:
        (outcome,) = host.converge(job, created=created)
        assert (outcome.state, outcome.changed) == ("done", bool(outcome.reasons))
        return outcome.reasons

    assert run(_touch(host, database="d")) == ["it never ran"]
    assert run(_touch(host, database="d")) == []
    assert run(_touch(host, database="d"), created=["other"]) == []
    assert run(_touch(host, database="d"), created=["d"]) == ["database d is new"]
    assert run(_touch(host, database="d", triggers=["x"])) == ["triggers changed"]
    assert run(_touch(host, database="d", triggers=["x"])) == []
    assert _runs(host) == 3


def test_a_failed_job_says_what_it_said_and_runs_again(host: Host) -> None:
    job = host.job("job", "sh", "-c", "echo the reason >&2; exit 4")
    for _ in range(2):
        (outcome,) = host.converge(job)
        assert (outcome.action, outcome.state) == ("run", "failed")
        assert "sh ended with exit code 4; its last output:\nthe reason" in outcome.detail


def test_a_job_may_succeed_with_another_code_or_a_later_try(host: Host) -> None:
    assert _short(host.converge(host.job("job", "sh", "-c", "exit 4", ok_codes=[0, 4]))) == [("run", "done")]
    flaky = _touch(host, retries=2, delay=0)
    command = ["sh", "-c", "echo x >>/srv/count; test $(wc -l </srv/count) -ge 2"]
    flaky = dataclasses.replace(flaky, name=host.lab.name("flaky"), container=dataclasses.replace(flaky.container, command=command))
    assert _short(host.converge(flaky)) == [("run", "done")]
    assert _runs(host) == 2


def test_a_job_is_stopped_at_its_time(host: Host) -> None:
    (outcome,) = host.converge(host.job("job", "sleep", "60", timeout=1))
    assert outcome.state == "failed"
    assert "stopped after 1 s" in outcome.detail
    assert host.lab.engine.containers([host.lab.label]) == {}


def test_a_job_gets_its_secret_on_standard_input(host: Host) -> None:
    job = host.job("job", "sh", "-c", 'read -r word; test "${#word}" = 7', stdin="hunter2\n")
    (outcome,) = host.converge(job)
    assert outcome.state == "done"
    assert "hunter2" not in str(outcome) + pathlib.Path(host.path).read_text(encoding="utf-8")


# -- prune and the sandwich -------------------------------------------------------------------------------------


def test_prune_removes_what_a_service_does_not_define(host: Host) -> None:
    host.converge(host.spec(), host.spec("old"), host.spec("other", service="other"))
    keep = {host.lab.name("one")}
    (outcome,) = host.converger(check_mode=True).prune({"test"}, keep)
    assert (outcome.name, outcome.action, outcome.reasons) == (host.lab.name("old"), "remove", ["it is not defined for this host"])
    assert len(host.lab.engine.containers([host.lab.label])) == 3
    assert len(host.converger().prune({"test"}, keep)) == 1
    assert host.converger().prune({"test"}, keep) == []
    assert sorted(host.lab.engine.containers([host.lab.label])) == sorted([host.lab.name("one"), host.lab.name("other")])


def test_a_process_that_would_die_with_its_container_stops_the_replacement(host: Host) -> None:
    """The process is named as a guarded one and runs in the container's own control group."""
    word = f"x{host.lab.cloud[-8:]}"
    command = ["sh", "-c", f"cp /bin/sleep /tmp/{word} && /tmp/{word} 600"]
    spec = host.spec(
        command=command, tmpfs=["/tmp:mode=1777,exec"], protected_processes=[word], **_healthy_when(f"grep -qx {word} /proc/[0-9]*/comm")
    )
    assert _short(host.converge(spec)) == [("create", "done")]
    before = host.state()
    # a plan says so, too
    for check_mode in (True, False):
        (outcome,) = host.converge(dataclasses.replace(spec, env={"A": "1"}), check_mode=check_mode)
        assert (outcome.action, outcome.state) == ("replace", "failed")
        assert f"is not stopped: {word} (pid " in outcome.detail
        assert "would be killed with it" in outcome.detail
    # nor is it removed when nobody wants it any more
    with pytest.raises(EngineError, match=f"is not stopped: {word}"):
        host.converger().prune({"test"}, [])
    assert host.state() == before


def test_an_engine_error_in_one_place_is_collected(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    real = host.lab.engine.start

    def start(name: str) -> None:
        if name == host.lab.name("one"):
            raise EngineError("cannot start: no space left on device")
        real(name)

    monkeypatch.setattr(host.lab.engine, "start", start)
    outcomes = {outcome.name: outcome for outcome in host.converge(host.spec(), host.spec("two"))}
    assert outcomes[host.lab.name("one")].detail == "cannot start: no space left on device"
    assert outcomes[host.lab.name("two")].state == "done"


def test_labels_tell_where_a_container_belongs(host: Host) -> None:
    host.converge(host.spec())
    labels = host.state().labels
    assert labels[specs.LABEL_CLOUD] == host.lab.cloud
    assert (labels[specs.LABEL_SERVICE], labels[specs.LABEL_CONTAINER]) == ("test", host.lab.name("one"))


# -- leaving and taking over ------------------------------------------------------------------------------------

_LEFT = ContainerCommand(["sh", "-c", "echo left >> /data/log"])


def _member(host: Host, **options: t.Any) -> ContainerSpec:
    """Return a container that notes in its volume that it was stopped."""
    script = "trap 'echo stopped >> /data/log; exit 0' TERM; sleep 600 & wait"
    values = {"command": ["sh", "-c", script], "volumes": [f"{host.lab.name('data')}:/data"], "user": "0:0", "stop_timeout": 5}
    return host.spec(**{**values, **options})


def _log(host: Host) -> str:
    return host.lab.engine.exec(host.lab.name("one"), ["cat", "/data/log"]).stdout


@pytest.mark.parametrize("change", [{"env": {"A": "1"}}, {"image": "openstack"}])
def test_a_container_that_must_not_stop_is_left_alone(host: Host, change: dict[str, t.Any]) -> None:
    host.converge(_member(host))
    before = host.state()
    check = ContainerCommand(["sh", "-c", "echo the others lag behind; exit 3"])
    if "image" in change:
        change = {"image": host.lab.image(change["image"])}
    (outcome,) = host.converge(_member(host, stop_check=check, drain=_LEFT, **change))
    assert outcome.state == "failed"
    assert f"{host.lab.name('one')} is not stopped, because its stop check failed (exit code 3): the others lag behind" in outcome.detail
    assert host.state() == before
    assert "No such file" in host.lab.engine.exec(host.lab.name("one"), ["cat", "/data/log"]).output
    # what has been stopped by an operator is changed without asking
    host.lab.engine.stop(host.lab.name("one"), 5)
    (outcome,) = host.converge(_member(host, stop_check=check, drain=_LEFT, **change))
    assert (outcome.action, outcome.state) == ("replace", "done")


def test_a_container_hands_over_before_it_is_stopped(host: Host) -> None:
    stop = ContainerCommand(["sh", "-c", "echo asked >> /data/log"])
    host.converge(_member(host, stop_check=stop, drain=_LEFT))
    # being asked, and how, is no reason to replace it
    assert _short(host.converge(_member(host))) == [("none", "done")]
    assert _short(host.converge(_member(host, stop_check=stop, drain=_LEFT, env={"A": "1"}))) == [("replace", "done")]
    assert _log(host) == "asked\nleft\nstopped\n"


def test_a_container_is_not_stopped_if_its_drain_fails_or_hangs(host: Host) -> None:
    host.converge(_member(host))
    before = host.state()
    for drain, why in (
        (ContainerCommand(["sh", "-c", "echo no successor; exit 1"]), r"drain command failed \(exit code 1\): no successor"),
        (ContainerCommand(["sleep", "60"], timeout=1), r"drain command failed \(no answer within 1 s\)"),
    ):
        (outcome,) = host.converge(_member(host, drain=drain, env={"A": "1"}))
        assert outcome.state == "failed"
        assert re.search(why, outcome.detail)
        assert host.state() == before


def test_a_container_that_is_not_defined_any_more_is_asked_before_it_goes(host: Host) -> None:
    check = ContainerCommand(["sh", "-c", "test -e /data/log || { echo no quorum; exit 1; }"])
    host.converge(_member(host, stop_check=check))
    with pytest.raises(EngineError, match=r"stop check failed .*: no quorum"):
        host.converger().prune(["test"], [])
    host.lab.engine.exec(host.lab.name("one"), ["touch", "/data/log"])
    assert [outcome.action for outcome in host.converger().prune(["test"], [])] == ["remove"]


def test_members_that_leave_together_are_not_asked_whether_the_others_can_spare_them(host: Host) -> None:
    host.converge(_member(host, stop_check=ContainerCommand(["false"])))
    assert host.converger().prune(["test"], [], ["another"]) == []
    assert [outcome.action for outcome in host.converger().prune(["test"], [], [host.lab.name("one")])] == ["remove"]


def test_a_container_is_done_when_it_is_ready(host: Host) -> None:
    ready = ReadyCheck(["sh", "-c", "test -e /data/ready || { echo it catches up; exit 1; }"], timeout=3, interval=1)
    spec = _member(host, ready=ready, start_timeout=1)
    (outcome,) = host.converge(spec, patience=0)
    assert outcome.state == "waiting"
    (outcome,) = host.converge(spec)
    assert outcome.state == "failed"
    assert "healthy, but not ready after" in outcome.detail
    assert "ready check says: it catches up" in outcome.detail
    host.lab.engine.exec(spec.name, ["touch", "/data/ready"])
    assert _short(host.converge(spec)) == [("none", "done")]
