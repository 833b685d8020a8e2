# SPDX-License-Identifier: Apache-2.0
"""What a user of the cloud would do, step by step. Runs inside the client image, which has openstacksdk.

Every object carries the name given in the parameters, so that a step finds what an earlier one made, and a run that was
cut off is cleaned up by the next.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time
import typing as t

import openstack

GUEST = "/usr/share/caisson/caisson-guest.qcow2"
MEBIBYTES = 192
READY = "=== guest: READY"
#: Description of an external network that is deleted again, which an operator's is not.
OWN = "Made by the verification, deleted by it"

Parameters = t.Dict[str, t.Any]


def say(text: str) -> None:
    """Tell what is going on."""
    print(text, file=sys.stderr, flush=True)


def connect(parameters: Parameters) -> openstack.connection.Connection:
    """Return a session of the administrator."""
    auth = dict(parameters["auth"])
    certificates = auth.pop("ca_certificates")
    if certificates:
        auth["cacert"] = "/tmp/ca.crt"
        pathlib.Path(auth["cacert"]).write_text(certificates)
    return openstack.connect(**auth, load_yaml_config=False, load_envvars=False)


def wait(what: str, seconds: float, condition: t.Callable[[], t.Any], interval: float = 0.5) -> t.Any:
    """Return what *condition* returns as soon as that is true; give up after *seconds*."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {seconds:.0f} s")
        time.sleep(interval)


def key_file(parameters: Parameters) -> str:
    """Put the private key into a file that ssh accepts; return its path."""
    path = pathlib.Path("/tmp/key")
    path.touch(mode=0o600)
    path.write_text(parameters["ssh_key"].strip() + "\n")
    return str(path)


def names(parameters: Parameters) -> list[str]:
    """Return the name of each image and flavor: one, or as many variants as are asked for."""
    return _numbered(parameters["name"], parameters["variants"])


def _numbered(name: str, count: int) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(2, count + 1))]


def offer(parameters: Parameters) -> Parameters:
    """Make images, flavors and the external network; return their ids, and what the compute and the network service can do."""
    cloud = connect(parameters)
    images, flavors = [], []
    for number, name in enumerate(names(parameters)):
        image = cloud.image.find_image(name) or cloud.create_image(
            name, filename=GUEST, disk_format="qcow2", container_format="bare", visibility="public", wait=True
        )
        memory = MEBIBYTES + 16 * number
        flavor = cloud.compute.find_flavor(name) or cloud.compute.create_flavor(name=name, ram=memory, vcpus=1, disk=1 + number)
        images.append(image.id)
        flavors.append(flavor.id)
    external = cloud.network.find_network(parameters["external_network"]) or _external(cloud, parameters)
    extensions = sorted(extension.alias for extension in cloud.network.extensions())
    return {
        "images": images,
        "flavors": flavors,
        "external_network": external.id,
        "network_extensions": extensions,
        "compute_microversion": ".".join(map(str, cloud.compute.get_endpoint_data().max_microversion)),
    }


def prepare(parameters: Parameters) -> Parameters:
    """Make image, flavor, networks, router, security group and key."""
    cloud, name = connect(parameters), parameters["name"]
    external = offer(parameters)["external_network"]
    network = cloud.network.find_network(name) or cloud.network.create_network(name=name)
    subnet = cloud.network.find_subnet(name) or cloud.network.create_subnet(
        network_id=network.id, name=name, cidr=parameters["internal_cidr"], ip_version=4
    )
    if not cloud.network.find_router(name):
        router = cloud.network.create_router(name=name, external_gateway_info={"network_id": external})
        cloud.network.add_interface_to_router(router, subnet_id=subnet.id)
    if not cloud.network.find_security_group(name):
        group = cloud.network.create_security_group(name=name)
        for protocol, port in (("icmp", None), ("tcp", 22)):
            cloud.network.create_security_group_rule(
                security_group_id=group.id, direction="ingress", protocol=protocol, port_range_min=port, port_range_max=port
            )
    if not cloud.compute.find_keypair(name):
        public = subprocess.run(["ssh-keygen", "-y", "-f", key_file(parameters)], check=True, capture_output=True, text=True).stdout
        cloud.compute.create_keypair(name=name, public_key=public.strip())
    return {}


