# SPDX-License-Identifier: Apache-2.0
"""The cloud of scenario ``upgrade``, as its operator and its users see it."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import time
import typing as t
import urllib.request

import yaml
from testinfra.host import Host

ROOT = pathlib.Path(__file__).parents[2]
SCENARIO = ROOT / "molecule/upgrade"
EPHEMERAL = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
LOGS = ROOT / "artifacts"
KEYSTONE = "https://10.199.0.11:5000/v3"
BEFORE, AFTER = "2025.2", "2026.1"
COMPUTES = ("compute1", "compute2")


@dataclasses.dataclass(frozen=True)
class Guest:
    """A server and the process that it is."""

    host: str
    address: str
    process: int


class Cloud:
    """Plays playbooks of the collection, and looks at the hosts."""

    def __init__(self, reach: t.Callable[[str], Host]) -> None:
        self.hosts = {name: reach(f"10.199.0.{number}") for name, number in (("control1", 11), ("compute1", 12), ("compute2", 13))}

    def command(self, playbook: str, *arguments: str) -> list[str]:
        """Return how an operator plays a playbook."""
        program = pathlib.Path(sys.executable).parent / "ansible-playbook"
        return [str(program), "-i", str(SCENARIO / "inventory/hosts.yml"), f"caisson.openstack.{playbook}", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the operator's shell."""
        return {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_CALLBACKS_ENABLED": "caisson.openstack.phases",
            "NO_COLOR": "1",
        }

    def play(self, playbook: str, *arguments: str, check: bool = True) -> str:
        """Run a playbook; return what it printed, its white space made one blank each."""
        command = self.command(playbook, *arguments)
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.log(playbook, done.stdout)
        assert not check or done.returncode == 0, done.stdout[-6000:]
        return " ".join(done.stdout.split())

    def log(self, playbook: str, text: str) -> None:
        """Keep what a run printed."""
        LOGS.mkdir(exist_ok=True)
        with (LOGS / f"upgrade-{playbook}.log").open("a") as stream:
            stream.write(text)

    def play_until(self, seen: t.Callable[[], bool], playbook: str, *arguments: str) -> bool:
        """Run a playbook and kill it, and all that it started, as soon as *seen*; return whether it had to be killed."""
        with (LOGS / f"upgrade-{playbook}.log").open("a") as log:
            command = self.command(playbook, *arguments)
            run = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
            while run.poll() is None:
                if seen():
                    os.killpg(run.pid, signal.SIGKILL)
                    run.wait()
                    return True
                time.sleep(0.3)
            return False

    def journal(self) -> dict[str, t.Any]:
        """Return the journal of the rollout, empty before the first."""
        done = self.hosts["control1"].run("cat /var/lib/caisson/rollout.json")
        return json.loads(done.stdout) if done.rc == 0 else {}

    def states(self) -> dict[tuple[str, str], str]:
        """Return the last that is known of each host's tiers while hosts are moved."""
        return {(event["host"], event["tier"]): event["state"] for event in self.journal().get("events", []) if event["phase"] == "roll"}

    def images(self, host: str) -> dict[str, str]:
        """Return the image of each container."""
        text = self.hosts[host].check_output("docker ps --all --filter label=org.caisson.container --format '{{.Names}} {{.Image}}'")
        return dict(line.split() for line in text.splitlines())

    def started(self, host: str) -> dict[str, str]:
        """Return when each container started."""
        template = "{{.Name}} {{.State.StartedAt}}"
        text = self.hosts[host].check_output(f"docker ps --quiet | xargs docker inspect --format '{template}'")
        return {name.lstrip("/"): begun for name, begun in map(str.split, text.splitlines())}

    def process(self, host: str) -> int:
        """Return the process id of the one server on a hypervisor."""
        return self.hosts[host].process.get(comm="qemu-system-x86").pid

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(EPHEMERAL / "ca.crt"))

    def ask(self, service: str, path: str, body: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return what a service of the catalog answers to the administrator."""
        password = yaml.safe_load((EPHEMERAL / "secrets.yml").read_text())["cloud_secrets"]["keystone_admin_password"]
        user = {"name": "admin", "password": password, "domain": {"id": "default"}}
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
        login = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        with self._open(f"{KEYSTONE}/auth/tokens", login) as answer:
            token = answer.headers["X-Subject-Token"]
            catalog = json.load(answer)["token"]["catalog"]
        url = next(item["endpoints"][0]["url"] for item in catalog if item["type"] == service)
        with self._open(url + path, body, token) as answer:
            return json.load(answer)

    def _open(self, url: str, body: dict[str, t.Any] | None = None, token: str = "") -> t.Any:
        headers = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {})}
        data = json.dumps(body).encode() if body else None
        return urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60, context=self._tls)
