# SPDX-License-Identifier: Apache-2.0
"""Argument specs that several actions share; the documentation fragment overview describes the options."""

from __future__ import annotations

import typing as t

Spec = dict[str, dict[str, t.Any]]

#: The cloud, the journals of its rollouts, and where to store the result.
OVERVIEW: Spec = {
    "cloud": {"type": "str", "required": True},
    "journals": {"type": "list", "elements": "dict", "default": []},
    "file": {"type": "str", "default": ""},
}
#: What would change that belongs to no single host.
DIFFERENCES: Spec = {"changes": {"type": "dict", "default": {}}}
