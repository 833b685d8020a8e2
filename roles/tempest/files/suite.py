# SPDX-License-Identifier: Apache-2.0
"""Run the public test suite against the cloud, or delete what it made. Runs inside the image that has the suite.

What happens is told on standard error, a line at a time; results are returned as plain data.
"""

from __future__ import annotations

import collections
import contextlib
import datetime
import os
import pathlib
import re
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import typing as t

WORK = pathlib.Path("/tmp/tempest")
#: Seconds between two lines of progress.
INTERVAL = 15
#: Seconds in which servers that were deleted have to be gone.
DELETION = 180
#: Characters of the log of a failed test that are kept: the last requests, with their ids.
LOG = 6000
#: How a test may end, in the words of the stream, and in ours.
ENDS = {"success": "passed", "xfail": "passed", "skip": "skipped", "fail": "failed", "uxsuccess": "failed"}
#: What stands in the stream for all tests of a class that cannot begin.
SETUP = re.compile(r"^setUpClass \((.+)\)$")
#: The full name of a test of the suite or of a plugin, among other lines that the runner prints.
TEST = re.compile(r"[a-z]\w*(\.\w+){2,}([\[(]\S*)?$")

Parameters = t.Dict[str, t.Any]
Result = t.Dict[str, t.Any]


def say(text: str) -> None:
    """Tell what is going on."""
    print(text, file=sys.stderr, flush=True)


def short(test: str) -> str:
    """Return the name of a test without its tags."""
    return test.split("[")[0]


# -- the suite's own files --------------------------------------------------------------------------------------------


def configure(parameters: Parameters) -> None:
    """Write the configuration, and let the suite find it."""
    os.umask(0o077)
    WORK.mkdir()
    sections = {name: dict(options) for name, options in parameters["options"].items()}
    sections["auth"]["admin_password"] = parameters["admin_password"]
    sections["oslo_concurrency"] = {"lock_path": str(WORK / "locks")}
    if parameters["ca"]:
        (WORK / "ca.pem").write_text(parameters["ca"] + "\n")
        sections["identity"]["ca_certificates_file"] = str(WORK / "ca.pem")
        # some tests have clients of their own, which do not read the configuration
        os.environ["SSL_CERT_FILE"] = str(WORK / "ca.pem")
    (WORK / "tempest.conf").write_text(render(sections))
    os.environ.update(TEMPEST_CONFIG=str(WORK / "tempest.conf"), HOME=str(WORK))


def render(sections: t.Mapping[str, t.Mapping[str, t.Any]]) -> str:
    r"""Return the text of a configuration; a dollar would begin the name of another option, and quotes around a value get lost.

    A dollar is written ``\$`` and not ``$$``, because oslo.config takes a backslash before one for part of it.
    """
    lines: list[str] = []
    for name, options in sections.items():
        texts = {key: str(value).replace("$", r"\$") for key, value in options.items()}
        quoted = {key: f'"{text}"' if text[:1] in ("'", '"') and text[:1] == text[-1:] else text for key, text in texts.items()}
        lines += [f"[{name}]", *(f"{key} = {text}" for key, text in quoted.items()), ""]
    return "\n".join(lines)


def stestr(*arguments: str) -> list[str]:
    """Return a command of the runner."""
    packages = pathlib.Path(sysconfig.get_path("purelib"))
    places = ["--test-path", str(packages / "tempest" / "test_discover"), "--top-dir", str(packages), "--repo-url", str(WORK / "runs")]
    return ["stestr", *places, *arguments]


