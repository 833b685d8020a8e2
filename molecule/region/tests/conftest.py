# SPDX-License-Identifier: Apache-2.0
"""The region of this scenario."""

from __future__ import annotations

import typing as t

import pytest
from testinfra.host import Host

from tests.molecule.observer import Observer
from tests.molecule.region import Region


@pytest.fixture(scope="session")
def region(reach: t.Callable[[str], Host]) -> Region:
    return Region(reach)


@pytest.fixture
def users(region: Region) -> t.Callable[[], Observer]:
    """Return a function that returns users who are about to read and write."""
    return lambda: Observer(region.session)
