# SPDX-License-Identifier: Apache-2.0
"""What is left out of a rotation stops it before anything changes."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

_REPOSITORY = pathlib.Path(__file__).parents[2]
_HOSTS = "build1, compute1, compute2, network1 failed before this step, or --limit left it out"
_SERVICES = "a rotation covers all services; run it without a selection of services and without tags. Nothing was changed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--limit", "control1"], _HOSTS),
        (["--tags", "nova"], _SERVICES),
        (["--skip-tags", "nova"], _SERVICES),
        (["-e", "services=nova"], _SERVICES),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_rotation_of_a_part_is_refused(arguments: list[str], message: str, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "secrets.yml"
    done = subprocess.run(
        [
            *(pathlib.Path(sys.executable).parent / "ansible-playbook", "-i", _REPOSITORY / "inventory/multinode/hosts.yml"),
            *("caisson.openstack.rotate", "-e", f"cloud_secrets_file={file}", *arguments),
        ],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(_REPOSITORY / ".dev")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert message in " ".join((done.stdout + done.stderr).split())
    assert not file.exists()
