# SPDX-License-Identifier: Apache-2.0
"""Run tasks of a role with Ansible. The modules that they call are fakes, which write down how they are called."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import typing as t

ROLES = pathlib.Path(__file__).parents[3] / "roles"
#: Writes its arguments down, and answers with what the file of answers has for its name, state and host, or for its name and state.
_FAKE = """
import json, os
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        name, args, host = self._task.action.rpartition(".")[2], self._task.args, task_vars["inventory_hostname"]
        call = {"name": name, "host": host, "task": self._task.name, "delegate_to": self._task.delegate_to, **args}
        with open(os.environ["FAKE_CALLS"], "a") as file:
            file.write(json.dumps(call) + chr(10))
        with open(os.environ["FAKE_ANSWERS"]) as file:
            answers = json.load(file)
        key = name + " " + args.get("state", "")
        return answers.get(key + " " + host) or answers.get(key) or {"changed": False, "updates": [{}]}
"""


@dataclasses.dataclass
class Run:
    """How a run ended, what it said, and the calls of modules with their arguments."""

    code: int
    text: str
    calls: list[dict[str, t.Any]]


def run(
    directory: pathlib.Path,
    plays: list[dict[str, t.Any]],
    inventory: dict[str, t.Any],
    roles: t.Iterable[str],
    fakes: t.Iterable[str],
    answers: t.Mapping[str, t.Any],
) -> Run:
    """Run plays with some roles of the collection and fakes of the modules that they call.

    Args:
        directory: an empty directory.
        roles: names of roles; those that are not among them are empty.
        answers: results of modules by name and state, such as ``host_step rolled``, also with a host behind that.
    """
    collection = directory / "ansible_collections/caisson/openstack"
    (collection / "plugins/action").mkdir(parents=True, exist_ok=True)
    for name in ("filter", "module_utils", "plugin_utils"):
        if not (collection / "plugins" / name).exists():
            (collection / "plugins" / name).symlink_to(ROLES.parent / "plugins" / name)
    for name in fakes:
        (collection / f"plugins/action/{name}.py").write_text(_FAKE)
    for role in ROLES.iterdir():
        place = collection / "roles" / role.name
        if role.name in roles and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(role)
        for tasks in (role / "tasks").glob("*.yml") if role.name not in roles else ():
            (place / "tasks").mkdir(parents=True, exist_ok=True)
            (place / "tasks" / tasks.name).write_text("[]")
    (directory / "ansible.cfg").touch()
    for name, content in {"play.json": plays, "hosts.json": inventory, "answers.json": answers}.items():
        (directory / name).write_text(json.dumps(content))
    calls = directory / "calls"
    calls.unlink(missing_ok=True)
    environment = {
        "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(directory),
        "ANSIBLE_LOCAL_TEMP": str(directory / "ansible"),
        "FAKE_CALLS": str(calls),
        "FAKE_ANSWERS": str(directory / "answers.json"),
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(directory / "hosts.json"), str(directory / "play.json")]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False)
    known = [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
    return Run(done.returncode, " ".join((done.stdout + done.stderr).split()), known)
