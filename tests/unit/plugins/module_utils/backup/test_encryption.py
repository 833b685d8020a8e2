# SPDX-License-Identifier: Apache-2.0
"""The pipe between a writer and a reader. Encryption itself, with the real tools: tests/integration."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.backup.encryption import pipe, succeed
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.attach import Sink
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import ExecResult

PIECES = [bytes([number]) * 100_000 for number in range(50)]


def write(sink: Sink) -> None:
    for piece in PIECES:
        sink(piece)


def test_everything_arrives_in_order() -> None:
    received: list[bytes] = []
    pipe(write, received.extend)
    assert b"".join(received) == b"".join(PIECES)


def test_a_reader_may_know_that_it_has_all_before_the_end() -> None:
    pipe(write, next)


def test_a_reader_that_fails_is_the_one_that_is_named() -> None:
    def refuse(pieces: t.Iterator[bytes]) -> None:
        next(pieces)
        raise BackupError("no space left")

    with pytest.raises(BackupError, match="no space left"):
        pipe(write, refuse)


def test_a_writer_that_fails_is_named_after_the_reader_has_read() -> None:
    received: list[bytes] = []

    def break_off(sink: Sink) -> None:
        sink(b"half")
        raise BackupError("the database went away")

    with pytest.raises(BackupError, match="went away"):
        pipe(break_off, received.extend)
    assert b"".join(received) == b"half"


def test_a_command_that_fails_says_what_it_said_but_no_data() -> None:
    succeed("read", ExecResult(0, "", "a warning"))
    with pytest.raises(BackupError, match="cannot read: exit code 3; output: no such table"):
        succeed("read", ExecResult(3, "data", "no such table"))
    with pytest.raises(BackupError, match="took longer than backup_timeout"):
        succeed("read", ExecResult(124, "", ""))
    with pytest.raises(BackupError) as caught:
        succeed("write", ExecResult(1, "", "ERROR 1064 at line 7: error in your SQL syntax near 'hunter2'"))
    assert "hunter2" not in str(caught.value)
