# SPDX-License-Identifier: Apache-2.0
"""What a host offers to the containers, found out by trying."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import struct
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import commands
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from ansible_collections.caisson.openstack.plugins.module_utils.preflight import interfaces

_SECTION = "host_capabilities"
_BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")

# -- hardware virtualization ------------------------------------------------------------------------------------

#: Seconds in which the kernel of the test guest must have started its first process. With KVM that takes two or three; on a
#: host that only pretends the guest hangs for ever, or QEMU gives up with an internal error.
KVM_TIMEOUT = 20

_GUEST = "/usr/share/caisson/caisson-guest.qcow2"
#: What the console shows when the guest is up, and what QEMU says when the kernel's KVM fails it.
_STARTED, _FAILED = "guest: kernel", "internal error"
_TRIAL = f"""
qemu-system-x86_64 -accel $0 -m 192 -display none -nodefaults -no-reboot -snapshot -serial stdio \\
  -drive file={_GUEST},if=virtio,format=qcow2 </dev/null >/tmp/console 2>&1 &
guest=$!
for _try in $(seq {KVM_TIMEOUT * 4}); do
    if grep -q '{_STARTED}' /tmp/console; then kill -9 $guest; exit 0; fi
    if grep -q '{_FAILED}' /tmp/console || ! kill -0 $guest 2>/dev/null; then break; fi
    sleep 0.25
done
kill -9 $guest 2>/dev/null
exit 1
"""


def run_guest(engine: Engine, image_id: str, cloud: str, accelerator: str) -> bool:
    """Return whether the test guest boots with *accelerator* (``kvm`` or ``tcg``)."""
    spec = ContainerSpec(
        name="host_capabilities",
        service="host_capabilities",
        image=image_id,
        command=["bash", "-c", _TRIAL, accelerator],
        tmpfs=["/tmp:mode=1777", "/var/tmp:mode=1777"],
        devices=["/dev/kvm"] if accelerator == "kvm" else [],
    )
    return engine.run_once(spec, image_id, cloud, timeout=KVM_TIMEOUT + 20).rc == 0


def virt_type(
    device: bool, image_id: str | None, boot_id: str, state: StateFile, try_kvm: t.Callable[[str], bool], remember: bool = True
) -> tuple[str, str]:
    """Return ``kvm`` or ``qemu``, and the reason; a trial counts until the host boots again or the image changes."""
    if not device:
        return "qemu", "/dev/kvm does not exist"
    if image_id is None:
        return "qemu", "not tried: the libvirt image is not on this host"
    known = state.get(_SECTION, "kvm")
    if not known or (known["boot_id"], known["image"]) != (boot_id, image_id):
        known = {"boot_id": boot_id, "image": image_id, "works": try_kvm(image_id)}
        if remember:
            state.put(_SECTION, "kvm", known)
    return ("kvm", "a guest booted") if known["works"] else ("qemu", f"/dev/kvm exists, but a guest did not boot within {KVM_TIMEOUT} s")


# -- Open vSwitch -----------------------------------------------------------------------------------------------

_NETLINK_GENERIC = 16
_CTRL_ID, _CTRL_GETFAMILY, _CTRL_ATTR_NAME = 16, 3, 2
_REQUEST, _ERROR = 1, 2


def netlink_family_exists(name: str) -> bool:
    """Return whether the kernel has a generic netlink family, which is how Open vSwitch asks for its datapath."""
    payload = name.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(payload), _CTRL_ATTR_NAME) + payload
    attribute += b"\0" * (-len(attribute) % 4)
    body = struct.pack("=BBH", _CTRL_GETFAMILY, 1, 0) + attribute
    message = struct.pack("=IHHII", 16 + len(body), _CTRL_ID, _REQUEST, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC) as netlink:
        netlink.settimeout(5)
        netlink.bind((0, 0))
        netlink.send(message)
        answer = netlink.recv(65536)
    return struct.unpack_from("=IH", answer)[1] != _ERROR


def load_module(name: str) -> None:
    """Ask for a kernel module; a kernel that has it built in, or not at all, is no error, nor is a machine without kmod."""
    with contextlib.suppress(FileNotFoundError):
        commands.run(["modprobe", "--quiet", name])


def ovs_datapath(family_exists: t.Callable[[str], bool], load: t.Callable[[str], None]) -> tuple[str, str]:
    """Return ``system`` (in the kernel) or ``netdev`` (in user space), and the reason."""
    if not family_exists("ovs_datapath"):
        load("openvswitch")
        if not family_exists("ovs_datapath"):
            return "netdev", "the kernel has no module openvswitch, or it cannot be loaded"
    return "system", "the kernel has a datapath"


# -- the rest ---------------------------------------------------------------------------------------------------


def cgroup_version(root: pathlib.Path = pathlib.Path("/sys/fs/cgroup")) -> int:
    """Return the version of the control groups in use."""
    return 2 if (root / "cgroup.controllers").is_file() else 1


def apparmor(parameter: pathlib.Path = pathlib.Path("/sys/module/apparmor/parameters/enabled")) -> bool:
    """Return whether AppArmor confines processes on this host."""
    try:
        return parameter.read_text().strip() == "Y"
    except OSError:
        return False


def service_manager(proc: pathlib.Path = pathlib.Path("/run/systemd/system")) -> str:
    """Return ``systemd``, or ``none``."""
    return "systemd" if proc.is_dir() else "none"


def boot_id() -> str:
    """Return what tells one boot of the host from the next."""
    return _BOOT_ID.read_text().strip()


def kvm_device() -> bool:
    """Return whether the kernel offers hardware virtualization, which does not mean that it works."""
    return pathlib.Path("/dev/kvm").exists()


def interface_of(address: str) -> str:
    """Return the network interface of this host that has *address*; empty if none has, or if it is no address."""
    try:
        return interfaces.holding(interfaces.read(), address)
    except ValueError:
        return ""


def detect(
    cloud: str, image: str, address: str, engine_options: t.Mapping[str, t.Any], remember: bool
) -> tuple[dict[str, t.Any], dict[str, str]]:
    """Return what the host offers, and why guests and switch run as they do.

    Args:
        cloud: name of the cloud, kept as a label of the trial's container.
        image: reference of the libvirt image; KVM is not tried without one.
        address: of the host, whose interface is asked for.
        engine_options: where the engine listens, see :mod:`address`.
        remember: whether to keep the result of the trial.

    Raises:
        EngineError: if the trial cannot be made.
    """
    device = kvm_device()
    engine = Engine(connect(engine_options)) if device and image else None
    image_id = engine.image_id(image) if engine else None

    def trial(found: str) -> bool:
        return engine is not None and run_guest(engine, found, cloud, "kvm")

    virt, virt_reason = virt_type(device, image_id, boot_id(), StateFile(), trial, remember=remember)
    datapath, datapath_reason = ovs_datapath(netlink_family_exists, load_module)
    found = {
        "virt_type": virt,
        "ovs_datapath": datapath,
        "cgroup_version": cgroup_version(),
        "apparmor": apparmor(),
        "service_manager": service_manager(),
        "interface": interface_of(address),
    }
    return found, {"virt_type": virt_reason, "ovs_datapath": datapath_reason}
