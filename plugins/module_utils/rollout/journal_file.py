# SPDX-License-Identifier: Apache-2.0
"""The file in which a control host keeps the journal of a rollout: what is planned, then a line for each change.

The first line says which rollout it is, the second what was planned, each later one what happened and the state after it: revision, phase
and holder. So the last line tells the state, and a note reads and writes a few hundred bytes, however many hosts there are. A last line
without its end is a note that was cut off; it was never acknowledged, is not read, and is removed by the next note.
"""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Rollout, RolloutError

#: Where a control host keeps the journal.
DEFAULT_PATH = "/var/lib/caisson/rollout.json"

#: Form of the file.
FORMAT = 3
#: Beginning of a file of form 1, which was one document. It is read, and written anew when a run claims the rollout.
_ONE_DOCUMENT = b"{\n"
_LEAST_LINES = 3
#: What the first line has, and each line about the state.
_HEAD, _STATE = ("cloud", "id", "release_from", "release_to"), ("revision", "phase", "holder")
#: Bytes read at once from the end, where the last line is looked for; few lines are longer.
_BLOCK = 1 << 13

Plain = dict[str, t.Any]


class JournalFile:
    """The journal of this host. Whoever changes it keeps others away meanwhile."""

    def __init__(self, path: str | pathlib.Path) -> None:
        self._path = pathlib.Path(path)

    def read(self) -> Rollout | None:
        """Return the whole journal, or None if there is none.

        Raises:
            RolloutError: if it cannot be used.
        """
        return self._load(self._whole)

    def state(self) -> Rollout | None:
        """Return the journal without what was planned and what happened, from its first and its last line.

        Raises:
            RolloutError: if it cannot be used.
        """
        return self._load(self._ends)

    def append(self, noted: Rollout) -> None:
        """Add the state of *noted*, and its events, which are only those that the file does not have yet.

        Raises:
            OSError: if the file cannot be written.
        """
        *before, last = [{"event": event} for event in journal.dump(noted)["events"]] or [{}]
        added = b"".join(map(_line, [*before, {**last, **_state(journal.dump(noted))}]))
        with self._path.open("r+b") as stream:
            # a note that was cut off is not continued
            end = _last_line(stream)[1]
            stream.truncate(end)
            stream.seek(end)
            stream.write(added)
            stream.flush()
            os.fsync(stream.fileno())

    def replace(self, whole: Rollout) -> None:
        """Write a journal in the place of the one that is there.

        Raises:
            OSError: if the file cannot be written; the journal is then as before.
        """
        plain = journal.dump(whole)
        planned = {key: value for key, value in plain.items() if key not in ("format", "events", *_HEAD, *_STATE)}
        head = {"format": FORMAT, **{key: plain[key] for key in _HEAD}}
        lines = [head, planned, *({"event": event} for event in plain["events"]), _state(plain)]
        atomic_write.write(self._path, b"".join(map(_line, lines)))

    def _load(self, reader: t.Callable[[t.BinaryIO], Plain]) -> Rollout | None:
        try:
            with self._path.open("rb") as stream:
                return journal.load(reader(stream))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RolloutError(
                f"cannot use the journal {self._path}: {error}. Copy that of another control host over it; do not delete the only one "
                "while a rollout is open"
            ) from error

    def _whole(self, stream: t.BinaryIO) -> Plain:
        text = stream.read()
        if text.startswith(_ONE_DOCUMENT):
            return dict(json.loads(text))
        lines = [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
        if len(lines) < _LEAST_LINES:
            raise RolloutError(f"it was truncated after line {len(lines)}")
        head, planned, *changes = lines
        events = [change["event"] for change in changes if "event" in change]
        return {**_checked(head), **planned, **_state(changes[-1]), "events": events}

    def _ends(self, stream: t.BinaryIO) -> Plain:
        first = stream.readline()
        if first == _ONE_DOCUMENT:
            stream.seek(0)
            return self._whole(stream)
        return {**_checked(json.loads(first)), **_state(json.loads(_last_line(stream)[0]))}


def _checked(head: Plain) -> Plain:
    """Return the first line as plain data of a journal."""
    if head.get("format") != FORMAT:
        raise RolloutError(f"it has format {head.get('format')}, this version of the collection writes {FORMAT}")
    return {"format": journal.FORMAT, **{key: head[key] for key in _HEAD}}


def _state(plain: t.Mapping[str, t.Any]) -> Plain:
    return {key: plain[key] for key in _STATE}


def _line(plain: t.Mapping[str, t.Any]) -> bytes:
    return json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def _last_line(stream: t.BinaryIO) -> tuple[bytes, int]:
    """Return the last line that has its end, and where that is."""
    size = stream.seek(0, os.SEEK_END)
    length = 0
    while length < size:
        length = min(max(_BLOCK, length * 2), size)
        stream.seek(size - length)
        text = stream.read(length)
        end = text.rfind(b"\n") + 1
        begin = text.rfind(b"\n", 0, end - 1) + 1 if end else 0
        if begin or length == size:
            return text[begin:end], size - length + end
    return b"", 0
