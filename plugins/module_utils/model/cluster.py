# SPDX-License-Identifier: Apache-2.0
"""What hosts say of their members of a cluster, and what they are told to do before a member starts."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec

Action = t.Literal["seed", "join", "rejoin", "recover", "refuse"]


@dataclasses.dataclass
class MemberState:
    """What is known of one member: that its container runs, and what its facts command printed.

    ``cluster`` identifies the cluster that its data belong to, empty if they never did to any. The member with the highest ``position``
    has the newest data. A member is ``serving`` if it belongs to a cluster that works. ``fault`` says why its state is not known.

    A container that was created without a cluster is ``standalone``. ``started_at`` is when the process of the container was started last,
    as the engine writes it; empty if there is no container.
    """

    running: bool = False
    data: bool = False
    cluster: str = ""
    position: t.Optional[int] = None
    serving: bool = False
    fault: str = ""
    standalone: bool = False
    started_at: str = ""


@dataclasses.dataclass
class MemberReport:
    """A cluster as one host has to do with it; ``members`` are the addresses of all hosts that it is defined for."""

    cluster: str
    container: str
    members: dict[str, str]
    state: MemberState
    recovers: bool = False
    lost_hosts: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class MemberStart:
    """What comes before a member's container starts; ``environment`` is what its command needs to know.

    It was decided for the container, if there was one, whose process was started at ``started_at``.
    """

    action: Action
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""
    started_at: str = ""


def parse(text: str) -> MemberState:
    """Return what a facts command printed about a member; the last line is a JSON object.

    Raises:
        ValueError: if it is something else.
    """
    try:
        data = json.loads(text.strip().splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise ValueError(f"the last line of its output is not JSON: {text.strip()[-200:]!r}") from error
    known = {"data", "cluster", "position", "serving"}
    if not isinstance(data, dict) or not data.keys() <= known:
        raise ValueError(f"its output is not a JSON object with some of {', '.join(sorted(known))}: {text.strip()[-200:]}")
    return dataclass_spec.load(MemberState, {"data": True, **data}, "its output")
