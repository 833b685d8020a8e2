# SPDX-License-Identifier: Apache-2.0
"""Ping an address many times a second and find the gaps."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
import typing as t

from tests.cloud.background import Background

_ECHO, _REPLY = 8, 0


class Pinger(Background):
    """Sends an echo request each *interval* seconds while it is entered.

    A packet counts as lost if no answer came within a second of the last one that was sent.
    """

    def __init__(self, address: str, interval: float = 0.02) -> None:
        super().__init__(self._send, self._receive)
        self._address = address
        self._interval = interval
        self._identifier = os.getpid() & 0xFFFF
        self._sent: list[float] = []
        self._answered: set[int] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)

    def __exit__(self, *error: t.Any) -> None:
        """Wait for the last answers and end."""
        super().__exit__(*error)
        self._socket.close()

    def _send(self) -> None:
        while not self._stop.is_set():
            packet = struct.pack("!BBHHH", _ECHO, 0, 0, self._identifier, len(self._sent) & 0xFFFF)
            packet = packet[:2] + struct.pack("!H", _checksum(packet)) + packet[4:]
            self._sent.append(time.monotonic())
            self._socket.sendto(packet, (self._address, 0))
            self._stop.wait(self._interval)

    def _receive(self) -> None:
        end = None
        while end is None or time.monotonic() < end:
            if self._stop.is_set() and end is None:
                end = time.monotonic() + 1
            if not select.select([self._socket], [], [], 0.05)[0]:
                continue
            data = self._socket.recv(1500)
            offset = (data[0] & 15) * 4
            kind, _code, _sum, identifier, number = struct.unpack_from("!BBHHH", data, offset)
            if kind == _REPLY and identifier == self._identifier:
                self._answered.add(number)

    @property
    def sent(self) -> int:
        """Packets that were sent."""
        return len(self._sent)

    @property
    def lost(self) -> int:
        """Packets without an answer."""
        return sum(1 for number in range(len(self._sent)) if number & 0xFFFF not in self._answered)

    @property
    def longest_gap(self) -> float:
        """Seconds from the first of a run of lost packets to the next one that was answered."""
        longest, begun = 0.0, None
        for number, sent in enumerate(self._sent):
            if number & 0xFFFF in self._answered:
                longest, begun = max(longest, sent - begun if begun else 0.0), None
            elif begun is None:
                begun = sent
        return max(longest, self._sent[-1] - begun if begun else 0.0)


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
