# SPDX-License-Identifier: Apache-2.0
"""A container's specification against what runs."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Cluster, ContainerCommand, Healthcheck, ReadyCheck
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec

_IMAGE = "sha256:" + "a" * 64


def _spec(**changes: t.Any) -> ContainerSpec:
    return ContainerSpec(**{"name": "api", "service": "x", "image": "x:1", "command": ["run"], **changes})


#: A changed value for each option that makes a new container necessary.
_CHANGES: dict[str, t.Any] = {
    "name": "other",
    "service": "y",
    "command": ["run", "--fast"],
    "user": "1:1",
    "env": {"A": "1"},
    "volumes": ["a:/b"],
    "tmpfs": ["/tmp:mode=1777"],
    "capabilities": ["NET_ADMIN"],
    "read_only": False,
    "no_new_privileges": False,
    "security_opts": ["apparmor=unconfined"],
    "devices": ["/dev/kvm"],
    "pid_mode": "host",
    "cgroupns_mode": "host",
    "ulimits": {"nofile": 1},
    "healthcheck": Healthcheck(["CMD", "true"]),
    "stop_timeout": 1,
    "config_digest": "x",
}
#: A changed value for each option that steers the run only.
_NEUTRAL: dict[str, t.Any] = {
    "image": "x:2",
    "reload_signal": "SIGUSR1",
    "unpin_signal": "SIGHUP",
    "start_timeout": 1,
    "after": ["y"],
    "protected_processes": ["qemu"],
    "reload_digest": "x",
    "impact": "requests fail",
    "stop_check": ContainerCommand(["may-stop"]),
    "drain": ContainerCommand(["leave"]),
    "ready": ReadyCheck(["caught-up"]),
    "stage": "identity",
    "tier": "api",
    "shared": True,
    "cluster": Cluster(ContainerCommand(["facts"])),
    "members": {"h1": "192.0.2.1"},
    "memory": "1g",
    "cpuset_cpus": "0",
    "cpu_shares": 512,
}


def test_every_option_is_known_to_matter_or_not() -> None:
    assert {field.name for field in dataclasses.fields(ContainerSpec)} == _CHANGES.keys() | _NEUTRAL.keys()


@pytest.mark.parametrize("option", _CHANGES)
def test_an_option_that_matters_is_a_difference(option: str) -> None:
    changed = _spec(**{option: _CHANGES[option]})
    (found,) = specs.differences(changed, _IMAGE, _spec().label(), _IMAGE)
    assert found.option == option
    assert (found.desired, found.current) == (changed.compared()[option], _spec().compared()[option])
    assert str(found).startswith(f"{option}: ")


@pytest.mark.parametrize("option", _NEUTRAL)
def test_an_option_that_steers_the_run_is_none(option: str) -> None:
    assert specs.differences(_spec(**{option: _NEUTRAL[option]}), _IMAGE, _spec().label(), _IMAGE) == []


def test_the_image_is_compared_by_its_id() -> None:
    (found,) = specs.differences(_spec(), _IMAGE, _spec().label(), "sha256:" + "b" * 64)
    assert str(found) == f"image: {'b' * 16} -> {'a' * 16}"


@pytest.mark.parametrize("label", ["", "{", "[]", "1", "null", '"x"'])
def test_a_container_of_something_else_differs(label: str) -> None:
    (found,) = specs.differences(_spec(), _IMAGE, label, _IMAGE)
    assert str(found) == "specification: created by something else -> as defined"


def test_an_option_that_only_an_older_collection_knew_differs() -> None:
    label = json.dumps({**_spec().compared(), "privileged": True})
    (found,) = specs.differences(_spec(), _IMAGE, label, _IMAGE)
    assert str(found) == "privileged: true -> none"


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), _PLAIN, max_size=5))
def test_a_digest_does_not_depend_on_the_order_of_keys(data: dict[str, t.Any]) -> None:
    assert specs.digest(data) == specs.digest(dict(reversed(data.items())))


@given(_PLAIN, _PLAIN)
def test_equal_digests_mean_equal_data(one: t.Any, other: t.Any) -> None:
    assert (specs.digest(one) == specs.digest(other)) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


def test_a_job_is_known_by_image_command_and_triggers_alone() -> None:
    job = JobSpec(name="sync", service="x", container=_spec(), stdin="secret")
    assert job.marker("i") == dataclasses.replace(job, stdin="other", database="d", retries=3).marker("i")
    assert job.marker("i") != job.marker("j")
    assert job.marker("i") != dataclasses.replace(job, triggers=["x"]).marker("i")
    assert job.marker("i") != dataclasses.replace(job, container=_spec(command=["y"])).marker("i")
    assert "secret" not in json.dumps(job.marker("i"))


def test_a_reason_does_not_show_a_secret() -> None:
    difference = specs.Difference("env", {"ADMIN_PASSWORD": "hunter2", "A": "1"}, {})
    assert str(difference) == 'env: none -> {"A": "1", "ADMIN_PASSWORD": "********"}'
