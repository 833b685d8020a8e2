#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Whether a host can be part of the cloud."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_check
short_description: Whether a host can be part of the cloud
version_added: 0.1.0
description:
  - Looks at system, size and addresses of the host and fails with every error that it finds. Nothing is changed.
  - The floating range must not hold an address that the host itself needs, such as its gateway, its name servers or the
    servers that it gets packages from.
  - A network interface that becomes the port of a bridge must not be one that the host needs itself.
  - The clock of the host must agree with that of the controller.
  - What a cloud needs only to come into being, free space and a floating range, is not asked of a host that runs its containers.
author: The caisson authors (@caisson)
options:
  address:
    description: Address on which the host serves.
    type: str
    required: true
  memory:
    description: Memory that the host must have, in MiB.
    type: int
    default: 0
  disk:
    description: Space that must be free below C(/var/lib), in MiB.
    type: int
    default: 0
  cloud:
    description: Name of the cloud; ports on which its containers listen are not taken.
    type: str
    default: ''
  ports:
    description: TCP ports on which services are going to listen.
    type: list
    elements: dict
    default: []
    suboptions:
      service: {description: Service that listens., type: str, required: true}
      port: {description: Port., type: int, required: true}
      setting: {description: Variable that says which port., type: str, default: ''}
  engine:
    description: Whether a usable container engine must answer.
    type: bool
    default: false
  external_network:
    description: Floating range that is put on a bridge of this host, in CIDR notation.
    type: str
    default: ''
  bridges:
    description: Bridges of the switch on this host.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the bridge., type: str, required: true}
      interface: {description: Network interface of the host that becomes its port., type: str, default: ''}
      address: {description: 'Address that the bridge gets, with its prefix length.', type: str, default: ''}
      setting: {description: Variable that names the interface., type: str, default: ''}
  api_names:
    description: Names in the URLs of the APIs, each of which this host must resolve to its address and to nothing else.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The name., type: str, required: true}
      address: {description: Address at which clients find the APIs., type: str, required: true}
      setting: {description: Variable that has the name., type: str, default: cloud_api_fqdn}
      address_setting: {description: Variable that has the address., type: str, default: cloud_api_address}
  api_address:
    description: Address on which the load balancer of this host listens; empty if it runs none.
    type: str
    default: ''
  public_address:
    description: Address on which it listens for users as well; empty if they have none of their own.
    type: str
    default: ''
  virtual_addresses:
    description: Addresses that this host shares with others, of which one has it at a time.
    type: list
    elements: dict
    default: []
    suboptions:
      address: {description: The address., type: str, required: true}
      interface: {description: Network interface of this host that gets it; the one with O(address) if empty., type: str, default: ''}
      setting: {description: Variable that has the address., type: str, default: cloud_api_address}
      interface_setting: {description: Variable that names the interface., type: str, default: keepalived_interface}
  peers:
    description: Other hosts that this one must reach, each with TCP ports. All connections are tried at once; one that is refused is fine.
    type: list
    elements: dict
    default: []
    suboptions:
      host: {description: Name of the host., type: str, required: true}
      address: {description: Its address., type: str, required: true}
      ports: {description: TCP ports on which services listen there., type: list, elements: int, required: true}
  tunnel_address:
    description: Address of this host for tunnels to other hosts; empty if it has none.
    type: str
    default: ''
  mtu:
    description: Largest packet of Neutron's networks, in bytes, which network interfaces must be able to send; 0 for no such check.
    type: int
    default: 0
  guests:
    description: What a hypervisor keeps for servers and for itself, which must be processors and memory that it has.
    type: dict
    suboptions:
      cpu_dedicated_set: {description: 'Processors for servers that have some of their own, such as V(4-15).', type: str, default: ''}
      cpu_shared_set: {description: Processors for all other servers., type: str, default: ''}
      reserved_host_cpus: {description: Number of processors that are for the host., type: int, default: 0}
      reserved_host_memory_mb: {description: 'Memory for the host, in MiB.', type: int, default: 0}
  volumes:
    description: Volumes that containers of this host are going to use, which must not be there already if the host says nothing of a cloud.
    type: list
    elements: str
    default: []
  shared_directories:
    description: Directories that must be mounts of a file system that hosts can share.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: Absolute path of the directory., type: str, required: true}
      setting: {description: Variable that names the directory., type: str, required: true}
  host_capabilities:
    description: Whether to find out what the host offers to containers, as M(caisson.openstack.host_capabilities_facts) does.
    type: bool
    default: false
  libvirt_image:
    description: With O(host_capabilities) the reference of the libvirt image; KVM is not tried without one.
    type: str
    default: ''
  journal:
    description: Whether to read how far a rollout is, because this host keeps its journal.
    type: bool
    default: false
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.identity]
attributes:
  check_mode: {support: full, description: Never changes anything.}
