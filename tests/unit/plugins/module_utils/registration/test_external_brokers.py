# SPDX-License-Identifier: Apache-2.0
"""Whether external brokers can serve a cloud. What real ones say: tests/integration."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.registration import external_broker


def answer(**changes: str) -> dict[str, str]:
    return {"host": "192.0.2.51", "version": "4.0.5", "product": "RabbitMQ", "cluster": "mq", "where": "", "error": "", **changes}


def test_a_cluster_that_works_is_accepted() -> None:
    assert external_broker.problems([answer(), answer(host="192.0.2.52", version="3.12.0")], 5672) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"where": "connect", "error": "timed out"}, ["192.0.2.51:5671: timed out. Check rabbitmq_external_hosts"]),
        ({"where": "login", "error": "ACCESS_REFUSED"}, ["ACCESS_REFUSED", "rabbitmq_external_password"]),
        ({"where": "use", "error": "403"}, ["set_permissions"]),
        ({"version": "3.11.28"}, ["3.11.28", "3.12 or newer"]),
        ({"product": "Qpid"}, ["it is Qpid"]),
        ({"product": ""}, ["an unknown broker"]),
    ],
)
def test_one_that_cannot_serve_is_refused_with_what_to_do(changes: dict[str, str], said: list[str]) -> None:
    (error,) = external_broker.problems([answer(**changes)], 5671)
    assert all(word in error for word in said), error


def test_brokers_of_two_clusters_are_refused() -> None:
    (error,) = external_broker.problems([answer(), answer(host="192.0.2.52", cluster="other")], 5672)
    assert "192.0.2.51 of mq, 192.0.2.52 of other" in error
    # one that is down says nothing of its cluster
    assert len(external_broker.problems([answer(), answer(where="connect", cluster="")], 5672)) == 1
