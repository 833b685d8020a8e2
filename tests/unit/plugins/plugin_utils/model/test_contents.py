# SPDX-License-Identifier: Apache-2.0
"""Files are rendered from what the role, the operator's variables and override files say."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import oslo_options
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.contents import Contents, OsloRules, OverrideFiles
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.definitions import Definitions
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.templates import Templates
from tests import expressions

_CONTAINER = {"name": "alpha_api", "image": "alpha", "group": "control", "command": ["run"], "user": "1:1"}
_INI = {"path": "/etc/alpha.conf", "format": "ini", "oslo": True, "content": {"DEFAULT": {"debug": "{{ debug }}", "password": "pa$s"}}}
_OPTIONS = oslo_options.Options({("alpha", "DEFAULT"): {"debug": "", "password": "", "other": "", "old": "DEFAULT/other"}})


class Rendered(t.NamedTuple):
    text: str
    errors: list[str]
    hidden: list[str]
    warnings: list[str]
    sensitive: bool


def _render(file: dict[str, t.Any], directory: pathlib.Path | None = None, encrypted: bool = False, **variables: t.Any) -> Rendered:
    """Render the one file of service alpha, whose secret is ``pa$s``."""
    errors: list[str] = []
    warnings: list[str] = []
    definition = {"name": "alpha", "stage": "service", "containers": [_CONTAINER], "files": [file]}
    known = {"inventory_hostname": "c1", "groups": {"control": ["c1"]}, "alpha_service": definition, "debug": True, **variables}
    templates = Templates(expressions.resolve, expressions.is_template, known, errors)
    definitions = Definitions(templates, {"alpha": pathlib.Path("/nowhere")})
    (alpha,) = definitions.load()

    def escape(content: dict[str, t.Any]) -> dict[str, t.Any]:
        return {name: {key: "pa$$s" if value == "pa$s" else value for key, value in own.items()} for name, own in content.items()}

    files = OverrideFiles(directory, ["all", "control"], lambda path: (path.read_text(), encrypted)) if directory else None
    oslo = OsloRules(lambda: _OPTIONS, ["DEFAULT/extra_*"], escape, warnings.append)
    contents = Contents(templates, definitions, lambda service, name: f"{service} {name} {{{{ debug }}}}", files, oslo)
    text = contents.render(alpha, alpha.files[0])
    return Rendered(text, errors, contents.hidden, warnings, alpha.files[0].sensitive)


def _write(path: pathlib.Path, text: str) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_secrets_are_escaped_for_oslo_config() -> None:
    found = _render(_INI)
    assert (found.text.split(), found.errors) == (["[DEFAULT]", "debug", "=", "true", "password", "=", "pa$$s"], [])


def test_a_template_of_the_role_is_resolved() -> None:
    assert _render({"path": "/etc/a", "format": "text", "template": "list.j2"}).text.strip() == "alpha list.j2 True"


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ({"path": "/etc/a", "format": "text", "content": "{{ nothing }}"}, "alpha: /etc/a: 'nothing' is undefined"),
        ({"path": "/etc/a", "format": "text"}, "alpha: /etc/a: has neither content nor template"),
        ({"path": "/etc/a", "format": "text", "content": "{{ empty }}"}, "alpha: /etc/a: content is empty; leave it out"),
    ],
)
def test_an_error_names_the_file(file: dict[str, t.Any], error: str) -> None:
    found = _render(file, empty=None)
    assert (found.text, found.errors) == ("", [error])


def test_override_files_of_the_host_come_last(tmp_path: pathlib.Path) -> None:
    for place, value in (("alpha", "all"), ("groups/control/alpha", "group"), ("hosts/c1/alpha", "{{ own }}")):
        _write(tmp_path / place / "alpha.conf", f"[DEFAULT]\npassword = {value}\n")
    found = _render(_INI, tmp_path, own="host")
    assert ("password = host" in found.text, found.errors, found.hidden) == (True, [], [])


def test_what_was_encrypted_is_hidden(tmp_path: pathlib.Path) -> None:
    _write(tmp_path / "alpha/alpha.conf", "[DEFAULT]\npassword = hunter2\n")
    found = _render(_INI, tmp_path, encrypted=True)
    assert found.sensitive
    assert "hunter2" in found.hidden


def test_an_option_that_no_service_reads_is_refused(tmp_path: pathlib.Path) -> None:
    path = _write(tmp_path / "alpha/alpha.conf", "[DEFAULT]\ndebugg = true\nextra_a = 1\nold = true\n")
    found = _render(_INI, tmp_path)
    assert found.text.startswith("[DEFAULT]")
    assert (len(found.errors), len(found.warnings)) == (1, 1), found
    assert found.errors[0].startswith(f"override {path}: ")
    assert "debugg" in found.errors[0]
    assert "old" in found.warnings[0]


def test_an_override_that_cannot_be_resolved_is_named(tmp_path: pathlib.Path) -> None:
    path = _write(tmp_path / "alpha/alpha.conf", "[DEFAULT]\ndebug = {{ nothing }}\n")
    found = _render(_INI, tmp_path)
    assert found.text == ""
    assert f"override {path}" in found.errors[0]
