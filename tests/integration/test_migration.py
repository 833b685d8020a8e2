# SPDX-License-Identifier: Apache-2.0
"""A guest moves between two hypervisors with its disk, over TLS, and nobody without a certificate of a hypervisor takes part.

Both libvirt containers are those of the definitions, on a network of their own. Two hosts of one kernel cannot share its control groups and
its process namespace, so here an init process takes the place of that of the host, and guests end with their container.
"""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import time
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates
from tests.unit.roles.rendering import render
from tests.unit.roles.test_definitions import HOST_CAPABILITIES_OF
from tests.unit.roles.test_settings import write_inventory

from .test_images import reference

pytestmark = pytest.mark.long

NAME = "caisson-test-migration"
SUBNET = "10.213.7"
ADDRESSES = {"control1": f"{SUBNET}.11", "compute1": f"{SUBNET}.31", "compute2": f"{SUBNET}.32"}
DISK, COPY = "/var/lib/libvirt/images/guest.qcow2", "/var/lib/libvirt/images/as-it-was.qcow2"
GUEST = f"""
<domain type='qemu'>
  <name>caisson-guest</name><uuid>5b7a4c1e-5a0e-4d43-9a55-2f1f2b1f7c01</uuid><memory unit='MiB'>192</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{DISK}'/><target dev='vda' bus='virtio'/></disk>
    <serial type='pty'/>
  </devices>
</domain>
"""


def docker(*arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=200)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@dataclasses.dataclass(frozen=True)
class Hypervisor:
    """A libvirt container."""

    container: str
    address: str

    def run(self, *command: str, stdin: str = "", check: bool = True) -> str:
        done = docker("exec", "-i", self.container, *command, stdin=stdin, check=check)
        return done.stdout + done.stderr

    def state(self) -> str:
        """Return the state of the guest."""
        return self.run("virsh", "--quiet", "domstate", "caisson-guest", check=False).strip()

    def migrate(self, other: Hypervisor, *options: str, check: bool = True) -> str:
        """Move the guest as Nova does it."""
        flags = ["--live", "--p2p", "--persistent", "--undefinesource", "--copy-storage-all", "--auto-converge", *options]
        uris = [f"qemu+tls://{other.address}/system", "--migrateuri", f"tcp://{other.address}"]
        return self.run("virsh", "migrate", *flags, "caisson-guest", *uris, check=check)


def place(bind: str, name: str, directory: pathlib.Path) -> str:
    """Return a mount of a host for the test: its files are below *directory*, and what it keeps is in volumes."""
    source, _colon, rest = bind.partition(":")
    if source.startswith("/etc/caisson"):
        return bind.replace("/etc/caisson", str(directory), 1)
    return f"{NAME}-{name}-{source.strip('/').replace('/', '-')}:{rest}"


def start(name: str, model: dict[str, t.Any], directory: pathlib.Path) -> Hypervisor:
    """Start libvirt with the files, the job and the options that the model of a host has for it."""
    (spec,) = (item for item in model["containers"] if item["name"] == "libvirt")
    (job,) = (item for item in model["jobs"] if item["name"] == "libvirt_certificates")
    assert spec["after"] == [job["name"]]
    for file in model["files"]:
        path = directory / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file["content"], "utf-8")
        path.chmod(int(file["mode"], 8))
    with (directory / "libvirt/files/etc/libvirt/qemu.conf").open("a", encoding="utf-8") as qemu:
        qemu.write("cgroup_controllers = [ ]\n")
    places = [place(bind, name, directory) for bind in spec["volumes"] if not bind.startswith(("/sys/", "/dev:"))]
    options = ["--network", NAME, "--ip", ADDRESSES[name], "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only"]
    options += [word for capability in spec["capabilities"] for word in ("--cap-add", capability)]
    options += [word for mount in places for word in ("--volume", mount)]
    options += [word for mount in spec["tmpfs"] for word in ("--tmpfs", mount)] + ["--user", spec["user"]]
    docker("run", "--rm", *options, reference("libvirt"), *job["container"]["command"])
    container = f"{NAME}-{name}"
    docker("run", "--detach", "--init", "--name", container, *options, reference("libvirt"), *spec["command"])
    hypervisor = Hypervisor(container, ADDRESSES[name])
    deadline = time.monotonic() + 60
    while "Running against daemon" not in hypervisor.run("virsh", "version", "--daemon", check=False):
        assert time.monotonic() < deadline, docker("logs", container).stderr
        time.sleep(0.5)
    return hypervisor


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, t.Any]]:
    directory = tmp_path_factory.mktemp("models")
    inventory = write_inventory(directory, {}, ADDRESSES)
    return render(inventory, directory, {"cloud_host_capabilities": HOST_CAPABILITIES_OF["2026.1"]})


