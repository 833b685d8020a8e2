# SPDX-License-Identifier: Apache-2.0
"""The command that starts helpers of privsep from one process."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t

import pytest

SCRIPT = pathlib.Path(__file__).parents[3] / "roles" / "images" / "files" / "privsep-shared"

#: A helper that says who it is and goes on in the background, as that of oslo.privsep does; one of two contexts cannot start.
_DAEMON = """
import os, pathlib, sys, time
import heavy

def helper_main():
    if "broken" in sys.argv:
        raise RuntimeError("no such context")
    if os.fork():
        return
    pathlib.Path(sys.argv[-1]).write_text(f"{os.getpid()} {heavy.LOADED_BY} {' '.join(sys.argv)}")
    time.sleep(60)
"""


class Command:
    """The command, with modules of a test in the place of those of oslo.privsep and a service. One that it is to import is missing."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory
        library = directory / "lib" / "oslo_privsep"
        library.mkdir(parents=True)
        (library / "__init__.py").touch()
        (library / "daemon.py").write_text(_DAEMON)
        (directory / "lib" / "setproctitle.py").write_text("def setproctitle(title):\n    pass\n")
        (directory / "lib" / "heavy.py").write_text("import os\nLOADED_BY = os.getpid()\n")
        (directory / "run").mkdir()
        text = SCRIPT.read_text().replace("/run/privsep-shared", str(directory / "run"))
        (directory / "command").write_text(text)
        self.processes: set[int] = set()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call the command as the agent does: its own process ends, whatever it has started."""
        environment = {**os.environ, "PYTHONPATH": str(self._directory / "lib")}
        with (self._directory / "errors").open("a") as errors:
            command = [sys.executable, str(self._directory / "command"), "missing.module,heavy", *arguments]
            return subprocess.run(command, env=environment, stderr=errors, text=True, timeout=30, check=False)

    def helper(self, name: str) -> tuple[int, int, str]:
        """Start a helper; return its process, the process that has loaded the code, and what it was called with."""
        path = self._directory / name
        assert self.run("--context", name, str(path)).returncode == 0
        deadline = time.monotonic() + 10
        while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        own, loader, called = path.read_text().split(" ", 2)
        self.processes |= {int(own), int(loader)}
        return int(own), int(loader), called


@pytest.fixture
def command(tmp_path: pathlib.Path) -> t.Iterator[Command]:
    made = Command(tmp_path)
    yield made
    for process in made.processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def test_helpers_share_the_process_that_has_loaded_the_code(command: Command, tmp_path: pathlib.Path) -> None:
    first, second = command.helper("first"), command.helper("second")
    assert first[0] != second[0] and first[1] == second[1]
    assert first[1] not in (first[0], second[0])
    assert second[2] == f"privsep-helper --context second {tmp_path}/second"


def test_a_helper_that_cannot_start_is_told_and_the_next_one_can(command: Command, tmp_path: pathlib.Path) -> None:
    loader = command.helper("first")[1]
    assert command.run("broken").returncode == 1
    assert "no such context" in (tmp_path / "errors").read_text()
    assert command.helper("next")[1] == loader


def test_another_process_takes_the_place_of_one_that_was_killed(command: Command) -> None:
    first = command.helper("first")
    os.kill(first[1], signal.SIGKILL)
    second = command.helper("second")
    assert second[1] != first[1]