"""

EXAMPLES = r"""
- name: Check the host
  caisson.openstack.host_check:
    address: 127.0.9.1
    external_network: 198.51.100.0/24
"""

RETURN = r"""
clock:
  description: Clock of the host, in seconds since 1970.
  returned: always
  type: float
  sample: 1767323045.678
clock_ahead:
  description: Seconds by which the clock of the host is ahead of the controller's, the least and the most that it may be.
  returned: always
  type: list
  elements: float
  sample: [-0.02, 0.31]
unreachable:
  description: Those of O(peers) that this host does not reach, with these ports only.
  returned: success
  type: list
  elements: dict
  sample: []
virtual_addresses:
  description:
    - For each of O(virtual_addresses), whether this host has it (C(here)), and the hardware address of another machine that has it (C(at)),
      empty if none answers.
  returned: success
  type: dict
  sample: {192.0.2.100: {here: false, at: '52:54:00:12:34:56'}}
ansible_facts:
  description: Facts of the host, as M(caisson.openstack.host_capabilities_facts) returns them.
  returned: with O(host_capabilities=true)
  type: dict
  sample: {cloud_host_capabilities: {virt_type: kvm, ovs_datapath: system, cgroup_version: 2, apparmor: true, interface: eth0}}
reasons:
  description: Why guests and switch run as they do.
  returned: with O(host_capabilities=true)
  type: dict
  sample: {virt_type: a guest booted, ovs_datapath: the kernel has a datapath}
journal:
  description: The journal without what was planned and what happened, empty if there is none.
  returned: with O(journal=true)
  type: dict
  sample: {id: 20260101T000000, release_from: '2025.2', release_to: '2026.1', phase: rolled}
turn:
  description: How often runs have changed the host, for M(caisson.openstack.host_identity).
  returned: success
  type: int
outdated:
  description: Whether what the host remembers of its cloud is to be written again.
  returned: success
  type: bool
shared_directories:
  description: What is mounted at each of O(shared_directories), by the variable that names it.
  returned: success
  type: dict
  sample: {glance_shared_path: 'nas:/export/images (nfs4)'}
errors:
  description: What is not as it must be.
  returned: on failure
  type: list
  elements: str
