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
#: So many hypervisors more than one take part in a run whose time is taken. It is the least of so many runs, for other work disturbs them.
_SAMPLE, _TIMES = 20, 2
#: So many more than one take part in runs whose memory is taken, at the largest size.
_KEEPERS = 100
#: Seconds between two looks at it.
_PAUSE = 0.2
_HOST_CAPABILITIES = {"virt_type": "kvm", "ovs_datapath": "system", "apparmor": True, "cgroup_version": 2, "interface": "eth0"}


class Cost(t.NamedTuple):
    """CPU seconds of a run with all its processes, and MiB at their peak: of Ansible's own process, and of it with its workers."""

    cpu: float
    own: float
    together: float


def memory(pid: int) -> float:
    """Return MiB of a process, its part of memory that it shares; 0 of one that has ended."""
    return _read(pid, "smaps_rollup", "Pss:")


def _peak(pid: int) -> float:
    """Return the most MiB that a process has had so far, shared memory included; 0 of one that has ended."""
    return _read(pid, "status", "VmHWM:")


def _read(pid: int, file: str, name: str) -> float:
    with contextlib.suppress(OSError):
        lines = pathlib.Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
    return 0


def children(parent: int) -> list[int]:
    """Return the processes that a process has started, workers of Ansible for example."""
    try:
        return [int(pid) for pid in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()]
    except OSError:
        return []


def run(directory: pathlib.Path, parts: t.Sequence[str], *arguments: str, watch: bool = False) -> Cost:
    """Run parts of the playbook for the inventory in *directory*, and *watch* the memory, which takes time itself."""
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
        own = together = 0.0
        while (ended := os.wait4(child.pid, os.WNOHANG if watch else 0))[0] == 0:
            own = max(own, _peak(child.pid))
            together = max(together, sum(map(memory, [child.pid, *children(child.pid)])))
            time.sleep(_PAUSE)
        _pid, status, usage = ended
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise SystemExit(f"{_PLAYBOOK.name} failed:\n{output.read()[-3000:].decode()}")
    return Cost(usage.ru_utime + usage.ru_stime, own, together)


def measure(args: argparse.Namespace) -> list[Figure]:
    """Return the figures of each size."""
    figures, further = [], {}
    for size in _SIZES:
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            of_size, further[size] = _measure(size, directory)
            figures += [*of_size, *(_memory(size, directory, whole=args.whole) if size == max(_SIZES) else [])]
    return [*figures, Figure("model, exponent of its growth with the number of hosts", exponent(further), "", 1.05)]


def exponent(further: t.Mapping[int, float]) -> float:
    """Return the exponent with which the cost of all hosts grows, from that of a further host at each size; 1 is linear.

    It is the largest from one size to the next.
    """
    pairs = itertools.pairwise(sorted(further.items()))
    return max(math.log(more / less) / math.log(large / small) + 1 for (small, less), (large, more) in pairs)


def _measure(size: int, directory: pathlib.Path) -> tuple[list[Figure], float]:
    """Return the figures of one size, and the CPU seconds of one host more."""
    inventory.write(size, directory / "hosts.json")
    (directory / "overrides").mkdir()
    # the secrets are made by the first run, and expressions are compiled
    run(directory, ["model"], "--limit", "compute[0]")

    def cpu(hosts: str, *parts: str) -> float:
        return min(run(directory, parts, "--limit", hosts).cpu for _time in range(_TIMES))

    one, several = "compute[0]", f"compute[0:{_SAMPLE}]"
    start, first = cpu(one), cpu(one, "model")
    # what Ansible itself takes for a host that has nothing to do is no part of the model
    idle = cpu(several)
    further = (cpu(several, "model") - idle - first + start) / _SAMPLE
    name = f"{size} hypervisors"
    figures = [
        Figure(f"inventory check, {name}", cpu(one, "inventory") - start, "s"),
        Figure(f"Ansible alone, {name}: each further one, with nothing to do", (idle - start) / _SAMPLE, "s"),
        Figure(f"model, {name}: one hypervisor", first - start, "s"),
        Figure(f"model, {name}: one control host", cpu("control[0]", "model") - start, "s"),
        Figure(f"model, {name}: each further hypervisor", further, "s", 0.3),
    ]
    return figures, further


def _memory(size: int, directory: pathlib.Path, *, whole: bool) -> list[Figure]:
    """Return the memory for all hosts: measured, or estimated by what Ansible's own process keeps of each further one.

    The estimate leaves out that workers grow, too, by some 5 KiB per host of the run: only the whole run has that.
    """
    one, several = (run(directory, ["model"], "--limit", hosts, watch=True) for hosts in ("compute[0]", f"compute[0:{_KEEPERS}]"))
    kept = (several.own - one.own) / _KEEPERS
    title = f"model, {size} hypervisors: memory"
    figures = [
        Figure(f"{title} that each further one keeps", kept * 1024, "KiB"),
        Figure(f"{title}, run of {_KEEPERS + 1}", several.together, "MiB"),
        Figure(f"{title}, estimate for all", several.together + kept * (size - _KEEPERS - 1), "MiB", 1024),
    ]
    if whole:
        every = run(directory, ["model"], watch=True)
        figures.append(Figure(f"{title}, all", every.together, "MiB", 1024))
    return figures
