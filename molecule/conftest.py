# SPDX-License-Identifier: Apache-2.0
"""The way of the tests to the hosts of a scenario."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
import testinfra
from testinfra.host import Host

_OPTIONS = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"


@pytest.fixture(scope="session")
def reach() -> t.Callable[[str], Host]:
    """Return a function that returns the host with an address."""
    key = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "key"
    return lambda address: testinfra.get_host(f"ssh://root@{address}", ssh_identity_file=str(key), ssh_extra_args=_OPTIONS)
