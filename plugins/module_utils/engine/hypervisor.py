# SPDX-License-Identifier: Apache-2.0
"""What servers and networks leave on a hypervisor beside its containers: find it, and remove it."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common.wait import wait_until
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError

_VSCTL = ["ovs-vsctl", "--db=unix:/run/openvswitch/db.sock", "--timeout=15"]
#: The userspace datapath's own tap. Taps of this datapath, that of a bridge too, are persistent: they outlive a switch that was killed.
_TAP = "ovs-netdev"
_NAMESPACE_PREFIX = "ovnmeta-"
_LIST_BRIDGES = [*_VSCTL, "list-br"]
_LIST_DOMAINS = ["virsh", "--quiet", "list", "--name"]
#: Containers that are needed, in the order of their start, and what they answer once they are ready. The switch removes its own bridges.
_NEEDED = {"openvswitch_db": _LIST_BRIDGES, "openvswitch_vswitchd": ["ovs-appctl", "--timeout=5", "dpif/show"], "libvirt": _LIST_DOMAINS}
_START_TIMEOUT = 30  # seconds
_STOP_TIMEOUT = 10  # seconds


@dataclasses.dataclass(frozen=True)
class HypervisorLeftovers:
    """Names of virtual machines, bridges, network interfaces and network namespaces."""

    domains: list[str]
    bridges: list[str]
    links: list[str]
    namespaces: list[str]

    def lines(self) -> str:
        """Return one line for each, for a diff."""
        return "".join(f"{kind}: {name}\n" for kind, names in dataclasses.asdict(self).items() for name in names)


def start(engine: Engine, timeout: float = _START_TIMEOUT) -> list[str]:
    """Start what knows of servers and bridges, for servers outlive their containers; return a warning for each that does not answer.

    A container that was removed cannot be started, and is left out.
    """
    warnings = []
    for name, question in _NEEDED.items():
        state = engine.container(name)
        if not state or state.running:
            continue
        try:
            engine.start(name)
            ready = wait_until(functools.partial(_answers, engine, name, question), timeout, 0.5)
        except EngineError as error:
            warnings.append(f"{error}; what {name} knows of was not removed")
        else:
            warnings += [] if ready else [f"{name} does not answer {timeout:.0f} s after its start; what it knows of was not removed"]
    return warnings


def _answers(engine: Engine, container: str, question: list[str]) -> bool:
    state = engine.container(container)
    return bool(state and state.running and engine.exec(container, question).rc == 0)


def find(engine: Engine, root: pathlib.Path = pathlib.Path("/")) -> HypervisorLeftovers:
    """Return what is there; what a container would have to say is empty if that does not run.

    Raises:
        EngineError: if the engine refuses.
    """
    return HypervisorLeftovers(
        domains=_words(engine, "libvirt", _LIST_DOMAINS),
        bridges=_words(engine, "openvswitch_db", _LIST_BRIDGES),
        links=[_TAP] if (root / "sys/class/net" / _TAP).exists() else [],
        namespaces=sorted(path.name for path in (root / "run/netns").glob(f"{_NAMESPACE_PREFIX}*")),
    )


def remove(
    engine: Engine, found: HypervisorLeftovers, run: t.Callable[[list[str]], object], root: pathlib.Path = pathlib.Path("/")
) -> list[str]:
    """Remove what was found, and return a warning for each thing that is still there; *run* runs a command on the host.

    The containers that would create it again are stopped on the way.

    Raises:
        EngineError: if the engine refuses.
    """
    warnings = []
    for name in found.domains:
        warnings += _failed(engine, "libvirt", ["virsh", "--quiet", "destroy", name], f"the virtual machine {name}")
    _stop(engine, "ovn_controller")
    for name in found.bridges:
        warnings += _failed(engine, "openvswitch_db", [*_VSCTL, "--if-exists", "del-br", name], f"the bridge {name}")
    _stop(engine, "openvswitch_vswitchd")
    interfaces = root / "sys/class/net"
    for name in found.bridges:
        # a switch that learns of the bridge's end before it has opened its tap, as just after a start, leaves the tap behind
        if (interfaces / name / "tun_flags").exists():
            run(["ip", "link", "delete", name])
        # the switch's own script adds this rule for a bridge with an address
        run(["ip", "rule", "delete", "iif", name, "prohibit"])
    for name in found.links:
        run(["ip", "link", "delete", name])
    for name in found.namespaces:
        run(["ip", "netns", "delete", name])
    left = [path for path in (interfaces / name for name in [*found.bridges, *found.links]) if path.exists()]
    warnings += [f"the network interface {path.name} is still there; remove it with: {_remedy(path)}" for path in left]
    namespaces = [name for name in found.namespaces if (root / "run/netns" / name).exists()]
    return warnings + [f"the network namespace {name} is still there; remove it with: ip netns delete {name}" for name in namespaces]


def _remedy(interface: pathlib.Path) -> str:
    """Return what removes an interface; one of the kernel's datapath is no link that could be deleted."""
    tap = (interface / "tun_flags").exists()
    return f"ip link delete {interface.name}" if tap else "ovs-dpctl del-dp ovs-system (package openvswitch-switch), or restart the host"


def _failed(engine: Engine, container: str, command: list[str], what: str) -> list[str]:
    """Run a command that removes *what*, and return a warning if it failed."""
    result = engine.exec(container, command)
    return [f"{what} was not removed: {result.output}"] if result.rc else []


def _words(engine: Engine, container: str, command: list[str]) -> list[str]:
    """Return the words that a command prints, or nothing if its container does not run."""
    state = engine.container(container)
    return engine.exec(container, command).stdout.split() if state and state.running else []


def _stop(engine: Engine, container: str) -> None:
    if engine.container(container):
        engine.stop(container, _STOP_TIMEOUT)
