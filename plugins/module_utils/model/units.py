# SPDX-License-Identifier: Apache-2.0
"""Sizes and sets of processors in definitions."""

from __future__ import annotations

import re

#: No kernel has more processors.
_MAXIMUM_CPUS = 8192
_UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def parse_size(text: str) -> int:
    """Return bytes of a size such as ``512m``; an empty text is no limit, 0.

    Raises:
        ValueError: if the text is no size.
    """
    if not text:
        return 0
    found = re.fullmatch(r"(\d+)([bkmg]?)", text.lower())
    if not found:
        raise ValueError(f"'{text}' is not a size; use a number with b, k, m or g, as in 512m")
    return int(found[1]) * _UNITS[found[2]]


def parse_cpus(text: str) -> frozenset[int]:
    """Return the processors of a list such as ``0-3,8``; an empty text names none.

    Raises:
        ValueError: if the text is no such list.
    """
    found: set[int] = set()
    for part in text.split(",") if text else []:
        matched = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part.strip())
        first, last = (int(matched[1]), int(matched[2] or matched[1])) if matched else (1, 0)
        if first > last or last >= _MAXIMUM_CPUS:
            raise ValueError(f"'{text}' is not a list of processors; use numbers and ranges with commas, as in 0-3,8")
        found.update(range(first, last + 1))
    return frozenset(found)
