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
  - Keeps what a rollout has planned and done, so that a run that was cut off can be gone on with, from another machine too.
  - The journal is changed under a lock, and only by the run that holds it; another run is told who does.
  - The run is recognised by the action of the same name; a run that ended on the same machine gives its place up at once.
author: The caisson authors (@caisson)
options:
  path:
    description: File of the journal.
    type: path
    default: /var/lib/caisson/rollout.json
  state:
    description:
      - V(read) returns the journal.
      - V(claimed) makes this run the one that goes on with it, or begins O(journal).
      - V(noted) adds an event or sets the phase.
      - V(released) says that this run has ended.
    type: str
    choices: [read, claimed, noted, released]
    default: read
  journal:
    description: With O(state=claimed) the rollout to begin, or the one to go on with.
    type: dict
    default: {}
  known:
    description:
      - With O(state=claimed) the newest copy that any control host has. It counts if that of this host is older, which was away or
        lost its own, or was not reached any more by a run that was cut off.
    type: dict
    default: {}
  unreachable_ok:
    description: With O(state=read) whether a host that does not answer is no failure, but has no journal. The action sees to it.
    type: bool
    default: false
  takeover:
    description: Whether to take the place of a run that may still be alive.
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
    description: What happened.
    type: str
    choices: [begun, done, failed, reverted]
    default: done
  detail:
    description: What there is to say about it.
    type: str
    default: ''
  holder:
    description: The run; filled in by the action.
    type: dict
    default: {}
attributes:
  check_mode: {support: full, description: 'Nothing is written.'}
  diff_mode: {support: none, description: A journal only grows.}
"""

EXAMPLES = r"""
- name: The step is noted
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
  returned: success
  type: dict
  sample: {id: 20260101T000000, release_from: '2025.2', release_to: '2026.1', phase: rolled}
"""

import json
import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write, dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import lock
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal as rollout


def _changed(current: rollout.Rollout | None, params: dict[str, t.Any]) -> rollout.Rollout | None:
    """Return the journal as *params* want it."""
    if params["state"] == "read":
        return current
    holder = dataclass_spec.construct(rollout.Holder, params["holder"])
    if params["state"] == "claimed":
        newest = rollout.newest([current, rollout.load(params["known"])])
        return rollout.claim(newest, rollout.load(params["journal"]), holder, params["takeover"])
    if params["state"] == "released":
        return rollout.release(current, holder.run) if current else None
    event = rollout.Event(
        at=holder.seen, phase=params["phase"], state=params["event"], host=params["host"], tier=params["tier"], detail=params["detail"]
    )
    reached = params["event"] == "done" and not params["host"] and params["phase"] in t.get_args(rollout.Phase)
    return rollout.note(current, holder.run, holder.seen, event, params["phase"] if reached else None)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": rollout.DEFAULT_PATH},
            "state": {"type": "str", "choices": ["read", "claimed", "noted", "released"], "default": "read"},
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
    path = pathlib.Path(params["path"])
    writes = params["state"] != "read" and not module.check_mode
    # a directory of its own for the lock: a step holds that of the host for minutes
    with lock.exclusive(path.with_suffix(".lock"), make=writes):
        try:
            current = rollout.read(params["path"])
            wanted = _changed(current, params)
            if wanted and wanted != current and not module.check_mode:
                atomic_write.write(path, json.dumps(rollout.dump(wanted), indent=1) + "\n")
        except rollout.RolloutError as error:
            module.fail_json(msg=str(error))
        except OSError as error:
            module.fail_json(msg=f"cannot write the journal {path}: {error.strerror}")
    module.exit_json(changed=False, journal=rollout.dump(wanted) if wanted else {})


if __name__ == "__main__":
    main()
