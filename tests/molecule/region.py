# SPDX-License-Identifier: Apache-2.0
"""The region of scenarios ``region`` and ``control_hosts``, as its operator and its users see it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pathlib
import re
import subprocess
import typing as t

from testinfra.host import Host

from ansible_collections.caisson.openstack.plugins.module_utils.common import openstack_api
from tests.molecule import waiting
from tests.molecule.cloud import ROOT, Cloud
from tests.molecule.observer import READS

#: Seconds until a host that got its power back is whole again, at most.
_PATIENCE = 600
ADDRESS = "10.199.0.50"
#: The control host that was there before the others.
FIRST = "control1"
CONTROLS = (FIRST, "control2", "control3")
#: Takes the place of the last control host.
FOURTH = "control4"
#: Scenario ``control_hosts`` has control hosts only.
COMPUTES: tuple[str, ...] = () if os.environ.get("MOLECULE_SCENARIO_NAME") == "control_hosts" else ("compute1", "compute2")
ADDRESSES = {name: f"10.199.0.{number}" for number, name in enumerate((*CONTROLS, *COMPUTES), start=41)} | {FOURTH: "10.199.0.49"}
#: Files given after ``hosts.yml``, which has one control host.
_INVENTORIES = pathlib.Path("../../region/inventory")


class Region(Cloud):
    """Control hosts and, in scenario ``region``, two hypervisors.

    Args:
        reach: makes the connection to a host of its address.
        controls: hosts that are control hosts, or were until now.
        inventories: what they are from now on.
        without: a host of ``hosts.yml`` that is no part of the region any more.
    """

    def __init__(
        self,
        reach: t.Callable[[str], Host],
        controls: t.Sequence[str] = CONTROLS,
        inventories: t.Sequence[str] = ("grown.yml",),
        without: str = "",
    ) -> None:
        self.controls, self._without = controls, without
        addresses = {name: ADDRESSES[name] for name in (*controls, *COMPUTES)}
        files = ["hosts.yml", *(str(_INVENTORIES / name) for name in inventories)]
        super().__init__(os.environ["MOLECULE_SCENARIO_NAME"], reach, addresses, ADDRESS, files)

    def command(self, playbook: str, *arguments: str) -> list[str]:
        """Return how an operator plays a playbook of the collection, or a file."""
        hosts = ["-e", f"cloud_hosts=all:!{self._without}"] if self._without else []
        return super().command(playbook, *hosts, *arguments)

    def holder(self) -> str:
        """Return the control host that has the address of the region."""
        (found,) = (name for name in self.controls if self.holds(name))
        return found

    def holds(self, name: str) -> bool:
        """Return whether a host has the address of the region."""
        return f" {ADDRESS}/" in self.hosts[name].check_output("ip -oneline address show")

    def writer(self) -> str:
        """Return the control host whose database is used."""
        used = dict.fromkeys(self.controls, 0.0)
        for name in self.controls:
            metrics = self.hosts[name].check_output("docker exec haproxy curl -fsS http://%s:18404/metrics", ADDRESSES[name])
            row = r'^haproxy_server_current_sessions\{proxy="mariadb",server="(\S+)"\} (\S+)'
            for server, sessions in re.findall(row, metrics, re.MULTILINE):
                used[server] += float(sessions)
        assert any(used.values()), used
        return max(used, key=lambda name: used[name])

    @functools.cached_property
    def apis(self) -> set[str]:
        """The types of the APIs in the catalog."""
        return {service["type"] for service in self.ask("identity", "/services")["services"]}

    def serves(self) -> bool:
        """Return whether users are served: a login, and requests that read the databases of services. Images are on one host."""
        try:
            session = self.session()
            for name, (api, path) in READS.items():
                if api in self.apis and name != "images":
                    session.send("GET", api, path).check()
        except openstack_api.ApiError:
            return False
        return True

    def whole(self) -> None:
        """Wait until one host has the address, and every container of every host is healthy."""
        waiting.wait("one host has the address", lambda: sum(self.holds(name) for name in self.controls) == 1)
        waiting.wait("every container is healthy", lambda: not self.unhealthy(), _PATIENCE)

    def install(self, name: str) -> None:
        """Put a machine without any data in the place of a host."""
        for playbook in ("create", "prepare"):
            path = ROOT / "molecule" / "shared" / f"{playbook}.yml"
            self.play(str(path), "--limit", f"{name},localhost", "-e", json.dumps({"molecule_created": [name]}))

    def unchanged(self) -> None:
        """Run ``site``, which must find nothing to do."""
        recap = self.play("site").partition("PLAY RECAP")[2]
        counts = {name: int(count) for name, count in re.findall(r"(\S+) : ok=\d+ changed=(\d+)", recap)}
        assert counts.keys() >= {*self.controls, *COMPUTES}
        assert not any(counts.values()), recap


def lose(name: str) -> None:
    """Let a host die, with its disk."""
    subprocess.run(["docker", "rm", "--force", "--volumes", f"molecule-{name}"], check=True, capture_output=True)
    subprocess.run(["docker", "volume", "rm", "--force", f"molecule-{name}"], check=True, capture_output=True)


def power(action: t.Literal["off", "on"], *names: str) -> None:
    """Cut the power of hosts at once, or give it back in this order."""
    command = "kill" if action == "off" else "start"
    subprocess.run(["docker", command, *(f"molecule-{name}" for name in names)], check=True, capture_output=True)


@contextlib.contextmanager
def without_power(name: str) -> t.Iterator[None]:
    """Cut the power of a host for a while."""
    power("off", name)
    try:
        yield
    finally:
        power("on", name)
