#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Which cloud a host belongs to, and which run changes it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_identity
short_description: Which cloud a host belongs to, and which run changes it
version_added: 0.1.0
description:
  - A host keeps in C(/var/lib/caisson/state.json), and in C(/etc/caisson/cloud.json), which cloud it belongs to, with which secrets that
    was made (digests that reveal nothing), what it is called and on which machine it is.
  - It also has a lock, with a lease of 15 minutes, for the run that changes it. The run is recognised by the action of the same name;
    one that ended on the same machine gives its place up at once.
  - A record and a lock are no configuration, so this never counts as a change.
author: The caisson authors (@caisson)
options:
  state:
    description:
      - V(checked) fails if the host is another one than the run takes it for, or its cloud was made with other secrets.
      - V(claimed) does so too, makes this run the one that changes the host, and writes the record.
      - V(renewed) says that this run still does.
      - V(released) says that it has ended.
    type: str
    choices: [checked, claimed, renewed, released]
    default: checked
  judge:
    description:
      - What of it must be as the host says. V(all), or V(host) if the secrets are about to be replaced, V(cloud) if the cloud is
        about to go, V(nothing) where no check came before, in which case the record stays as it is.
    type: str
    choices: [all, host, cloud, nothing]
    default: all
  turn:
    description: With O(state=claimed) how often the host had been changed when the plan was made; negative if that does not matter.
    type: int
    default: -1
  volumes:
    description: With O(state=claimed) volumes that must not be there already if the host says nothing of a cloud.
    type: list
    elements: str
    default: []
  forget:
    description: With O(state=claimed) whether all else that the host remembers, such as jobs that are done, is forgotten.
    type: bool
    default: false
  hold:
    description: With O(state=claimed) whether this run goes on to change the host; otherwise it only sees to it that no other does.
    type: bool
    default: true
  takeover:
    description: Whether to take the place of a run that may still be alive.
    type: bool
    default: false
  holder:
    description: The run; filled in by the action.
    type: dict
    default: {}
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.identity]
attributes:
  check_mode: {support: full, description: Nothing is written.}
  diff_mode: {support: none, description: The record holds nothing that an operator sets.}
"""

EXAMPLES = r"""
- name: Check the identity of the host
  caisson.openstack.host_identity:
    identity: "{{ secrets.identity | combine({'cloud': 'example', 'host': inventory_hostname, 'file': 'secrets.yml'}) }}"
"""

RETURN = r"""
turn: {description: How often runs have changed the host., type: int, returned: success}
outdated: {description: Whether the record is to be written., type: bool, returned: success}
held_by: {description: The run that changes the host., type: dict, returned: when it is another one}
"""

import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write, dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments, lock
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.identity import host_record, identity, run_lock
from ansible_collections.caisson.openstack.plugins.module_utils.identity.identity import Expected, Seen
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Holder

_PLACES = host_record.Places()


def _names(params: dict[str, t.Any], cloud: str) -> list[str]:
    """Return the names of the cloud's containers; none if no engine answers."""
    try:
        found = Engine(connect(params, timeout=10)).labels([f"{spec.LABEL_CLOUD}={cloud}"])
    except EngineError:
        return []
    return [labels.get(spec.LABEL_CONTAINER, "") for labels in found.values()]


def _errors(params: dict[str, t.Any], expected: Expected, seen: Seen) -> list[str]:
    if params["judge"] == "nothing":
        return []
    if params["judge"] != "all":
        return identity.owner(seen, expected) if params["judge"] == "host" else identity.own_cloud(seen, expected.cloud)
    errors = identity.errors(seen, expected)
    if params["volumes"] and not errors and identity.unknown(seen, expected):
        left = Engine(connect(params)).volumes(params["volumes"])
        errors += identity.left_over(left, expected)
    return errors


def _looked_at(params: dict[str, t.Any], expected: Expected) -> Seen:
    # what is asked of the secrets is left out, not known otherwise
    names = _names(params, expected.cloud) if params["judge"] == "all" else []
    return host_record.look(expected, names, _PLACES)


def _run(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    expected = dataclass_spec.construct(Expected, params["identity"])
    path = pathlib.Path(run_lock.DEFAULT_PATH)
    run = dataclass_spec.construct(Holder, params["holder"]) if params["holder"] else None
    current = run_lock.read(str(path))
    if params["state"] in ("renewed", "released") and run:
        wanted = run_lock.renew(current, run) if params["state"] == "renewed" else run_lock.release(current, run)
        if wanted != current and not check_mode:
            atomic_write.write(path, run_lock.dump(wanted))
        return {"turn": wanted.turn}
    seen = _looked_at(params, expected)
    errors = _errors(params, expected, seen)
    if errors:
        return {"failed": True, "msg": identity.refusal(errors), "errors": errors}
    outdated = params["judge"] in ("all", "host") and identity.outdated(seen, expected)
    if params["state"] == "claimed" and run:
        current = run_lock.claim(current, run, params["turn"], params["takeover"])
        if not check_mode:
            atomic_write.write(path, run_lock.dump(current if params["hold"] else run_lock.release(current, run)))
            if outdated or params["forget"]:
                host_record.keep(expected.record(seen.machine), _PLACES, params["forget"])
    return {"turn": current.turn, "outdated": outdated}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["checked", "claimed", "renewed", "released"], "default": "checked"},
            "identity": {"type": "dict", "default": {}, "options": dataclass_spec.argument_spec(Expected)},
            "judge": {"type": "str", "choices": ["all", "host", "cloud", "nothing"], "default": "all"},
            "turn": {"type": "int", "default": -1},
            "volumes": {"type": "list", "elements": "str", "default": []},
            "forget": {"type": "bool", "default": False},
            "hold": {"type": "bool", "default": True},
            "takeover": {"type": "bool", "default": False},
            "holder": {"type": "dict", "default": {}},
            **arguments.ENGINE,
        },
        supports_check_mode=True,
    )
    writes = module.params["state"] != "checked" and not module.check_mode
    try:
        # a directory of its own for the lock: other modules hold that of the host for minutes
        with lock.exclusive(pathlib.Path(run_lock.DEFAULT_PATH).with_suffix(".lock"), make=writes):
            result = _run(module.params, module.check_mode)
    except run_lock.LockError as error:
        held_by = vars(error.holder) if error.holder else {}
        module.fail_json(msg=str(error), held_by=held_by)
    except (OSError, EngineError) as error:
        module.fail_json(msg=f"cannot determine which cloud this host belongs to: {error}")
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
