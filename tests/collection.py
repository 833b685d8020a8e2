# SPDX-License-Identifier: Apache-2.0
"""The collection of this checkout, imported as Ansible imports it."""

from __future__ import annotations

import pathlib

from ansible.plugins.loader import init_plugin_loader


def use() -> None:
    """Let Ansible import this checkout, whatever is installed.

    To be called before the first import from a collection: afterwards Ansible would meet packages that Python's own way has found.
    """
    init_plugin_loader([str(pathlib.Path(__file__).parents[1] / ".dev")])
