# SPDX-License-Identifier: Apache-2.0
"""Which servers can leave a hypervisor while they run, and the moves. Imported by ``hypervisor.py`` in the client image.

Source: nova ``compute/api.py`` (``live_migrate``, ``evacuate``: states in which they are accepted) and ``virt/libvirt/driver.py``
(``pre_live_migration``: a config drive is copied by SSH) of 34.0.0.
"""

from __future__ import annotations

import collections
import dataclasses
import time
import typing as t

from hypervisor_apis import HOST, TASK, Cloud, Parameters, RefusedError, Server, say, service_of

from ansible_collections.caisson.openstack.plugins.module_utils.common.openstack_api import ApiError

#: From 2.95 on an evacuated server would stay stopped.
_EVACUATE = "2.90"
#: Extra specs of flavors that give a server a device of its host.
_DEVICES = ("pci_passthrough:alias", "resources:VGPU", "accel:device_profile")


# -- what can move ----------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Target:
    """A hypervisor that takes servers, and what of each resource it has free."""

    host: str
    zone: str
    free: dict[str, float]

    def takes(self, need: t.Mapping[str, int], zone: str | None) -> bool:
        """Return whether a server fits."""
        return zone in (None, self.zone) and all(self.free.get(name, 0) >= amount for name, amount in need.items())

    def book(self, need: t.Mapping[str, int]) -> None:
        """Count a server as there."""
        for name, amount in need.items():
            self.free[name] -= amount


def targets(cloud: Cloud, source: str) -> list[Target]:
    """Return the other hypervisors that are enabled and up."""
    zones = {item["host"]: item["zone"] for item in cloud.services() if item["status"] == "enabled" and item["state"] == "up"}
    found = []
    for hypervisor in cloud.hypervisors():
        host = hypervisor["service"]["host"]
        if host == source or host not in zones:
            continue
        provider = f"/resource_providers/{hypervisor['id']}"
        inventories = cloud.ask("GET", f"{provider}/inventories", api="placement")
        usages = cloud.ask("GET", f"{provider}/usages", api="placement")
        if inventories and usages:
            free = {
                name: (item["total"] - item["reserved"]) * item["allocation_ratio"] - usages["usages"].get(name, 0)
                for name, item in inventories["inventories"].items()
            }
            found.append(Target(host, zones[host], free))
    return found


def needs(cloud: Cloud, source: str) -> dict[str, dict[str, int]]:
    """Return what each server uses of a hypervisor, by the id of the server."""
    provider = next((item["id"] for item in cloud.hypervisors() if item["service"]["host"] == source), None)
    answer = cloud.ask("GET", f"/resource_providers/{provider}/allocations", api="placement") if provider else None
    return {consumer: item["resources"] for consumer, item in ((answer or {}).get("allocations") or {}).items()}


def affine(cloud: Cloud, servers: t.Sequence[Server]) -> dict[str, str]:
    """Return the server groups that keep servers together on one hypervisor, by the id of the server."""
    groups = cloud.ask("GET", "/os-server-groups?all_projects=true")["server_groups"]
    own = {server["id"] for server in servers}
    return {
        member: group["name"]
        for group in groups
        if group.get("policy") == "affinity" and len(own.intersection(group["members"])) > 1
        for member in group["members"]
    }


def _obstacle(server: Server, groups: t.Mapping[str, str]) -> str:
    """Return what keeps a server from moving while it runs; empty if nothing does."""
    if server["status"] == "ERROR":
        return "it is in state ERROR; delete it, or reset its state"
    if server["status"] not in ("ACTIVE", "PAUSED", "SHUTOFF"):
        return f"a server in state {server['status']} cannot move"
    if server.get("config_drive"):
        return "it has a config drive, which cannot move from one local disk to another"
    devices = [name for name in server["flavor"].get("extra_specs", {}) if name in _DEVICES]
    if devices:
        return f"it has a device of the hypervisor ({', '.join(devices)} of its flavor)"
    if server["id"] in groups:
        return f"server group {groups[server['id']]} keeps it with others on one hypervisor (affinity)"
    return ""


