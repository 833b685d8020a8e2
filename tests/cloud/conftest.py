# SPDX-License-Identifier: Apache-2.0
"""The cloud that all tests of this directory share."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import ssl
import subprocess
import typing as t

import docker
import pytest
import yaml

from tests.cloud import records

ROOT = pathlib.Path(__file__).parents[2]
ARTIFACTS = ROOT / "artifacts"
NAME = "caisson"
LABEL = "org.caisson."
#: Filter of the engine's containers: those of this cloud. Other tests may use the same engine.
OWN = {"label": [f"{LABEL}cloud={NAME}"]}
CONFIGURATION = pathlib.Path("/etc/caisson")
#: Where the APIs are; each has its port.
API = "https://127.0.9.1"


@dataclasses.dataclass
class Cloud:
    """A clone of this repository, and the cloud that ``make cloud`` made from it."""

    root: pathlib.Path
    first_run: str

    def play(self, playbook: str, *arguments: str, check: bool = True) -> str:
        """Run a playbook of the collection as an operator would; return what it printed."""
        command = ["ansible-playbook", "-i", "inventory/aio/hosts.yml", f"caisson.openstack.{playbook}", *arguments]
        return run(command, self.root, f"{playbook}.log", check)

    def verify(self, *arguments: str) -> dict[str, t.Any]:
        """Boot the server of the verification and keep it; return its addresses."""
        text = self.play("verify", "-e", "verify_keep=true", *arguments)
        found = re.search(r"Server (\S+) on (\S+) was active.*?(\d+\.\d+\.\d+\.\d+) answered", " ".join(text.split()))
        assert found, text[-2000:]
        return {"server": found[1], "host": found[2], "floating_ip": found[3]}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the operator's shell."""
        return environment(self.root)

    @property
    def secrets(self) -> dict[str, t.Any]:
        """What the cloud made up."""
        return yaml.safe_load((self.root / "inventory/aio/secrets.yml").read_text())["cloud_secrets"]

    @property
    def tls(self) -> ssl.SSLContext:
        """What a client needs that trusts the cloud's CA, and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.root / "inventory/aio/ca.crt")
        return context

    @property
    def containers(self) -> dict[str, dict[str, t.Any]]:
        """The engine's description of every long-running container of the cloud, by name."""
        client = docker.APIClient()
        rows = client.containers(all=True, filters={"label": [f"{LABEL}cloud={NAME}", f"{LABEL}container"]})
        found = {}
        for row in rows:
            with contextlib.suppress(docker.errors.NotFound):  # it was replaced meanwhile
                found[row["Names"][0].lstrip("/")] = client.inspect_container(row["Id"])
        return found


def environment(root: pathlib.Path) -> dict[str, str]:
    """Return the environment of a shell in which the virtual environment of *root* is active."""
    # what this process trusts, and what `make test` was given, is not for an operator's shell
    foreign = {"SSL_CERT_FILE", "ARGS", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS"}
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**inherited, "PATH": f"{root}/.venv/bin:{os.environ['PATH']}", "ANSIBLE_CONFIG": f"{root}/ansible.cfg", "NO_COLOR": "1"}


def trust() -> ssl.SSLContext:
    """Return what a client of the tests verifies with; by itself urllib would keep what it trusted when it was first used."""
    return ssl.create_default_context()


def run(command: list[str], root: pathlib.Path, log: str, check: bool = True) -> str:
    """Run a command of an operator, keep its output among the artifacts, return it."""
    done = subprocess.run(
        command, cwd=root, env=environment(root), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    ARTIFACTS.mkdir(exist_ok=True)
    with (ARTIFACTS / log).open("a") as stream:
        stream.write(done.stdout)
    if check:
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-6000:]}"
    return done.stdout


def recap(text: str, host: str = "aio") -> dict[str, int]:
    """Return the numbers of a run's recap for one host."""
    line = re.search(rf"^{host}\s+: (.*)$", text, re.MULTILINE)
    assert line, text[-2000:]
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line[1])}


def spec_of(container: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the specification that a container was made from."""
    return json.loads(container["Config"]["Labels"][f"{LABEL}spec"])


def twins(values: dict[str, t.Any]) -> list[str]:
    """Return the names of the passwords that belong to the second account of their pair, of all secrets of a cloud."""
    return values.get("rotation", {}).get("twins", [])


def credentials(values: dict[str, t.Any], name: str, first: str) -> tuple[str, str]:
    """Return the account in use and its password."""
    return f"{first}_b" if name in twins(values) else first, values[name]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """Clone what is committed and make a cloud from it, as a new user would."""
    root = tmp_path_factory.mktemp("clone") / "openstack"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(root)], check=True)
    records.clear()
    if CONFIGURATION.exists():  # an earlier run of these tests was killed: what it left is no fresh machine
        run(["make", "collection"], root, "leftovers.log")
        # its secrets are gone with its clone
        consent = {"host_recreate_cloud_with_these_secrets": NAME, "host_belongs_to_this_inventory_now": "aio"}
        Cloud(root, "").play("engine", "-e", json.dumps(consent))
        Cloud(root, "").play("destroy", "-e", f"destroy_confirm={NAME}")
    cloud = Cloud(root, run(["make", "cloud"], root, "make-cloud.log"))
    # what the tests' own clients trust, but not the commands of an operator
    os.environ["SSL_CERT_FILE"] = str(root / "inventory/aio/ca.crt")
    return cloud


@pytest.fixture(scope="session")
def server(cloud: Cloud) -> dict[str, t.Any]:
    """The verification's server, which stays until a test deletes it."""
    return cloud.verify()
