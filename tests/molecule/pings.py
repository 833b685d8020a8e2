# SPDX-License-Identifier: Apache-2.0
"""Pings that a host sends while something happens."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import typing as t
import uuid

from testinfra.host import Host

#: Seconds between two pings.
_INTERVAL = 0.1


@dataclasses.dataclass
class Pings:
    """What became of them; ``lost`` counts those without an answer."""

    sent: int = 0
    lost: int = 0

    def __str__(self) -> str:
        return f"{self.lost} of {self.sent} pings lost, {self.gap:.1f} s"

    @property
    def gap(self) -> float:
        """Seconds without an answer, all together."""
        return self.lost * _INTERVAL


@contextlib.contextmanager
def pinged(host: Host, address: str) -> t.Iterator[Pings]:
    """Let *host* send pings to *address* while the context is entered; afterwards they are counted and printed."""
    output = f"/tmp/pings-{uuid.uuid4().hex[:8]}"
    number = host.check_output(f"nohup ping -n -i {_INTERVAL} {address} >{output} 2>&1 & echo $!")
    found = Pings()
    try:
        yield found
    finally:
        # it prints the counts when it ends
        host.check_output(f"kill -INT {number} && timeout 10 tail --pid={number} -f /dev/null")
        text = host.check_output(f"cat {output}; rm {output}")
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", text)
    assert counts, text[-500:]
    found.sent, found.lost = int(counts[1]), int(counts[1]) - int(counts[2])
    print(found)
