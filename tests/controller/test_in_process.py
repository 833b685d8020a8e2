# SPDX-License-Identifier: Apache-2.0
"""Whether Ansible's own connections and variables tell a host that is the controller itself from others."""

from __future__ import annotations

import pathlib
import sys

import pytest

from tests import plays

_PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - caisson.openstack.host_check: {address: 127.0.0.1, cloud: none-of-this-name}
"""
_OWN = pathlib.Path(sys.executable)
#: The same interpreter by another name; which names a virtual environment uses depends on how it was made.
_OTHER = next(path for name in ("python3", "python") if (path := _OWN.with_name(name)) != _OWN)


@pytest.mark.parametrize(("interpreter", "sent"), [("{{ ansible_playbook_python }}", False), (str(_OTHER), True)])
def test_only_another_interpreter_is_sent_the_module(tmp_path: pathlib.Path, interpreter: str, sent: bool) -> None:
    (tmp_path / "play.yml").write_text(_PLAY)
    variables = ["-e", "ansible_connection=local", "-e", f"ansible_python_interpreter='{interpreter}'"]
    text = plays.run(tmp_path, plays.command("here,", "play.yml", *variables, "-vvv"), check=True).stdout
    assert ("EXEC /bin/sh" in text) is sent
