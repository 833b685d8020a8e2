# SPDX-License-Identifier: Apache-2.0
"""Which cloud a host belongs to, and with which secrets that was made. Pure decisions on what was read.

A cloud has one identity: a secret that is made once and never changes. Its digest, the fingerprint, says nothing of any secret. A host
keeps it in a record, with a digest of each secret that only the owner of the identity can compute. What the collection changes in the
secrets file makes a new generation of it, with a random number, so that an older copy of the file is told from a newer one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import secrets
import typing as t

#: Name of the secret that a cloud is known by.
NAME = "cloud_identity"
#: Where the secrets file keeps its generation, among the secrets.
KEY = "generation"
#: How many generations a secrets file remembers.
REMEMBERED = 50
#: Shortest text of which it means something to be found in a file of the host.
_TELLING = 16

_ADOPT = "host_belongs_to_this_inventory_now"
_RECREATE = "host_recreate_cloud_with_these_secrets"


@dataclasses.dataclass(frozen=True)
class Generation:
    """How often the collection changed a secrets file, and the random numbers of the latest times, the newest last."""

    number: int = 0
    history: list[str] = dataclasses.field(default_factory=list)

    def following(self) -> Generation:
        """Return the next one."""
        return Generation(self.number + 1, [*self.history, secrets.token_hex(4)][-REMEMBERED:])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What a host remembers; ``revision`` is the random number of the generation, ``secrets`` has a digest by name.

    Without a fingerprint only services that need no secrets ran so far.
    """

    cloud: str
    host: str
    fingerprint: str = ""
    generation: int = 0
    revision: str = ""
    secrets: dict[str, str] = dataclasses.field(default_factory=dict)
    machine: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expected:
    """What a run takes a host for, and what is known of the secrets ``file`` on the controller.

    ``state`` says whether that file is there, ``lacking`` names what would be made now, ``proof`` has digests of secrets with ``salt``.
    ``recreate`` and ``adopt`` are the operator's consent: the name of the cloud, and names of hosts.
    """

    cloud: str = ""
    host: str = ""
    file: str = ""
    state: str = "kept"
    fingerprint: str = ""
    generation: int = 0
    history: list[str] = dataclasses.field(default_factory=list)
    # digests
    secrets: dict[str, str] = dataclasses.field(default_factory=dict, metadata={"no_log": False})
    lacking: list[str] = dataclasses.field(default_factory=list)
    salt: str = ""
    proof: list[str] = dataclasses.field(default_factory=list, metadata={"no_log": True})
    recreate: str = ""
    adopt: list[str] = dataclasses.field(default_factory=list)

    def record(self, machine: t.Mapping[str, str]) -> Record:
        """Return what the host is to remember."""
        return Record(
            cloud=self.cloud,
            host=self.host,
            fingerprint=self.fingerprint,
            generation=self.generation,
            revision=self.history[-1] if self.history else "",
            secrets=dict(self.secrets),
            machine=dict(machine),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seen:
    """What a host has: its record and the copy of it, whether there is a state file, its machine and the cloud's containers.

    ``agrees`` says whether a secret of the controller's file was found in the configuration of the host; ``damaged`` why what it
    remembers cannot be read.
    """

    record: Record | None = None
    copy: Record | None = None
    state_file: bool = False
    machine: dict[str, str] = dataclasses.field(default_factory=dict)
    containers: tuple[str, ...] = ()
    agrees: bool = False
    damaged: tuple[str, ...] = ()


def describe(values: t.Mapping[str, t.Any], generation: Generation, missing: t.Iterable[str], state: str) -> dict[str, t.Any]:
    """Return what a run says of the secrets *values* without telling them, in the form of :class:`Expected`."""
    identity = str(values.get(NAME, "")).encode()
    salt = secrets.token_hex(8)
    lacking = sorted(missing)
    return {
        "state": state,
        "fingerprint": hashlib.sha256(b"caisson" + identity).hexdigest()[:16] if identity else "",
        "generation": generation.number,
        "history": list(generation.history),
        "secrets": {name: _digest(identity, name, value) for name, value in sorted(values.items()) if identity and name != NAME},
        "lacking": lacking,
        "salt": salt,
        "proof": [proof(salt, text) for name, value in values.items() if name not in lacking for text in _telling(value)],
    }


def proof(salt: str, text: str) -> str:
    """Return the digest by which a secret is recognised in the configuration of a host."""
    # the end of base64 may be taken for something else in a file
    return hashlib.sha256(f"{salt}{text.rstrip('=')}".encode()).hexdigest()[:32]


def _digest(identity: bytes, name: str, value: t.Any) -> str:
    return hmac.new(identity, f"{name}={json.dumps(value, sort_keys=True, default=str)}".encode(), hashlib.sha256).hexdigest()[:16]


def _telling(value: t.Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    return [text for text in texts if isinstance(text, str) and len(text) >= _TELLING and "\n" not in text]


def refusal(errors: t.Sequence[str]) -> str:
    """Return the message of a host with *errors*."""
    lines = "\n".join(f"  - {error}" for error in errors)
    return f"this host does not match the inventory; nothing was changed:\n{lines}"


def errors(seen: Seen, expected: Expected) -> list[str]:
    """Return a sentence for each reason why the host is not what the run takes it for."""
    if seen.damaged:
        return [
            f"{error}; restore that file, or remove it and go on with -e {_ADOPT}={expected.host}: every job runs again"
            for error in seen.damaged
        ]
    found = _of_records(seen, expected)
    if not found and seen.record is None:
        found = list(_without_record(seen, expected))
    return found


def check(seen: Seen, expected: Expected, volumes: t.Callable[[], t.Collection[str]]) -> list[str]:
    """Return why the host is another one than *expected*, or may hold data of another cloud.

    Args:
        volumes: returns those of the cloud's volumes that the host has; called only if nothing else tells what the host is.
    """
    found = errors(seen, expected)
    if found or not unknown(seen, expected):
        return found
    return left_over(volumes(), expected)


def outdated(seen: Seen, expected: Expected) -> bool:
    """Return whether the host is to remember something else than it does."""
    wanted = expected.record(seen.machine)
    if not expected.fingerprint and seen.record:
        return False
    return seen.record != wanted or seen.copy != wanted


def unknown(seen: Seen, expected: Expected) -> bool:
    """Return whether the host says nothing of a cloud, and the operator nothing of the host."""
    return not (seen.record or seen.copy or seen.state_file or seen.containers or expected.host in expected.adopt)


def left_over(volumes: t.Collection[str], expected: Expected) -> list[str]:
    """Return why *volumes* of a host that says nothing of a cloud are in the way."""
    if not volumes:
        return []
    return [
        f"this host has volumes of an unknown cloud: {_some(sorted(volumes))}. They may hold data that no secret of "
        f"this one opens: remove them (docker volume rm), or go on with them: -e {_ADOPT}={expected.host}"
    ]


def owner(seen: Seen, expected: Expected) -> list[str]:
    """Return a sentence for each reason why the host is another one, whatever the secrets are: they are about to be replaced."""
    return _of_records(seen, dataclasses.replace(expected, recreate=expected.cloud))


def own_cloud(seen: Seen, cloud: str) -> list[str]:
    """Return why the host is not one of *cloud*, whatever its secrets are: enough to take that cloud down."""
    others = sorted({record.cloud for record in (seen.record, seen.copy) if record and record.cloud != cloud})
    return [f"this host belongs to cloud '{other}', and the inventory's cloud_name is '{cloud}'" for other in others]


def _of_records(seen: Seen, expected: Expected) -> list[str]:
    # the copy says the same as a rule
    return list(dict.fromkeys(error for record in (seen.record, seen.copy) if record for error in _of_record(record, seen, expected)))


def _of_record(record: Record, seen: Seen, expected: Expected) -> t.Iterator[str]:
    adopted = expected.host in expected.adopt
    if not adopted and _other_machine(record.machine, seen.machine):
        yield (
            f"what this host remembers, that it is {record.host} of cloud '{record.cloud}', was written on another machine: its disk "
            "is a copy, or was moved. Two machines must not be one host: if the other one is gone for good, go on with "
            f"-e {_ADOPT}={expected.host}; otherwise remove /var/lib/caisson, /etc/caisson and all volumes from the copy"
        )
    if not adopted and record.cloud != expected.cloud:
        yield _other_cloud(record, expected)
        return
    if not adopted and record.host != expected.host:
        yield (
            f"this machine is host {record.host} of cloud '{record.cloud}', and the inventory calls it {expected.host}. Hypervisors "
            f"and network agents are known by that name: call it {record.host} (ansible_host says where it is reached), or take the host "
            f"out of the cloud first. To give it another name all the same: -e {_ADOPT}={expected.host}"
        )
    if record.cloud == expected.cloud and record.fingerprint and expected.fingerprint and expected.recreate != expected.cloud:
        error = _other_secrets(record, expected)
        if error:
            yield (
                f"{error}. Restore the right file, from where the cloud was last changed or from a backup (docs/operate.md, a lost "
                "secrets file). To recreate the cloud with these secrets, and lose what was encrypted with the former ones: "
                f"-e {_RECREATE}={expected.cloud}"
            )


def _other_cloud(record: Record, expected: Expected) -> str:
    if record.fingerprint and record.fingerprint == expected.fingerprint:
        return (
            f"cloud_name was changed: this host runs cloud '{record.cloud}' with these secrets, and the inventory's cloud_name is "
            f"'{expected.cloud}'. A cloud keeps its name: set cloud_name to {record.cloud}"
        )
    return (
        f"this host belongs to cloud '{record.cloud}', and the inventory's cloud_name is '{expected.cloud}': two inventories claim it. "
        f"Take it out of one of them; to move it, first run the playbook destroy with the inventory of '{record.cloud}' and "
        f"--limit {record.host}"
    )


def _other_secrets(record: Record, expected: Expected) -> str:
    """Return how the secrets file is another one than the cloud was made with, or nothing."""
    runs, file = f"this host runs cloud '{record.cloud}'", f"the secrets file {expected.file}"
    if expected.state == "missing":
        return f"{runs}, and {file} does not exist: its secrets would be generated again"
    if expected.state == "empty":
        return f"{runs}, and {file} holds no secrets: they would be generated again"
    if NAME in expected.lacking:
        return f"{runs}, and {file} lacks {NAME}: it was cut off, or is not of this cloud"
    if record.fingerprint != expected.fingerprint:
        return (
            f"{runs}, and {file} holds the secrets of another one (fingerprint {expected.fingerprint}, the host's is {record.fingerprint})"
        )
    lost = [name for name in expected.lacking if name in record.secrets]
    if lost:
        return f"{file} lacks {', '.join(lost)}, which cloud '{record.cloud}' uses: {'they' if lost[1:] else 'it'} would be generated again"
    if not record.revision or record.revision in expected.history or expected.generation - record.generation >= REMEMBERED:
        return ""
    where = f"it is at generation {expected.generation}, the cloud at {record.generation}"
    if expected.generation < record.generation:
        return f"{file} is older than cloud '{record.cloud}' ({where}): another copy of it was used to rotate secrets or to make new ones"
    return f"{file} and the one that cloud '{record.cloud}' was last changed with are two copies that were changed apart ({where})"


def _other_machine(one: t.Mapping[str, str], other: t.Mapping[str, str]) -> bool:
    """Return whether two descriptions are of two machines: something that both know differs."""
    return any(one[key] != other[key] for key in one.keys() & other.keys())


def _without_record(seen: Seen, expected: Expected) -> t.Iterator[str]:
    """Judge a host that does not say what it is."""
    adopt, adopted = f"-e {_ADOPT}={expected.host}", expected.host in expected.adopt
    if seen.copy and not adopted:
        yield (
            f"/var/lib/caisson/state.json of this host is lost, or is not the one that belongs to cloud '{expected.cloud}', "
            f"which runs here: restore it, or go on without: {adopt}. Every job runs again then"
        )
    elif seen.containers and not seen.copy:
        runs = f"this host runs containers of cloud '{expected.cloud}' ({_some(seen.containers)})"
        lost = [name for name in expected.lacking if name != NAME]
        if (expected.state != "kept" or lost) and expected.recreate != expected.cloud:
            what = {"missing": "does not exist", "empty": "holds no secrets"}.get(expected.state, f"lacks {', '.join(lost)}")
            recreate = f"-e {_RECREATE}={expected.cloud}"
            yield (
                f"{runs}, and the secrets file {expected.file} {what}: restore the right file, or have them generated again with {recreate}"
            )
        elif adopted or expected.recreate == expected.cloud:
            return
        elif not seen.state_file:
            yield f"{runs}, and /var/lib/caisson/state.json is lost: restore it, or go on without: {adopt}. Every job runs again then"
        elif not seen.agrees:
            yield (
                f"{runs}, and none of the secrets in {expected.file} is in their configuration: restore the right file; if this "
                f"is the right one, go on with {adopt}"
            )


def _some(names: t.Sequence[str]) -> str:
    return ", ".join(names[:4]) + (" and more" if names[4:] else "")
