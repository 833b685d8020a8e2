# SPDX-License-Identifier: Apache-2.0
"""Definitions of the roles of a play are templated, merged with the operator's overrides and validated."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.model.definitions import Content, Definitions
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.templates import Templates
from tests import expressions

_CONTAINER = {"name": "alpha_api", "image": "alpha", "group": "control", "command": ["run"], "user": "1:1"}
_FILE = {"path": "/etc/alpha.conf", "format": "ini", "content": {"a": "{{ undefined }}"}}
_ALPHA: dict[str, t.Any] = {"name": "alpha", "stage": "service", "containers": [_CONTAINER], "files": [_FILE]}
_HOSTS = {
    "inventory_hostname": "c1",
    "ansible_play_hosts": ["c1", "n1"],
    "groups": {"all": ["c1", "n1"], "control": ["c1"], "compute": ["n1"]},
}


@pytest.fixture
def definitions(tmp_path: pathlib.Path) -> t.Callable[..., tuple[Definitions, list[str]]]:
    """Definitions of the roles alpha and beta, and the list of their errors."""

    def make(**variables: t.Any) -> tuple[Definitions, list[str]]:
        errors: list[str] = []
        templates = Templates(expressions.resolve, expressions.is_template, {**_HOSTS, **variables}, errors)
        return Definitions(templates, {"alpha": tmp_path / "alpha", "beta": tmp_path / "beta"}), errors

    return make


Make = t.Callable[..., tuple[Definitions, list[str]]]


def test_the_content_of_files_is_kept_as_it_is_written(definitions: Make) -> None:
    loaded, errors = definitions(alpha_service=_ALPHA)
    (alpha,) = loaded.load()
    assert errors == []
    assert loaded.contents(alpha, alpha.files[0]) == [Content("", {"a": "{{ undefined }}"})]


def test_an_override_is_merged_and_its_content_comes_last(definitions: Make) -> None:
    changes = {
        "files": [{"path": "/etc/alpha.conf", "content": {"b": "{{ x }}"}}],
        "containers": [{"name": "alpha_api", "image": "{{ i }}"}],
    }
    loaded, errors = definitions(alpha_service=_ALPHA, alpha_service_overrides=changes, i="other")
    (alpha,) = loaded.load()
    assert (errors, alpha.containers[0].image) == ([], "other")
    own, others = loaded.contents(alpha, alpha.files[0])
    assert (own.variable, others) == ("", Content("alpha_service_overrides", {"b": "{{ x }}"}))


def test_files_that_services_share_are_listed_by_an_expression(definitions: Make) -> None:
    shared = [{"path": "/etc/shared", "format": "text", "content": "{{ undefined }}"}]
    loaded, errors = definitions(alpha_service={**_ALPHA, "files": [_FILE, "{{ shared }}"]}, shared=shared)
    (alpha,) = loaded.load()
    assert (errors, [file.path for file in alpha.files]) == ([], ["/etc/alpha.conf", "/etc/shared"])
    assert loaded.contents(alpha, alpha.files[1]) == [Content("", "{{ undefined }}")]


@pytest.mark.parametrize(
    ("variables", "error"),
    [
        ({"alpha_service": []}, "alpha_service: expected a mapping"),
        ({"alpha_service": {**_ALPHA, "stage": "{{ nothing }}"}}, "alpha_service: 'nothing' is undefined"),
        ({"alpha_service": {**_ALPHA, "colour": 1}}, "alpha_service.colour"),
        ({"alpha_service": {**_ALPHA, "name": "gamma"}}, "alpha_service.name: is 'gamma'; it must be the name of the role"),
        ({"alpha_service": _ALPHA, "alpha_service_overrides": 5}, "alpha_service_overrides: expected a mapping"),
        ({"alpha_service": _ALPHA, "alpha_service_overrides": {"name": "x{{ omit }}"}}, "it must be the whole value"),
        ({"alpha_service": {**_ALPHA, "hooks": [{"point": "after_start", "tasks": "no.yml"}]}}, "tasks has no file 'no.yml'"),
    ],
)
def test_an_error_does_not_hide_those_of_other_services(definitions: Make, variables: dict[str, t.Any], error: str) -> None:
    loaded, errors = definitions(**variables, beta_service={**_ALPHA, "name": "{{ nothing_at_all }}"})
    loaded.load()
    assert error in errors[0]
    assert "beta_service: 'nothing_at_all' is undefined" in errors


def test_what_cannot_be_resolved_is_not_validated(definitions: Make) -> None:
    loaded, errors = definitions(alpha_service={**_ALPHA, "containers": [{**_CONTAINER, "image": "{{ nothing }}"}]})
    assert loaded.load() == []
    assert errors == ["alpha_service: 'nothing' is undefined"]


def test_the_script_of_a_job_is_read_from_the_role(definitions: Make, tmp_path: pathlib.Path) -> None:
    job = {"name": "seed", "phase": "bootstrap", "container": "alpha_api", "command": ["sh"], "script": "seed.sh"}
    loaded, errors = definitions(alpha_service={**_ALPHA, "jobs": [job]})
    loaded.load()
    assert "alpha: script of job seed:" in errors.pop()
    (tmp_path / "alpha/files").mkdir(parents=True)
    (tmp_path / "alpha/files/seed.sh").write_text("echo")
    loaded, errors = definitions(alpha_service={**_ALPHA, "jobs": [job]})
    assert (loaded.load()[0].jobs[0].stdin, errors) == ("echo", [])


def test_only_the_first_host_checks_what_runs_elsewhere(definitions: Make) -> None:
    wrong = {**_ALPHA, "containers": [{**_CONTAINER, "command": "{{ nothing }}"}]}
    assert [definitions(alpha_service=wrong, inventory_hostname=host)[0].load() == [] for host in ("c1", "n1")] == [True, False]
