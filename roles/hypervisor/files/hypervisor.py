# SPDX-License-Identifier: Apache-2.0
"""Move the servers of a hypervisor elsewhere, or remove all that the APIs know of it. Runs inside the client image.

Each step can be repeated: it begins with what the APIs say now. A server that is on its way from an interrupted run is waited for.

Source: nova ``api/openstack/compute/services.py`` (deleting a compute service removes its resource providers, its aggregates and the
mapping of the host as well) of 34.0.0; neutron ``plugins/ml2/drivers/ovn/mech_driver/mech_driver.py`` (``delete_agent`` removes the
chassis) of 29.0.0.
"""

from __future__ import annotations

import time
import typing as t

from hypervisor_apis import TASK, Cloud, Parameters, RefusedError, say, service_of
from hypervisor_moves import Mover, drain, enable, release, survey, surveys

from ansible_collections.caisson.openstack.plugins.module_utils.common.openstack_api import ApiError

# -- a dead host ------------------------------------------------------------------------------------------------------------------


def losses(cloud: Cloud, parameters: Parameters) -> Parameters:
    """Return what evacuation means for each server of a host: what is lost, or why it cannot be rebuilt."""
    service = service_of(cloud, parameters["host"])
    servers, images = [], {}
    others = [
        item for item in cloud.services() if item["host"] != service["host"] and item["status"] == "enabled" and item["state"] == "up"
    ]
    for server in cloud.servers(parameters["host"]):
        image = (server.get("image") or {}).get("id")
        why = "" if others else "no other hypervisor is enabled and up"
        if server["status"] not in ("ACTIVE", "SHUTOFF", "ERROR") and not server.get(TASK):
            why = f"a server in state {server['status']} cannot be rebuilt"
        if image and image not in images:
            images[image] = cloud.ask("GET", f"/v2/images/{image}", api="image") is not None
        if image and not images[image]:
            why = f"its image {image} was deleted"
        lost = "its local disks; it is made again from its image" if image else "nothing on its boot volume"
        servers.append({"id": server["id"], "name": server["name"], "status": server["status"], "lost": lost, "why": why})
    state = {name: service[name] for name in ("status", "state", "forced_down", "updated_at")}
    return {"service": state, "servers": servers}


def evacuate(cloud: Cloud, parameters: Parameters) -> Parameters:
    """Force the compute service down, and rebuild its servers on other hypervisors."""
    host, mover = parameters["host"], Mover(cloud, parameters, parameters.get("interval", 2))
    service = service_of(cloud, host)
    if service["state"] == "up" and not service["forced_down"]:
        raise RefusedError(f"the compute service on {host} is up: its servers would run twice")
    if service["status"] != "disabled":
        cloud.change(service, status="disabled", disabled_reason=parameters["reason"])
    if not service["forced_down"]:
        cloud.change(service, forced_down=True)
        say(f"the compute service on {host} is forced down")
    answers = {answer["id"]: answer for answer in losses(cloud, parameters)["servers"]}
    mover.run([server for server in cloud.servers(host) if not answers[server["id"]]["why"]], mover.evacuate)
    left = losses(cloud, parameters)["servers"]
    return {"changed": bool(mover.moved) or not service["forced_down"], "moved": mover.moved, "failed": mover.failed, "left": left}


# -- a host that goes ---------------------------------------------------------------------------------------------------------------


def records(cloud: Cloud, parameters: Parameters) -> Parameters:
    """Return all that the APIs know of a host."""
    host, service = parameters["host"], cloud.service(parameters["host"])
    nodes = {item["id"] for item in cloud.hypervisors() if item["service"]["host"] == host}
    providers = cloud.ask("GET", "/resource_providers", api="placement")["resource_providers"]
    aggregates = cloud.ask("GET", "/os-aggregates")["aggregates"]
    return {
        "servers": [f"{server['name']} ({server['status']})" for server in cloud.servers(host)],
        "service": service["id"] if service else "",
        "up": bool(service and service["state"] == "up"),
        "agents": {agent["id"]: agent["binary"] for agent in cloud.agents(host)},
        "providers": {item["uuid"]: item["name"] for item in providers if item["uuid"] in nodes or item["name"].partition(".")[0] == host},
        "aggregates": [item["name"] for item in aggregates if host in item["hosts"]],
    }


def disable(cloud: Cloud, parameters: Parameters) -> Parameters:
    """Disable the compute service, so that no server comes to a host that goes; one that has servers is refused."""
    if found := cloud.servers(parameters["host"]):
        raise RefusedError(_still(parameters["host"], [f"{server['name']} ({server['status']})" for server in found]))
    service = cloud.service(parameters["host"])
    changed = bool(service) and service["status"] != "disabled"
    if service and changed:
        cloud.change(service, status="disabled", disabled_reason=parameters["reason"])
    return {"changed": changed}


def _still(host: str, servers: t.Sequence[str]) -> str:
    return f"{host} still has servers: {', '.join(servers)}. Move them (playbook maintenance), or delete them"


def forget(cloud: Cloud, parameters: Parameters) -> Parameters:
    """Remove all that the APIs know of a host, and return what is left of it."""
    host, deadline = parameters["host"], time.monotonic() + parameters["patience"]
    known = records(cloud, parameters)
    if known["servers"]:
        raise RefusedError(_still(host, known["servers"]))
    changed = False
    while any(known[kind] for kind in ("service", "agents", "providers", "aggregates")):
        changed = True
        if known["service"]:
            # the aggregates, the provider and the mapping of the host go with it
            cloud.ask("DELETE", f"/os-services/{known['service']}")
            say(f"the compute service of {host} is removed")
        for agent, binary in known["agents"].items():
            cloud.ask("DELETE", f"/v2.0/agents/{agent}", api="network")
            say(f"the agent {binary} of {host} is removed")
        for provider, name in {} if known["service"] else known["providers"].items():
            cloud.ask("DELETE", f"/resource_providers/{provider}", api="placement")
            say(f"the resource provider {name} is removed")
        known = records(cloud, parameters)
        if time.monotonic() > deadline:
            break
    left = {kind: known[kind] for kind in ("service", "agents", "providers", "aggregates") if known[kind]}
    return {"changed": changed, "left": left}


_STEPS: dict[str, t.Callable[[Cloud, Parameters], Parameters]] = {
    "survey": survey,
    "surveys": surveys,
    "drain": drain,
    "enable": enable,
    "release": release,
    "losses": losses,
    "evacuate": evacuate,
    "records": records,
    "disable": disable,
    "forget": forget,
}


def main(parameters: Parameters) -> Parameters:
    """Take a step.

    Args:
        parameters: ``step``, ``host``, ``region``, ``auth``, and what the step takes.

    Returns:
        What it found or did, or why it was refused (``refused``).
    """
    try:
        return _STEPS[parameters["step"]](Cloud(parameters), parameters)
    except (RefusedError, ApiError) as error:
        return {"refused": str(error)}
