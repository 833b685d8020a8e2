# SPDX-License-Identifier: Apache-2.0
"""An open rollout is gone on with as it was planned."""

from __future__ import annotations

import dataclasses
import types
import typing as t
from unittest import mock

from ansible_collections.caisson.openstack.plugins.action import rollout_plan
from ansible_collections.caisson.openstack.plugins.module_utils import rollout
from tests.unit.plugins.module_utils.rollouts import a_rollout


def test_tiers_of_an_open_rollout_come_in_their_order_whatever_the_order_of_moves() -> None:
    known = dataclasses.replace(a_rollout(), moves=a_rollout().moves[::-1], checks=[])
    args = {"cloud": "example", "release": "2026.1", "journals": [{}, rollout.dump(known)]}
    task = types.SimpleNamespace(args=args, check_mode=False, async_val=0, action="rollout_plan")
    result = rollout_plan.ActionModule(t.cast(t.Any, task), *[mock.MagicMock() for _ in range(5)]).run(task_vars={})
    assert (result["resumed"], result["journal"]) == (True, rollout.dump(known))
    assert result["tiers"] == ["switch", "ovn", "backend", "identity", "conductor", "worker", "api", "compute"]
