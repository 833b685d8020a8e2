# SPDX-License-Identifier: Apache-2.0
"""The cloud of scenario ``upgrade``, as its operator and its users see it."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.request

import yaml
from testinfra.host import Host

from tests import apis, journals, runs
from tests.molecule import waiting

ROOT = pathlib.Path(__file__).parents[2]
SCENARIO = ROOT / "molecule/upgrade"
EPHEMERAL = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
LOGS = ROOT / "artifacts"
KEYSTONE = "https://10.199.0.11:5000/v3"
#: What the cloud runs at first, and what it becomes, one after the other.
RELEASES = ("2025.2", "2026.1", "2026.2")
COMPUTES = ("compute1", "compute2")
#: What the prober asks.
APIS = tuple(sorted(apis.probes()))


_SMOKE = r"tempest_regex=api\.(identity|image|network)\..*smoke"


def release(name: str) -> tuple[str, str]:
    """Return the arguments of a playbook for a release."""
    return ("-e", f"cloud_release={name}")


def other_image(image: str, kind: str, script: str = "true") -> str:
    """Give an image of the first release a further layer on the build host; return its name as definitions write it."""
    tags = _docker("images", f"caisson/{image}", "--format", "{{.Tag}}").split()
    tag = next(tag for tag in tags if tag.startswith(f"{RELEASES[0]}-"))
    made = _docker("create", "--user", "0:0", "--entrypoint", "", f"caisson/{image}:{tag}", "sh", "-ec", script)
    try:
        _docker("start", "--attach", made)
        _docker("commit", made, f"caisson/{kind}_{image}:{tag}")
    finally:
        _docker("rm", made)
    return f"{kind}_{image}"


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclasses.dataclass(frozen=True)
class Figures:
    """Of each API and each address: how many requests or pings there were, and how many of them failed or were lost."""

    asked: dict[str, int]
    lost: dict[str, int]


def figures(text: str) -> Figures:
    """Return what a run's report says."""
    found = re.findall(r"(?:API|Ping) (\S+): (?:\S+ %, )?(\d+) of (\d+) (?:failed|lost)", text)
    return Figures({name: int(asked) for name, _lost, asked in found}, {name: int(lost) for name, lost, _asked in found})


def unwell(text: str) -> set[str]:
    """Return the hosts that failed in a run or could not be reached, as its recap says."""
    return set(re.findall(r"^(\S+)\s+: .*(?:unreachable|failed)=[1-9]", text.partition("PLAY RECAP")[2], re.MULTILINE))


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

    def smoke(self, *arguments: str) -> None:
        """Run the smoke tests of the public suite that are of APIs."""
        text = self.play("tempest", "-e", _SMOKE, *arguments)
        found = re.search(r"(\d+) passed, \d+ skipped, \d+ excluded, 0 failed", text)
        assert found, text[-3000:]
        assert int(found[1]) > 0

    def log(self, playbook: str, text: str) -> None:
        """Keep what a run printed."""
        LOGS.mkdir(exist_ok=True)
        with (LOGS / f"upgrade-{playbook}.log").open("a") as stream:
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

    def unnoticed(self, verb: str, release: t.Sequence[str], guests: t.Sequence[Guest]) -> Figures:
        """Roll out or take back what moves no switch, of which no user may notice anything; return how often was looked."""
        addresses = [guest.address for guest in guests]
        found = figures(self.play(verb, *release, "-e", json.dumps({"rollout_guests": addresses})))
        print(f"{verb} {' '.join(release)}: {found}")
        assert found.lost == dict.fromkeys((*APIS, *addresses), 0)
        assert self.unharmed(guests)
        return found

    def journal(self) -> dict[str, t.Any]:
        """Return the journal of the rollout, empty before the first."""
        done = self.hosts["control1"].run("cat /var/lib/caisson/rollout.json")
        return journals.parse(done.stdout) if done.rc == 0 else {}

    def states(self) -> dict[tuple[str, str], str]:
        """Return the last that is known of each host's tiers while hosts are moved; of a rollout that is open."""
        journal = self.journal()
        if journal.get("phase") in (None, "rolled_back", "finalized"):
            return {}
        return {(event["host"], event["tier"]): event["state"] for event in journal["events"] if event["phase"] == "roll"}

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

    def unharmed(self, guests: t.Iterable[Guest]) -> bool:
        """Return whether every server is the process that it was."""
        return all(self.process(guest.host) == guest.process for guest in guests)

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
