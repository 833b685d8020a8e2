# SPDX-License-Identifier: Apache-2.0
"""The cloud of a scenario, as its operator and its users see it."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t

import yaml
from testinfra.host import Host

from ansible_collections.caisson.openstack.plugins.module_utils.common import openstack_api
from tests import runs
from tests.molecule import waiting

ROOT = pathlib.Path(__file__).parents[2]
EPHEMERAL = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
LOGS = ROOT / "artifacts"


class Cloud:
    """Plays playbooks of the collection, and looks at the hosts.

    Args:
        scenario: name of the scenario.
        reach: makes the connection to a host of its address.
        addresses: address of each host that is looked at, by name.
        address: where Keystone is.
        inventories: files in the scenario's directory of inventories.
    """

    def __init__(
        self,
        scenario: str,
        reach: t.Callable[[str], Host],
        addresses: t.Mapping[str, str],
        address: str,
        inventories: t.Sequence[str] = ("hosts.yml",),
    ) -> None:
        self.scenario = scenario
        self._inventories = [ROOT / "molecule" / scenario / "inventory" / name for name in inventories]
        self.hosts = {name: reach(place) for name, place in addresses.items()}
        self.keystone = f"https://{address}:5000/v3"

    def command(self, playbook: str, *arguments: str) -> list[str]:
        """Return how an operator plays a playbook of the collection, or a file."""
        program = pathlib.Path(sys.executable).parent / "ansible-playbook"
        inventories = [part for inventory in self._inventories for part in ("-i", str(inventory))]
        return [str(program), *inventories, playbook if playbook.startswith("/") else f"caisson.openstack.{playbook}", *arguments]

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
        with (LOGS / f"{self.scenario}-{pathlib.Path(playbook).stem}.log").open("a") as stream:
            stream.write(text)

    def play_until(self, seen: t.Callable[[], bool], playbook: str, *arguments: str) -> tuple[bool, str]:
        """Run a playbook, and kill it and all that it started as soon as *seen*.

        Returns:
            Whether it had to be killed, and what it printed.
        """
        with tempfile.TemporaryFile("w+") as output:
            run = subprocess.Popen(
                self.command(playbook, *arguments),
                env=self.environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            killed = False
            while run.poll() is None and not killed:
                if killed := seen():
                    runs.kill(run)
                time.sleep(0.3)
            output.seek(0)
            text = output.read()
        self.log(playbook, text)
        return killed, text

    def images(self, host: str) -> dict[str, str]:
        """Return the image of each container."""
        text = self.hosts[host].check_output("docker ps --all --filter label=org.caisson.container --format '{{.Names}} {{.Image}}'")
        return dict(line.split() for line in text.splitlines())

    def everything(self) -> dict[tuple[str, str], str]:
        """Return the image of each container of each host."""
        return {(host, name): image for host in self.hosts for name, image in self.images(host).items()}

    def moved(self, before: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
        """Return the containers that have another image than *before*."""
        return {place for place, image in self.everything().items() if before.get(place) != image}

    def started(self, host: str) -> dict[str, str]:
        """Return when each container started."""
        template = "{{.Name}} {{.State.StartedAt}}"
        text = self.hosts[host].check_output(f"docker ps --quiet | xargs docker inspect --format '{template}'")
        return {name.lstrip("/"): begun for name, begun in map(str.split, text.splitlines())}

    def unhealthy(self) -> list[str]:
        """Return the containers that are not healthy by the engine's own check."""
        return [row for host in self.hosts.values() for row in waiting.unhealthy(host)]

    def session(
        self, region: str = "RegionOne", authorities: str = "", username: str = "admin", password: str = ""
    ) -> openstack_api.Session:
        """Return a user of a region, logged in anew: the administrator, or another one with his *password*.

        Args:
            authorities: certificates to trust instead of the cloud's own.
        """
        if not password:
            password = yaml.safe_load((EPHEMERAL / "secrets.yml").read_text())["cloud_secrets"]["keystone_admin_password"]
        login = {"auth_url": self.keystone, "username": username, "password": password, "project_name": "admin"}
        return openstack_api.Session({**login, "ca_certificates": authorities or (EPHEMERAL / "ca.crt").read_text()}, region, limit=60)

    def ask(self, service: str, path: str, body: dict[str, t.Any] | None = None) -> t.Any:
        """Return what a service of the catalog answers to the administrator."""
        return self.session().send("POST" if body else "GET", service, path, body).json()
