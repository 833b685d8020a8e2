# SPDX-License-Identifier: Apache-2.0
"""What the model of a cloud costs the controller, by the number of hosts. Nothing but this machine's processor is needed."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t

from tests.bench import inventory
from tests.bench.figures import Figure

ROOT = pathlib.Path(__file__).parents[2]
_PLAYBOOK = pathlib.Path(__file__).with_name("model.yml")
_SIZES = (50, 500, 5000)
#: So many hypervisors more than one take part in a run whose time is taken.
_SAMPLE = 20
#: So many take part in a run whose memory is taken, with so many workers at a time.
_SEVERAL, _FORKS = 50, (5, 20, 50)
#: Seconds between two looks at it.
_PAUSE = 0.2
#: What the controller may take, in MiB.
_MEMORY = 1024
_HOST_CAPABILITIES = {"virt_type": "kvm", "ovs_datapath": "system", "apparmor": True, "cgroup_version": 2}


class Cost(t.NamedTuple):
    """CPU seconds of a run with all its processes, and MiB at their peak: of the largest process, and of all of them together."""

    cpu: float
    largest: float
    together: float


def memory(parent: int) -> float:
    """Return MiB of a process and its workers, memory that they share counted once."""
    found = 0
    for pid in (parent, *_children(parent)):
        with contextlib.suppress(OSError, StopIteration):  # it has ended
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
            found += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return found / 1024


def _children(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()]
    except OSError:
        return []


def run(directory: pathlib.Path, parts: t.Sequence[str], *arguments: str, watch: bool = False) -> Cost:
    """Run parts of the playbook for the inventory in *directory*; *watch* the memory of all processes together."""
    variables = {
        "bench_parts": parts,
        "cloud_secrets_file": f"{directory}/secrets.yml",
        "cloud_overrides_dir": f"{directory}/overrides",
        "cloud_host_capabilities": _HOST_CAPABILITIES,
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", f"{directory}/hosts.json", str(_PLAYBOOK), "-e", json.dumps(variables)]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen([*command, *arguments], env=environment, stdout=output, stderr=subprocess.STDOUT)
        together = 0.0
        while (ended := os.wait4(child.pid, os.WNOHANG if watch else 0))[0] == 0:
            together = max(together, memory(child.pid))
            time.sleep(_PAUSE)
        _pid, status, usage = ended
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise SystemExit(f"{_PLAYBOOK.name} failed:\n{output.read()[-3000:].decode()}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, together)


def measure(args: argparse.Namespace) -> list[Figure]:
    """Return the figures of each size."""
    figures, further = [], {}
    for size in _SIZES:
        with tempfile.TemporaryDirectory() as directory:
            of_size, further[size] = _measure(size, pathlib.Path(directory), whole=args.whole)
            figures += of_size
    pairs = itertools.pairwise(sorted(further.items()))
    growth = max(math.log(more / less) / math.log(large / small) + 1 for (small, less), (large, more) in pairs)
    return [*figures, Figure("model, exponent of its growth with the number of hosts", growth, "", 1.05)]


def _measure(size: int, directory: pathlib.Path, *, whole: bool) -> tuple[list[Figure], float]:
    """Return the figures of one size, and the CPU seconds of one host more."""
    inventory.write(size, directory / "hosts.json")
    (directory / "overrides").mkdir()
    one, sample = ("--limit", "compute[0]"), ("--limit", f"compute[0:{_SAMPLE}]")
    # the secrets are made by the first run, and expressions are compiled
    run(directory, ["model"], *one)
    start, checked, first = (run(directory, parts, *one) for parts in ([], ["inventory"], ["model"]))
    # what Ansible itself takes for a host that has nothing to do is no part of the model
    idle, several = (run(directory, parts, *sample) for parts in ([], ["model"]))
    control = run(directory, ["model"], "--limit", "control[0]")
    further = (several.cpu - idle.cpu - first.cpu + start.cpu) / _SAMPLE
    name = f"{size} hypervisors"
    figures = [
        Figure(f"inventory check, {name}", checked.cpu - start.cpu, "s"),
        Figure(f"model, {name}: one hypervisor", first.cpu - start.cpu, "s"),
        Figure(f"model, {name}: one control host", control.cpu - start.cpu, "s"),
        Figure(f"model, {name}: each further hypervisor", further, "s", 0.3),
    ]
    return [*figures, *_memory(name, directory, whole=whole)], further


def _memory(name: str, directory: pathlib.Path, *, whole: bool) -> list[Figure]:
    """Return the memory of runs for several hypervisors, and for all hosts."""
    figures = []
    for forks in _FORKS:
        several = run(directory, ["model"], "--limit", f"compute[0:{_SEVERAL - 1}]", "--forks", str(forks), watch=True)
        title = f"model, {name}: memory, {_SEVERAL} of them, {forks} forks"
        figures.append(Figure(title, several.together, "MiB", _MEMORY))
    if whole:
        figures.append(Figure(f"model, {name}: memory, all hosts", run(directory, ["model"], watch=True).together, "MiB", _MEMORY))
    return [*figures, Figure(f"model, {name}: memory of the largest process", several.largest, "MiB", _MEMORY)]
