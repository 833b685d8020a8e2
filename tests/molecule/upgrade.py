# SPDX-License-Identifier: Apache-2.0
"""The cloud of scenario ``upgrade``, as its operator and its users see it."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import typing as t

from testinfra.host import Host

from tests import apis, journals
from tests.molecule.cloud import Cloud

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


class UpgradedCloud(Cloud):
    """The cloud, its rollouts and its servers."""

    def __init__(self, reach: t.Callable[[str], Host]) -> None:
        super().__init__("upgrade", reach, {"control1": "10.199.0.11", "compute1": "10.199.0.12", "compute2": "10.199.0.13"}, "10.199.0.11")

    def smoke(self, *arguments: str) -> None:
        """Run the smoke tests of the public suite that are of APIs."""
        text = self.play("tempest", "-e", _SMOKE, *arguments)
        found = re.search(r"(\d+) passed, \d+ skipped, \d+ excluded, 0 failed", text)
        assert found, text[-3000:]
        assert int(found[1]) > 0

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

    def unharmed(self, guests: t.Iterable[Guest]) -> bool:
        """Return whether every server is the process that it was."""
        return all(self.process(guest.host) == guest.process for guest in guests)

    def process(self, host: str) -> int:
        """Return the process id of the one server on a hypervisor."""
        return self.hosts[host].process.get(comm="qemu-system-x86").pid