"""

import dataclasses
import functools
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.identity import host_record, identity, run_lock
from ansible_collections.caisson.openstack.plugins.module_utils.identity.identity import Expected
from ansible_collections.caisson.openstack.plugins.module_utils.images import build_settings
from ansible_collections.caisson.openstack.plugins.module_utils.preflight import (
    api_name,
    host_capabilities,
    host_checks,
    host_facts,
    interfaces,
    peers,
    virtual_address,
)
from ansible_collections.caisson.openstack.plugins.module_utils.preflight import shared_directories as sharing
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.guest_resources import GuestResources
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.virtual_address import VirtualAddress
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal_file import DEFAULT_PATH, JournalFile

_PYTHON_INDEX = "https://pypi.org"
_TIMEOUT = 10  # seconds

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "address": {"type": "str", "required": True},
    "memory": {"type": "int", "default": 0},
    "disk": {"type": "int", "default": 0},
    "external_network": {"type": "str", "default": ""},
    "cloud": {"type": "str", "default": ""},
    "ports": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(host_checks.Port)},
    "engine": {"type": "bool", "default": False},
    "bridges": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(interfaces.Bridge)},
    "api_address": {"type": "str", "default": ""},
    "public_address": {"type": "str", "default": ""},
    "api_names": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(api_name.ApiName)},
    "virtual_addresses": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": dataclass_spec.argument_spec(virtual_address.VirtualAddress),
    },
    "peers": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(peers.Peer)},
    "tunnel_address": {"type": "str", "default": ""},
    "mtu": {"type": "int", "default": 0},
    "guests": {"type": "dict", "options": dataclass_spec.argument_spec(GuestResources)},
    "volumes": {"type": "list", "elements": "str", "default": []},
    "shared_directories": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": dataclass_spec.argument_spec(sharing.SharedDirectory),
    },
    "host_capabilities": {"type": "bool", "default": False},
    "libvirt_image": {"type": "str", "default": ""},
    "journal": {"type": "bool", "default": False},
    "identity": {"type": "dict", "default": {}, "options": dataclass_spec.argument_spec(Expected)},
    **arguments.ENGINE,
}


def _engine(params: t.Mapping[str, t.Any]) -> Engine:
    return Engine(connect(params, timeout=_TIMEOUT))


def _package_urls() -> list[str]:
    settings = build_settings.read()
    return [settings["apt_mirror"], settings["apt_security_mirror"], settings["python_index"] or _PYTHON_INDEX]


def _facts(params: dict[str, t.Any], remember: bool) -> dict[str, t.Any]:
    """Return what else is asked of the host."""
    found: dict[str, t.Any] = {}
    if params["host_capabilities"]:
        offered, reasons = host_capabilities.detect(params["cloud"], params["libvirt_image"], params["address"], params, remember)
        found = {"ansible_facts": {"cloud_host_capabilities": offered}, "reasons": reasons}
    if params["journal"]:
        known = JournalFile(DEFAULT_PATH).state()
        found["journal"] = journal.dump(known) if known else {}
    return found


def _others(params: dict[str, t.Any], facts: host_checks.HostFacts, shared: t.Sequence[VirtualAddress]) -> dict[str, t.Any]:
    """Return what the host knows of others."""
    asked = [dataclass_spec.construct(peers.Peer, item) for item in params["peers"]]
    found: dict[str, t.Any] = {"unreachable": [dataclasses.asdict(peer) for peer in peers.unreachable(asked)]} if asked else {}
    owners = {}
    for item in shared:
        here = virtual_address.is_here(facts.interfaces, item.address)
        owners[item.address] = {"here": here, "at": "" if here else virtual_address.answering(item.address, item.interface)}
    return found | ({"virtual_addresses": owners} if owners else {})


def _shared(params: dict[str, t.Any]) -> list[VirtualAddress]:
    """Return the addresses that the host shares with others, each with its interface."""
    shared = [dataclass_spec.construct(VirtualAddress, item) for item in params["virtual_addresses"]]
    return [dataclasses.replace(item, interface=item.interface or host_capabilities.interface_of(params["address"])) for item in shared]


def look(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Return the result of the module."""
    plain = ("address", "memory", "disk", "external_network", "engine", "api_address", "public_address", "tunnel_address", "mtu")
    required = host_checks.HostRequirements(
        **{name: params[name] for name in plain},
        ports=tuple(dataclass_spec.construct(host_checks.Port, item) for item in params["ports"]),
        bridges=tuple(dataclass_spec.construct(interfaces.Bridge, item) for item in params["bridges"]),
        api_names=tuple(dataclass_spec.construct(api_name.ApiName, item) for item in params["api_names"]),
        shared_directories=tuple(dataclass_spec.construct(sharing.SharedDirectory, item) for item in params["shared_directories"]),
        guests=dataclass_spec.construct(GuestResources, params["guests"]) if params["guests"] else None,
    )
    engine = functools.partial(_engine, params)
    facts = host_facts.read(required, params["cloud"], _package_urls(), engine)
    expected = dataclass_spec.construct(Expected, params["identity"])
    record = host_record.look(expected, facts.containers.values(), host_record.Places())

    def volumes() -> list[str]:
        return engine().volumes(params["volumes"]) if params["volumes"] and not facts.engine_error else []

    if expected.cloud and (strange := identity.check(record, expected, volumes)):
        # everything else that would be reported follows from it
        return {"failed": True, "msg": identity.refusal(strange), "errors": strange}
    errors = host_checks.errors(facts, required)
    virtual = _shared(params)
    errors += [error for item in virtual for error in virtual_address.errors(facts.interfaces, item)]
    if errors:
        return {"failed": True, "msg": host_checks.refusal(errors), "errors": errors, "clock": time.time()}
    try:
        found = _facts(params, remember=not check_mode) | _others(params, facts, virtual)
    except (EngineError, journal.RolloutError) as error:
        return {"failed": True, "msg": str(error)}
    turn = run_lock.read(run_lock.DEFAULT_PATH).turn
    outdated = bool(expected.cloud) and identity.outdated(record, expected)
    shared = sharing.sources(required.shared_directories, facts.mounts)
    return {"changed": False, "clock": time.time(), "turn": turn, "outdated": outdated, "shared_directories": shared, **found}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    result = look(module.params, module.check_mode)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
