# SPDX-License-Identifier: Apache-2.0
"""How secrets are written where they are used, so that their readers get back what they are. Pure."""

from __future__ import annotations

import json
import shlex
import typing as t
import urllib.parse


def url_login(user: str, password: str) -> str:
    """Return user and password as they stand before the ``@`` of a URL."""
    return f"{_url(user)}:{_url(password)}"


def oslo_value(text: str) -> str:
    r"""Return *text* as oslo.config reads it back: it replaces ``$name``, and removes quotes around a value.

    A dollar is written ``\$`` and not ``$$``, because oslo.config takes a backslash before one for part of it.
    """
    escaped = text.replace("$", r"\$")
    quoted = escaped[:1] in ("'", '"') and escaped[:1] == escaped[-1:]
    return f'"{escaped}"' if quoted else escaped


def for_oslo(data: t.Any, secrets: t.Collection[str]) -> t.Any:
    """Return the content of a file that oslo.config reads with each value that is one of *secrets* as :func:`oslo_value` writes it."""
    if isinstance(data, t.Mapping):
        return {key: for_oslo(value, secrets) for key, value in data.items()}
    if isinstance(data, list):
        return [for_oslo(item, secrets) for item in data]
    return oslo_value(data) if isinstance(data, str) and data in secrets else data


def forms(secret: str) -> set[str]:
    """Return each form in which a secret may stand in a file."""
    return {secret, _url(secret), oslo_value(secret), json.dumps(secret)[1:-1], shlex.quote(secret), secret.replace("'", "''")}


def _url(text: str) -> str:
    return urllib.parse.quote(text, safe="")
