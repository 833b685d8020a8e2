# SPDX-License-Identifier: Apache-2.0
"""Make Nova's availability zones those of the inventory. Runs in Nova's image, once hosts have registered.

A zone is a host aggregate with the zone as metadata. Only aggregates that have been made or adopted here, which their metadata say, lose
hosts. The arguments are the hosts of each zone, as JSON, and the region.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import typing as t

ZONE = "availability_zone"
OWNER = {"managed_by": "caisson"}


class RefusalError(Exception):
    """Nova does not do what was asked; the message says why."""


@dataclasses.dataclass(frozen=True)
class Change:
    """A request for an aggregate; ``text`` tells people what it does. Without an identifier it is that of the aggregate ``name``."""

    name: str
    body: t.Dict[str, t.Any]
    text: str
    identifier: t.Optional[int] = None


#: Sends a request to Nova's API and returns the content of the answer; raises RefusalError.
Send = t.Callable[[str, str, t.Optional[t.Dict[str, t.Any]]], t.Any]


def changes(aggregates: t.List[t.Dict[str, t.Any]], zones: t.Dict[str, t.List[str]]) -> t.Iterator[Change]:
    """Yield what to do: first hosts leave the zones that are not theirs, as a host cannot be in two."""
    owned = [item for item in aggregates if OWNER.items() <= item["metadata"].items()]
    for item in owned:
        zone = item["metadata"].get(ZONE, "")
        for host in item["hosts"]:
            if host not in zones.get(zone, []):
                yield Change(item["name"], {"remove_host": {"host": host}}, f"host {host} leaves zone {zone}", item["id"])
    for zone, hosts in zones.items():
        if zone:
            same = [item for item in owned if item["metadata"].get(ZONE) == zone] + [item for item in aggregates if item["name"] == zone]
            yield from _zone(zone, hosts, same[0] if same else None)


def _zone(zone: str, hosts: t.List[str], aggregate: t.Optional[t.Dict[str, t.Any]]) -> t.Iterator[Change]:
    found = aggregate or {"name": zone, "id": None, "hosts": [], "metadata": {}}
    if aggregate is None:
        yield Change(zone, {"aggregate": {"name": zone, ZONE: zone}}, f"zone {zone} is created")
    elif found["metadata"].get(ZONE, zone) != zone:
        raise RefusalError(f"the aggregate {zone} belongs to zone {found['metadata'][ZONE]}: rename it, or give the hosts another zone")
    if not OWNER.items() <= found["metadata"].items():
        marks = {**OWNER, ZONE: zone}
        yield Change(found["name"], {"set_metadata": {"metadata": marks}}, f"zone {zone} follows the inventory", found["id"])
    for host in hosts:
        if host not in found["hosts"]:
            yield Change(found["name"], {"add_host": {"host": host}}, f"host {host} joins zone {zone}", found["id"])


def converge(send: Send, zones: t.Dict[str, t.List[str]]) -> t.List[str]:
    """Change what differs, and return why not all could be done; a host that must stay keeps no other from moving."""
    failures, made = [], {}
    for change in list(changes(send("GET", "/os-aggregates", None)["aggregates"], zones)):
        try:
            if "aggregate" in change.body:
                made[change.name] = send("POST", "/os-aggregates", change.body)["aggregate"]["id"]
            else:
                identifier = made[change.name] if change.identifier is None else change.identifier
                send("POST", f"/os-aggregates/{identifier}/action", change.body)
            print(change.text)
        except RefusalError as error:
            failures.append(f"{change.text}: refused: {error}")
    return failures


def _connect(region: str) -> Send:
    """Return what sends requests as the service's own user, who is in the configuration."""
    import nova.conf
    from keystoneauth1 import adapter, loading
    from nova import config

    config.parse_args(["nova"])
    auth = loading.load_auth_from_conf_options(nova.conf.CONF, "service_user")
    session = loading.load_session_from_conf_options(nova.conf.CONF, "service_user", auth=auth)
    nova_api = adapter.Adapter(session, service_type="compute", interface="internal", region_name=region)

    def send(method: str, path: str, body: t.Optional[t.Dict[str, t.Any]]) -> t.Any:
        answer = nova_api.request(path, method, json=body, raise_exc=False)
        if answer.status_code >= 400:
            raise RefusalError(" ".join(answer.text[:500].split()))
        return answer.json()

    return send


def main() -> None:
    """Make the zones, and end with an error if a host is not where it is to be."""
    failures = converge(_connect(sys.argv[2]), json.loads(sys.argv[1]))
    if failures:
        remedy = "move or delete the servers that were created in the old zone on these hosts, or set zone as it was"
        sys.exit("\n".join([*failures, f"Nova keeps hosts in their zone while servers depend on it: {remedy}"]))


if __name__ == "__main__":
    main()