def _external(cloud: openstack.connection.Connection, parameters: Parameters) -> t.Any:
    network = cloud.network.create_network(
        name=parameters["external_network"],
        description=OWN,
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network=parameters["physical_network"],
    )
    start, end = parameters["external_pool"]
    cloud.network.create_subnet(
        network_id=network.id,
        name=parameters["external_network"],
        cidr=parameters["external_cidr"],
        ip_version=4,
        enable_dhcp=False,
        gateway_ip=parameters["external_gateway"],
        allocation_pools=[{"start": start, "end": end}],
    )
    return network


def boot(parameters: Parameters) -> Parameters:
    """Start one server wherever there is room, or one on each hypervisor that is named; return what the next steps need."""
    cloud, hosts = connect(parameters), parameters["hypervisors"] or [""]
    started = time.monotonic()
    asked = [_ask_for(cloud, parameters, name, host) for name, host in zip(_numbered(parameters["name"], len(hosts)), hosts, strict=True)]
    return {"servers": [_active(cloud, parameters, server, started) for server in asked]}


def _ask_for(cloud: openstack.connection.Connection, parameters: Parameters, name: str, host: str) -> t.Any:
    common = parameters["name"]
    return cloud.compute.find_server(name) or cloud.compute.create_server(
        name=name,
        image_id=cloud.image.find_image(common).id,
        flavor_id=cloud.compute.find_flavor(common).id,
        networks=[{"uuid": cloud.network.find_network(common).id}],
        key_name=common,
        security_groups=[{"name": common}],
        **({"host": host} if host else {}),
    )


def _active(cloud: openstack.connection.Connection, parameters: Parameters, server: t.Any, started: float) -> Parameters:
    server = cloud.compute.wait_for_server(server, wait=300, interval=1)
    port = next(cloud.network.ports(device_id=server.id))
    external = cloud.network.find_network(parameters["external_network"])
    address = next(cloud.network.ips(port_id=port.id), None) or cloud.network.create_ip(floating_network_id=external.id, port_id=port.id)
    server = cloud.compute.get_server(server.id)
    return {
        "server": server.id,
        "host": server.hypervisor_hostname or server.compute_host,
        "fixed_ip": port.fixed_ips[0]["ip_address"],
        "floating_ip": address.floating_ip_address,
        "seconds": round(time.monotonic() - started, 1),
    }


def reach(parameters: Parameters) -> Parameters:
    """Wait until every server answers ping and lets its key in."""
    key = key_file(parameters)
    return {"servers": [_reach(server["floating_ip"], key) for server in parameters["servers"]]}


