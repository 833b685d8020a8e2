# SPDX-License-Identifier: Apache-2.0
"""Expressions inside an override file: what each yields is written in the format of the file.

Left alone, the template engine writes Python's own form of a value into text: ``None``, ``True``, ``['a']``.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.model.formats import FormatError

# it comes with ansible-core on the controller, the only place where overrides are read
with contextlib.suppress(ImportError):
    import jinja2

#: The filter plugin that calls :func:`written`.
FILTER = "caisson.openstack.override_value"
_HEADER = "#jinja2:"
_START, _END = "variable_begin", "variable_end"


def prepared(text: str, fmt: str) -> str:
    """Return the template *text* of an override with each of its expressions passed on to :data:`FILTER`.

    A text that is one expression as a whole comes back as that expression alone: its data are written as a whole.

    Raises:
        FormatError: if the text sets options of the template engine, such as other delimiters.
    """
    if text.startswith(_HEADER):
        raise FormatError(f"line 1: {_HEADER} is not supported in overrides; put text with braces between {{% raw %}} and {{% endraw %}}")
    try:
        tokens = list(jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, autoescape=True).lex(text))
    except jinja2.TemplateSyntaxError:
        return text  # Ansible says what is wrong with it
    kinds = [kind for _line, kind, value in tokens if value.strip()]
    if (_START, _END) in itertools.pairwise(kinds) or kinds.count(_START) != kinds.count(_END):
        return text  # an expression without content or end, of which Ansible says so
    if kinds.count(_START) == 1 and (kinds[0], kinds[-1]) == (_START, _END):
        return text.strip()
    return "".join(_passed_on(*token, fmt) for token in tokens)


def _passed_on(line: int, kind: str, value: str, fmt: str) -> str:
    """Return a token of a template; those that enclose an expression put the filter around it."""
    return {_START: f"{value} (", _END: f") | {FILTER}('{fmt}', {line}) {value}"}.get(kind, value)


def written(value: t.Any, fmt: str, line: int) -> str:
    """Return what an expression in *line* of an override yields as text in *fmt*; text is put in as it is.

    Raises:
        FormatError: if the format has no one way to write it.
    """
    if isinstance(value, str):
        return value
    if fmt in ("yaml", "json"):
        return json.dumps(value)
    if isinstance(value, bool) and fmt == "ini":
        return "true" if value else "false"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    kind, remedy = _KINDS.get(type(value), ("a list", _LIST))
    raise FormatError(f"line {line}: an expression yields {kind}; {remedy}")


_LIST = "write it with a filter, such as join(',') or to_json"
_KINDS: dict[type, tuple[str, str]] = {
    type(None): ("no value", "give it a default, or omit to remove the option"),
    bool: ("true or false", "say how it is written, such as with the filter string, lower or int"),
    dict: ("a mapping", _LIST),
}
