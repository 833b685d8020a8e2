# SPDX-License-Identifier: Apache-2.0
"""The API of a service: its entry in the catalog, and how the collection queries it. Paths are relative to the URL of the API."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass
class ProbeWrite:
    """An object that the prober creates and deletes in turn.

    ``{name}`` stands for its name in ``create_path``, ``body`` and ``item_path``, ``{id}`` for its id in ``item_path``. The name is
    ``prefix`` and a number. ``list_path`` lists such objects under the key ``list_key`` of the answer: those that an earlier prober has
    left behind are deleted.

    The API shows the id under ``id_key``, alone or at the end of a URL.
    """

    create_path: str
    item_path: str
    list_path: str
    list_key: str
    method: t.Literal["POST", "PUT"] = "POST"
    body: t.Any = None
    prefix: str = "caisson-prober-"
    id_key: str = "id"


@dataclasses.dataclass
class Probe:
    """Requests of the prober: it gets ``read``, alternating with ``write`` if there is one; ``headers`` are sent with each request.

    With ``issues_tokens`` the API is Keystone's, and gets a request for a token instead of a write.
    """

    read: str
    write: t.Optional[ProbeWrite] = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    issues_tokens: bool = False


@dataclasses.dataclass
class AgentList:
    """How an API lists the agents that report to it.

    ``path`` lists those with the name ``{binary}`` under the key ``key`` of the answer. ``host_key`` is the field with the host, and also
    the query parameter that selects one. An agent that is up has all values of ``up``; ``reported`` is the field with the time of its last
    report (UTC).

    ``northbound`` is the connection to OVN's northbound database, if agents report only after a change in it.
    """

    path: str
    key: str
    up: dict[str, t.Any]
    reported: str
    host_key: str = "host"
    northbound: str = ""


@dataclasses.dataclass
class Agent:
    """How a container reports itself: to the API whose type in the catalog is ``api``, as ``binary`` of ``host``.

    Without ``host`` it is that of the inventory.
    """

    api: str
    binary: str
    host: str = ""


@dataclasses.dataclass
class CatalogEntry:
    """An entry of the Keystone catalog."""

    name: str
    type: str
    internal_url: str
    public_url: str
    description: str = ""


@dataclasses.dataclass
class Endpoint(CatalogEntry):
    """An API of a service: its entry in the catalog, and how the collection queries it.

    ``resources`` must be the same before and after a verification: names of the openstacksdk methods that list them, in the proxy
    for this API.
    """

    probe: t.Optional[Probe] = None
    agents: t.Optional[AgentList] = None
    resources: list[str] = dataclasses.field(default_factory=list)