def _reach(address: str, key: str) -> Parameters:
    started = time.monotonic()
    ping = ["ping", "-q", "-c", "1", "-W", "1", address]
    wait(f"an answer of {address} to ping", 180, lambda: subprocess.run(ping, capture_output=True, check=False).returncode == 0)
    pinged = round(time.monotonic() - started, 1)
    command = "cat /proc/sys/kernel/random/boot_id; hostname"
    ssh = ["ssh", "-i", key, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    ssh += ["-o", "ConnectTimeout=3", "-o", "LogLevel=ERROR", f"root@{address}", command]

    def login() -> list[str]:
        done = subprocess.run(ssh, capture_output=True, text=True, check=False)
        return done.stdout.split() if done.returncode == 0 else []

    boot_id, hostname = wait(f"a login to {address} with the key from the metadata service", 180, login, 1)
    return {"ping_seconds": pinged, "ssh_seconds": round(time.monotonic() - started, 1), "boot_id": boot_id, "hostname": hostname}


def console(parameters: Parameters) -> Parameters:
    """Wait until every console log shows that the guest is ready, with its address by DHCP."""
    cloud = connect(parameters)
    return {"lines": [line for server in parameters["servers"] for line in _console(cloud, server["server"], server["fixed_ip"])]}


def _console(cloud: openstack.connection.Connection, server: str, address: str) -> list[str]:
    def output() -> str:
        text = cloud.compute.get_server_console_output(server)["output"] or ""
        return text if READY in text else ""

    text = wait("the line of readiness in the console log", 60, output, 1)
    if not any("guest: dhcp" in line and f"address={address}/" in line for line in text.splitlines()):
        raise SystemExit(f"the console log does not show that the guest got {address} by DHCP")
    return [line for line in text.splitlines() if "guest:" in line]


def delete(parameters: Parameters) -> Parameters:
    """Delete everything that carries the name, in an order that works; what is not there is fine."""
    cloud, name = connect(parameters), parameters["name"]
    for server in list(cloud.compute.servers(name=f"^{name}(-[0-9]+)?$")):
        for port in list(cloud.network.ports(device_id=server.id)):
            for address in list(cloud.network.ips(port_id=port.id)):
                cloud.network.delete_ip(address)
        cloud.compute.delete_server(server)
        cloud.compute.wait_for_delete(server, wait=120)
    router = cloud.network.find_router(name)
    if router:
        for port in list(cloud.network.ports(device_id=router.id, device_owner="network:router_interface")):
            cloud.network.remove_interface_from_router(router, port_id=port.id)
        cloud.network.delete_router(router)
    network = cloud.network.find_network(name)
    if network:
        cloud.network.delete_network(network)
    own = [(cloud.network, "security_group", name), (cloud.compute, "keypair", name)]
    own += [item for each in names(parameters) for item in ((cloud.compute, "flavor", each), (cloud.image, "image", each))]
    for service, kind, each in own:
        found = getattr(service, f"find_{kind}")(each)
        if found:
            getattr(service, f"delete_{kind}")(found)
    external = cloud.network.find_network(parameters["external_network"])
    if external and external.description == OWN and not [port for port in cloud.network.ports(network_id=external.id) if _used(port)]:
        cloud.network.delete_network(external)
    return {}


def _used(port: t.Any) -> bool:
    """Return whether somebody uses a port: that of the metadata goes with its network."""
    return port.device_owner != "network:distributed"


def remains(parameters: Parameters) -> Parameters:
    """Return what the APIs still have, by kind: what servers need, and what services name; and what Placement counts as used."""
    cloud = connect(parameters)
    used: dict[str, int] = {}
    for provider in cloud.placement.resource_providers():
        usages = cloud.placement.get(f"/resource_providers/{provider.id}/usages").json()["usages"]
        used.update({f"{provider.name} {kind}": amount for kind, amount in usages.items() if amount})
    found: Parameters = {
        "server": [server.name for server in cloud.compute.servers(all_projects=True)],
        "flavor": [flavor.name for flavor in cloud.compute.flavors(is_public=None)],
        "port": [port.id for port in cloud.network.ports() if _used(port)],
        "ip": [address.floating_ip_address for address in cloud.network.ips()],
    }
    for api, kinds in parameters["resources"].items():
        proxy = getattr(cloud, api.replace("-", "_"))
        found |= {kind: [f"{item.name} {item.id}" for item in getattr(proxy, kind)()] for kind in kinds}
    # the network service gives each project one when it is first used
    projects = {project.id for project in cloud.identity.projects()}
    found["security_groups"] = [
        f"{group.name} {group.id}"
        for group in cloud.network.security_groups()
        if group.name != "default" or group.project_id not in projects
    ]
    return {**{kind: sorted(items) for kind, items in found.items()}, "used": used}


STEPS: dict[str, t.Callable[[Parameters], Parameters]] = {
    step.__name__: step for step in (offer, prepare, boot, reach, console, delete, remains)
}


def main(parameters: Parameters) -> Parameters:
    """Run the step that the parameters name."""
    os.environ["HOME"] = "/tmp"
    return STEPS[parameters["step"]](parameters)
