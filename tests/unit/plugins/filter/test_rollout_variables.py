# SPDX-License-Identifier: Apache-2.0
"""What keywords of plays know of a rollout."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.filter.rollout_variables import rollout_variables

GROUPS = {"all": ["builder", "c1", "c2"], "control": ["c1", "c2"]}
PLAYBOOKS = pathlib.Path(__file__).parents[4] / "playbooks"


def test_they_are_those_of_the_first_host_that_knows_the_plan() -> None:
    hosts: dict[str, dict[str, t.Any]] = {
        "builder": {},
        "c1": {"rollout_current": {"tiers": []}, "rollout_serial": [2]},
        "c2": {"rollout_current": {}},
    }
    assert rollout_variables(hosts, GROUPS)["rollout_serial"] == [2]


def test_without_a_plan_there_are_none() -> None:
    assert rollout_variables({host: {} for host in GROUPS["all"]}, GROUPS) == {}
    assert rollout_variables({}, GROUPS) == {}


def test_no_play_of_a_rollout_names_the_control_hosts() -> None:
    for name in ("upgrade", "rollback", "finalize", "rollout_tier", "rollback_tier"):
        assert "groups['control']" not in (PLAYBOOKS / f"{name}.yml").read_text("utf-8"), name
