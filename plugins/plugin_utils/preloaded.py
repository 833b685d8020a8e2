# SPDX-License-Identifier: Apache-2.0
"""What each worker would load anew, loaded once by the process that starts the workers: Ansible imports an action before it forks."""

from __future__ import annotations

import gc
import pathlib

from ansible.plugins.loader import filter_loader, test_loader

from ansible_collections.caisson.openstack.plugins.plugin_utils import compiled
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles

_PLUGINS = pathlib.Path(__file__).parents[1]


def preload() -> None:
    """Load the filters and tests that expressions use, what the roles declare, and the compiled expressions."""
    test_loader.get("ansible.builtin.version")  # and with it all of Ansible's own
    for file in (_PLUGINS / "filter").glob("*.py"):
        filter_loader.get(f"caisson.openstack.{file.stem}")
    for role in (_PLUGINS.parent / "roles").iterdir():
        play_roles.options(role)
    compiled.kept()
    # otherwise the garbage collector of each worker writes to what all share, the inventory included, and so copies it
    gc.freeze()
