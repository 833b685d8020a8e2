# SPDX-License-Identifier: Apache-2.0
"""The engine's one door, on a real engine."""

from __future__ import annotations

import concurrent.futures
import contextlib
import pathlib
import socket
import threading
import time
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, NotFoundError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Healthcheck
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec

from .conftest import Lab


def _spec(lab: Lab, **options: t.Any) -> ContainerSpec:
    values = {"name": lab.name("one"), "service": "test", "image": lab.image("base"), "command": ["sleep", "600"], "user": "1000:1000"}
    return ContainerSpec(**{**values, **options})


def _start(lab: Lab, **options: t.Any) -> ContainerSpec:
    spec = _spec(lab, **options)
    lab.engine.create(spec, lab.engine.image_id(spec.image) or "", lab.cloud)
    lab.engine.start(spec.name)
    return spec


def _once(lab: Lab, *command: str, stdin: bytes | None = None, timeout: int = 30, name: str = "", **options: t.Any) -> t.Any:
    spec = _spec(lab, command=list(command), **options)
    return lab.engine.run_once(spec, lab.engine.image_id(spec.image) or "", lab.cloud, stdin, timeout, name)


def _status(pid: int) -> dict[str, str]:
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {key: value.strip() for key, value in (line.split(":", 1) for line in lines)}


# -- reading and changing ---------------------------------------------------------------------------------------


def test_a_container_is_what_its_specification_says(lab: Lab) -> None:
    spec = _start(
        lab,
        env={"NUMBER": 5},
        tmpfs=["/tmp:mode=1777"],
        capabilities=["NET_BIND_SERVICE"],
        memory="64m",
        ulimits={"nofile": 4096},
        healthcheck=Healthcheck(["CMD", "true"], interval=7, timeout=3, retries=2, start_period=9),
        stop_timeout=3,
    )
    data = lab.client.inspect_container(spec.name)
    config, host = data["Config"], data["HostConfig"]
    assert (config["User"], config["Cmd"], config["StopTimeout"]) == ("1000:1000", ["sleep", "600"], 3)
    assert "NUMBER=5" in config["Env"]
    assert config["Healthcheck"] == {
        "Test": ["CMD", "true"],
        "Interval": 7_000_000_000,
        "Timeout": 3_000_000_000,
        "Retries": 2,
        "StartPeriod": 9_000_000_000,
    }
    assert (host["Privileged"], host["ReadonlyRootfs"], host["NetworkMode"]) == (False, True, "host")
    assert (host["CapDrop"], host["CapAdd"], host["SecurityOpt"]) == (["ALL"], ["NET_BIND_SERVICE"], ["no-new-privileges"])
    assert (host["Memory"], host["RestartPolicy"]["Name"]) == (64 << 20, "unless-stopped")
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 4096, "Hard": 4096}]
    state = lab.engine.container(spec.name)
    assert state and state.running and state.stop_timeout == 3
    kernel = _status(state.pid)
    assert (kernel["NoNewPrivs"], kernel["CapBnd"], kernel["CapEff"]) == ("1", "0000000000000400", "0000000000000000")


def test_exceptions_reach_the_engine_too(lab: Lab) -> None:
    spec = _start(
        lab,
        read_only=False,
        no_new_privileges=False,
        pid_mode="host",
        cgroupns_mode="host",
        devices=["/dev/null:/dev/nothing"],
        security_opts=["systempaths=unconfined"],
        volumes=[f"{lab.name('data')}:/srv", "/etc/hostname:/etc/host:ro"],
    )
    host = lab.client.inspect_container(spec.name)["HostConfig"]
    assert (host["ReadonlyRootfs"], host["PidMode"], host["CgroupnsMode"]) == (False, "host", "host")
    assert (host["MaskedPaths"], host["ReadonlyPaths"]) == ([], [])
    assert "no-new-privileges" not in (host["SecurityOpt"] or [])
    assert lab.engine.exec(spec.name, ["sh", "-c", "cat /etc/host; echo x >/etc/host"]).rc != 0
    assert lab.engine.volumes([lab.name("data"), "no-such-volume"]) == [lab.name("data")]