def judge(
    servers: t.Sequence[Server],
    groups: t.Mapping[str, str],
    needed: t.Mapping[str, t.Mapping[str, int]],
    others: t.Sequence[Target],
    stopped: str,
) -> list[Parameters]:
    """Return for each server whether it moves, and if not, why.

    The largest servers are placed first. This is an estimate: the scheduler decides.

    Args:
        servers: those of the hypervisor.
        groups: by server, the group that keeps it together with others.
        needed: by server, what it uses.
        others: hypervisors that take servers.
        stopped: ``keep`` to leave servers that do not run, ``move`` to start, move and stop them.
    """
    answers = []
    for server in sorted(servers, key=lambda item: -needed.get(item["id"], {}).get("MEMORY_MB", 0)):
        need, zone = needed.get(server["id"], {}), server.get("pinned_availability_zone")
        why, kept = "", False
        if server.get(TASK) != "migrating":
            why = f"it is busy ({server[TASK]}); wait until it is not" if server.get(TASK) else _obstacle(server, groups)
            if server["status"] == "SHUTOFF" and stopped == "keep" and not server.get(TASK):
                why, kept = "it is stopped", True
        if not why:
            target = next((other for other in others if other.takes(need, zone)), None)
            if target:
                target.book(need)
            else:
                size = ", ".join(f"{name} {amount}" for name, amount in sorted(need.items()))
                where = f" in zone {zone}" if zone else ""
                why = f"no other hypervisor{where} has room for it ({size})" if others else "no other hypervisor is enabled and up"
        answers.append({"id": server["id"], "name": server["name"], "status": server["status"], "why": why, "kept": kept})
    return sorted(answers, key=lambda answer: (answer["name"], answer["id"]))


def survey(cloud: Cloud, parameters: Parameters) -> Parameters:
    """Return the state of a hypervisor, and what becomes of its servers."""
    host = parameters["host"]
    service, servers = cloud.service(host), cloud.servers(host)
    state = {name: service[name] for name in ("status", "state", "forced_down", "disabled_reason")} if service else {}
    answers = judge(servers, affine(cloud, servers), needs(cloud, host), targets(cloud, host), parameters["stopped"])
    return {"service": state, "servers": answers}


def surveys(cloud: Cloud, parameters: Parameters) -> Parameters:
    """Return what becomes of the servers of several hypervisors that are emptied one after the other."""
    found = {host: survey(cloud, {**parameters, "host": host})["servers"] for host in parameters["hosts"]}
    return {"servers": [{**answer, "name": f"{answer['name']} on {host}"} for host, answers in found.items() for answer in answers]}


# -- moving -----------------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Move:
    """A server on its way; ``again`` is the action that brings it into its former state there."""

    server: str
    name: str
    deadline: float
    stopped: bool = False
    #: Whether it has to be started first.
    waits: bool = False


