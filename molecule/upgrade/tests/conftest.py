# SPDX-License-Identifier: Apache-2.0
"""The cloud of this scenario and the servers on it."""

from __future__ import annotations

import re
import typing as t

import pytest
from testinfra.host import Host

from tests.molecule.upgrade import COMPUTES, Guest, UpgradedCloud


@pytest.fixture(scope="session")
def cloud(reach: t.Callable[[str], Host]) -> UpgradedCloud:
    return UpgradedCloud(reach)


@pytest.fixture(scope="session")
def guests(cloud: UpgradedCloud) -> list[Guest]:
    """One server on each hypervisor, none of which the verification takes for its own."""
    text = cloud.play("verify", "-e", "verify_name=guest", "-e", "verify_keep=true", "-e", f"verify_hypervisors={','.join(COMPUTES)}")
    found = re.findall(r"Server \S+ on (\S+) was active .*?(\d+\.\d+\.\d+\.\d+) answered", text)
    # what is printed may be there twice
    addresses = dict(found)
    assert set(addresses) == set(COMPUTES)
    return [Guest(host, addresses[host], cloud.process(host)) for host in COMPUTES]