def all_tests() -> list[str]:
    """Return the full name of every test that there is."""
    (WORK / "runs").mkdir()
    subprocess.run(stestr("init"), cwd=WORK, check=True)
    done = subprocess.run(stestr("list"), cwd=WORK, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the tests cannot be listed: {' '.join(done.stdout.split()[-60:])}")
    return names(done.stdout)


def names(text: str) -> list[str]:
    """Return the names of tests in what the runner prints, those of plugins included."""
    return [line for line in text.splitlines() if TEST.match(line)]


# -- which tests --------------------------------------------------------------------------------------------------------


class Selection(t.NamedTuple):
    """Tests to run, the reason of each that was excluded, and exclusions that fit no test at all."""

    tests: list[str]
    excluded: dict[str, str]
    stale: list[str]


def select(tests: t.Iterable[str], include: t.Iterable[str], exclude: t.Iterable[Parameters], regex: str) -> Selection:
    """Return which of *tests* are to be run."""
    listed = [test for test in tests if any(re.search(pattern, test) for pattern in include)]
    reasons: dict[str, str] = {}
    stale = []
    for item in exclude:
        found = [test for test in listed if re.search(item["regex"], test)]
        reasons.update({test: item["reason"] for test in found if test not in reasons})
        if not found:
            stale.append(item["regex"])
    wanted = [test for test in listed if re.search(regex, test)]
    return Selection([test for test in wanted if test not in reasons], {test: reasons[test] for test in wanted if test in reasons}, stale)


# -- what happens to them -----------------------------------------------------------------------------------------------


class Watch:
    """Follows the stream of a run. The runner calls :meth:`status` for each thing that happens."""

    def __init__(self, tests: t.Sequence[str]) -> None:
        """Expect *tests*."""
        self._tests = tests
        self._running: dict[str, datetime.datetime] = {}
        self._texts: dict[str, dict[str, bytes]] = collections.defaultdict(lambda: collections.defaultdict(bytes))
        self._ended: dict[str, Result] = {}
        self._classes: dict[str, Result] = {}

    def status(self, **event: t.Any) -> None:
        """Take notice of one event of the stream."""
        test, status = event.get("test_id"), event.get("test_status")
        if test is None:
            return
        if event.get("file_bytes"):
            self._texts[test][event["file_name"]] += bytes(event["file_bytes"])
        if status == "inprogress":
            self._running[test] = event["timestamp"]
        elif status in ENDS:
            self._end(test, ENDS[status], event["timestamp"])

    def _end(self, test: str, status: str, now: datetime.datetime) -> None:
        texts = {name: data.decode(errors="replace") for name, data in self._texts.pop(test, {}).items()}
        trace = "\n".join(text for name, text in texts.items() if name.startswith("traceback"))
        log = next((text for name, text in texts.items() if name.startswith("pythonlogging")), "")
        seconds = (now - self._running.pop(test, now)).total_seconds()
        reason, details = texts.get("reason", ""), ""
        if status == "failed":
            reason, details = last_words(trace), f"{trace}\n{log[-LOG:]}"
        ended = self._ended[test] = result(test, status, seconds, reason, details)
        if found := SETUP.match(test):
            self._classes[found[1]] = ended
        if status == "failed":
            say(f"FAILED {short(test)}: {reason}")

    def _result(self, test: str) -> Result | None:
        """Return the result of a test, its own or that of its class."""
        own = self._ended.get(test)
        of_class = self._classes.get(short(test).rpartition(".")[0])
        return own or (of_class and {**of_class, "name": short(test), "seconds": 0.0})

    def progress(self) -> str:
        """Return one line: how far it is, and what is being tested."""
        ended = collections.Counter(found["status"] for test in self._tests if (found := self._result(test)))
        numbers = ", ".join(f"{number} {status}" for status, number in sorted(ended.items()))
        now = ", ".join(short(test).removeprefix("tempest.") for test in list(self._running))
        return f"{ended.total()} of {len(self._tests)} tests ({numbers or 'none has ended'}); now {now or 'between two tests'}"

    def results(self) -> list[Result]:
        """Return the result of each test; one that was never heard of has failed, and so has a class that did not end well."""
        lost = "it had no time, or the process that ran it ended before it"
        rows = [self._result(test) or result(test, "failed", 0.0, lost, "") for test in self._tests]
        return rows + [item for test, item in self._ended.items() if test.startswith("tearDown") and item["status"] == "failed"]


def result(test: str, status: str, seconds: float, reason: str, details: str) -> Result:
    """Return how a test ended, as plain data."""
    return {"name": short(test), "status": status, "seconds": round(seconds, 3), "reason": " ".join(reason.split()), "details": details}


def last_words(trace: str) -> str:
    """Return what the exception at the end of a traceback says."""
    lines = trace.rstrip().splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    end = frames[-1] + 1 if frames else 0
    while end < len(lines) and lines[end].startswith("    "):
        end += 1
    return " ".join(" ".join(lines[end:]).split())[:400]


def follow(stream: t.IO[bytes], watch: Watch) -> None:
    """Read the stream of the runner to its end, and say now and then how far it is."""
    import subunit  # only where the suite is

    over = threading.Event()

    def talk() -> None:
        while not over.wait(INTERVAL):
            say(watch.progress())

    threading.Thread(target=talk, daemon=True).start()
    try:
        subunit.ByteStreamToStreamResult(stream, non_subunit_name="output").run(watch)
    finally:
        over.set()


# -- steps --------------------------------------------------------------------------------------------------------------


def run(parameters: Parameters) -> Parameters:
    """Run the tests that are asked for."""
    selection = select(all_tests(), parameters["include"], parameters["exclude"], parameters["regex"])
    if not selection.tests:
        raise SystemExit(f"no test of the list matches tempest_regex '{parameters['regex']}', or all that do are excluded")
    number = parameters["concurrency"] or os.cpu_count() or 1
    say(f"{len(selection.tests)} tests, {number} at a time; {len(selection.excluded)} more are excluded")
    (WORK / "tests").write_text("\n".join(selection.tests) + "\n")
    watch, started = Watch(selection.tests), time.monotonic()
    command = stestr("run", "--subunit", "--concurrency", str(number), "--load-list", str(WORK / "tests"))
    with subprocess.Popen(command, cwd=WORK, stdout=subprocess.PIPE, start_new_session=True) as process:
        timer = threading.Timer(parameters["seconds"], os.killpg, [process.pid, signal.SIGKILL])
        timer.start()
        follow(t.cast("t.IO[bytes]", process.stdout), watch)
        timer.cancel()
    excluded = [result(test, "excluded", 0.0, reason, "") for test, reason in selection.excluded.items()]
    seconds = round(time.monotonic() - started, 1)
    return {"results": watch.results() + excluded, "seconds": seconds, "concurrency": number, "stale": selection.stale}


def delete_servers(prefix: str) -> None:
    """Delete servers of all projects, and wait for it: the suite's own clean-up sees those of the administrator only."""
    # they read the configuration, which is there only now
    from tempest import clients
    from tempest.common import credentials_factory
    from tempest.lib import exceptions

    client = clients.Manager(credentials_factory.get_configured_admin_credentials()).servers_client

    def left() -> list[str]:
        return [server["id"] for server in client.list_servers(all_tenants=True)["servers"] if server["name"].startswith(prefix)]

    for server in left():
        with contextlib.suppress(exceptions.NotFound):
            client.delete_server(server)
    deadline = time.monotonic() + DELETION
    while left():
        if time.monotonic() > deadline:
            raise SystemExit(f"servers of the suite are still there {DELETION} s after they were deleted: {', '.join(left())}")
        time.sleep(1)


def clean(parameters: Parameters) -> Parameters:
    """Delete everything that is called as the suite calls it."""
    delete_servers(parameters["prefix"])
    done = subprocess.run(
        ["tempest", "cleanup", "--prefix", parameters["prefix"]],
        cwd=WORK,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        say(done.stdout[-LOG:])
        raise SystemExit(f"tempest cleanup ended with exit code {done.returncode}")
    return {}


STEPS: dict[str, t.Callable[[Parameters], Parameters]] = {step.__name__: step for step in (run, clean)}


def main(parameters: Parameters) -> Parameters:
    """Run the step that the parameters name."""
    configure(parameters)
    return STEPS[parameters["step"]](parameters)
