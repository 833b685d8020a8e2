# SPDX-License-Identifier: Apache-2.0
"""Read from a host what its checks need to know."""

from __future__ import annotations

import os
import pathlib
import platform
import re
import shutil
import socket
import sys
import typing as t
from urllib.parse import urlsplit

from ansible_collections.caisson.openstack.plugins.module_utils.common import commands
from ansible_collections.caisson.openstack.plugins.module_utils.engine import limits
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec
from ansible_collections.caisson.openstack.plugins.module_utils.preflight import api_name, interfaces, ports, shared_directories
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.host_checks import HostFacts, HostRequirements

_ENGINE_OPTIONS = "/etc/docker/daemon.json"
_RESOLVERS = "/etc/resolv.conf"
_MEBIBYTE = 2**20

Labels = t.Mapping[str, t.Mapping[str, str]]


def read(required: HostRequirements, cloud: str, package_urls: t.Iterable[str], engine: t.Callable[[], Engine]) -> HostFacts:
    """Return what the host is, as far as *required* makes it matter.

    Args:
        cloud: name of the cloud.
        package_urls: from where packages are installed.
        engine: connects to the host's engine; may raise EngineError.
    """
    system = platform.freedesktop_os_release()
    try:
        labels, engine_error = engine().labels([spec.LABEL_CLOUD]), ""
    except EngineError as error:
        labels, engine_error = {}, str(error)
    containers, foreign = split_by_cloud(labels, cloud)
    listeners = tuple(ports.listening()) if required.ports else ()
    inodes = [item.inode for port in required.ports for item in ports.blocking(listeners, required.address, port.port)]
    return HostFacts(
        distribution=system.get("ID", "unknown"),
        version=system.get("VERSION_ID", ""),
        python=(sys.version_info[0], sys.version_info[1]),
        uid=os.getuid(),
        memory=own_memory(),
        cpus=limits.online() if required.guests else "",
        disk=shutil.disk_usage("/var/lib").free // _MEBIBYTE,
        addresses=tuple(own_addresses(_ip("-o", "address", "show"))),
        needed_addresses=_needed(required, package_urls) if required.external_network and not containers else {},
        listeners=listeners,
        owners=ports.owners(inodes) if inodes else {},
        containers=containers,
        foreign=foreign,
        engine_error=engine_error,
        engine_options=_text(_ENGINE_OPTIONS),
        interfaces=interfaces.read(),
        ssh=_ssh() if required.bridges else ("", ""),
        api_name_addresses={asked.name: api_name.resolve(asked.name) for asked in required.api_names},
        mounts=shared_directories.read() if required.shared_directories else {},
        binds_any_address=_text("/proc/sys/net/ipv4/ip_nonlocal_bind").strip() == "1",
    )


def split_by_cloud(labels: Labels, cloud: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return by id the names of the containers of *cloud*, and the clouds of the others."""
    own = {key: values.get(spec.LABEL_CONTAINER, "") for key, values in labels.items() if values[spec.LABEL_CLOUD] == cloud}
    return own, {key: values[spec.LABEL_CLOUD] for key, values in labels.items() if key not in own}


def memory(meminfo: str) -> int:
    """Return the MiB of memory that ``/proc/meminfo`` shows."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    return int(found.group(1)) // 1024 if found else 0


def own_memory() -> int:
    """Return the memory of this host in MiB."""
    return memory(_text("/proc/meminfo"))


def own_addresses(shown: str) -> list[str]:
    """Return the IPv4 addresses, with the length of their prefix, in the output of ``ip -o address show``."""
    return re.findall(r"^\d+: \S+\s+inet (\S+?)/", shown, re.MULTILINE)


def gateways(shown: str) -> list[str]:
    """Return the gateways in the output of ``ip route show default``."""
    return re.findall(r"via (\S+)", shown)


def name_servers(resolv_conf: str) -> list[str]:
    """Return the IPv4 addresses of the name servers in ``/etc/resolv.conf``."""
    return re.findall(r"^nameserver (\d+\.\S+)", resolv_conf, re.MULTILINE)


def _needed(required: HostRequirements, package_urls: t.Iterable[str]) -> dict[str, str]:
    """Return the addresses that this host needs, each with what for."""
    # the bridge has the gateway of the external network itself once the cloud runs
    bridge = required.external_network.split("/", maxsplit=1)[0]
    needed = dict.fromkeys((address for address in own_addresses(_ip("-o", "address", "show")) if address != bridge), "its own address")
    needed |= dict.fromkeys(gateways(_ip("route", "show", "default")), "its gateway")
    needed |= dict.fromkeys(name_servers(_text(_RESOLVERS)), "a name server")
    for url in package_urls:
        name = urlsplit(url).hostname or ""
        try:
            needed |= {str(entry[4][0]): f"packages, {name}" for entry in socket.getaddrinfo(name, None, socket.AF_INET)}
        except OSError:
            continue
    return needed


def _ip(*arguments: str) -> str:
    return commands.run(["ip", "-4", *arguments]).stdout


def _text(path: str) -> str:
    """Return the text of a file, or nothing if it does not exist."""
    file = pathlib.Path(path)
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


def _ssh() -> tuple[str, str]:
    client = interfaces.ssh_client()
    return client, interfaces.towards(client)
