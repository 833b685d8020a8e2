#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""The journal of a rollout on a control host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout
short_description: The journal of a rollout on a control host
version_added: 0.1.0
description:
  - Keeps the plan of a rollout and what was done of it, so that a run that was interrupted can be continued, also from another machine.
  - The journal is changed under a lock, and only by the run that holds it. Another run is refused, and the message names the holder.
  - The action of the same name identifies the run. The place of a run that has ended on the same machine is taken at once.
  - A note is added at the end of the file, and costs the same however many hosts the rollout has.
author: The caisson authors (@caisson)
options:
  path:
    description: File of the journal.
    type: path
    default: /var/lib/caisson/rollout.json
  state:
    description:
      - V(read) returns the journal.
      - V(claimed) makes this run the holder of the rollout, or begins O(journal).
      - V(noted) adds an event, and sets the phase.
      - V(released) gives the rollout up, because this run ends.
    type: str
    choices: [read, claimed, noted, released]
    default: read
  brief:
    description: With O(state=read) whether to leave out what was planned and what happened, which grow with the number of hosts.
    type: bool
    default: false
  journal:
    description: With O(state=claimed) the rollout to begin, or the one to continue.
    type: dict
    default: {}
  known:
    description:
      - With O(state=claimed) the newest copy that any control host has. It is used if this host has an older one, or none, because it
        was away, lost its copy, or was not reached by a run that was interrupted.
    type: dict
    default: {}
  unreachable_ok:
    description: With O(state=read) whether a host that cannot be reached is taken for one without a journal, with a warning.
    type: bool
    default: false
  takeover:
    description: Whether to take the place of a run that may still be running.
    type: bool
    default: false
  phase:
    description: Phase of the event, and, without O(host), what the whole rollout has reached if O(event) is V(done).
    type: str
    default: ''
  host:
    description: Host of the event.
    type: str
    default: ''
  tier:
    description: Tier of the event.
    type: str
    default: ''
  event:
    description: State of the step or phase.
    type: str
    choices: [begun, done, failed, reverted]
    default: done
  detail:
    description: More about the event, such as why a step failed.
    type: str
    default: ''
  holder:
    description: The run; set by the action.
    type: dict
    default: {}
attributes:
  check_mode: {support: full, description: 'Nothing is written.'}
  diff_mode: {support: full, description: 'The state before and after, and the event.'}
"""

EXAMPLES = r"""
- name: Note that the step is done
  caisson.openstack.rollout:
    state: noted
    phase: roll
    tier: api
    host: "{{ inventory_hostname }}"
  delegate_to: "{{ item }}"
  loop: "{{ groups['control'] }}"
"""

RETURN = r"""
journal:
  description: The journal, empty if there is none.
  returned: with O(state=read)
  type: dict
  sample: {id: 20260101T000000, release_from: '2025.2', release_to: '2026.1', phase: rolled}
revision:
  description: Number of changes of the journal so far; 0 without a journal.
  returned: success
  type: int
  sample: 37
"""

import dataclasses
import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import lock
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal as rollout
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal_file import DEFAULT_PATH, JournalFile

Params = dict[str, t.Any]
#: The journal before and after a change; what both have of plan and events is not always read.
Change = tuple[t.Optional[rollout.Rollout], t.Optional[rollout.Rollout]]


def _change(file: JournalFile, params: Params, write: bool) -> Change:
    """Change the journal as *params* say."""
    holder = dataclass_spec.construct(rollout.Holder, params["holder"])
    if params["state"] == "claimed":
        return _claim(file, params, holder, write)
    phase = params["phase"] if params["state"] == "noted" and _reached(params) else None
    before = file.read() if phase in rollout.UPDATED else file.state()
    if params["state"] == "released":
        after = rollout.release(before, holder.run) if before else None
    else:
        named = {key: params[key] for key in ("phase", "host", "tier", "detail")}
        after = rollout.note(before, holder.run, holder.seen, rollout.Event(at=holder.seen, state=params["event"], **named), phase)
    if before and after and after != before and write:
        file.append(dataclasses.replace(after, events=after.events[len(before.events) :]))
    return before, after


def _claim(file: JournalFile, params: Params, holder: rollout.Holder, write: bool) -> Change:
    """Claim the rollout for a run; what other control hosts know is written to this one, too."""
    before = file.read()
    newest = rollout.newest([before, rollout.load(params["known"])])
    after = rollout.claim(newest, rollout.load(params["journal"]), holder, params["takeover"])
    if write:
        file.replace(after)
    return before, after


def _reached(params: Params) -> bool:
    """Return whether the event is that the whole rollout has reached a phase."""
    return params["event"] == "done" and not params["host"] and params["phase"] in t.get_args(rollout.Phase)


def _result(before: rollout.Rollout | None, after: rollout.Rollout | None) -> dict[str, t.Any]:
    """Return what a change of the journal looks like."""
    shown = [_shown(journal) for journal in (before, after)]
    known = len(before.events) if before and after and before.id == after.id else 0
    if after and after.events[known:]:
        shown[1]["event"] = dataclasses.asdict(after.events[-1])
    changed = (before and (before.id, before.revision)) != (after and (after.id, after.revision))
    return {"changed": changed, "revision": after.revision if after else 0, "diff": {"before": shown[0], "after": shown[1]}}


def _shown(journal: rollout.Rollout | None) -> dict[str, t.Any]:
    """Return the state of a journal for a diff."""
    if journal is None:
        return {}
    holder = f"{journal.holder.who} on {journal.holder.where}" if journal.holder else ""
    return {"id": journal.id, "revision": journal.revision, "phase": journal.phase, "holder": holder}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": DEFAULT_PATH},
            "state": {"type": "str", "choices": ["read", "claimed", "noted", "released"], "default": "read"},
            "brief": {"type": "bool", "default": False},
            "journal": {"type": "dict", "default": {}},
            "known": {"type": "dict", "default": {}},
            "unreachable_ok": {"type": "bool", "default": False},
            "takeover": {"type": "bool", "default": False},
            "phase": {"type": "str", "default": ""},
            "host": {"type": "str", "default": ""},
            "tier": {"type": "str", "default": ""},
            "event": {"type": "str", "choices": list(t.get_args(rollout.State)), "default": "done"},
            "detail": {"type": "str", "default": ""},
            "holder": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    params = module.params
    file, reads = JournalFile(params["path"]), params["state"] == "read"
    writes = not reads and not module.check_mode
    try:
        # a directory of its own for the lock: a step holds that of the host for minutes
        with lock.exclusive(pathlib.Path(params["path"]).with_suffix(".lock"), make=writes):
            if reads:
                found = file.state() if params["brief"] else file.read()
                plain = rollout.dump(found) if found else {}
                result = {"changed": False, "journal": plain, "revision": found.revision if found else 0}
            else:
                result = _result(*_change(file, params, writes))
    except rollout.RolloutError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"cannot write the journal {params['path']}: {error.strerror}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
