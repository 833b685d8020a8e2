# SPDX-License-Identifier: Apache-2.0
"""What an interrupted test of another test cloud left on this host: it says to whom the host belongs, so no other cloud can be made."""

from __future__ import annotations

import json
import pathlib
import shutil
import typing as t

import yaml

#: Names of the clouds that tests make begin with this, and no other cloud's does.
TEST_CLOUD = "caisson-test-"
_DESTROY = pathlib.Path(__file__).parents[2] / "roles/service/tasks/destroy.yml"


def clear(root: pathlib.Path = pathlib.Path("/")) -> str:
    """Remove configuration and state of a test cloud below *root*; return its name, empty if the host belongs to no test cloud.

    Records that cannot be read, or of which one names another cloud, are left alone.
    """
    names = {name for name in (_cloud(root / "etc/caisson/cloud.json"), _cloud(root / "var/lib/caisson/state.json", "identity")) if name}
    if len(names) != 1 or not all(name.startswith(TEST_CLOUD) for name in names):
        return ""
    for path in (root / place.lstrip("/") for place in _places()):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return names.pop()


def _cloud(path: pathlib.Path, section: str = "") -> str:
    """Return the cloud that a record names, empty if there is no record, and a question mark if it cannot be read."""
    try:
        data: t.Any = json.loads(path.read_text("utf-8"))
        return str((data[section] if section else data)["cloud"])
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, LookupError, TypeError):
        return "?"


def _places() -> list[str]:
    """Return what the playbook ``destroy`` removes from a host."""
    (task,) = (task for task in yaml.safe_load(_DESTROY.read_text("utf-8")) if "ansible.builtin.file" in task)
    return list(task["loop"])
