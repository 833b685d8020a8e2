# SPDX-License-Identifier: Apache-2.0
"""Where a value was written down."""

from __future__ import annotations

import typing as t

from ansible._internal._datatag._tags import Origin


def origin(value: t.Any) -> str:
    """Return file, line and column of a variable's value, or what else Ansible knows; an empty text for nothing."""
    return str(Origin.get_tag(value) or "")
