# SPDX-License-Identifier: Apache-2.0
"""Dataclasses as declarations: what they accept, and what they say about the rest."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Container, Service
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec


@dataclasses.dataclass
class _Inner:
    name: str
    count: int = 1


@dataclasses.dataclass
class _Outer:
    name: str
    mode: t.Literal["fast", "slow"] = "fast"
    ready: bool = False
    inner: t.Optional[_Inner] = None
    inners: list[_Inner] = dataclasses.field(default_factory=list)
    words: list[str] = dataclasses.field(default_factory=list)
    limits: dict[str, int] = dataclasses.field(default_factory=dict)
    anything: t.Any = None
    password: str = dataclasses.field(default="", metadata={"no_log": True})


def _errors(data: t.Any) -> list[str]:
    with pytest.raises(dataclass_spec.SchemaError) as caught:
        dataclass_spec.load(_Outer, data, "thing")
    return caught.value.messages


def test_all_kinds_of_fields_are_loaded() -> None:
    data = {
        "name": 5,
        "mode": "slow",
        "ready": "yes",
        "inner": {"name": "a", "count": "3"},
        "inners": [{"name": "b"}],
        "words": ["x", 1],
        "limits": {"a": 1},
        "anything": [{}],
        "password": "p",
    }
    assert dataclass_spec.load(_Outer, data, "thing") == _Outer(
        "5", "slow", True, _Inner("a", 3), [_Inner("b")], ["x", "1"], {"a": 1}, [{}], "p"
    )


def test_none_is_the_default() -> None:
    assert dataclass_spec.load(_Outer, {"name": "a", "words": None, "mode": None}, "thing") == _Outer("a")


def test_defaults_are_not_shared() -> None:
    one, other = (dataclass_spec.load(_Outer, {"name": name}, "thing") for name in "ab")
    one.words.append("x")
    one.limits["x"] = 1
    assert (other.words, other.limits) == ([], {})


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ([], "thing: expected a mapping, got a list"),
        ({}, "thing.name: is required"),
        ({"name": None}, "thing.name: is required"),
        ({"name": ["x"]}, "thing.name: expected text, got a list"),
        ({"name": True}, "thing.name: expected text, got True"),
        ({"name": "a", "mode": "fats"}, "thing.mode: expected one of fast, slow, got 'fats'"),
        ({"name": "a", "ready": "maybe"}, "thing.ready: expected true or false, got 'maybe'"),
        ({"name": "a", "ready": 7}, "thing.ready: expected true or false, got 7"),
        ({"name": "a", "words": "x,y"}, "thing.words: expected a list, got 'x,y'"),
        ({"name": "a", "words": [["x"]]}, "thing.words[0]: expected text, got a list"),
        ({"name": "a", "limits": [1]}, "thing.limits: expected a mapping, got a list"),
        ({"name": "a", "limits": {"x": "many"}}, "thing.limits.x: expected a whole number, got 'many'"),
        ({"name": "a", "inner": {"name": "b", "count": True}}, "thing.inner.count: expected a whole number, got True"),
        ({"name": "a", "inners": [{"name": "b", "cuont": 1}]}, "thing.inners[b].cuont: unknown key; did you mean 'count'?"),
        ({"name": "a", "inners": [{"count": 1}]}, "thing.inners[0].name: is required"),
        ({"name": "a", "inners": ["b"]}, "thing.inners[0]: expected a mapping, got 'b'"),
        ({"name": "a", "readdy": True}, "thing.readdy: unknown key; did you mean 'ready'?"),
        ({"name": "a", 1: True}, "thing.1: unknown key; known keys: anything, inner"),
    ],
)
def test_a_fault_names_place_value_and_remedy(data: t.Any, error: str) -> None:
    (message,) = _errors(data)
    assert message.startswith(error)


@dataclasses.dataclass
class _Timed:
    at: float


@pytest.mark.parametrize("value", [3, 3.0, "3.0"])
def test_a_number_may_be_whole_or_text(value: t.Any) -> None:
    assert dataclass_spec.load(_Timed, {"at": value}, "thing") == _Timed(3.0)


@pytest.mark.parametrize("value", ["soon", True, "nan", float("inf")])
def test_what_is_no_number_is_refused(value: t.Any) -> None:
    with pytest.raises(dataclass_spec.SchemaError, match=r"thing\.at: expected a number, got"):
        dataclass_spec.load(_Timed, {"at": value}, "thing")


def test_a_number_has_its_type_in_an_argument_spec() -> None:
    assert dataclass_spec.argument_spec(_Timed) == {"at": {"type": "float", "required": True}}


def test_all_faults_are_reported_at_once() -> None:
    assert len(_errors({"mode": "x", "inners": [{"name": "a", "x": 1}, {}], "words": 1})) == 5


def test_a_secret_is_not_shown() -> None:
    assert _errors({"name": "a", "password": {"hunter2": 1}}) == ["thing.password: expected text, got something else"]
    assert "hunter2" not in " ".join(_errors({"name": "a", "words": {"password": "hunter2"}}))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_data_is_a_service_or_refused_with_reasons(data: t.Any) -> None:
    try:
        dataclass_spec.load(Service, data, "x_service")
    except dataclass_spec.SchemaError as error:
        assert error.messages and all(message.startswith("x_service") for message in error.messages)


def test_an_argument_spec_follows_from_the_fields() -> None:
    inner = {"name": {"type": "str", "required": True}, "count": {"type": "int", "default": 1}}
    assert dataclass_spec.argument_spec(_Outer) == {
        "name": {"type": "str", "required": True},
        "mode": {"type": "str", "choices": ["fast", "slow"], "default": "fast"},
        "ready": {"type": "bool", "default": False},
        "inner": {"type": "dict", "options": inner},
        "inners": {"type": "list", "elements": "dict", "options": inner, "default": []},
        "words": {"type": "list", "elements": "str", "default": []},
        "limits": {"type": "dict", "default": {}},
        "anything": {"type": "raw"},
        "password": {"type": "str", "default": "", "no_log": True},
    }


@pytest.mark.parametrize("cls", [Service, ContainerSpec, JobSpec])
def test_secrets_are_marked_in_argument_specs(cls: type) -> None:
    def secrets(spec: t.Any) -> t.Iterator[tuple[str, t.Any]]:
        for name, option in spec.items():
            yield from secrets(option.get("options") or {})
            if name in ("password", "stdin"):
                yield name, option.get("no_log")

    assert all(marked for _name, marked in secrets(dataclass_spec.argument_spec(cls)))


def test_what_ansible_validated_becomes_the_same_instance() -> None:
    data = {"name": "a", "inner": {"name": "b"}, "inners": [{"name": "c", "count": 2}], "limits": {"x": 1}}
    validated = ArgumentSpecValidator(dataclass_spec.argument_spec(_Outer)).validate(data).validated_parameters
    assert dataclass_spec.construct(_Outer, validated) == dataclass_spec.load(_Outer, data, "thing")


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ({"type": "path"}, "/x", ""),
        ({"type": "list", "elements": "int"}, ["1"], ""),
        ({"type": "list"}, [{}], ""),
        ({"type": "dict"}, {"a": []}, ""),
        ({"type": "str"}, None, "x: expected text, got None"),
        ({}, [], "x: expected text, got a list"),
        ({"type": "list", "elements": "int"}, ["one"], "x[0]: expected a whole number, got 'one'"),
        ({"type": "list"}, "a,b", "x: expected a list, got 'a,b'"),
        ({"type": "dict"}, [], "x: expected a mapping, got a list"),
        ({"type": "str", "choices": ["fast", "slow"]}, "fats", "x: expected one of fast, slow, got 'fats'; did you mean 'fast'?"),
        ({"type": "str", "choices": ["fast", "slow"]}, ["fast"], "x: expected one of fast, slow, got a list"),
    ],
)
def test_an_option_of_an_argument_spec_is_as_strict(option: dict[str, t.Any], value: t.Any, error: str) -> None:
    assert dataclass_spec.check_option(option, value, "x") == ([error] if error else [])


@pytest.mark.parametrize(
    ("option", "value", "converted"),
    [
        ({"type": "bool"}, "no", False),
        ({"type": "bool"}, "true", True),
        ({"type": "int"}, "10", 10),
        ({"type": "float"}, "0.5", 0.5),
        ({"type": "str"}, 5, "5"),
        ({"type": "str", "choices": ["2025.2", "2026.1"]}, 2026.1, "2026.1"),
        ({"type": "list", "elements": "int"}, ["1", 2], [1, 2]),
        ({"type": "list", "elements": "str"}, ["a", 2], ["a", "2"]),
        ({"type": "dict"}, {"a": "1"}, {"a": "1"}),
    ],
)
def test_an_option_gets_the_type_that_it_declares(option: dict[str, t.Any], value: t.Any, converted: t.Any) -> None:
    found, errors = dataclass_spec.convert_option(option, value, "x")
    assert (found, type(found), errors) == (converted, type(converted), [])


def test_a_number_in_the_environment_of_a_container_is_text() -> None:
    """Otherwise an option that gets its declared type would look like another environment, and replace the container."""
    assert dataclass_spec.load(Container, {"name": "a", "image": "a", "command": ["a"], "group": "a", "env": {"PORT": 1}}, "x").env == {
        "PORT": "1"
    }
