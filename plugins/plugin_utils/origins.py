# SPDX-License-Identifier: Apache-2.0
"""Where a value was set. Ansible has no public way to ask for this."""

from __future__ import annotations

import typing as t

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # a later Ansible has moved it: messages then name the variable without file and line
    Origin = None


def origin(value: t.Any) -> str:
    """Return file, line and column of a variable's value, or what else Ansible knows; an empty text for nothing."""
    return str(Origin.get_tag(value) or "") if Origin else ""
