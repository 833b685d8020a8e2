# SPDX-License-Identifier: Apache-2.0
"""What a run without changes costs the controller for each host that it reaches over SSH.

The hosts are containers of this machine with sshd, Python and the Docker SDK; their image is that of the Molecule scenarios. The
connections, the modules and what they send are real, and the files are as the model wants them. The engine has no containers
(``no_containers.py``), so the plan says of each that it has to be created, and the run ends there: this costs rather more than a plan
without changes. CPU seconds of hosts do not count, those of the SSH clients do.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import functools
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import typing as t

import docker

from ansible_collections.caisson.openstack.plugins.module_utils.common.wait import wait_until
from tests import plays
from tests.bench import model
from tests.bench.figures import Figure

ROOT = pathlib.Path(__file__).parents[2]
_PLAYBOOK = pathlib.Path(__file__).with_name("ssh.yml")
ENGINE = pathlib.Path(__file__).with_name("no_containers.py")
_IMAGE = "caisson-molecule-host"
#: So many hypervisors more than one. The least of so many runs counts, because other work disturbs them.
_FURTHER, _TIMES = 4, 3
_START = """\
mkdir -p /run/sshd && install -m 0600 /bench/key.pub /root/.ssh/authorized_keys && ssh-keygen -A
apt-get install -qy --no-download --no-install-recommends python3-docker
python3 /no_containers.py /run/docker.sock &
exec /usr/sbin/sshd -D
"""
_SSH = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
_SET_CHILD_SUBREAPER = 36


@contextlib.contextmanager
def _hosts(directory: pathlib.Path, names: t.Sequence[str]) -> t.Iterator[dict[str, str]]:
    """Start hosts that accept the key in *directory*; yield their addresses."""
    client = docker.from_env()
    network, started = client.networks.create("caisson-bench"), {}
    volumes = {str(directory): {"bind": "/bench", "mode": "ro"}, str(ENGINE): {"bind": "/no_containers.py", "mode": "ro"}}
    tmpfs = {"/run": "exec,mode=755", "/tmp": "exec,mode=1777"}
    try:
        for name in names:
            started[name] = client.containers.run(
                _IMAGE, ["-c", _START], entrypoint="sh", detach=True, hostname=name, network=network.name, tmpfs=tmpfs, volumes=volumes
            )
        yield {name: wait_until(functools.partial(_answering, container), 60, 0.5) for name, container in started.items()}
    finally:
        for container in started.values():
            container.remove(force=True, v=True)
        network.remove()


def _answering(container: t.Any) -> str:
    """Return the address of a container whose SSH server answers, otherwise nothing."""
    container.reload()
    (network,) = container.attrs["NetworkSettings"]["Networks"].values()
    with contextlib.suppress(OSError), socket.create_connection((network["IPAddress"], 22), timeout=2):
        return str(network["IPAddress"])
    return ""


def _inventory(directory: pathlib.Path, addresses: t.Mapping[str, str]) -> None:
    """Write the inventory: the first host is the control host, the others are hypervisors."""
    control, *compute = addresses
    members = {"control": [control], "network": [control], "compute": compute}
    variables = {
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(directory / "key"),
        "ansible_ssh_common_args": _SSH,
        "cloud_name": "caisson-bench",
        "cloud_secrets_file": str(directory / "secrets.yml"),
        "cloud_overrides_dir": "",
    }
    found = {
        "hosts": {name: {"ansible_host": address} for name, address in addresses.items()},
        "children": {name: {"hosts": dict.fromkeys(hosts)} for name, hosts in members.items()},
        "vars": variables,
    }
    (directory / "hosts.json").write_text(json.dumps({"all": found}), encoding="utf-8")


def _cpu(directory: pathlib.Path, *arguments: str) -> float:
    """Return the CPU seconds of the controller for a run, with those of its SSH connections, which outlive it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = plays.command(str(directory / "hosts.json"), str(_PLAYBOOK), *arguments)
    plays.run(ROOT, command, check=True, ANSIBLE_SSH_CONTROL_PATH_DIR=str(directory / "cp"))
    for pid in model.children(os.getpid()):
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _least(directory: pathlib.Path, addresses: t.Mapping[str, str]) -> float:
    """Return the CPU seconds of the controller for a run on a cloud of these hosts, the least of some runs."""
    _inventory(directory, addresses)
    _cpu(directory, "-e", "bench_prepare=true")
    return min(_cpu(directory) for _time in range(_TIMES))


def measure(_args: argparse.Namespace) -> list[Figure]:
    """Return the figures."""
    if not docker.from_env().images.list(_IMAGE):
        raise SystemExit(f"there is no image {_IMAGE}: run a Molecule scenario first, which builds it")
    # what children leave behind becomes a child of this process, which can then add up its time
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)
    names = ["control1", *(f"compute{at}" for at in range(1, _FURTHER + 2))]
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / "key")], check=True)
        with _hosts(directory, names) as addresses:
            # two clouds, because a part of one is refused whose other hosts do not serve
            one, several = (_least(directory, {host: addresses[host] for host in names[:count]}) for count in (2, len(names)))
    return [
        Figure("run without changes over SSH, controller's CPU: a control host and a hypervisor", one, "s"),
        Figure("run without changes over SSH, controller's CPU: each further hypervisor", (several - one) / _FURTHER, "s", 1),
    ]
