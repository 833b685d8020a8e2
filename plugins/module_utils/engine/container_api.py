# SPDX-License-Identifier: Apache-2.0
"""Containers in the words of the engine's API: what is sent to create one, and what an inspection of one says. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Healthcheck
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, Difference
from ansible_collections.caisson.openstack.plugins.module_utils.model.units import parse_size

#: Restart policy of long-running containers.
RESTART_POLICY = "unless-stopped"
#: Files that a container may have open unless its definition says otherwise.
OPEN_FILES = 65536
#: Labels that the engine writes to each line of a log; by them the log collector knows the containers of its own cloud.
LOG_LABELS = (specs.LABEL_CLOUD, specs.LABEL_SERVICE, specs.LABEL_CONTAINER)

_NANOSECONDS = 1_000_000_000
_STOP_TIMEOUT = 10  # seconds, the engine's own default
#: The docker CLI knows this as a security option; in the API it is two empty lists.
_UNCONFINED = "systempaths=unconfined"
#: What the engine adds by itself to a container in the host's process namespace.
_UNLABELLED = "label=disable"

#: What is compared of a running container, and the option of the definition that decides it.
_OPTIONS = {
    "Privileged": "privileged",
    "CapAdd": "capabilities",
    "CapDrop": "capabilities",
    "Binds": "volumes",
    "Tmpfs": "tmpfs",
    "Devices": "devices",
    "ReadonlyRootfs": "read_only",
    "SecurityOpt": "security_opts",
    "NetworkMode": "network_mode",
    "PidMode": "pid_mode",
    "RestartPolicy": "restart_policy",
}


@dataclasses.dataclass(frozen=True)
class ContainerState:
    """A container as the engine has it; ``stop_timeout`` in seconds, ``image`` as it was named when the container was created."""

    id: str
    name: str
    image_id: str
    running: bool
    status: str
    health: str
    exit_code: int
    restarts: int
    pid: int
    started_at: str
    stop_timeout: int
    labels: t.Mapping[str, str]
    host_config: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    healthcheck: t.Optional[Healthcheck] = None
    image: str = ""

    @property
    def started(self) -> float:
        """When its process began, in seconds since 1970; the engine's time is that of RFC 3339, with nanoseconds."""
        return datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", self.started_at).replace("Z", "+00:00")).timestamp()

    @property
    def protected_processes(self) -> list[str]:
        """Name prefixes of the processes that must outlive the container, as it was created with."""
        return [name for name in self.labels.get(specs.LABEL_PROTECTED, "").split(",") if name]


def parse(data: t.Mapping[str, t.Any]) -> ContainerState:
    """Return what an inspection of a container says."""
    state, config = data["State"], data["Config"]
    return ContainerState(
        id=data["Id"],
        name=data["Name"].lstrip("/"),
        image_id=data["Image"],
        running=state["Running"] and not state.get("Restarting", False),
        status=state["Status"],
        health=state.get("Health", {}).get("Status", ""),
        exit_code=state["ExitCode"],
        restarts=data.get("RestartCount", 0),
        pid=state["Pid"],
        started_at=state["StartedAt"],
        stop_timeout=config.get("StopTimeout", _STOP_TIMEOUT),
        labels=config.get("Labels") or {},
        host_config=data["HostConfig"],
        healthcheck=_parse_healthcheck(config.get("Healthcheck")),
        image=config.get("Image", ""),
    )


def healthcheck(check: Healthcheck | None) -> dict[str, t.Any] | None:
    """Return a health check as the engine wants it."""
    if check is None:
        return None
    return {
        "test": check.test,
        "interval": check.interval * _NANOSECONDS,
        "timeout": check.timeout * _NANOSECONDS,
        "retries": check.retries,
        "start_period": check.start_period * _NANOSECONDS,
    }


def _parse_healthcheck(data: t.Mapping[str, t.Any] | None) -> Healthcheck | None:
    if not data or not data.get("Test"):
        return None
    return Healthcheck(
        test=data["Test"],
        interval=data.get("Interval", 0) // _NANOSECONDS,
        timeout=data.get("Timeout", 0) // _NANOSECONDS,
        retries=data.get("Retries", 0),
        start_period=data.get("StartPeriod", 0) // _NANOSECONDS,
    )


