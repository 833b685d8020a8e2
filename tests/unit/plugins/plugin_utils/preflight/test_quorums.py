# SPDX-License-Identifier: Apache-2.0
"""How many members clusters have, and where."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import listeners, quorums
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory import Inventory
from tests import expressions

_HOSTS = [f"c{number}" for number in range(1, 6)]
_CLUSTER = {"facts": {"command": ["facts"]}}


def _check(number: int, domains: t.Sequence[t.Any] = (), cluster: t.Any = _CLUSTER, **variables: t.Any) -> tuple[list[str], list[str]]:
    hosts = _HOSTS[:number]
    written = {host: {"failure_domain": domain} for host, domain in zip(hosts, domains, strict=False)}
    container = {"name": "alpha_db", "group": "{{ alpha_group }}", "cluster": cluster}
    inventory = Inventory(
        variables={
            "groups": {"all": hosts, "control": hosts},
            "alpha_group": "control",
            "alpha_service": {"containers": [container, {**container, "name": "alpha_log"}]},
            **variables,
        },
        in_play={"alpha": pathlib.Path("/nowhere/alpha")},
        written=lambda host: written.get(host, {}),
        resolve=expressions.resolve,
        origin=lambda _value: "hosts.yml",
    )
    return quorums.check(inventory, list(listeners.items(inventory)))


@pytest.mark.parametrize("number", [1, 3, 5])
def test_an_odd_number_of_members_passes(number: int) -> None:
    assert _check(number) == ([], [])


def test_two_members_are_refused_with_the_way_out() -> None:
    ((error,), warnings) = _check(2)
    for words in (
        "alpha_group is 'control', whose hosts (c1, c2) form a cluster of alpha_db, alpha_log",
        "an even number, 2; if either fails, the other has no majority",
        "or name one host (control[0])",
    ):
        assert words in error
    assert warnings == []


def test_an_even_number_of_members_is_refused() -> None:
    ((error,), _warnings) = _check(4)
    assert "4 hosts bear the failure of 1, as 3 do" in error
    assert "[0]" not in error


@pytest.mark.parametrize("cluster", [None, "{{ clustered if groups.control | length > 8 else none }}"])
def test_members_that_form_no_cluster_may_be_two(cluster: t.Any) -> None:
    assert _check(2, ["rack1", "rack1"], cluster) == ([], [])


def test_a_cluster_that_needs_facts_is_counted() -> None:
    assert len(_check(2, cluster="{{ facts_of_later }}")[0]) == 1


def test_one_host_of_a_group_is_no_cluster() -> None:
    assert _check(2, alpha_group="control[0]") == ([], [])


@pytest.mark.parametrize(
    ("domains", "refused", "doubtful"),
    [
        ([], "", ""),
        (["rack1", "rack2", "rack3"], "", ""),
        (["rack1"] * 3, "all are in failure_domain 'rack1', whose failure stops the cluster; take hosts of 3 or more", ""),
        (["rack1", "rack1", "rack2"], "", "c1, c2 are in failure_domain 'rack1', whose failure leaves no majority"),
        (["rack1", "rack1"], "", "c1, c2 are in failure_domain 'rack1'"),
        (["rack1", "rack2"], "", "c3 has no failure_domain, while others have one"),
        ([1, 2, 3], "", ""),
        (["a b", "rack2", "rack3"], "c1: failure_domain (hosts.yml) is wrong: expected up to 63 letters", ""),
        ([["rack1"], "rack2", "rack3"], "c1: failure_domain (hosts.yml) is wrong: expected up to 63 letters", ""),
        (["{{ later }}", "rack2", "rack3"], "c1: failure_domain (hosts.yml) has an expression", ""),
    ],
)
def test_members_of_one_failure_domain_fail_together(domains: list[t.Any], refused: str, doubtful: str) -> None:
    errors, warnings = _check(3, domains)
    for found, words in ((errors, refused), (warnings, doubtful)):
        assert [words in line for line in found] == [True] * bool(words), found
