# SPDX-License-Identifier: Apache-2.0
"""What rsyslog makes of the engine's files: the real image, configuration and options, on files that a test writes."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import time
import typing as t

import pytest

from tests.unit.roles.test_definitions import hosts

NAME = "x-caisson-test-rsyslog"
TIME = "2026-11-21T05:52:57.116"
CHECK = "req-00000000-0000-0000-0000-000000000000"

#: A line as a service writes it, and what the log says: level, request, message. None: nothing.
LINES: dict[str, tuple[str, str, str] | None] = {
    f"{TIME} INFO nova.service [- req-aa] text": ("INFO", "req-aa", "nova.service: text"),
    f"{TIME} ERROR nova.service [req-gg req-aa] with [more]": ("ERROR", "req-gg req-aa", "nova.service: with [more]"),
    f'{TIME} TRACE nova.service [- req-aa]   File "x.py", line 1': ("TRACE", "req-aa", 'nova.service:   File "x.py", line 1'),
    f"{TIME} TRACE nova.service [] Traceback": ("TRACE", "-", "nova.service: Traceback"),
    f"{TIME} TRACE nova.service [- req-aa] ": None,
    f"{TIME} CRITICAL nova [-] unhandled": ("CRITICAL", "-", "nova: unhandled"),
    f"{TIME} WARNING py.warnings without request": ("WARNING", "-", "py.warnings: without request"),
    '2026-11-21T05:52:57 INFO uwsgi [req-gg] 127.0.0.1 "GET / HTTP/1.1" 200': ("INFO", "req-gg", 'uwsgi: 127.0.0.1 "GET / HTTP/1.1" 200'),
    f'2026-11-21T05:52:57 INFO uwsgi [{CHECK}] 127.0.0.1 "GET / HTTP/1.1" 200': None,
    f"{TIME} ERROR nova [{CHECK} req-1] the check fails": ("ERROR", f"{CHECK} req-1", "nova: the check fails"),
    "2026-11-21T05:52:38 - machine: x86_64": ("INFO", "-", "machine: x86_64"),
    "2026-11-21  5:52:57 36 [Warning] Aborted connection": ("WARNING", "-", "Aborted connection"),
    "2026-11-21 15:52:57 0 [ERROR] InnoDB: broken": ("ERROR", "-", "InnoDB: broken"),
    "2026-11-21 05:52:58.303036+00:00 [error] <0.756.0> queue": ("ERROR", "-", "<0.756.0> queue"),
    "2026-11-21 05:51:06.808+0000: 11391: warning : virX:195 : text": ("WARNING", "-", "virX:195 : text"),
    'ts=2026-11-21T05:52:57.116Z caller=main.go:1 level=warn msg="text"': ("WARNING", "-", 'msg="text"'),
    'time=2026-11-21T05:52:57.116Z level=ERROR source=collector.go:168 msg="text"': ("ERROR", "-", 'msg="text"'),
    "[ALERT]    (1) : no server": ("CRITICAL", "-", "no server"),
    "2026-11-21T05:52:05.226 WARN connmgr(handler3) [-] text": ("WARNING", "-", "connmgr(handler3): text"),
    "2026-11-21T05:52:05.226 EMER util [-] text": ("CRITICAL", "-", "util: text"),
    "Traceback (most recent call last):": ("TRACE", "-", "Traceback (most recent call last):"),
    "    raise ValueError": ("TRACE", "-", "    raise ValueError"),
    "ValueError: bad": ("ERROR", "-", "ValueError: bad"),
    "a.b.SomeException": ("ERROR", "-", "a.b.SomeException"),
    "plain ünïcode\twith a tab": ("INFO", "-", "plain ünïcode\twith a tab"),
    '{"json": "line"}': ("INFO", "-", '{"json": "line"}'),
    "": None,
}


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def record(text: str, container: str = "svc_api", cloud: str = "caisson") -> str:
    """Return a line of the engine's json-file driver; a container without a cloud has no labels."""
    labels = {"org.caisson.cloud": cloud, "org.caisson.container": container, "org.caisson.service": "svc"}
    attributes = {"attrs": labels} if cloud else {}
    return json.dumps({"log": text + "\n", "stream": "stderr", **attributes, "time": "2026-11-21T05:00:00.123456789Z"}) + "\n"