def host_config(spec: ContainerSpec, restart_policy: str) -> dict[str, t.Any]:
    """Return what the engine has to grant to, and keep from, a container."""
    options = [option for option in spec.security_opts if option != _UNCONFINED]
    config: dict[str, t.Any] = {
        "Privileged": False,
        "NetworkMode": "host",
        "Binds": list(spec.volumes),
        "CapDrop": ["ALL"],
        "CapAdd": list(spec.capabilities),
        "ReadonlyRootfs": spec.read_only,
        "Tmpfs": {path: flags for path, _colon, flags in (entry.partition(":") for entry in spec.tmpfs)},
        "SecurityOpt": [*options, "no-new-privileges"] if spec.no_new_privileges else options,
        "Devices": [_device(text) for text in spec.devices],
        "PidMode": spec.pid_mode,
        "Memory": parse_size(spec.memory),
        "CpusetCpus": spec.cpuset_cpus,
        "CpuShares": spec.cpu_shares,
        "RestartPolicy": {"Name": restart_policy},
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": "20m", "max-file": "3", "labels": ",".join(LOG_LABELS)},
        },
    }
    if spec.cgroupns_mode:
        config["CgroupnsMode"] = spec.cgroupns_mode
    if _UNCONFINED in spec.security_opts:
        config["MaskedPaths"], config["ReadonlyPaths"] = [], []
    return config


def ulimits(spec: ContainerSpec, allowed: int, may_raise: bool) -> list[dict[str, t.Any]]:
    """Return the limits of a container, of open files as well.

    An engine whose own limit is about 10^9, as systemd may give it, would hand that on, and programs that make a table of all possible
    files, such as Erlang, take gigabytes of memory or minutes to start.

    Args:
        allowed: number of open files that this host's root may have, -1 for any number.
        may_raise: whether the kernel lets root go beyond that. Where it does not, a limit is lowered only.
    """
    high = may_raise or allowed < 0 or allowed > OPEN_FILES
    limits = {**({"nofile": OPEN_FILES} if high else {}), **spec.ulimits}
    return [{"Name": name, "Soft": value, "Hard": value} for name, value in limits.items()]


def _device(text: str) -> dict[str, str]:
    """Return ``host[:container[:permissions]]`` as the engine wants it."""
    host, container, permissions, *_rest = [*text.split(":"), "", ""]
    return {"PathOnHost": host, "PathInContainer": container or host, "CgroupPermissions": permissions or "rwm"}


def drift(spec: ContainerSpec, state: ContainerState) -> list[Difference]:
    """Return what the engine grants *state* other than *spec* says: what a hand changed, since containers are immutable.

    Only meaningful for a container that was created from *spec*.
    """
    wanted = host_config(spec, RESTART_POLICY)
    found = {}
    for key, option in _OPTIONS.items():
        desired, current = _plain(key, wanted[key]), _plain(key, state.host_config.get(key))
        if desired != current:
            found[option] = Difference(option, desired, current)
    return list(found.values())


def _plain(key: str, value: t.Any) -> t.Any:
    """Return *value* in the one form in which two can be compared."""
    if key == "RestartPolicy":
        return (value or {}).get("Name", "no")
    if key == "Devices":
        return sorted(":".join(device.values()) for device in value or [])
    if key in ("CapAdd", "CapDrop"):
        return sorted(name.removeprefix("CAP_") for name in value or [])
    if isinstance(value, list):
        return sorted(item for item in value if item != _UNLABELLED)
    return value or {"Binds": [], "SecurityOpt": [], "Tmpfs": {}, "PidMode": ""}.get(key, value)


def written(paths: t.Iterable[str], state: ContainerState) -> list[str]:
    """Return those changed *paths* that are files of the image: no place to mount at, nothing below one, no parent of another."""
    binds = [entry.split(":")[1] for entry in state.host_config.get("Binds") or []]
    targets = [*binds, *(state.host_config.get("Tmpfs") or {})]
    # the engine makes the places to mount at, and their parents
    own = [path for path in paths if not any(path.startswith(f"{target}/") or f"{target}/".startswith(f"{path}/") for target in targets)]
    return [path for path in own if not any(other.startswith(f"{path}/") for other in own)]
