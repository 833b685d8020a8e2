# SPDX-License-Identifier: Apache-2.0
"""What libvirt calls when a guest starts waits for its taps in the switch, and never stops the guest. The programs are fakes."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

HOOK = pathlib.Path(__file__).parents[3] / "roles" / "libvirt" / "templates" / "hook-qemu.j2"
GUEST = """<domain>
  <devices>
    <disk><target dev='vda' bus='virtio'/></disk>
    <interface type='ethernet'>
      <target dev='tap7c532fdc-d4'/>
    </interface>
    <interface type='ethernet'>
      <target dev='tap0a1b2c3d-4e'/>
    </interface>
  </devices>
</domain>
"""


def called(directory: pathlib.Path, operation: str, code: int = 0) -> list[str]:
    """Return what the hook calls; each program ends with *code*."""
    log = directory / "log"
    log.touch()
    program = directory / "ovs-vsctl"
    program.write_text(f'#!/bin/sh\necho ovs-vsctl "$@" >>{log}\nexit {code}\n')
    program.chmod(0o755)
    command = ["sh", str(HOOK), "instance-00000001", operation, "begin", "-"]
    environment = {"PATH": f"{directory}:{os.environ['PATH']}"}
    done = subprocess.run(command, input=GUEST, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return log.read_text().splitlines()


@pytest.mark.parametrize("code", [0, 142])
def test_it_waits_until_the_switch_has_each_tap(tmp_path: pathlib.Path, code: int) -> None:
    assert called(tmp_path, "started", code) == [
        "ovs-vsctl --timeout=5 wait-until interface tap7c532fdc-d4 ofport>0",
        "ovs-vsctl --timeout=5 wait-until interface tap0a1b2c3d-4e ofport>0",
    ]


@pytest.mark.parametrize("operation", ["prepare", "start", "stopped", "release", "migrate"])
def test_nothing_else_is_touched(tmp_path: pathlib.Path, operation: str) -> None:
    assert called(tmp_path, operation) == []
