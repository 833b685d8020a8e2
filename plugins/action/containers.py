# SPDX-License-Identifier: Apache-2.0
"""Show progress while the containers of a host come up, by asking the module again and again."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

_PATIENCE = 10  # seconds between two lines of progress

_display = Display()


class ActionModule(ActionBase):
    """Calls the module of the same name until nothing is waiting any more."""

    _MODULE = "caisson.openstack.containers"
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the result of the module, with the changes of all its calls."""
        super().run(tmp, task_vars)
        started = time.monotonic()
        merged: dict[str, t.Any] = {}
        while True:
            args = _arguments(self._task.args, merged, int(time.monotonic() - started))
            result = self._execute_module(module_name=self._MODULE, module_args=args, task_vars=task_vars)
            merged = _merge(merged, result)
            if result.get("failed") or self._task.check_mode or not result.get("waiting"):
                return merged
            self._say(result, str((task_vars or {}).get("inventory_hostname")), time.monotonic() - started)

    def _say(self, result: dict[str, t.Any], host: str, seconds: float) -> None:
        outcomes = result["outcomes"]
        done = sum(1 for item in outcomes if item["state"] == "done")
        names = ", ".join(f"{item['name']} ({item['detail']})" for item in outcomes if item["state"] == "waiting")
        _display.display(f"{host}: {done} of {len(outcomes)} ready after {seconds:.0f} s; waiting for {names}")


def _arguments(args: t.Mapping[str, t.Any], merged: t.Mapping[str, t.Any], elapsed: int) -> dict[str, t.Any]:
    """Return the arguments of the next call: those of the task, and what it has to know of the calls before it, *merged*."""
    changed = [item for item in merged.get("outcomes", []) if item["action"] != "none"]
    call = {**args, "patience": _PATIENCE, "elapsed": elapsed}
    call["starting"] = [item["name"] for item in changed if item["kind"] == "container" and item["state"] == "waiting"]
    if "created_databases" in args:
        call["finished_jobs"] = [item["name"] for item in changed if item["kind"] == "job" and item["state"] == "done"]
    return call


def _merge(earlier: dict[str, t.Any], later: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return *later* with what *earlier* had changed: a further call finds that unchanged, or does not see it any more."""
    if not earlier:
        return later
    merged = {**later, "changed": earlier["changed"] or later.get("changed", False)}
    known = {item["name"]: item for item in earlier["outcomes"] if item["action"] != "none"}
    if "outcomes" in later:
        rows = [
            {**item, "action": known[item["name"]]["action"], "reasons": known[item["name"]]["reasons"]} if item["name"] in known else item
            for item in later["outcomes"]
        ]
        removed = known.keys() - {item["name"] for item in rows}
        merged["outcomes"] = [*(item for item in earlier["outcomes"] if item["name"] in removed), *rows]
    if "updates" in earlier:
        # each call says what it finds to be changed: one that waits for another is found again
        updates = [*earlier["updates"], *later.get("updates", [])]
        merged["updates"] = list({update["container"]: update for update in reversed(updates)}.values())[::-1]
    if earlier.get("diff") and later.get("diff"):
        merged["diff"] = [*_as_list(earlier["diff"]), *_as_list(later["diff"])]
    return merged


def _as_list(diff: t.Any) -> list[t.Any]:
    return diff if isinstance(diff, list) else [diff]
