# SPDX-License-Identifier: Apache-2.0
"""The journal of a rollout, as tests read it from a control host."""

from __future__ import annotations

import tempfile
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal_file import JournalFile


def parse(text: str) -> dict[str, t.Any]:
    """Return the journal that the file with this text holds, as plain data."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        found = JournalFile(file.name).read()
    assert found
    return journal.dump(found)
