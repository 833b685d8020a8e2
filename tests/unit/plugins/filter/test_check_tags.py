# SPDX-License-Identifier: Apache-2.0
"""Every playbook refuses tags that would skip its tasks; Ansible would report success."""

from __future__ import annotations

import pathlib

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.filter.check_tags import AnsibleFilterError, check_tags

PLAYBOOKS = [path for path in sorted(pathlib.Path(__file__).parents[4].glob("playbooks/*.yml")) if "hosts:" in path.read_text("utf-8")]


def test_hosts_pass_as_they_are() -> None:
    assert check_tags(["a", "b"], ["all"], []) == ["a", "b"]
    with pytest.raises(AnsibleFilterError, match="--skip-tags always: "):
        check_tags("all", ["all"], ["always"], True)


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_the_first_play_of_each_playbook_looks_at_the_tags(path: pathlib.Path) -> None:
    plays = yaml.safe_load(path.read_text("utf-8"))
    first = next(play for play in plays if "hosts" in play)
    takes_tags = any("always" in task.get("tags", []) for task in first["tasks"])
    arguments = "ansible_run_tags, ansible_skip_tags" + (", true" if takes_tags else "")
    assert f"caisson.openstack.check_tags({arguments})" in first["hosts"]
