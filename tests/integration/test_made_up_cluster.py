# SPDX-License-Identifier: Apache-2.0
"""A cluster of three hosts that is nothing but data, see made_up_cluster/ledger: founded, joined, changed, damaged, stopped, recovered.

The hosts are containers with an engine of their own, as those of Molecule. A client writes and reads through the load balancer all the
while; what it was told is stored must be there in the end.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import threading
import time
import typing as t
import urllib.request

import pytest
import yaml

from tests import plays

from .test_images import reference

pytestmark = pytest.mark.long

ROOT = pathlib.Path(__file__).parents[2]
HOSTS = {f"member{number}": f"10.199.2.{10 + number}" for number in (1, 2, 3)}
NETWORK, SUBNET = "caisson-test-cluster", "10.199.2.0/24"
IMAGE = "caisson-test-host"
#: A host as Molecule has it, with the engine that its role would install.
CONTAINERFILE = """
FROM caisson-molecule-host
RUN apt-get update -q && apt-get install -qy --no-install-recommends docker.io docker-cli iptables python3-docker
RUN mkdir -p /etc/docker && echo '{"bridge": "none", "iptables": false, "live-restore": true}' > /etc/docker/daemon.json
"""
PLAY = """
- name: Cluster
  hosts: all
  gather_facts: false
  any_errors_fatal: true
  roles:
    - ledger
    - caisson.openstack.loadbalancer
    - caisson.openstack.service
