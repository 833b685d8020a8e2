# SPDX-License-Identifier: Apache-2.0
"""What the life of a cloud on this machine costs.

Destroys the cloud ``caisson`` of this machine, builds every image from nothing unless ``--keep-images`` is given, and leaves
a running cloud. Needs ``make collection``.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import os
import pathlib
import re
import resource
import subprocess
import sys
import threading
import time
import typing as t

import docker

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from tests.bench import memory
from tests.bench.figures import Figure
from tests.cloud.recovery import kill

ROOT = pathlib.Path(__file__).parents[2]
LABEL = "org.caisson."
CLOUD = "caisson"
#: The release that follows the one that the inventory has.
NEXT = ("-e", "cloud_release=2026.2")


@dataclasses.dataclass(frozen=True)
class Run:
    """A playbook that was run: seconds, CPU seconds of the controller's own process and of all its children, its output."""

    seconds: float
    cpu: float
    output: str

    @property
    def task_rounds(self) -> int:
        """Number of tasks that were started."""
        return len(re.findall(r"^TASK ", self.output, re.MULTILINE))


def play(name: str, *arguments: str) -> Run:
    """Run a playbook of the collection."""
    environment = {**os.environ, "NO_COLOR": "1"}
    command = ["ansible-playbook", "-i", "inventory/aio/hosts.yml", f"caisson.openstack.{name}", *arguments]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout[-3000:]}")
    return Run(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout)


def remove_images(client: docker.APIClient) -> None:
    """Remove every image of the cloud's making."""
    for image in client.images(filters={"label": f"{LABEL}inputs"}):
        client.remove_image(image["Id"], force=True)


def bytes_sent() -> int:
    """Return the bytes that modules and their arguments take on the way to the hosts in a run without changes."""
    environment = {
        **os.environ,
        "NO_COLOR": "1",
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_PIPELINING": "0",
        "ANSIBLE_REMOTE_TMP": "/tmp/bench",
    }
    subprocess.run(["rm", "-rf", "/tmp/bench"], check=True)
    # an interpreter of another name is another one: this host is sent its modules, as others are
    interpreter = pathlib.Path(sys.executable).with_name(f"python3.{sys.version_info.minor}")
    command = [
        "ansible-playbook",
        "-i",
        "inventory/aio/hosts.yml",
        "caisson.openstack.site",
        "-e",
        f"ansible_python_interpreter={interpreter}",
    ]
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    size = sum(path.stat().st_size for path in pathlib.Path("/tmp/bench").rglob("AnsiballZ_*"))
    subprocess.run(["rm", "-rf", "/tmp/bench"], check=True)
    return size


@contextlib.contextmanager
def starts() -> t.Iterator[collections.Counter[str]]:
    """Count how often each container of a service is started meanwhile; jobs do not count.

    They are counted as they happen: the engine remembers its last 256 events only, most of which are health checks.
    """
    filters = {"type": "container", "event": "start", "label": [f"{LABEL}cloud={CLOUD}", f"{LABEL}container"]}
    found: collections.Counter[str] = collections.Counter()
    stream = docker.APIClient().events(filters=filters, decode=True)
    counting = threading.Thread(target=lambda: found.update(event["Actor"]["Attributes"]["name"] for event in stream), daemon=True)
    counting.start()
    try:
        yield found
    finally:
        stream.close()
        counting.join()


def rollout() -> list[Figure]:
    """Go to the next release with images that are there, and back."""
    play("build", *NEXT)
    with starts() as started:
        there = play("upgrade", *NEXT)
    back = play("rollback", *NEXT)
    return [
        Figure("upgrade to the next release, verification and all", there.seconds, "s", 240),
        Figure("upgrade, CPU of controller and host", there.cpu, "s"),
        Figure("upgrade, task rounds", there.task_rounds, ""),
        Figure("upgrade, containers started", len(started), ""),
        Figure("upgrade, most starts of one container", max(started.values()), "", 1),
        Figure("rollback, verification and all", back.seconds, "s"),
    ]


def measure(args: argparse.Namespace) -> list[Figure]:
    """Return all figures, in the order of a cloud's life."""
    client = docker.APIClient()
    figures = []
    play("engine")
    play("destroy", "-e", f"destroy_confirm={CLOUD}")
    if not args.keep_images:
        remove_images(client)
    how, budget = ("unchanged", None) if args.keep_images else ("from nothing", 240)
    figures.append(Figure(f"images {how}", play("build").seconds, "s", budget))
    first = play("site")
    figures.append(Figure("first deployment", first.seconds, "s", 120))
    again = play("site")
    figures += [
        Figure("run without changes", again.seconds, "s", 5),
        Figure("run without changes, CPU of controller and host", again.cpu, "s", 3.5),
        Figure("run without changes, task rounds", again.task_rounds, ""),
        Figure("run without changes, bytes sent", bytes_sent() / memory.MEBIBYTE, "MiB"),
    ]
    figures += [
        Figure("plan of no change", play("plan").seconds, "s"),
        Figure("plan of a change of every configuration file", play("plan", "-e", '{"cloud_debug": true}').seconds, "s"),
        Figure("look for drift", play("status").seconds, "s"),
    ]
    proof = play("verify")
    figures.append(Figure("verification", proof.seconds, "s"))
    play("access")
    figures += memory.measure(args)
    figures += rollout()
    # the engine starts a killed container again at once: this is from start to healthy, too
    figures += [Figure(f"killed to healthy of {name}", kill(Engine(client), name), "s") for name in sorted(memory.used(client))]
    return figures
