# SPDX-License-Identifier: Apache-2.0
"""The specification of a container on one host, and how it compares with what runs there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import masking
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import ContainerCommand, ContainerOptions, JobOptions

LABEL = "org.caisson."
LABEL_CLOUD = LABEL + "cloud"
LABEL_SERVICE = LABEL + "service"
LABEL_CONTAINER = LABEL + "container"
LABEL_SPEC = LABEL + "spec"
LABEL_RELOAD = LABEL + "reload"
LABEL_PROTECTED = LABEL + "protected-processes"
LABEL_BEFORE_STOP = LABEL + "before-stop"
#: On a member of a cluster the name of that.
LABEL_CLUSTER = LABEL + "cluster"

#: Fields that steer a run but are not part of the container itself.
_NOT_COMPARED = frozenset(
    {
        "image",
        "start_timeout",
        "after",
        "protected_processes",
        "reload_signal",
        "unpin_signal",
        "reload_digest",
        "impact",
        "stop_check",
        "drain",
        "ready",
        "stage",
        "tier",
        "shared",
        "cluster",
        "members",
        # the engine changes these while the container runs: engine/limits.py
        "memory",
        "cpuset_cpus",
        "cpu_shares",
    }
)


@dataclasses.dataclass
class BeforeStop:
    """What comes before a running container is stopped for a change; ``leave`` is that of its cluster, for a successor without one."""

    stop_check: t.Optional[ContainerCommand] = None
    drain: t.Optional[ContainerCommand] = None
    leave: t.Optional[ContainerCommand] = None


#: What a one-shot container has none of: nobody stops it or waits for it to take up work.
_UNATTENDED: dict[str, None] = {"stop_check": None, "drain": None, "ready": None, "cluster": None}


@dataclasses.dataclass(kw_only=True)
class ContainerSpec(ContainerOptions):
    """One container on one host, resolved: nothing left to look up.

    ``config_digest`` covers the files whose change restarts the container, ``reload_digest`` those that it
    reads again on ``reload_signal``. ``shared`` is true if more than one host has the container: such a one is replaced and restarted
    host by host, in the turn of its ``stage`` and ``tier``. Of a cluster, ``members`` are the addresses of all its hosts.
    """

    service: str
    config_digest: str = ""
    reload_digest: str = ""
    stage: str = ""
    tier: str = ""
    shared: bool = False
    members: dict[str, str] = dataclasses.field(default_factory=dict)

    def compared(self) -> dict[str, t.Any]:
        """Return the part of the specification that a change of which needs a new container."""
        return {key: value for key, value in dataclasses.asdict(self).items() if key not in _NOT_COMPARED}

    def once(self, name: str, command: list[str], **changes: t.Any) -> ContainerSpec:
        """Return the specification of a one-shot container in the place of this one."""
        values = {"name": name, "command": command, "healthcheck": None, "protected_processes": [], "after": [], **_UNATTENDED, **changes}
        return dataclasses.replace(self, **values)

    @property
    def before_stop(self) -> BeforeStop:
        """What comes before a running container is stopped for a change."""
        return BeforeStop(self.stop_check, self.drain, self.cluster.leave if self.cluster else None)

    def label(self) -> str:
        """Return :meth:`compared` as compact JSON, the form that is kept with the container."""
        return json.dumps(self.compared(), sort_keys=True, separators=(",", ":"))


@dataclasses.dataclass(kw_only=True)
class JobSpec(JobOptions):
    """A one-shot container on one host, in the ``place`` of another, and how to tell that it is done."""

    service: str
    container: ContainerSpec
    place: str = ""

    def marker(self, image_id: str) -> dict[str, t.Any]:
        """Return what must be unchanged for the job to count as done."""
        return {"image": image_id, "command": digest(self.container.command), "triggers": digest(self.triggers)}


def named_volumes(mounts: t.Iterable[str]) -> list[str]:
    """Return the names of the volumes among *mounts*; what begins with a slash is a directory of the host."""
    return [name for name in (mount.split(":")[0] for mount in mounts) if not name.startswith("/")]


@dataclasses.dataclass
class BackupSpec:
    """Data of a container of one host: ``command`` runs in it, ``restore`` in its place.

    ``once`` says that other hosts have the same data.
    """

    name: str
    service: str
    container: ContainerSpec
    path: str
    command: list[str]
    restore: list[str]
    once: bool = False

    @property
    def volumes(self) -> list[str]:
        """Named volumes of the container."""
        return named_volumes(self.container.volumes)

    def restorer(self) -> ContainerSpec:
        """Return the one-shot container that puts the data back: to write into its volumes it needs no privilege."""
        less: dict[str, t.Any] = {"capabilities": [], "devices": [], "security_opts": [], "no_new_privileges": True}
        return self.container.once(f"{self.name}_restore", self.restore, **less)


@dataclasses.dataclass(frozen=True)
class Difference:
    """One option that is not as it should be."""

    option: str
    desired: t.Any
    current: t.Any

    def __str__(self) -> str:
        current, desired = masking.masked([self.current, self.desired])
        return f"{self.option}: {_short(current)} -> {_short(desired)}"


def digest(value: t.Any) -> str:
    """Return a short, stable digest of plain data."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(spec: ContainerSpec, image_id: str, current_label: str, current_image_id: str) -> list[Difference]:
    """Compare *spec* with the container that runs, known by the label it was created with and its image."""
    try:
        current = json.loads(current_label)
    except ValueError:
        current = None
    if not isinstance(current, dict):
        return [Difference("specification", "as defined", "created by something else")]
    desired = spec.compared()
    # an earlier release may have kept more
    current = {key: value for key, value in current.items() if key not in _NOT_COMPARED}
    found = [
        Difference(key, desired.get(key), current.get(key))
        for key in sorted(desired.keys() | current.keys())
        if desired.get(key) != current.get(key)
    ]
    if image_id != current_image_id:
        found.insert(0, Difference("image", image_id, current_image_id))
    return found


def _short(value: t.Any) -> str:
    if isinstance(value, str):
        return value.removeprefix("sha256:")[:16] if value.startswith("sha256:") else (value or "none")
    if value in (None, [], {}):
        return "none"
    return json.dumps(value, sort_keys=True)
