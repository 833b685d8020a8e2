# SPDX-License-Identifier: Apache-2.0
"""Expressions compiled once. Ansible compiles each anew wherever it stands, and each host has a process of its own."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import marshal
import os
import pathlib
import sys
import types
import typing as t

import jinja2
from ansible import constants
from ansible.release import __version__ as ansible_version

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write
from ansible_collections.caisson.openstack.plugins.plugin_utils.origins import origin

#: Changes what a template is compiled to, beside its text.
_SYNTAX = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix", "line_comment_prefix"),
    *("trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline", "autoescape", "optimized"),
)
_FILTERS = pathlib.Path(__file__).parents[1] / "filter"
_ROLES = pathlib.Path(__file__).parents[2] / "roles"
_Key = tuple[t.Any, ...]
_Code = dict[_Key, types.CodeType]


@contextlib.contextmanager
def remembered() -> t.Iterator[set[str]]:
    """Compile each expression once while the context lasts, and keep those of this collection for other hosts and runs.

    What operators write is not kept: it may hold secrets. To the set that is yielded, add texts of templates of this collection.
    """
    own: set[str] = set()
    code, found, compile_anew = kept(), _Code(), jinja2.Environment.compile

    def is_kept(source: str) -> bool:
        return source in own or is_own(origin(source), "vars", "defaults")

    def compile_once(self: jinja2.Environment, source: t.Any, *args: t.Any, **options: t.Any) -> t.Any:
        # backslashes mean one thing in what this collection says, otherwise there is a choice; what else is asked for has its own options
        if args or options or not isinstance(source, str) or ("\\" in source and not is_kept(source)):
            return compile_anew(self, source, *args, **options)
        key = (str(source), *sorted(self.extensions), *(getattr(self, name) for name in _SYNTAX))
        if key not in code:
            code[key] = compile_anew(self, source)
            if is_kept(source):
                found[key] = code[key]
        return code[key]

    jinja2.Environment.compile = compile_once  # type: ignore[method-assign]  # there is no hook for it
    try:
        yield own
    finally:
        jinja2.Environment.compile = compile_anew  # type: ignore[method-assign]
    if found:
        _write({**kept(), **found})


def is_own(place: str | pathlib.Path, *directories: str) -> bool:
    """Return whether a place is in a role of this collection, or in one of the *directories* of one."""
    parts = str(place).removeprefix(f"{_ROLES}/").split("/")
    return str(place).startswith(f"{_ROLES}/") and (not directories or parts[1:2] in [[name] for name in directories])


def kept() -> _Code:
    """Return what earlier runs have kept; nothing if it cannot be read, or if others than this user could have written it."""
    path = _path()
    try:
        status = path.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            return {}
        return dict(_loaded(path, status.st_mtime_ns))
    except (OSError, EOFError, ValueError, TypeError):
        return {}


@functools.lru_cache(maxsize=1)
def _loaded(path: pathlib.Path, _modified: int) -> _Code:
    return t.cast(_Code, marshal.loads(path.read_bytes()))


def _write(code: _Code) -> None:
    path = _path()
    # a home that cannot be written costs time only
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_write.write(path, marshal.dumps(code))


def _path() -> pathlib.Path:
    return pathlib.Path(constants.ANSIBLE_HOME) / "caisson_openstack" / f"expressions-{_versions()}"


@functools.cache
def _versions() -> str:
    """Return a digest of what changes how an expression is compiled; a filter says in its file how it wants to be called."""
    versions = (sys.implementation.cache_tag, jinja2.__version__, ansible_version, getattr(constants, "ALLOW_EMBEDDED_TEMPLATES", None))
    filters = [file.read_bytes() for file in sorted(_FILTERS.glob("*.py"))]
    return hashlib.sha256(repr((versions, filters)).encode()).hexdigest()[:16]
