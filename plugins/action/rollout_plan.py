# SPDX-License-Identifier: Apache-2.0
"""Plan a rollout, or say how far an open one is."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal as rollout
from ansible_collections.caisson.openstack.plugins.plugin_utils import arguments
from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result, keep, show
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import estimate as rollout_estimate
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import planner, turns


class ActionModule(ControllerAction):
    """Runs on the controller only, once for all hosts of the play."""

    ARGUMENTS: t.ClassVar = {
        **arguments.OVERVIEW,
        "release": {"type": "str", "required": True},
        "verb": {"type": "str", "choices": ["upgrade", "finalize", "rollback"], "default": "upgrade"},
        "updates": {"type": "dict", "default": {}},
        "gates": {"type": "dict", "default": {}},
        "zones": {"type": "dict", "default": {}},
        "facts": {"type": "list", "elements": "dict", "default": []},
        "whole": {"type": "bool", "default": True},
        "backup_age": {"type": "int", "default": -1},
        "backup_max_age": {"type": "int", "default": 0},
        "accept_warnings": {"type": "bool", "default": True},
        "disk_free": {"type": "dict", "default": {}},
        "minimum_disk": {"type": "int", "default": 0},
    }

    def act(self, args: Arguments) -> Result:
        """Return the plan; see the documentation of the module."""
        now = planner.Preconditions(**{field.name: args[field.name] for field in dataclasses.fields(planner.Preconditions)})
        notes = []
        try:
            known = rollout.newest(rollout.load(journal) for journal in args["journals"])
            if known and (known.open or args["verb"] != "upgrade"):
                plan, errors = known, planner.check_verb(known, args["verb"], args["release"])
            elif args["verb"] == "upgrade":
                plan = self._plan(args, known)
                absent = sorted({image for fact in args["facts"] for image in fact["absent"]})
                errors, notes = planner.check(plan, absent, now), planner.notes(now)
            else:
                raise rollout.RolloutError(f"there is no rollout to {args['verb']}")
        except rollout.RolloutError as error:
            raise AnsibleActionFail(str(error)) from error
        upgrades = args["verb"] == "upgrade"
        estimate = rollout_estimate.estimate(plan, backup=not args["backup_max_age"]) if upgrades else None
        show(planner.summary(plan, [*notes, *([rollout_estimate.words(estimate)] if upgrades else [])]))
        plain = dataclasses.asdict(estimate) if estimate else {}
        if args["file"]:
            written = {**rollout.dump(plan), "estimate": plain, "preconditions": dataclasses.asdict(now)}
            keep("plan", args["file"], json.dumps(written, indent=1) + "\n")
        if errors:
            lines = "\n".join(f"  - {error}" for error in errors)
            raise AnsibleActionFail(f"the rollout is refused; nothing was changed:\n{lines}")
        journal = rollout.dump(plan) if plan.updates else {}
        tiers = plan.tiers()
        hosts_by_tier = {} if self._task.check_mode else {tier: plan.hosts(tier) for tier in tiers}
        updates: dict[str, list[t.Any]] = {}
        containers: dict[str, dict[str, list[str]]] = {tier: {} for tier in tiers}
        for update in journal.get("updates", []):
            updates.setdefault(update["host"], []).append(update)
            containers[update["tier"]].setdefault(update["host"], []).append(update["container"])
        return {
            "changed": False,
            "journal": journal,
            "updates": updates,
            "tiers": tiers,
            "hosts_by_tier": hosts_by_tier,
            "containers_by_tier": containers,
            "estimate": plain,
        }

    def _plan(self, args: dict[str, t.Any], last: rollout.Rollout | None) -> rollout.Rollout:
        now = datetime.datetime.now(datetime.UTC)
        found = {name: args[name] for name in ("cloud", "release", "updates", "gates", "facts")}
        found["updates"] = {host: args["updates"][host] for host in turns.by_zone(args["updates"], args["zones"])}
        return planner.make(**found, packages=recipes.packages, now=now, last=last)
