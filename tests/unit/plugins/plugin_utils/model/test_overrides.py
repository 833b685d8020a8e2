# SPDX-License-Identifier: Apache-2.0
"""Override files: where they are looked for, and what they do."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import ConfigFile
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import overrides
from tests.unit.builders import a_file, a_service


def _file(fmt: str = "ini", oslo: bool = True) -> ConfigFile:
    return ConfigFile(path="/etc/nova/nova.conf", containers=["nova_api", "nova_compute"], format=fmt, oslo=oslo)  # type: ignore[arg-type]


def _apply(file: ConfigFile, content: t.Any, paths: list[pathlib.Path]) -> t.Any:
    return overrides.apply(content, overrides.load(file, paths, pathlib.Path.read_text))


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
    assert _apply(_file(), content, paths) == {"DEFAULT": {"workers": 2, "debug": "true"}, "a": {"y": 3, "x": "2"}}
    assert content == {"DEFAULT": {"workers": 2}, "a": {"y": 3}}


def test_expressions_are_rendered_before_parsing(tmp_path: pathlib.Path) -> None:
    path = _write(tmp_path / "nova.conf", "[a]\nx = @@\n")
    found = overrides.load(_file(), [path], lambda path: path.read_text().replace("@@", "5"))
    assert found == [overrides.Override(path, {"a": {"x": "5"}})]
    assert overrides.load(_file(), [path], lambda _path: None) == []


@pytest.mark.parametrize(
    ("fmt", "text", "after"),
    [
        ("ini", f"[a]\nx = {overrides.OMIT}\n", {"a": {"y": "2"}}),
        ("ini", f'[a]\nx = "{overrides.OMIT}"\n', {"a": {"y": "2"}}),
        ("ini", f"[a]\nx = {overrides.OMIT}\nx = 5\n", {"a": {"x": ["5"], "y": "2"}}),
        ("yaml", f"a: {{x: {overrides.OMIT}}}\n", {"a": {"y": "2"}}),
        ("yaml", "a: {x: null}\n", {"a": {"y": "2"}}),
        ("json", '{"a": {"x": null}}', {"a": {"y": "2"}}),
        *((fmt, "# nothing\n", {"a": {"x": "1", "y": "2"}}) for fmt in ("ini", "yaml")),
    ],
)
def test_an_option_is_removed_where_that_is_said(tmp_path: pathlib.Path, fmt: str, text: str, after: t.Any) -> None:
    assert _apply(_file(fmt), {"a": {"x": "1", "y": "2"}}, [_write(tmp_path / "nova.conf", text)]) == after


def test_a_file_without_content_changes_no_list(tmp_path: pathlib.Path) -> None:
    assert _apply(_file("yaml"), [1, 2], [_write(tmp_path / "nova.conf", "# later\n")]) == [1, 2]


@pytest.mark.parametrize(
    ("fmt", "text", "words"),
    [
        ("text", "\n", "it is empty, which would empty /etc/nova/nova.conf; remove it to leave that as it is"),
        ("text", f"a {overrides.OMIT}", "omit removes an option of a file that is merged"),
        ("ini", f"[a]\nx = b{overrides.OMIT}\n", "omit removes an option; it must be the whole value"),
        ("json", "null", "expected a mapping, got nothing"),
        ("yaml", "a:\n", "a: is empty, which would remove the whole mapping"),
        ("yaml", "a: 1\n", "a: expected a mapping, got a value"),
    ],
)
def test_what_would_remove_more_than_it_says_is_refused(tmp_path: pathlib.Path, fmt: str, text: str, words: str) -> None:
    path = _write(tmp_path / "nova.conf", text)
    with pytest.raises(overrides.OverrideError) as caught:
        _apply(_file(fmt), "before\n" if fmt == "text" else {"a": {"x": "1"}}, [path])
    assert f"override {path}: {words}" in str(caught.value)


def test_all_bad_overrides_of_a_file_are_named_at_once(tmp_path: pathlib.Path) -> None:
    broken = [_write(tmp_path / name, text) for name, text in {"a": "x: [", "b": "x: 1\nx: 2\n", "c": "x: 1\n"}.items()]
    with pytest.raises(overrides.OverrideError) as caught:
        overrides.load(_file("yaml"), broken, pathlib.Path.read_text)
    assert [message.split(":")[0] for message in caught.value.messages] == [f"override {path}" for path in broken[:2]]
    found = [overrides.Override(path, data) for path, data in zip(broken, ({"x": 1}, {"y": 5}, {"z": 2}), strict=True)]
    with pytest.raises(overrides.OverrideError) as caught:
        overrides.apply({"x": {"a": 1}, "y": 1, "z": [{"name": "n"}]}, found)
    assert caught.value.messages == (
        f"override {broken[0]}: x: expected a mapping, got a value",
        f"override {broken[2]}: z: expected a list, got a value",
    )


def test_what_was_encrypted_is_hidden_line_by_line_and_value_by_value() -> None:
    assert overrides.hidden("[database]\nconnection = mysql://x:hunter2@h/n\nuse = true\n  - 'word': \"hunter2\"\n") == [
        *("[database]", "connection = mysql://x:hunter2@h/n", "use = true", "'word': \"hunter2\""),
        *("[database]", "mysql://x:hunter2@h/n", "hunter2"),
    ]


def test_text_is_replaced_as_a_whole(tmp_path: pathlib.Path) -> None:
    path = _write(tmp_path / "nova.conf", "all of it\n")
    assert _apply(_file("text"), "before\n", [path]) == "all of it\n"


@pytest.mark.parametrize(
    ("fmt", "text", "words"),
    [("ini", "[a\n", "line 1"), ("yaml", "a: [", "expected"), ("json", "{", "line 1"), ("yaml", "- 1\n", "expected a mapping, got a list")],
)
def test_a_broken_file_is_named(tmp_path: pathlib.Path, fmt: str, text: str, words: str) -> None:
    path = _write(tmp_path / "nova.conf", text)
    with pytest.raises(overrides.OverrideError) as caught:
        _apply(_file(fmt), {"a": 1}, [path])
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


def test_a_file_that_is_not_text_is_named(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "nova.conf"
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(overrides.OverrideError, match=r"nova\.conf"):
        _apply(_file(), {}, [path])


@pytest.mark.parametrize(
    ("fmt", "text", "words"),
    [
        ("yaml", "a: 2001-99-99\n", "month must be in 1..12"),
        ("yaml", "a: &a [*a]\n", "nested too deeply"),
        ("json", "[" * 20000, "nested too deeply"),
        ("json", '{"a": NaN}', "NaN is not a JSON number"),
        ("json", "9" * 5000, "4300 digits"),
    ],
)
def test_a_file_that_breaks_its_parser_is_named(tmp_path: pathlib.Path, fmt: str, text: str, words: str) -> None:
    path = _write(tmp_path / "nova.conf", text)
    with pytest.raises(overrides.OverrideError, match=words) as caught:
        _apply(_file(fmt), {}, [path])
    assert str(path) in str(caught.value)


def test_a_broken_file_is_not_quoted(tmp_path: pathlib.Path) -> None:
    path = _write(tmp_path / "nova.conf", "password: b: hunter2\n")
    with pytest.raises(overrides.OverrideError, match="line 1: mapping values are not allowed here") as caught:
        _apply(_file("yaml"), {}, [path])
    assert "hunter2" not in str(caught.value)


_SERVICES = [
    a_service(name="nova", files=[a_file("/etc/nova/nova.conf", ["nova_api"]), a_file("/etc/nova/uwsgi.ini", ["nova_api"])]),
    a_service(name="glance", files=[a_file("/etc/glance/glance-api.conf", ["glance_api"])]),
]


def _strays(directory: pathlib.Path) -> list[str]:
    return [error.removeprefix(f"override {directory}/") for error in overrides.strays(directory, _SERVICES, ["control"], ["c1", "c2"])]


def test_what_is_read_is_no_stray(tmp_path: pathlib.Path) -> None:
    for place in (
        "global.conf",
        "nova/nova.conf",
        "nova/nova_api/uwsgi.ini",
        "groups/control/nova/nova.conf",
        "hosts/c2/glance/glance-api.conf",
    ):
        _write(tmp_path / place, "")
    # of editors and readers, and of a service in another play
    for place in (".git/config", "nova/nova.conf~", "nova/.nova.conf.swp", "README.md", "nova/nova.conf.orig", "hello/greeting.json"):
        _write(tmp_path / place, "")
    assert _strays(tmp_path) == []
    assert _strays(tmp_path / "missing") == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nvoa/nova.conf", "no service reads it; did you mean 'nova/nova.conf'?"),
        ("nova/nova.cfg", "no service reads it; did you mean 'nova/nova.conf'?"),
        ("nova/nova_apii/nova.conf", "no service reads it; did you mean 'nova/nova_api/nova.conf'?"),
        ("nova.conf", "no service reads it; did you mean 'nova/nova.conf'?"),
        ("globall.conf", "no service reads it; did you mean 'global.conf'?"),
        ("notes.txt", "no service reads it; put an override into the directory of its service"),
        (
            "nova/policy.yaml",
            "service nova has no file 'policy.yaml'; it has: nova.conf, nova_api/nova.conf, nova_api/uwsgi.ini, uwsgi.ini",
        ),
        ("hosts/c2/nova/nova.cfg", "no service reads it; did you mean 'hosts/c2/nova/nova.conf'?"),
        ("hosts/cc1/nova/nova.conf", "the inventory has no host 'cc1'; did you mean 'hosts/c1'?"),
        ("groups/x/nova/nova.conf", "the inventory has no group 'x'"),
    ],
)
def test_a_stray_is_named_with_the_nearest_place(tmp_path: pathlib.Path, place: str, words: str) -> None:
    _write(tmp_path / place, "")
    assert _strays(tmp_path) == [f"{place}: {words}"]


def test_a_link_to_nothing_is_a_stray(tmp_path: pathlib.Path) -> None:
    (tmp_path / "nova").mkdir()
    (tmp_path / "nova/nova.conf").symlink_to(tmp_path / "nowhere")
    assert _strays(tmp_path) == ["nova/nova.conf: cannot be read: it is a broken link"]
