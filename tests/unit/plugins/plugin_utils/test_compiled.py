# SPDX-License-Identifier: Apache-2.0
"""Expressions are compiled once, and those of roles are kept for later runs."""

from __future__ import annotations

import pathlib
import typing as t

import jinja2
import pytest
from ansible import constants

from ansible_collections.caisson.openstack.plugins.plugin_utils import compiled

_OWN, _FOREIGN = "{{ 'role' }} {{ x }}", "{{ 'operator' }} {{ x }}"


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr(constants, "ANSIBLE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is compiled anew."""
    found: list[str] = []
    parse = jinja2.Environment._parse

    def count(self: jinja2.Environment, source: str, *args: t.Any) -> t.Any:
        found.append(source)
        return parse(self, source, *args)

    monkeypatch.setattr(jinja2.Environment, "_parse", count)
    return found


def _render(*texts: str, **options: t.Any) -> list[str]:
    with compiled.remembered() as own:
        own.add(_OWN)
        return [jinja2.Environment(**options).from_string(text).render(x=at) for at, text in enumerate(texts)]


def test_an_expression_is_compiled_once(home: pathlib.Path, parsed: list[str]) -> None:
    assert _render(_FOREIGN, _FOREIGN, _OWN) == ["operator 0", "operator 1", "role 2"]
    assert parsed == [_FOREIGN, _OWN]


def test_only_what_roles_say_is_kept(home: pathlib.Path, parsed: list[str]) -> None:
    _render(_FOREIGN, _OWN)
    parsed.clear()
    assert _render(_FOREIGN, _OWN) == ["operator 0", "role 1"]
    assert parsed == [_FOREIGN]
    (file,) = (home / "caisson_openstack").iterdir()
    assert b"role" in file.read_bytes() and b"operator" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("spoil", [lambda file: file.write_bytes(b"broken"), lambda file: file.chmod(0o666)])
def test_a_file_that_others_may_have_written_is_not_used(
    home: pathlib.Path, parsed: list[str], spoil: t.Callable[[pathlib.Path], t.Any]
) -> None:
    _render(_OWN)
    spoil(next((home / "caisson_openstack").iterdir()))
    parsed.clear()
    assert _render(_OWN) == ["role 0"]
    assert parsed == [_OWN]


def test_another_syntax_is_another_template(home: pathlib.Path) -> None:
    text = "{{ 1 }}\n"
    assert _render(text) == ["1"]
    assert _render(text, keep_trailing_newline=True) == ["1\n"]


def test_a_home_that_cannot_be_written_is_no_fault(home: pathlib.Path) -> None:
    (home / "caisson_openstack").write_text("a file in the way")
    assert _render(_OWN) == ["role 0"]


def test_afterwards_all_is_as_before(home: pathlib.Path) -> None:
    before = jinja2.Environment.compile
    with pytest.raises(jinja2.TemplateSyntaxError):
        _render("{{")
    assert jinja2.Environment.compile is before


def test_only_roles_of_this_collection_are_its_own() -> None:
    roles = pathlib.Path(compiled.__file__).parents[2] / "roles"
    assert compiled.is_own(f"{roles}/nova/vars/main.yml:3:1") and not compiled.is_own("/etc/ansible/roles/nova/vars/main.yml:3:1")
