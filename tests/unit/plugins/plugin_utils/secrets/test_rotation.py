# SPDX-License-Identifier: Apache-2.0
"""The steps of a rotation: what servers accept and clients use at each, and what a file that was left behind means."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import rotation
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets.rotation import Rotation, accounts, begin, finish, in_use, resolve
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets.secret_store import SecretRequirement, generate

_REQUIRED = [
    SecretRequirement("db", user="nova"),
    SecretRequirement("db", user="nova"),  # two roles may need the same
    SecretRequirement("broker", user="openstack"),
    SecretRequirement("admin", user="admin", paired=False),
    SecretRequirement("cookie"),
    SecretRequirement("keys", "fernet_keys"),
]
_VALUES = {"db": "d0", "broker": "b0", "admin": "a0", "cookie": "c0", "keys": ["k0", "k1"]}
_STEPS = ("accept", "move", "retire")
_PAIRS = ("db", "broker")

Login = tuple[str, str]


def _client(state: Rotation, values: dict[str, t.Any], name: str) -> Login:
    """Return what clients log in with."""
    return accounts(state, values, _REQUIRED)[name]["user"], in_use(state, values)[name]


class Server:
    """Keeps accounts as the modules for databases and the catalog do: what is accepted is added, only what is retired goes."""

    def __init__(self, state: Rotation, values: dict[str, t.Any]) -> None:
        self.logins = dict(_client(state, values, name) for name in _PAIRS)

    def converge(self, state: Rotation, values: dict[str, t.Any]) -> None:
        for name in _PAIRS:
            user, password = _client(state, values, name)
            self.logins[user] = password
            alternate = accounts(state, values, _REQUIRED)[name]["alternate"]
            if alternate and alternate["password"]:
                self.logins[alternate["user"]] = alternate["password"]
            elif alternate:
                self.logins.pop(alternate["user"], None)

    def accepts(self, login: Login) -> bool:
        return self.logins.get(login[0]) == login[1]


def _stored(state: Rotation) -> Rotation:
    """Write the state and read it again."""
    return dataclass_spec.load(Rotation, json.loads(json.dumps(dataclasses.asdict(state))), rotation.KEY)


def test_a_whole_rotation() -> None:
    state = begin(Rotation(), _VALUES, _REQUIRED, ["db", "admin", "keys"])
    assert (state.phase, state.rotating) == ("accept", ["admin", "db", "keys"])
    new = state.new["db"]
    assert in_use(state, _VALUES) == _VALUES
    assert accounts(state, _VALUES, _REQUIRED) == {
        "db": {"pair": ["nova", "nova_b"], "user": "nova", "alternate": {"user": "nova_b", "password": new}},
        "broker": {"pair": ["openstack", "openstack_b"], "user": "openstack", "alternate": None},
        "admin": {"pair": ["admin"], "user": "admin", "alternate": None},
    }
    state, moved = finish(state, _REQUIRED, "accept")
    assert (state.phase, moved, in_use(state, _VALUES)) == ("move", {}, {**_VALUES, **state.new})
    assert accounts(state, _VALUES, _REQUIRED)["db"] == {
        "pair": ["nova", "nova_b"],
        "user": "nova_b",
        "alternate": {"user": "nova", "password": "d0"},
    }
    assert accounts(state, _VALUES, _REQUIRED)["admin"] == {"pair": ["admin"], "user": "admin", "alternate": None}
    state, moved = finish(state, _REQUIRED, "move")
    values = {**_VALUES, **moved}
    assert (state.phase, state.rotating, values["db"], values["broker"]) == ("retire", ["db"], new, "b0")
    assert values["keys"][1:] == ["k1", "k0"]
    assert accounts(state, values, _REQUIRED)["db"] == {
        "pair": ["nova", "nova_b"],
        "user": "nova_b",
        "alternate": {"user": "nova", "password": ""},
    }
    state, moved = finish(state, _REQUIRED, "retire")
    assert (state, moved) == (Rotation(twins=["db"]), {})
    assert accounts(state, values, _REQUIRED)["db"] == {"pair": ["nova", "nova_b"], "user": "nova_b", "alternate": None}


def test_the_next_rotation_comes_back_to_the_first_account() -> None:
    state = begin(Rotation(twins=["db"]), _VALUES, _REQUIRED, ["db"])
    assert accounts(state, _VALUES, _REQUIRED)["db"]["alternate"] == {"user": "nova", "password": state.new["db"]}
    for step in _STEPS:
        state, _moved = finish(state, _REQUIRED, step)
    assert state == Rotation()


@pytest.mark.parametrize("name", ["keys", "admin", "cookie"])
def test_what_has_no_pair_changes_in_one_step(name: str) -> None:
    state = begin(Rotation(), _VALUES, _REQUIRED, [name])
    new = state.new[name]
    assert (state.phase, in_use(state, _VALUES)) == ("move", {**_VALUES, name: new})
    assert finish(state, _REQUIRED, "move") == (Rotation(), {name: new})


@given(st.lists(st.sampled_from(["begin", "site", "next", "begin and site", "site and next"]), max_size=40))
def test_whatever_is_cut_off_and_run_again_no_client_is_refused(actions: list[str]) -> None:
    """Clients have what the last complete site gave them, or, where site was cut off, that of the one under way."""
    state, values = Rotation(), dict(_VALUES)
    server = Server(state, values)
    clients = {name: {_client(state, values, name)} for name in _PAIRS}
    complete = True
    for action in actions:
        if "begin" in action:
            began = begin(state, values, _REQUIRED, ["db", "broker"])
            complete = complete and began == state
            state = _stored(began)
        if "site" in action:
            server.converge(state, values)
            # one after the other they restart; only the end of the run says that all have
            for name, logins in clients.items():
                assert all(map(server.accepts, {*logins, _client(state, values, name)}))
                clients[name] = {_client(state, values, name)}
            complete = True
        if "next" in action and complete:
            after, moved = finish(state, _REQUIRED, state.phase)
            complete = after == state
            state, values = _stored(after), {**values, **moved}
    for step in _STEPS:
        server.converge(state, values)
        state, moved = finish(state, _REQUIRED, step)
        values |= moved
    server.converge(state, values)
    assert state.phase == "none"
    assert server.logins == dict(_client(state, values, name) for name in _PAIRS), "no former account is left"


@pytest.mark.parametrize("phase", _STEPS)
def test_one_that_is_under_way_goes_on_with_its_own_values(phase: t.Any) -> None:
    state = Rotation(phase, new={"db": "d1"} if phase != "retire" else {}, retiring=["db"] if phase == "retire" else [])
    assert begin(state, _VALUES, _REQUIRED, ["broker"]) == state


@pytest.mark.parametrize("finished", ["none", "move", "retire"])
def test_a_step_that_is_not_the_one_under_way_cannot_be_finished(finished: str) -> None:
    state = begin(Rotation(), _VALUES, _REQUIRED, ["db"])
    assert finish(state, _REQUIRED, finished) == (state, {})


def test_nothing_to_rotate_is_no_rotation() -> None:
    assert begin(Rotation(), _VALUES, _REQUIRED, []) == Rotation()
    assert finish(Rotation(), _REQUIRED, "none") == (Rotation(), {})


def test_everything_is_what_rotates_without_a_failed_login() -> None:
    assert resolve(["all"], _REQUIRED) == ["db", "broker", "admin", "keys"]
    assert resolve(["cookie", "all", "db"], _REQUIRED) == ["cookie", "db", "broker", "admin", "keys"]
    with pytest.raises(ValueError, match="cannot rotate dp, x: no enabled service of this play needs a secret of that name"):
        resolve(["x", "all", "dp"], _REQUIRED)


def test_what_the_operator_set_elsewhere_is_left_alone() -> None:
    assert resolve(["all"], _REQUIRED, ["db", "keys"]) == ["broker", "admin"]
    with pytest.raises(ValueError, match="cannot rotate db: a variable of that name sets it, not this file; change it there"):
        resolve(["all", "db"], _REQUIRED, ["db"])


def test_what_cannot_be_rotated_is_named() -> None:
    with pytest.raises(ValueError, match="cannot rotate keys: it is not a list of keys"):
        begin(Rotation(), {"keys": "text"}, _REQUIRED, ["keys"])


def test_new_values_are_of_their_kind() -> None:
    keys = generate("fernet_keys")
    state = begin(Rotation(), {**_VALUES, "keys": keys}, _REQUIRED, ["keys", "db"])
    assert state.new["keys"][-1] == keys[0]
    assert len(state.new["db"]) == 32


def test_the_accounts_of_a_region_that_shares_a_keystone_are_told_apart() -> None:
    found = accounts(Rotation(twins=["db"]), _VALUES, _REQUIRED, "_north")
    assert found["db"] == {"pair": ["nova_north", "nova_north_b"], "user": "nova_north_b", "alternate": None}
    assert found["admin"]["user"] == "admin"
