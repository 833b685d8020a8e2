# SPDX-License-Identifier: Apache-2.0
"""Blot secrets out of text that people see: known ones, and what text of any format calls a password, a token or a key. Pure."""

from __future__ import annotations

import re
import typing as t

MASK = "********"
_LONG = 5
#: Words of a name whose value is a secret, and how such words end where they are written together.
_WORDS = frozenset({"authorization", "cookie", "credential", "credentials", "key", "keys", "pass", "pw", "pwd", "tokens", "secrets"})
_ENDS = ("password", "passwords", "passphrase", "passwd", "secret", "token", "apikey", "secretkey")
#: Last words of a name that say that the value is not the secret itself.
_HARMLESS = frozenset(
    {
        *("algorithm", "cert", "dir", "directory", "enabled", "expiration", "file", "files", "hash", "id", "ids", "interval", "length"),
        *("lifetime", "name", "names", "path", "paths", "provider", "providers", "repository", "required", "role", "roles", "size"),
        *("strategy", "timeout", "ttl", "type", "uri", "url", "usage", "user", "username"),
    }
)
#: Further words that do so in a file which is known to hold secrets.
_SENSITIVE = ("pass", "secret", "connection", "transport_url", "key", "token", "cookie", "credential")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: A name in front of the rest of its line, as INI, YAML, JSON and programs have it.
_ASSIGNMENT = re.compile(r"(\s*(?:- )*[\"']?([^\s=:\"'{}\[\],<>]+)[\"']?\s*[=:]\s*)(.*)")
#: The same inside a line, as options of commands, in braces and in XML, and what a value is there.
_NAME = re.compile(r"([A-Za-z][\w.-]*)[\"']?\]?(?:\s*[=:]\s*|>)")
_VALUE = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|\[[^\]]*\]|(?:(?:Bearer|Basic) )?[^\s,;{}\[\]<\"'][^\s,;}\]<\"']*")
#: A name and its value with a blank between, as load balancers and commands have it.
_SPACED = re.compile(
    r"(?<![\w$/])((?:--?)?(?:[\w-]*password|passwd|secret|token|authorization|stats\s+auth)\s+)(\"[^\"]*\"|'[^']*'|\S+)", re.I
)
_URL = re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@\"']*:)[^\s\"']+(@)", re.I)
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END|\Z)", re.DOTALL)
_ASSIGNED = re.compile(r"([^=:]*[=:])(.*)")


def mask(text: str, secrets: t.Iterable[str] = (), sensitive: bool = False) -> str:
    """Return *text* without secrets.

    Args:
        secrets: known ones, which go wherever they stand.
        sensitive: whether the file is one of secrets, where a line without a name is one too.
    """
    known = sorted(filter(None, secrets), key=len, reverse=True)  # one may be a part of another
    # a short one may be a part of a name, by which another is known
    text = _without(text, [secret for secret in known if len(secret) >= _LONG])
    text = _mask_lines(text, sensitive)
    return _without(text, [secret for secret in known if len(secret) < _LONG])


def _without(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _mask_lines(text: str, sensitive: bool) -> str:
    lines: list[str] = []
    inside = -1
    for line in _PRIVATE_KEY.sub(rf"\1{MASK}\2", text).splitlines(keepends=True):
        indent = len(line) - len(line.lstrip())
        if inside >= 0 and _continues(line, indent, inside):
            lines.append(line if line.strip(" \t\r\n[]{},") == "" else f"{' ' * indent}{MASK}\n")
            continue
        inside = -1
        shown, opens = _mask_line(line, sensitive)
        inside = indent if opens else -1
        lines.append(shown)
    return "".join(lines)


def masked(data: t.Any, secrets: t.Collection[str] = ()) -> t.Any:
    """Return plain data without secrets: texts as :func:`mask` does, values of keys that name one, what follows such an option."""
    if isinstance(data, t.Mapping):
        return {key: MASK if value and names_secret(str(key)) else masked(value, secrets) for key, value in data.items()}
    if isinstance(data, list):
        options = [isinstance(item, str) and item.startswith("-") and "=" not in item and names_secret(item) for item in data]
        return [MASK if before else masked(item, secrets) for item, before in zip(data, [False, *options], strict=False)]
    return mask(data, secrets) if isinstance(data, str) else data


def names_secret(name: str) -> bool:
    """Return whether *name* is that of a secret, such as ``admin_password`` or ``clientSecret``, and not of its file or type."""
    words = [word.lower() for word in _WORD.findall(name)]
    return any(word in _WORDS or word.endswith(_ENDS) for word in words) and words[-1] not in _HARMLESS


def _continues(line: str, indent: int, inside: int) -> bool:
    """Return whether a line belongs to the value of a name that stands *inside* characters from the edge."""
    text = line.strip()
    return not text or indent > inside or (indent == inside and text.startswith(("- ", "]", "}")))


def _mask_line(line: str, sensitive: bool) -> tuple[str, bool]:
    """Return a line without its secret, and whether that goes on in the next lines."""
    body = line.rstrip("\r\n")
    end = line[len(body) :]
    found = _ASSIGNMENT.fullmatch(body)
    if found and names_secret(found[2]):
        empty = found[3].strip(" [{,|>-+") == ""
        return (line if empty else f"{found[1]}{MASK}{end}"), True
    if sensitive and body.strip() and body.strip()[0] not in "[#{}":
        assigned = _ASSIGNED.fullmatch(body)
        # a line without a name, such as one of a key file, is all secret; base64 ends with '=', which gives no value a name
        if not assigned or (assigned[1].endswith("=") and not assigned[2].strip("= ")):
            return f"{MASK}\n", False
        if any(word in assigned[1].lower() for word in _SENSITIVE):
            return f"{assigned[1]} {MASK}\n", False
    body = _URL.sub(rf"\1{MASK}\2", body)
    return _SPACED.sub(rf"\1{MASK}", _mask_inside(body)) + end, False


def _mask_inside(text: str) -> str:
    """Return a line with the value of each name of a secret blotted out."""
    parts, at = [], 0
    while found := _NAME.search(text, at):
        parts.append(text[at : found.end()])
        at = found.end()
        value = _VALUE.match(text, at)
        if value and names_secret(found[1]):
            parts.append(MASK)
            at = value.end()
    return "".join(parts) + text[at:]