@pytest.fixture
def hypervisors(models: dict[str, dict[str, t.Any]], tmp_path: pathlib.Path) -> t.Iterator[list[Hypervisor]]:
    """Two hypervisors that know each other's certificates."""
    names = ["compute1", "compute2"]

    def clean() -> None:
        for kind, *remove in (("ps", "rm", "--force", "--volumes"), ("volume", "volume", "rm", "--force"), ("network", "network", "rm")):
            listing = ["ps", "--all"] if kind == "ps" else [kind, "ls"]
            if found := docker(*listing, "--quiet", "--filter", f"name={NAME}").stdout.split():
                docker(*remove, *found)

    clean()
    try:
        docker("network", "create", "--internal", "--subnet", f"{SUBNET}.0/24", NAME)
        yield [start(name, models[name], tmp_path / name) for name in names]
    finally:
        clean()


def test_a_guest_moves_there_and_back_with_its_disk(hypervisors: list[Hypervisor]) -> None:
    one, other = hypervisors
    one.run("qemu-img", "convert", "-O", "qcow2", "/usr/share/caisson/caisson-guest.qcow2", DISK)
    one.run("cp", DISK, COPY)
    size = "44M"
    one.run("virsh", "define", "/dev/stdin", stdin=GUEST)
    one.run("virsh", "start", "caisson-guest")
    # Nova makes the disk before the guest arrives
    other.run("qemu-img", "create", "-f", "qcow2", DISK, size)
    refused = one.migrate(other, check=False)
    assert "TLS" in refused and one.state() == "running", refused
    one.migrate(other, "--tls")
    assert (one.state(), other.state()) == ("error: failed to get domain 'caisson-guest'", "running")
    one.run("rm", DISK)
    one.run("qemu-img", "create", "-f", "qcow2", DISK, size)
    other.migrate(one, "--tls")
    assert one.state() == "running"
    one.run("virsh", "destroy", "caisson-guest")
    # the guest of the collection never writes to its disk
    one.run("qemu-img", "compare", DISK, COPY)


def test_only_hypervisors_of_the_cloud_may_connect(hypervisors: list[Hypervisor], tmp_path: pathlib.Path) -> None:
    one, other = hypervisors
    uri = f"qemu+tls://{other.address}/system"
    assert "caisson" not in one.run("virsh", "--connect", uri, "list", "--all")
    trusted = one.run("cat", "/etc/pki/CA/cacert.pem")
    needed = certificates.CertificateRequirement(authority="stranger")
    stranger = certificates.due({}, [needed], certificates.datetime.datetime.now(certificates.datetime.UTC))["stranger"]
    foreign = certificates.derive_certificate(stranger, [one.address])
    one.run("mkdir", "/tmp/nobody", "/tmp/stranger")
    for name in ("nobody", "stranger"):
        one.run("sh", "-c", f"cat >/tmp/{name}/cacert.pem", stdin=trusted)
    for file in ("clientcert.pem", "clientkey.pem"):
        one.run("sh", "-c", f"cat >/tmp/stranger/{file}", stdin=foreign)
    for name in ("nobody", "stranger"):
        command = ["virsh", "--connect", f"{uri}?pkipath=/tmp/{name}", "list"]
        done = docker("exec", one.container, *command, check=False)
        assert done.returncode != 0 and "error: failed to connect" in done.stderr, done.stdout
    assert "ertificate" in docker("logs", other.container).stderr
