# SPDX-License-Identifier: Apache-2.0
"""Data as one short text. Ansible keeps the variables of all hosts in memory, where nested data takes ten times the space. Pure."""

from __future__ import annotations

import base64
import json
import typing as t
import zlib


def pack(data: t.Any) -> str:
    """Return data of JSON's types as compressed text."""
    return base64.b64encode(zlib.compress(json.dumps(data, separators=(",", ":")).encode())).decode()


def unpack(text: str) -> t.Any:
    """Return the data that :func:`pack` was given."""
    return json.loads(zlib.decompress(base64.b64decode(text)))