class Collector:
    """The container rsyslog of the definitions, with directories of the test in the place of the host's."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.engine, self.logs, self.state = directory / "engine", directory / "logs", directory / "state"
        for path in (self.engine, self.logs, self.state, directory / "config"):
            path.mkdir()
        host = hosts("aio", "2026.1")["aio"]
        for file in host["files"]:
            if file["path"].startswith("rsyslog/config/"):
                path = directory / "config" / pathlib.PurePosixPath(file["path"]).name
                path.write_text(file["content"].replace("sleep 600", "sleep 1"), "utf-8")
                path.chmod(int(file["mode"], 8))
        spec = next(item for item in host["containers"] if item["name"] == "rsyslog")
        places = {"/engine": self.engine, "/var/log/caisson": self.logs, "/var/spool/rsyslog": self.state}
        places["/etc/rsyslog"] = directory / "config"
        options = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none", f"--user={spec['user']}"]
        options += [f"--tmpfs={entry}" for entry in spec["tmpfs"]] + [f"--volume={source}:{path}" for path, source in places.items()]
        image = docker("images", "--quiet", "--filter=label=org.opencontainers.image.title=rsyslog", "caisson/rsyslog").split("\n")[0]
        assert image, "this test needs the image rsyslog: run playbooks/build.yml"
        docker("run", "--detach", "--name", NAME, *options, image, *spec["command"])

    def write(self, text: str, container: str = "one") -> None:
        path = self.engine / container / f"{container}-json.log"
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(text)

    def wait(self, done: t.Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not done():
            assert time.monotonic() < deadline, docker("logs", NAME)
            time.sleep(0.1)

    def log(self, name: str = "svc_api") -> list[str]:
        parts = sorted(self.logs.glob(f"{name}.log*"), reverse=True)
        return [line for part in parts for line in part.read_text("utf-8").splitlines()]


@pytest.fixture
def collector(tmp_path: pathlib.Path) -> t.Iterator[Collector]:
    try:
        yield Collector(tmp_path)
    finally:
        subprocess.run(["docker", "rm", "--force", NAME], check=False, capture_output=True)


def test_every_source_comes_out_in_one_format(collector: Collector) -> None:
    foreign = record("a container without labels", cloud="") + record("a container of another cloud", cloud="other")
    collector.write("".join(record(line) for line in LINES) + foreign + record("end"))
    collector.wait(lambda: bool(collector.log()) and collector.log()[-1].endswith(" end"))
    expected = [value for value in LINES.values() if value] + [("INFO", "-", "end")]
    assert collector.log() == [f"2026-11-21T05:00:00.123Z {level} svc svc_api aio [{request}] {text}" for level, request, text in expected]
    assert [path.name for path in collector.logs.iterdir() if "svc" not in path.name and path.name != "rsyslog.log"] == []


def test_nothing_is_lost_or_said_twice(collector: Collector) -> None:
    numbers = iter(range(10**6))
    collector.write("".join(record(f"number {next(numbers)}") for _ in range(1000)))
    collector.wait(lambda: len(collector.log()) == 1000)
    docker("stop", "--time=20", NAME)
    collector.write("".join(record(f"number {next(numbers)}") for _ in range(1000)))
    docker("start", NAME)
    collector.wait(lambda: len(collector.log()) >= 2000)
    # what the engine does when a file has reached its size
    old = collector.engine / "one" / "one-json.log"
    collector.write("".join(record(f"number {next(numbers)}") for _ in range(1000)))
    old.rename(old.with_name("one-json.log.1"))
    collector.write("".join(record(f"number {next(numbers)}") for _ in range(1000)))
    collector.wait(lambda: len(collector.log()) >= 4000)
    assert [int(line.rsplit(" ", 1)[1]) for line in collector.log()] == list(range(4000))


def test_files_are_rotated_by_size(collector: Collector) -> None:
    count, text = 22_000, "x" * 1000
    collector.write("".join(record(f"{text} {number}") for number in range(count)))
    collector.wait(lambda: (collector.logs / "svc_api.log.1").exists() and len(collector.log()) == count)
    assert [int(line.rsplit(" ", 1)[1]) for line in collector.log()] == list(range(count))
    assert (collector.logs / "svc_api.log.1").stat().st_size < 21 * 1024 * 1024


def test_files_of_removed_containers_are_let_go(collector: Collector) -> None:
    collector.write(record("before"))
    collector.write(record("gone", "svc_gone"), "gone")
    collector.wait(lambda: bool(collector.log() and collector.log("svc_gone")))
    shutil.rmtree(collector.engine / "gone")

    def released() -> bool:
        try:
            states = "".join(path.read_text("utf-8") for path in collector.state.iterdir())
        except FileNotFoundError:  # the collector has just removed one
            return False
        deleted = docker("exec", NAME, "sh", "-c", "find /proc/[0-9]*/fd -lname '*(deleted)' 2>/dev/null | wc -l")
        return "one-json.log" in states and "gone-json.log" not in states and deleted == "0"

    collector.wait(released)
    collector.write(record("after"))
    collector.wait(lambda: len(collector.log()) >= 2)
    assert [line.rsplit(" ", 1)[1] for line in collector.log()] == ["before", "after"]