"""
PORT = 8700


def run(*command: str, check: bool = True, **options: t.Any) -> str:
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    assert not check or done.returncode == 0, done.stdout
    return done.stdout


def on(host: str, *command: str, check: bool = True) -> str:
    return run("docker", "exec", f"cluster-{host}", *command, check=check)


@dataclasses.dataclass(frozen=True)
class Site:
    """The directory of the inventory."""

    path: pathlib.Path

    def play(self, *arguments: str, check: bool = True) -> str:
        command = plays.command("hosts.yml", "cluster.yml", *arguments)
        return plays.run(self.path, command, check, ANSIBLE_ROLES_PATH=str(self.path)).stdout


def _start(host: str, address: str, key: str) -> None:
    molecule = yaml.safe_load((ROOT / "molecule/shared/vars/main.yml").read_text())
    capabilities = [f"--cap-add={name}" for name in molecule["molecule_capabilities"]]
    unconfined = ["--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined", "--cgroupns=private"]
    mounts = ["--tmpfs=/run:exec,mode=755", "--tmpfs=/run/lock", "--tmpfs=/tmp:exec,mode=1777"]
    names = ["--detach", f"--name=cluster-{host}", f"--hostname={host}", f"--network={NETWORK}", f"--ip={address}"]
    run("docker", "run", *names, *capabilities, *unconfined, "--device-cgroup-rule=a *:* rwm", "--device=/dev/kmsg", *mounts, IMAGE)
    run("docker", "exec", "-i", f"cluster-{host}", "tee", "/root/.ssh/authorized_keys", input=key)
    deadline = time.monotonic() + 90
    while subprocess.run(["docker", "exec", f"cluster-{host}", "docker", "info"], capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, on(host, "journalctl", "-u", "docker", "--no-pager", "-n", "30", check=False)
        time.sleep(1)


def _remove() -> None:
    for host in HOSTS:
        subprocess.run(["docker", "rm", "--force", "--volumes", f"cluster-{host}"], capture_output=True, check=False)
    subprocess.run(["docker", "network", "rm", NETWORK], capture_output=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    """Three hosts with an engine and the images, and an inventory of them."""
    path = tmp_path_factory.mktemp("cluster")
    _remove()
    build = ["docker", "build", "--quiet", "--network=host"]
    run(
        *build,
        "--build-arg",
        f"BASE={reference('base')}",
        "-t",
        "caisson-molecule-host",
        "-f",
        str(HOST_IMAGE / "Containerfile"),
        str(HOST_IMAGE),
    )
    run(*build, "-t", IMAGE, "-", input=CONTAINERFILE)
    run("docker", "network", "create", "--subnet", SUBNET, NETWORK)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path / "key"))
    images = path / "images.tar"
    run("docker", "save", "-o", str(images), reference("python"), reference("haproxy"))

    def prepare(host: str) -> None:
        _start(host, HOSTS[host], (path / "key.pub").read_text())
        with images.open("rb") as archive:
            subprocess.run(
                ["docker", "exec", "-i", f"cluster-{host}", "docker", "load", "-q"], stdin=archive, check=True, capture_output=True
            )

    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(prepare, HOSTS))
        images.unlink()
        shutil.copytree(ROOT / "tests/integration/made_up_cluster/ledger", path / "ledger")
        (path / "cluster.yml").write_text(PLAY)
        (path / "hosts.yml").write_text(yaml.safe_dump(_inventory(path)))
        yield Site(path)
    finally:
        _remove()


HOST_IMAGE = ROOT / "molecule/shared/host"


def _inventory(path: pathlib.Path) -> dict[str, t.Any]:
    hosts = {host: {"ansible_host": address} for host, address in HOSTS.items()}
    options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ControlMaster=auto -o ControlPersist=60s"
    settings = {
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(path / "key"),
        "ansible_ssh_common_args": options,
        "cloud_name": "made-up-cluster",
        "cloud_tls": False,
        "loadbalancer_group": "balancer",
    }
    groups: dict[str, t.Any] = {"control": {"hosts": {host: {} for host in HOSTS}}, "balancer": {"hosts": {"member1": {}}}}
    return {"all": {"hosts": hosts, "vars": settings, "children": groups}}


# -- what the cluster says --------------------------------------------------------------------------------------


def ask(address: str, path: str, method: str = "GET", port: int = 10000 + PORT) -> t.Any:
    with urllib.request.urlopen(urllib.request.Request(f"http://{address}:{port}{path}", method=method), timeout=30) as answer:
        return json.load(answer)


def views() -> dict[str, dict[str, t.Any]]:
    return {host: ask(address, "/state") for host, address in HOSTS.items()}


def started(*hosts: str) -> dict[str, str]:
    return {host: on(host, "docker", "inspect", "-f", "{{.Id}} {{.State.StartedAt}}", "ledger").strip() for host in hosts or HOSTS}


def greetings() -> set[str]:
    return {ask(address, "/")["greeting"] for address in HOSTS.values()}


class Client:
    """Writes and reads through the load balancer until it is stopped."""

    def __init__(self) -> None:
        self.answers, self.acknowledged, self.errors = 0, 0, list[str]()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(method,)) for method in ("GET", "POST")]

    def __enter__(self) -> Client:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_caught: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _work(self, method: str) -> None:
        while not self._done.wait(0.05):
            try:
                answer = ask(HOSTS["member1"], "/", method, PORT)
                self.answers += 1
                if method == "POST":
                    self.acknowledged = max(self.acknowledged, answer)
            except OSError as error:
                self.errors.append(f"{time.strftime('%H:%M:%S')} {method}: {error}")


# -- the life of a cluster; each test goes on where the one before it ended -------------------------------------


def test_the_first_host_founds_it_and_the_others_join(site: Site) -> None:
    text = site.play()
    assert "it does not exist; founds cluster ledger" in text
    assert text.count("it does not exist; joins through member1 cluster ledger") == 2
    found = views()
    assert len({view["cluster"] for view in found.values()}) == 1
    assert all(view["since"] for view in found.values())
    before = started()
    assert "changed=0" in site.play()
    assert started() == before


def test_a_member_does_not_stop_while_another_lags_behind(site: Site) -> None:
    before = started()
    ask(HOSTS["member3"], "/lag", "PUT")
    text = site.play("-e", "ledger_greeting='Good evening'", check=False)
    assert (
        "ledger is not stopped, because its stop check failed (exit code 1): no majority would be left: 10.199.2.13 does not serve" in text
    )
    assert started("member1", "member2") == {host: before[host] for host in ("member1", "member2")}
    ask(HOSTS["member3"], "/resume", "PUT")


def test_a_change_rolls_through_without_a_failed_request(site: Site) -> None:
    before = started()
    with Client() as client:
        site.play("-e", "ledger_greeting='Good evening'")
    assert client.errors == []
    assert client.answers > 100
    assert all(started()[host] != before[host] for host in HOSTS)
    assert greetings() == {"Good evening"}
    assert all(view["position"] >= client.acknowledged > 0 for view in views().values())


def test_a_member_that_lost_its_data_joins_again(site: Site) -> None:
    others = started("member1", "member3")
    with Client() as client:
        on("member2", "docker", "rm", "-f", "ledger")
        on("member2", "docker", "volume", "rm", "ledger")
        text = site.play("-e", "ledger_greeting='Good evening'")
    assert "it does not exist; joins through member1, member3 cluster ledger" in text
    assert started("member1", "member3") == others
    found = views()
    assert len({view["cluster"] for view in found.values()}) == 1
    assert found["member2"]["position"] >= client.acknowledged


def test_after_all_have_stopped_it_goes_on_with_the_newest_data_or_not_at_all(site: Site) -> None:
    acknowledged = 0
    for host in ("member1", "member3", "member2"):
        acknowledged = ask(HOSTS["member2"], "/", "POST")
        on(host, "docker", "stop", "ledger")
    text = site.play("-e", "ledger_greeting='Good evening'", "--limit", "member1,member3", check=False)
    assert "not all members are known, and they may have newer data (member2 takes no part in this run)" in text
    assert all("exited" in on(host, "docker", "inspect", "-f", "{{.State.Status}}", "ledger") for host in HOSTS)
    text = site.play("-e", "ledger_greeting='Good evening'")
    assert re.search(rf"start +container ledger .*has the newest data \(position {acknowledged}\) and recovers cluster ledger", text)
    assert text.count("starts again through member2 in cluster ledger") == 2
    assert {view["position"] for view in views().values()} == {acknowledged}
    assert "changed=0" in site.play("-e", "ledger_greeting='Good evening'")
