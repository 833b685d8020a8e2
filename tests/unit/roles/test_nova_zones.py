# SPDX-License-Identifier: Apache-2.0
"""Nova's availability zones follow the inventory. Nova is a fake with its rules for aggregates."""

from __future__ import annotations

import pathlib
import runpy
import typing as t

import pytest

SCRIPT = runpy.run_path(str(pathlib.Path(__file__).parents[3] / "roles/nova/files/availability_zones.py"))


class FakeNova:
    """Has aggregates; ``pinned`` are hosts with servers that name their zone."""

    def __init__(self, **aggregates: dict[str, t.Any]) -> None:
        self.aggregates = {
            number: {"id": number, "name": name, "hosts": [], "metadata": {}, **own}
            for number, (name, own) in enumerate(aggregates.items(), start=1)
        }
        self.pinned: set[str] = set()
        self.requests = 0

    def send(self, method: str, path: str, body: t.Any) -> t.Any:
        """Answer a request."""
        self.requests += method != "GET"
        if method == "GET":
            return {"aggregates": [{**item, "hosts": list(item["hosts"])} for item in self.aggregates.values()]}
        if path == "/os-aggregates":
            number, own = len(self.aggregates) + 1, body["aggregate"]
            metadata = {"availability_zone": own["availability_zone"]}
            self.aggregates[number] = {"id": number, "name": own["name"], "hosts": [], "metadata": metadata}
            return {"aggregate": self.aggregates[number]}
        item = self.aggregates[int(path.split("/")[2])]
        ((verb, own),) = body.items()
        if verb == "set_metadata":
            item["metadata"].update(own["metadata"])
        elif verb == "add_host":
            others = [other for other in self.aggregates.values() if own["host"] in other["hosts"] and other is not item]
            if any(other["metadata"].get("availability_zone") != item["metadata"]["availability_zone"] for other in others):
                raise SCRIPT["RefusalError"]("One or more hosts already in availability zone(s)")
            item["hosts"].append(own["host"])
        else:
            if own["host"] in self.pinned:
                raise SCRIPT["RefusalError"]("One or more hosts contain instances in this zone")
            item["hosts"].remove(own["host"])
        return {"aggregate": item}

    def converge(self, zones: dict[str, list[str]]) -> list[str]:
        return t.cast("list[str]", SCRIPT["converge"](self.send, zones))

    @property
    def zones(self) -> dict[str, list[str]]:
        return {item["name"]: item["hosts"] for item in self.aggregates.values()}


def test_zones_are_made_and_hosts_join_them_once() -> None:
    nova = FakeNova()
    assert nova.converge({"a": ["n1", "n2"], "b": ["n3"]}) == []
    assert nova.zones == {"a": ["n1", "n2"], "b": ["n3"]}
    assert nova.aggregates[1]["metadata"] == {"availability_zone": "a", "managed_by": "caisson"}
    before = nova.requests
    assert nova.converge({"a": ["n1", "n2"], "b": ["n3"]}) == []
    assert nova.requests == before


def test_a_host_changes_its_zone_and_a_zone_without_hosts_is_emptied() -> None:
    nova = FakeNova()
    nova.converge({"a": ["n1"], "b": ["n2", "n3"]})
    assert nova.converge({"a": ["n1", "n2"], "": ["n3"]}) == []
    assert nova.zones == {"a": ["n1", "n2"], "b": []}
    assert nova.converge({"": ["n1", "n2", "n3"]}) == []
    assert nova.zones == {"a": [], "b": []}


def test_aggregates_of_the_operator_keep_their_hosts() -> None:
    nova = FakeNova(ssd={"hosts": ["n1"], "metadata": {"ssd": "true"}}, a={"hosts": ["n1", "n9"]})
    assert nova.converge({"a": ["n1", "n2"]}) == []
    assert nova.zones == {"ssd": ["n1"], "a": ["n1", "n9", "n2"]}
    # adopted: from now on it follows the inventory
    assert nova.converge({"a": ["n1", "n2"]}) == []
    assert nova.zones == {"ssd": ["n1"], "a": ["n1", "n2"]}


def test_an_aggregate_of_another_zone_is_not_taken() -> None:
    nova = FakeNova(a={"metadata": {"availability_zone": "other"}})
    with pytest.raises(SCRIPT["RefusalError"], match="the aggregate a belongs to zone other"):
        nova.converge({"a": ["n1"]})
    assert nova.requests == 0


def test_a_host_that_must_stay_is_named_and_keeps_no_other_from_moving() -> None:
    nova = FakeNova()
    nova.converge({"a": ["n1", "n2"], "b": ["n3"]})
    nova.pinned = {"n1"}
    failures = nova.converge({"b": ["n1", "n2", "n3"]})
    assert failures == [
        "host n1 leaves zone a: refused: One or more hosts contain instances in this zone",
        "host n1 joins zone b: refused: One or more hosts already in availability zone(s)",
    ]
    assert nova.zones == {"a": ["n1"], "b": ["n3", "n2"]}