class Mover:
    """Moves servers from one hypervisor, a few at a time.

    Args:
        cloud: the APIs.
        parameters: ``host``, ``parallel``, and ``timeout`` in seconds for one server.
        interval: seconds between two questions.
    """

    def __init__(self, cloud: Cloud, parameters: Parameters, interval: float = 2) -> None:
        self._cloud, self._host, self._interval = cloud, parameters["host"], interval
        self._parallel, self._timeout = parameters["parallel"], parameters["timeout"]
        self._moves: list[Move] = []
        self.moved: list[Parameters] = []
        self.failed: list[str] = []

    def run(self, queue: t.Sequence[Server], start: t.Callable[[Server], Move]) -> None:
        """Move all servers of *queue*; *start* begins with one."""
        waiting = collections.deque(queue)
        total = len(waiting)
        while waiting or self._moves:
            while waiting and len(self._moves) < self._parallel:
                server = waiting.popleft()
                try:
                    self._moves.append(start(server))
                except ApiError as error:
                    self._fail(server["name"], str(error))
            self._moves = [move for move in self._moves if not self._done(move, total)]
            if self._moves:
                time.sleep(self._interval)

    def live(self, server: Server) -> Move:
        """Begin a live migration, or wait for the one that an earlier run has begun."""
        move = self._move(server)
        if server.get(TASK) == "migrating":
            say(f"{server['name']}: waits for the migration that has begun")
        elif server["status"] == "SHUTOFF":
            move.stopped = move.waits = True
            self._cloud.act(server["id"], "os-start")
        else:
            self._migrate(move)
        return move

    def evacuate(self, server: Server) -> Move:
        """Begin to rebuild a server elsewhere."""
        if not server.get(TASK):
            self._cloud.act(server["id"], "evacuate", {}, _EVACUATE)
        say(f"{server['name']}: is rebuilt elsewhere")
        return self._move(server)

    def _move(self, server: Server) -> Move:
        return Move(server["id"], server["name"], time.monotonic() + self._timeout)

    def _migrate(self, move: Move) -> None:
        self._cloud.act(move.server, "os-migrateLive", {"host": None, "block_migration": "auto"})
        say(f"{move.name}: moves")

    def _done(self, move: Move, total: int) -> bool:
        """Return whether a server is there, or will not get there."""
        try:
            server = (self._cloud.ask("GET", f"/servers/{move.server}") or {}).get("server")
            if server is None:
                say(f"{move.name}: was deleted")
                return True
            if time.monotonic() > move.deadline:
                return self._fail(move.name, f"not within {self._timeout} s")
            if server.get(TASK):
                return False
            if move.waits and server["status"] == "ACTIVE":
                move.waits = False
                self._migrate(move)
                return False
            if server["status"] == "ERROR" or server[HOST] == self._host:
                return self._fail(move.name, self._cloud.fault(move.server))
            if move.stopped:
                self._cloud.act(move.server, "os-stop")
        except ApiError as error:
            # an API may be away for a moment
            return time.monotonic() > move.deadline and self._fail(move.name, str(error))
        self.moved.append({"name": move.name, "host": server[HOST]})
        say(f"{move.name}: is on {server[HOST]} ({len(self.moved)} of {total})")
        return True

    def _fail(self, name: str, why: str) -> bool:
        self.failed.append(f"{name}: {why}")
        say(f"{name}: did not move: {why}")
        return True


def drain(cloud: Cloud, parameters: Parameters) -> Parameters:
    """Disable the compute service, and move all servers that can move."""
    host, mover = parameters["host"], Mover(cloud, parameters, parameters.get("interval", 2))
    service = service_of(cloud, host)
    changed = service["status"] != "disabled"
    if changed:
        cloud.change(service, status="disabled", disabled_reason=parameters["reason"])
        say(f"the compute service is disabled: {parameters['reason']}")
    left: list[Parameters] = []
    # a server that was being made when the service was disabled comes with the second round
    for _round in range(2):
        answers = {answer["id"]: answer for answer in survey(cloud, parameters)["servers"]}
        moving = [server for server in cloud.servers(host) if server["id"] in answers and not answers[server["id"]]["why"]]
        if not mover.failed:
            mover.run(moving, mover.live)
        left = [answer for answer in survey(cloud, parameters)["servers"] if not answer["kept"]]
        if not left:
            break
    return {"changed": changed or bool(mover.moved), "moved": mover.moved, "failed": mover.failed, "left": left}


def enable(cloud: Cloud, parameters: Parameters) -> Parameters:
    """Enable the compute service of a hypervisor that is up."""
    service = service_of(cloud, parameters["host"])
    if service["forced_down"]:
        cloud.change(service, forced_down=False)
    changed = service["forced_down"]
    deadline = time.monotonic() + parameters["patience"]
    while service["state"] != "up" or service["forced_down"]:
        if time.monotonic() > deadline:
            raise RefusedError(f"the compute service on {parameters['host']} is down, so it was not enabled; see the playbook status")
        time.sleep(parameters.get("interval", 2))
        service = service_of(cloud, parameters["host"])
    if service["status"] != "enabled":
        cloud.change(service, status="enabled")
        changed = True
    return {"changed": changed}


def release(cloud: Cloud, parameters: Parameters) -> Parameters:
    """Enable what was disabled for this reason: some hypervisors, or all if ``hosts`` is empty."""
    own = [
        service["host"]
        for service in cloud.services()
        if (service["status"], service["disabled_reason"]) == ("disabled", parameters["reason"])
        and service["host"] in (parameters["hosts"] or [service["host"]])
    ]
    for host in own:
        enable(cloud, {**parameters, "host": host})
        say(f"{host} takes servers again")
    return {"changed": bool(own), "enabled": own}
