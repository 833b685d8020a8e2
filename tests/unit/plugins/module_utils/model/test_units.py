# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model import units


@pytest.mark.parametrize(("text", "size"), [("", 0), ("64m", 2**26), ("1G", 2**30), ("512", 512), ("2k", 2048), ("7b", 7)])
def test_sizes_are_bytes(text: str, size: int) -> None:
    assert units.parse_size(text) == size


@pytest.mark.parametrize("text", ["m", "1t", "-1m", "1.5g", "1 m"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        units.parse_size(text)


@pytest.mark.parametrize(("text", "cpus"), [("", []), ("0", [0]), ("0-2,7", [0, 1, 2, 7]), ("3, 1", [1, 3])])
def test_processors_are_listed(text: str, cpus: list[int]) -> None:
    assert sorted(units.parse_cpus(text)) == cpus


@pytest.mark.parametrize("text", ["a", "1-", "3-1", "1,,2", "0-9999", "-1"])
def test_what_names_no_processors_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a list of processors; use numbers and ranges with commas, as in 0-3,8"):
        units.parse_cpus(text)
