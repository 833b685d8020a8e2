# SPDX-License-Identifier: Apache-2.0
"""What the role takes for the newest journal is what the module takes for it."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import typing as t

import jinja2.nativetypes
import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal as rollout
from tests.unit.rollouts import a_rollout

ROLES = pathlib.Path(__file__).parents[3] / "roles"
VARS: dict[str, str] = yaml.safe_load((ROLES / "rollout_journal/vars/main.yml").read_text(encoding="utf-8"))
OLD = dataclasses.replace(a_rollout(), revision=200)
NEW = dataclasses.replace(OLD, id="20261201T101010", revision=3)
NEWER = dataclasses.replace(NEW, phase="finalized", revision=12)


def evaluated(journals: t.Sequence[dict[str, t.Any]]) -> tuple[list[t.Any], dict[str, t.Any]]:
    """Return copies and the newest of them, as the variables of the role say."""
    environment = jinja2.nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined)
    # a host that was not asked has a result without a journal
    results: list[dict[str, t.Any]] = [{"item": "away", "unreachable": True}, *({"journal": journal} for journal in journals)]
    copies = list(environment.from_string(VARS["rollout_journal_copies"]).render(__rollout_journal_read={"results": results}))
    last: t.Any = environment.from_string(VARS["rollout_journal_newest"]).render(rollout_journal_copies=copies)
    return copies, last


@pytest.mark.parametrize("copies", [[OLD, NEW, NEWER], [OLD, OLD, NEW], [NEWER, NEW, None], [None, OLD, None], [None, None, None]])
def test_the_newest_journal_is_that_of_the_latest_rollout_with_the_highest_revision(copies: list[rollout.Rollout | None]) -> None:
    for order in itertools.permutations(copies):
        found, last = evaluated([rollout.dump(copy) if copy else {} for copy in order])
        assert len(found) == len([copy for copy in order if copy])
        assert rollout.load(last) == rollout.newest(order)


@pytest.mark.parametrize(
    ("hosts", "groups", "counts"),
    [
        (["builder"], {"build": ["builder"]}, False),
        (["builder", "control1"], {"build": ["builder"]}, True),
        (["control1"], {"build": ["builder"]}, True),
        (["control1"], {}, True),
    ],
)
def test_a_rollout_does_not_keep_the_build_host_from_its_registry(hosts: list[str], groups: dict[str, list[str]], counts: bool) -> None:
    """It is brought up by every run of the rollout itself, also by one that goes on."""
    found: str = yaml.safe_load((ROLES / "service/vars/main.yml").read_text(encoding="utf-8"))["__service_journals"]
    environment = jinja2.nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined)
    environment.filters["difference"] = lambda some, others: [one for one in some if one not in others]
    copies = [rollout.dump(OLD)]
    seen = environment.from_string(found).render(ansible_play_hosts=hosts, groups=groups, __service_copies=copies)
    assert seen == (copies if counts else [])
