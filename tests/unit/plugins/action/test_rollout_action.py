# SPDX-License-Identifier: Apache-2.0
"""What the module is told of the run."""

from __future__ import annotations

import dataclasses
import socket
import types
import typing as t
from unittest import mock

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.caisson.openstack.plugins.action import rollout
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Holder, dump
from ansible_collections.caisson.openstack.plugins.plugin_utils.this_run import this_run
from tests.unit.rollouts import a_rollout

HERE = socket.gethostname()


def _holder(pid: int, where: str = HERE) -> Holder:
    return Holder(run=f"{where}/{pid}/boot/1", who="ada", where=where, pid=pid, seen=0)


def _journal(holder: Holder | None, revision: int = 0) -> dict[str, t.Any]:
    return dump(dataclasses.replace(a_rollout(), holder=holder, revision=revision))


# -- what the module is told ------------------------------------------------------------------------------------


def _run(answer: dict[str, t.Any] | Exception, **args: t.Any) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
    """Return the result of the action, and what the module was asked; *answer* is what it says each time, or why it cannot."""
    asked: list[dict[str, t.Any]] = []

    def execute(module_name: str, module_args: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        asked.append(module_args)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    task = types.SimpleNamespace(args=args, check_mode=False, async_val=0, action="rollout", delegate_to="control-3")
    action = rollout.ActionModule(t.cast(t.Any, task), *[mock.MagicMock() for _ in range(5)])
    with mock.patch.object(action, "_execute_module", execute):
        return action.run(task_vars={}), asked


def test_the_place_of_a_run_that_has_ended_is_taken(gone: int) -> None:
    for holder, taken in ((_holder(gone), True), (Holder(**this_run()), False), (_holder(gone, "attic"), False), (None, False)):
        _result, asked = _run({"journal": _journal(holder)}, state="claimed")
        assert [(args["state"], args.get("takeover")) for args in asked] == [("read", None), ("claimed", taken)]


def test_whose_place_is_taken_is_what_the_newest_copy_says(gone: int) -> None:
    alive, dead = Holder(**this_run()), _holder(gone)
    for own, known, taken in ((dead, alive, False), (alive, dead, True), (alive, None, False)):
        _result, asked = _run({"journal": _journal(own, 3)}, state="claimed", known=_journal(known, 4))
        assert asked[-1]["takeover"] is taken
        # what happened since the others were read counts
        _result, asked = _run({"journal": _journal(known, 5)}, state="claimed", known=_journal(own, 4))
        assert asked[-1]["takeover"] is taken
    # of a copy that was lost nothing is known
    _result, asked = _run({"journal": {}}, state="claimed", known=_journal(dead))
    assert asked[-1]["takeover"] is True


def test_whoever_takes_a_place_over_is_not_asked_why() -> None:
    _result, asked = _run({"journal": {}}, state="claimed", takeover=True)
    assert [(args["state"], args["takeover"]) for args in asked] == [("claimed", True)]


def test_a_journal_that_cannot_be_read_is_not_claimed() -> None:
    result, asked = _run({"failed": True, "msg": "cut off"}, state="claimed")
    assert (result["msg"], len(asked)) == ("cut off", 1)


def test_a_host_that_does_not_answer_has_no_journal_only_where_that_is_asked_for() -> None:
    away = AnsibleConnectionFailure("no route to host")
    result, _asked = _run(away, state="read", unreachable_ok=True)
    assert (result["journal"], result["changed"]) == ({}, False)
    assert "control-3 does not answer (no route to host)" in result["warnings"][0]
    for args in ({"state": "read"}, {"state": "read", "unreachable_ok": False}, {"state": "noted", "phase": "rolled"}):
        with pytest.raises(AnsibleConnectionFailure):
            _run(away, **args)


def test_the_holder_is_asked_for_without_sending_a_journal_there_and_back() -> None:
    known = _journal(None)
    _result, asked = _run({"journal": {}}, state="claimed", journal=known, known=known)
    assert [(args["brief"], args["journal"], args["known"]) for args in asked[:1]] == [(True, {}, {})]
    assert (asked[1]["journal"], asked[1]["known"]) == (known, known)


def test_each_call_says_which_run_it_is() -> None:
    result, (asked,) = _run({"journal": {}, "invocation": "long"}, state="noted", phase="rolled")
    assert (asked["holder"]["run"], asked["phase"]) == (this_run()["run"], "rolled")
    assert result == {"journal": {}}
