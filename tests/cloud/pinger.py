# SPDX-License-Identifier: Apache-2.0
"""Ping an address many times a second and find the gaps, with the collection's own prober."""

from __future__ import annotations

import time
import types
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.prober.availability import Gap, PingFigures, figures
from tests.cloud.background import Background
from tests.scripts import load

_SCRIPT = load("prober", "prober")


class Pinger(Background):
    """Sends an echo request each *interval* seconds while it is entered; afterwards it has figures.

    A packet counts as lost if no answer came within a second.
    """

    def __init__(self, address: str, interval: float = 0.02) -> None:
        self._address = address
        self._journal = _SCRIPT.Journal()
        pinger = _SCRIPT.Pinger([address], interval, self._journal)
        super().__init__(lambda: pinger.send(self._stop), pinger.receive)

    def __enter__(self) -> t.Self:
        """Begin."""
        self._begin = time.time()
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        """Wait for the last answers and end."""
        end = time.time()
        super().__exit__(kind, error, trace)
        # to a gap that has not ended the figures give an end only where a prober ran
        rows = [*self._journal.take(), {"kind": "tick", "begin": self._begin, "end": end}]
        self.figures: PingFigures = figures(rows, self._begin, end).pings[self._address]

    @property
    def sent(self) -> int:
        """Packets that were sent."""
        return self.figures.sent

    @property
    def lost(self) -> int:
        """Packets without an answer."""
        return self.figures.lost

    @property
    def gaps(self) -> list[Gap]:
        """Each run of lost packets."""
        return self.figures.gaps

    @property
    def longest_gap(self) -> float:
        """Seconds from the first of a run of lost packets to the next one that was answered."""
        return self.figures.longest_gap
