# SPDX-License-Identifier: Apache-2.0
"""What a host remembers between runs: jobs that are done, files as written, configuration read again, containers after their step."""

from __future__ import annotations

import json
import pathlib
import threading
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write

DEFAULT_PATH = "/var/lib/caisson/state.json"


class StateError(Exception):
    """The file is there but cannot be used; the message says what to do."""


class StateFile:
    """A small JSON file of sections; every change is on disk when the call returns.

    Raises:
        StateError: if the file cannot be read. Starting anew is the operator's decision: every job would run again.
    """

    def __init__(self, path: str = DEFAULT_PATH) -> None:
        self._path = pathlib.Path(path)
        self._lock = threading.Lock()
        try:
            data = json.loads(self._path.read_text())
        except FileNotFoundError:
            data = {}
        except (OSError, ValueError) as error:
            raise StateError(f"cannot read {path} ({error}); restore it, or remove it to have every job run again") from error
        if not isinstance(data, dict) or not all(isinstance(section, dict) for section in data.values()):
            raise StateError(f"{path} was not written by this collection; restore it, or remove it to have every job run again")
        self._data: dict[str, dict[str, t.Any]] = data

    def get(self, section: str, key: str) -> t.Any:
        """Return what is kept under *key*, or None."""
        return self._data.get(section, {}).get(key)

    def section(self, section: str) -> dict[str, t.Any]:
        """Return all that is kept in *section*."""
        return dict(self._data.get(section, {}))

    def replace(self, section: str, values: t.Mapping[str, t.Any]) -> None:
        """Keep *values* in *section* and nothing else."""
        with self._lock:
            if self._data.get(section, {}) != values:
                self._data[section] = dict(values)
                self._save()

    def put(self, section: str, key: str, value: t.Any) -> None:
        """Keep *value* under *key*; None forgets it."""
        with self._lock:
            values = self._data.setdefault(section, {})
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
            self._save()

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write.write(self._path, json.dumps(self._data, indent=1, sort_keys=True))
