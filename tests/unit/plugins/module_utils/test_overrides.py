# SPDX-License-Identifier: Apache-2.0
"""Override files: where they are looked for, and what they do."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils import overrides
from ansible_collections.caisson.openstack.plugins.module_utils.definition import ConfigFile


def _file(fmt: str = "ini", oslo: bool = True) -> ConfigFile:
    return ConfigFile(path="/etc/nova/nova.conf", containers=["nova_api", "nova_compute"], format=fmt, oslo=oslo)  # type: ignore[arg-type]


def _write(path: pathlib.Path, text: str) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_candidates_go_from_weak_to_strong(tmp_path: pathlib.Path) -> None:
    found = overrides.candidates(tmp_path, "nova", _file(), ["compute", "rack1"], "node1")
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "global.conf",
        "nova/nova.conf",
        "nova/nova_api/nova.conf",
        "nova/nova_compute/nova.conf",
        "groups/compute/nova/nova.conf",
        "groups/rack1/nova/nova.conf",
        "hosts/node1/nova/nova.conf",
    ]


def test_global_settings_are_for_oslo_config_only(tmp_path: pathlib.Path) -> None:
    assert tmp_path / "global.conf" not in overrides.candidates(tmp_path, "nova", _file(oslo=False), [], "node1")


def test_the_stronger_file_wins_and_the_rest_stays(tmp_path: pathlib.Path) -> None:
    paths = [
        _write(tmp_path / "global.conf", "[DEFAULT]\ndebug = true\n[a]\nx = 1\n"),
        tmp_path / "missing.conf",
        _write(tmp_path / "nova.conf", "[a]\nx = 2\n"),
    ]
    content = {"DEFAULT": {"workers": 2}, "a": {"y": 3}}
    assert overrides.apply(_file(), content, paths, str) == {"DEFAULT": {"workers": 2, "debug": "true"}, "a": {"y": 3, "x": "2"}}
    assert content == {"DEFAULT": {"workers": 2}, "a": {"y": 3}}


def test_expressions_are_rendered_before_parsing(tmp_path: pathlib.Path) -> None:
    path = _write(tmp_path / "nova.conf", "[a]\nx = @@\n")
    assert overrides.apply(_file(), {}, [path], lambda text: text.replace("@@", "5")) == {"a": {"x": "5"}}


def test_text_is_replaced_as_a_whole(tmp_path: pathlib.Path) -> None:
    path = _write(tmp_path / "nova.conf", "all of it\n")
    assert overrides.apply(_file("text"), "before\n", [path], str) == "all of it\n"


@pytest.mark.parametrize(
    ("fmt", "text", "words"),
    [("ini", "[a\n", "line 1"), ("yaml", "a: [", "expected"), ("json", "{", "line 1"), ("yaml", "- 1\n", "expected a mapping, got list")],
)
def test_a_broken_file_is_named(tmp_path: pathlib.Path, fmt: str, text: str, words: str) -> None:
    path = _write(tmp_path / "nova.conf", text)
    with pytest.raises(overrides.OverrideError) as caught:
        overrides.apply(_file(fmt), {}, [path], str)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


def test_a_file_that_is_not_text_is_named(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "nova.conf"
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(overrides.OverrideError, match=r"nova\.conf"):
        overrides.apply(_file(), {}, [path], str)
