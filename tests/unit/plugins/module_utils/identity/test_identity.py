# SPDX-License-Identifier: Apache-2.0
"""What a host is told of the secrets, and when it is another one than a run takes it for."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.identity import identity
from ansible_collections.caisson.openstack.plugins.module_utils.identity.identity import Expected, Generation, Seen

SECRETS: dict[str, t.Any] = {"cloud_identity": "1d" * 32, "db_password": "hunter2hunter2hunter2", "keys": ["a" * 44, "b" * 44]}
HISTORY = ["aa", "bb", "cc"]
MACHINE = {"product": "11", "system": "22"}


def _expected(secrets: dict[str, t.Any] | None = None, **changes: t.Any) -> Expected:
    described = identity.describe(secrets or SECRETS, Generation(3, HISTORY), changes.pop("lacking", []), changes.pop("state", "kept"))
    return Expected(**{"cloud": "demo", "host": "n1", "file": "secrets.yml", **described, **changes})


RECORD = _expected().record(MACHINE)
SEEN = Seen(record=RECORD, copy=RECORD, state_file=True, machine=MACHINE, containers=("api",))


def _errors(seen: dict[str, t.Any] | None = None, **expected: t.Any) -> list[str]:
    return identity.errors(dataclasses.replace(SEEN, **seen or {}), _expected(**expected))


def _remembering(**changes: t.Any) -> dict[str, t.Any]:
    record = dataclasses.replace(RECORD, **changes)
    return {"record": record, "copy": record}


def test_what_is_said_of_secrets_reveals_none_and_depends_on_each() -> None:
    described = identity.describe(SECRETS, Generation(3, HISTORY), [], "kept")
    assert not any(value in json.dumps(described) for value in ("1d1d1d1d", "hunter2", "aaaaaaaa", "bbbbbbbb"))
    for name, value in {"cloud_identity": "2e" * 32, "db_password": "other", "keys": ["a" * 44]}.items():
        other = identity.describe({**SECRETS, name: value}, Generation(3, HISTORY), [], "kept")
        changed = {key for key in SECRETS if described["secrets"].get(key) != other["secrets"].get(key)}
        assert (described["fingerprint"] != other["fingerprint"]) is (name == "cloud_identity")
        assert changed == ({name} if name != "cloud_identity" else {"db_password", "keys"})


def test_without_an_identity_nothing_is_said() -> None:
    described = identity.describe({"db_password": "x"}, Generation(), [], "kept")
    assert (described["fingerprint"], described["secrets"]) == ("", {})


def test_a_host_that_is_what_it_is_taken_for_passes() -> None:
    assert _errors() == []
    assert not identity.outdated(SEEN, _expected())
    assert _errors({"record": None, "copy": None, "containers": (), "state_file": False}) == []
    # only services without secrets ran so far
    assert _errors(_remembering(fingerprint="", revision="")) == []


@pytest.mark.parametrize(
    ("seen", "expected", "says"),
    [
        (
            {},
            {"state": "missing", "lacking": list(SECRETS)},
            "the secrets file secrets.yml does not exist: its secrets would be generated again",
        ),
        ({}, {"state": "empty", "lacking": list(SECRETS)}, "secrets.yml holds no secrets"),
        ({}, {"lacking": ["cloud_identity"]}, "secrets.yml lacks cloud_identity"),
        ({}, {"lacking": ["db_password"]}, "secrets.yml lacks db_password, which cloud 'demo' uses: it would be generated again"),
        ({}, {"secrets": {**SECRETS, "cloud_identity": "x"}}, "secrets.yml holds the secrets of another one (fingerprint "),
        (_remembering(revision="dd", generation=4), {}, "is older than cloud 'demo' (it is at generation 3, the cloud at 4)"),
        (_remembering(revision="dd", generation=3), {}, "are two copies that were changed apart (it is at generation 3, the cloud at 3)"),
        (_remembering(machine={"product": "99", "system": "22"}), {}, "was written on another machine"),
        (_remembering(machine={"system": "99"}), {}, "was written on another machine"),
        (_remembering(host="n0"), {}, "this machine is host n0 of cloud 'demo', and the inventory calls it n1"),
        (_remembering(cloud="old"), {}, "cloud_name was changed: this host runs cloud 'old' with these secrets"),
        (_remembering(cloud="old", fingerprint="ff"), {}, "this host belongs to cloud 'old', and the inventory's cloud_name is 'demo'"),
        ({"record": None}, {}, "state.json of this host is lost, or is not the one that belongs to cloud 'demo'"),
        (
            {"record": None, "copy": None, "state_file": False},
            {},
            "runs containers of cloud 'demo' (api), and /var/lib/caisson/state.json is lost",
        ),
        ({"record": None, "copy": None}, {}, "and none of the secrets in secrets.yml is in their configuration"),
        ({"record": None, "copy": None, "agrees": True}, {"state": "missing", "lacking": list(SECRETS)}, "secrets.yml does not exist"),
        ({"record": None, "copy": None, "agrees": True}, {"lacking": ["keys"]}, "secrets.yml lacks keys"),
        ({"damaged": ("cannot read state.json",)}, {}, "cannot read state.json; restore that file"),
    ],
)
def test_another_host_or_other_secrets_are_refused(seen: dict[str, t.Any], expected: dict[str, t.Any], says: str) -> None:
    (error,) = _errors(seen, **expected)
    assert says in error


def test_what_the_two_copies_say_counts_both_times() -> None:
    (error,) = _errors({"copy": dataclasses.replace(RECORD, host="n0")})
    assert "this machine is host n0" in error


def test_deliberate_changes_pass() -> None:
    # a secret by hand, a rotation since, a new service's secret, a generation that was forgotten long ago
    assert _errors(secrets={**SECRETS, "db_password": "chosen"}) == []
    assert _errors(_remembering(revision="aa", generation=1)) == []
    assert _errors(lacking=["new_password"]) == []
    assert _errors(_remembering(revision="zz", generation=1), generation=identity.REMEMBERED + 1) == []
    assert identity.outdated(SEEN, _expected(secrets={**SECRETS, "db_password": "chosen"}))


def test_a_cloud_of_before_is_adopted_if_its_configuration_agrees() -> None:
    assert _errors({"record": None, "copy": None, "agrees": True}) == []
    assert _errors({"record": None, "copy": None, "agrees": True}, lacking=["cloud_identity"]) == []


def test_consent_is_for_one_cloud_or_one_host() -> None:
    other = {**SECRETS, "cloud_identity": "x"}
    assert _errors(secrets=other, recreate="demo") == []
    assert _errors(secrets=other, recreate="demo2")
    for seen in (_remembering(host="n0"), _remembering(machine={"product": "9"}), _remembering(cloud="old"), {"record": None}):
        assert _errors(seen, adopt=["n1"]) == []
        assert _errors(seen, adopt=["n2"])
    gone: dict[str, t.Any] = {"record": None, "copy": None}
    assert _errors(gone, adopt=["n1"]) == []
    assert _errors(gone, adopt=["n1"], state="missing", lacking=list(SECRETS))
    assert _errors(gone, recreate="demo", state="missing", lacking=list(SECRETS)) == []
    # a host that was adopted still does not get other secrets
    assert _errors(_remembering(host="n0"), adopt=["n1"], secrets=other)


def test_whose_a_host_is_does_not_depend_on_secrets() -> None:
    other = _expected(secrets={**SECRETS, "cloud_identity": "x"})
    assert identity.owner(SEEN, other) == []
    assert identity.own_cloud(SEEN, "demo") == []
    stranger = dataclasses.replace(SEEN, **_remembering(cloud="old", fingerprint="ff"))
    assert "this host belongs to cloud 'old'" in identity.owner(stranger, other)[0]
    assert "this host belongs to cloud 'old'" in identity.own_cloud(stranger, "demo")[0]


def test_volumes_are_in_the_way_of_a_host_that_knows_no_cloud() -> None:
    assert identity.left_over([], _expected()) == []
    assert "a, b, c, d and more" in identity.left_over(list("edcba"), _expected())[0]


@given(st.integers(1, 120))
def test_a_generation_remembers_the_ones_before(number: int) -> None:
    made = [Generation().following()]
    for _ in range(number):
        made.append(made[-1].following())
    assert made[-1].number == number + 1
    assert made[-2].history[-1] in made[-1].history
    assert len(made[-1].history) <= identity.REMEMBERED