def test_containers_are_found_by_label(lab: Lab) -> None:
    spec = _start(lab)
    lab.engine.create(_spec(lab, name=lab.name("two")), lab.engine.image_id(spec.image) or "", lab.cloud)
    found = lab.engine.containers([lab.label])
    assert {name: (state.running, state.status) for name, state in found.items()} == {
        lab.name("one"): (True, "running"),
        lab.name("two"): (False, "created"),
    }
    assert lab.engine.containers([lab.label, "no-such-label"]) == {}


def test_its_directory_holds_its_images(lab: Lab) -> None:
    assert {"containers", "image", "volumes"} <= {path.name for path in pathlib.Path(lab.engine.directory()).iterdir()}


def test_what_is_not_there(lab: Lab) -> None:
    assert lab.engine.container("no-such-container") is None
    assert lab.engine.image_id("localhost/no-such-image:1") is None
    lab.engine.remove("no-such-container")
    with pytest.raises(NotFoundError, match="cannot start no-such-container: No such container"):
        lab.engine.start("no-such-container")


def test_a_container_that_cannot_start_says_why(lab: Lab) -> None:
    with pytest.raises(EngineError, match=r"cannot start .*-one: .*no-such-program"):
        _start(lab, command=["no-such-program"])


def test_stop_kills_after_its_time(lab: Lab) -> None:
    spec = _start(lab, command=["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])
    began = time.monotonic()
    lab.engine.stop(spec.name, 1)
    assert 0.9 < time.monotonic() - began < 10
    state = lab.engine.container(spec.name)
    assert state and (state.status, state.exit_code) == ("exited", 137)


def test_logs_are_the_last_lines(lab: Lab) -> None:
    spec = _start(lab, command=["sh", "-c", "seq 40; echo bad >&2; sleep 600"])
    time.sleep(0.5)
    assert lab.engine.logs(spec.name, 3).splitlines()[-1] in ("40", "bad")
    assert len(lab.engine.logs(spec.name, 3).splitlines()) == 3


def test_no_engine_is_a_clear_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(EngineError, match=r"no container engine answers at unix:///.*is it installed and started"):
        connect({"engine_url": f"unix://{tmp_path}/docker.sock"})


def test_an_engine_that_goes_away_is_a_clear_error(tmp_path: pathlib.Path, lab: Lab) -> None:
    """A proxy in front of the real engine stands for it, so that it can go without taking others' containers along."""
    path = tmp_path / "docker.sock"
    proxy = _Proxy(path)
    client = connect({"engine_url": f"unix://{path}"}, timeout=5)
    engine = Engine(client)
    assert engine.containers([lab.label]) == {}
    proxy.close()
    for call in (lambda: engine.container("x"), lambda: engine.containers(), lambda: engine.remove("x"), lambda: engine.image_id("x:1")):
        with pytest.raises(EngineError, match="the engine does not answer"):
            call()


class _Proxy:
    """Forwards one connection after the other to the engine until it is closed."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                ours, _address = self._listener.accept()
            except OSError:
                return
            theirs = socket.socket(socket.AF_UNIX)
            theirs.connect("/var/run/docker.sock")
            self._open += [ours, theirs]
            for source, target in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            return

    def close(self) -> None:
        self._path.unlink()
        for end in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


# -- commands ---------------------------------------------------------------------------------------------------


def test_exec_returns_both_streams_and_the_code(lab: Lab) -> None:
    spec = _start(lab)
    result = lab.engine.exec(spec.name, ["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (result.rc, result.stdout, result.stderr) == (7, "out\n", "err\n")
    assert result.output == "out\nerr"


def test_exec_gives_input_to_a_user(lab: Lab) -> None:
    spec = _start(lab)
    result = lab.engine.exec(spec.name, ["sh", "-c", "id -u; cat"], stdin=b"x" * 200_000, user="1234")
    assert (result.rc, result.stdout) == (0, "1234\n" + "x" * 200_000)


def test_exec_ends_after_its_time(lab: Lab) -> None:
    spec = _start(lab)
    result = lab.engine.exec(spec.name, ["sh", "-c", "echo so far; sleep 30"], timeout=1)
    assert (result.rc, result.stdout) == (124, "so far\n")


def test_exec_of_nothing_and_nowhere(lab: Lab) -> None:
    spec = _start(lab)
    assert lab.engine.exec(spec.name, ["no-such-program"]).rc in (126, 127)
    with pytest.raises(NotFoundError):
        lab.engine.exec("no-such-container", ["true"])
    lab.engine.stop(spec.name, 0)
    with pytest.raises(EngineError, match="not running"):
        lab.engine.exec(spec.name, ["true"])


def test_exec_is_quick_to_learn_the_code_many_times_at_once(lab: Lab) -> None:
    spec = _start(lab)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda code: lab.engine.exec(spec.name, ["sh", "-c", f"exit {code}"]).rc, range(40)))
    assert codes == list(range(40))


def test_run_once_leaves_nothing(lab: Lab) -> None:
    result = _once(lab, "sh", "-c", "cat; echo err >&2; exit 3", stdin=b"in\n")
    assert (result.rc, result.stdout, result.stderr) == (3, "in\n", "err\n")
    assert lab.engine.containers([lab.label]) == {}


def test_run_once_keeps_input_out_of_sight(lab: Lab) -> None:
    name = lab.name("job")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        job = pool.submit(_once, lab, "sh", "-c", "read -r secret; sleep 2", stdin=b"hunter2\n", name=name)
        state = None
        while not (state and state.pid):
            state = lab.engine.container(name)
        shown = str(lab.client.inspect_container(name)) + pathlib.Path(f"/proc/{state.pid}/cmdline").read_text(encoding="utf-8")
        assert job.result().rc == 0
    assert "hunter2" not in shown


def test_run_once_ends_after_its_time(lab: Lab) -> None:
    result = _once(lab, "sh", "-c", "echo so far; sleep 30", timeout=1)
    assert (result.rc, result.stdout) == (124, "so far\n")
    assert "stopped after 1 s" in result.stderr
    assert lab.engine.containers([lab.label]) == {}


def test_run_once_does_not_mind_input_that_is_not_read(lab: Lab) -> None:
    assert _once(lab, "true", stdin=b"x" * 300_000).rc == 0


def test_run_once_that_cannot_start_leaves_nothing(lab: Lab) -> None:
    with pytest.raises(EngineError, match="no-such-program"):
        _once(lab, "no-such-program")
    assert lab.engine.containers([lab.label]) == {}


def test_a_job_waits_for_the_one_that_a_killed_run_left_behind(lab: Lab) -> None:
    name = lab.name("job")
    left = _spec(lab, name=name, command=["sleep", "2"])
    lab.engine.create(left, lab.engine.image_id(left.image) or "", lab.cloud)
    lab.client.update_container(name, restart_policy={"Name": "no"})
    lab.engine.start(name)
    began = time.monotonic()
    assert _once(lab, "true", name=name).rc == 0
    assert time.monotonic() - began > 1
    assert lab.engine.containers([lab.label]) == {}


def test_connections_do_not_pile_up(lab: Lab) -> None:
    spec = _start(lab)
    counts = []
    for _ in range(2):
        for _ in range(25):  # the client's pool keeps some
            lab.engine.exec(spec.name, ["true"], stdin=b"x")
        counts.append(len(list(pathlib.Path("/proc/self/fd").iterdir())))
    assert counts[1] <= counts[0]
