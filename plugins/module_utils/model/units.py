# SPDX-License-Identifier: Apache-2.0
"""Units of sizes in definitions."""

from __future__ import annotations

import re

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
