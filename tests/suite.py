# SPDX-License-Identifier: Apache-2.0
"""Run the tests part by part, what needs no cloud beside what does, and say in the end how long each part took.

Run as ``python -m tests.suite [argument of pytest ...]``. The output of each part is kept in ``artifacts/suite/PART.log``.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import os
import pathlib
import subprocess
import sys
import threading
import time
import typing as t

ROOT = pathlib.Path(__file__).parents[1]
LOGS = ROOT / "artifacts" / "suite"

Command = t.Sequence[str]
#: What runs beside the cloud gives way to it: the cloud's tests follow each other, and count lost packets.
BESIDE = ["nice", "-n", "19"]
#: Parts that run at the same time.
_AT_A_TIME = 2
#: Stages follow each other. Within a stage parts begin in this order, the next one when one has ended.
STAGES: list[dict[str, Command]] = [
    {
        "cloud": ["pytest", "--durations", "40", "-m", "not long", "tests/cloud"],
        "lint": [*BESIDE, "make", "lint"],
        # pylint takes longer than all others; scenario newest runs it
        "sanity": [*BESIDE, "tests/sanity.sh", "--skip-test", "pylint"],
        "unit": [*BESIDE, "pytest", "--durations", "40", "tests/unit"],
        # by now the cloud has built the images that this needs, and its test that kills the engine, which waits for scenarios, is to come
        "default": [*BESIDE, "pytest", "tests/molecule/test_scenarios.py"],
        "controller": [*BESIDE, "pytest", "tests/controller"],
        "integration": [*BESIDE, "pytest", "--durations", "40", "-m", "not alone and not long", "tests/integration"],
    },
    # these use what the cloud had: directories and names of containers that this host has once
    {"alone": ["pytest", "-m", "alone and not long", "tests/integration"]},
]


@dataclasses.dataclass(frozen=True)
class Result:
    """How a part ended: its exit status, its duration, what failed in it and the last line that it printed.

    Seconds of processors are those of its processes; containers are processes of the engine.
    """

    part: str
    status: int
    seconds: float
    processor_seconds: float
    closing: list[str]


_output = threading.Lock()


def _run(part: str, command: Command, arguments: t.Sequence[str]) -> Result:
    """Run one part; each line is printed after the part's name, because two parts print at a time."""
    began = time.monotonic()
    full = [*command, *(arguments if "pytest" in command else [])]
    failed, last = [], ""
    with (LOGS / f"{part}.log").open("w", encoding="utf-8") as log:
        # otherwise Python keeps what it prints into a pipe for minutes
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            full, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        for line in process.stdout or []:
            log.write(line)
            last = line.strip() or last
            if line.startswith(("FAILED ", "ERROR")):
                failed.append(line.strip())
            with _output:
                print(f"{part:<12}| {line}", end="", flush=True)
    _pid, status, usage = os.wait4(process.pid, 0)
    # nobody can wait for it again
    process.returncode = os.waitstatus_to_exitcode(status)
    return Result(part, process.returncode, time.monotonic() - began, usage.ru_utime + usage.ru_stime, [*failed, last])


def _busy() -> tuple[int, int]:
    """Return the time that all processors were busy, and their time in all, since the machine started; in clock ticks. See proc(5)."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def main(arguments: t.Sequence[str]) -> int:
    """Run all parts, print a line for each, and return the exit status: 1 if a part failed."""
    LOGS.mkdir(parents=True, exist_ok=True)
    began, (busy, ticks) = time.monotonic(), _busy()
    results: list[Result] = []
    for stage in STAGES:
        with concurrent.futures.ThreadPoolExecutor(max_workers=_AT_A_TIME) as pool:
            results += pool.map(functools.partial(_run, arguments=arguments), stage, stage.values())
    busy, ticks = (after - before for after, before in zip(_busy(), (busy, ticks), strict=True))
    for result in results:
        print(f"\n{result.part}:", *result.closing, sep="\n")
    print(f"\nDuration and CPU seconds of each part, containers not counted; processors were busy for {100 * busy / max(ticks, 1):.0f} %:")
    for result in results:
        outcome = "passed" if result.status == 0 else "FAILED"
        print(f"{result.seconds:7.0f} s {result.processor_seconds:6.0f} CPU s  {result.part:<12} {outcome}")
    failed = [result.part for result in results if result.status]
    print(f"{time.monotonic() - began:7.0f} s  in all. {'Failed: ' + ', '.join(failed) if failed else 'All passed.'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
