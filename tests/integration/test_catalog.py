# SPDX-License-Identifier: Apache-2.0
"""The catalog in a real Keystone, on a real MariaDB, of the collection's own images."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import connect
from ansible_collections.caisson.openstack.plugins.module_utils.model.api import CatalogEntry
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import AlternateAccount, Database, User
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from ansible_collections.caisson.openstack.plugins.module_utils.registration import catalog, databases
from ansible_collections.caisson.openstack.plugins.module_utils.registration.catalog import CatalogError, Keystone

from .conftest import Lab, MariaDB, free_port

_PASSWORD = "for-this-test-only"
#: Keystone lists no more than so many of a kind; by default 1000.
_LIST_LIMIT = 20
_START = """
mkdir -p /tmp/k/keys
python -c 'import base64, os
for n in "01": open("/tmp/k/keys/" + n, "w").write(base64.urlsafe_b64encode(os.urandom(32)).decode())'
cat >/tmp/k/keystone.conf <<END
[DEFAULT]
max_db_limit = $LIST_LIMIT
[database]
connection = mysql+pymysql://keystone:$OS_BOOTSTRAP_PASSWORD@127.0.0.1:$DATABASE_PORT/keystone
[fernet_tokens]
key_repository = /tmp/k/keys
[fernet_receipts]
key_repository = /tmp/k/keys
[credential]
key_repository = /tmp/k/keys
END
export OS_KEYSTONE_CONFIG_DIR=/tmp/k
keystone-manage --config-file /tmp/k/keystone.conf db_sync
keystone-manage --config-file /tmp/k/keystone.conf bootstrap --bootstrap-region-id RegionOne --bootstrap-internal-url http://k
exec uwsgi --http-socket 127.0.0.1:$PORT --master --lazy-apps --module keystone.wsgi.api:application \\
  --virtualenv /opt/openstack --die-on-term
"""


@pytest.fixture(scope="module")
def url(mariadb: MariaDB) -> t.Iterator[str]:
    """The URL of a Keystone that is starting."""
    for statement in databases.plan([Database("keystone", "keystone", _PASSWORD)], databases.parse("")):
        mariadb.sql(f"{statement.text};")
    lab = Lab(connect())
    port = free_port()
    spec = ContainerSpec(
        name=lab.name("keystone"),
        service="keystone",
        image=lab.image("keystone"),
        command=["sh", "-ec", _START],
        user="42425:42425",
        env={"PORT": str(port), "LIST_LIMIT": str(_LIST_LIMIT), "DATABASE_PORT": str(mariadb.port), "OS_BOOTSTRAP_PASSWORD": _PASSWORD},
        tmpfs=["/tmp:mode=1777"],
        stop_timeout=0,
    )
    try:
        lab.engine.create(spec, lab.engine.image_id(spec.image) or "", lab.cloud)
        lab.engine.start(spec.name)
        yield f"http://127.0.0.1:{port}/v3"
    finally:
        lab.clean()


@pytest.fixture
def keystone(url: str) -> Keystone:
    """A session of the administrator; the first one waits for the API."""
    session = Keystone(url, timeout=120)
    session.login("admin", _PASSWORD, "admin")
    return session


_USERS = [User("glance", "pw1'\"{}", ["service"]), User("nova", "pw2", ["admin", "service", "new_role"])]
_ENDPOINTS = [
    CatalogEntry("glance", "image", "http://i:9292", "http://p:9292", "Images"),
    CatalogEntry("nova", "compute", "http://i:8774/v2.1", "http://p:8774/v2.1"),
]


def _converge(
    keystone: Keystone, users: t.Sequence[User], endpoints: t.Sequence[CatalogEntry] = (), region: str = "RegionOne"
) -> list[str]:
    current = keystone.read(users, "service", region)
    steps = catalog.plan(current, users, endpoints, "service", region)
    for step in steps:
        keystone.apply(current, step)
    return [str(step) for step in steps]


def test_everything_is_made_once(keystone: Keystone) -> None:
    made = _converge(keystone, _USERS, _ENDPOINTS)
    assert made[0] == "project service: it does not exist"
    assert "role new_role: it does not exist" in made
    assert "internal endpoint of nova: it does not exist (http://i:8774/v2.1)" in made
    assert _converge(keystone, _USERS, _ENDPOINTS) == []
    assert all(keystone.accepts(user.name, user.password) for user in _USERS)
    assert not keystone.accepts("nova", "wrong")


def test_what_differs_is_mended(keystone: Keystone) -> None:
    _converge(keystone, _USERS, _ENDPOINTS)
    changed = dataclasses.replace(_ENDPOINTS[0], public_url="http://p2:9292")
    assert _converge(keystone, _USERS, [changed]) == ["public endpoint of glance: url http://p:9292 -> http://p2:9292"]
    user = dataclasses.replace(_USERS[0], password="pw3")
    assert _converge(keystone, [user]) == ["user glance: its password differs"]
    assert keystone.accepts("glance", "pw3")
    assert _converge(keystone, [dataclasses.replace(user, roles=["service", "reader"])]) == [
        "user glance: it does not have role reader in project service"
    ]


def test_two_accounts_of_a_pair_take_turns(keystone: Keystone) -> None:
    first, second = User("neutron", "pw4", ["service"]), User("neutron_b", "pw5", ["service"])
    _converge(keystone, [first])
    assert _converge(keystone, [dataclasses.replace(first, alternate=AlternateAccount("neutron_b", "pw5"))]) == [
        "user neutron_b: it does not exist",
        "user neutron_b: it does not have role service in project service",
    ]
    assert _converge(keystone, [dataclasses.replace(second, alternate=AlternateAccount("neutron", "pw4"))]) == []
    assert keystone.accepts("neutron", "pw4") and keystone.accepts("neutron_b", "pw5")
    retired = dataclasses.replace(second, alternate=AlternateAccount("neutron"))
    assert _converge(keystone, [retired]) == ["user neutron: its password was rotated"]
    assert _converge(keystone, [retired]) == []
    assert not keystone.accepts("neutron", "pw4")
    assert keystone.accepts("neutron_b", "pw5")


def test_an_endpoint_that_is_there_twice_is_removed(keystone: Keystone) -> None:
    _converge(keystone, _USERS, _ENDPOINTS)
    service = keystone.read([], "service", "RegionOne").services["nova", "compute"]["id"]
    body = {"service_id": service, "interface": "internal", "url": "http://other", "region_id": "RegionOne"}
    keystone._post("endpoints", "endpoint", body)
    assert "internal endpoint of nova: duplicate endpoint" in _converge(keystone, _USERS, [_ENDPOINTS[1]])
    assert _converge(keystone, _USERS, [_ENDPOINTS[1]]) == []
    assert len([item for item in keystone.read([], "service", "RegionOne").endpoints if item["service_id"] == service]) == 2


def test_regions_have_endpoints_of_their_own(keystone: Keystone) -> None:
    _converge(keystone, _USERS, _ENDPOINTS)
    made = _converge(keystone, _USERS, [_ENDPOINTS[1]], region="RegionTwo")
    assert made[0] == "region RegionTwo: it does not exist"
    assert {item["region_id"] for item in keystone.read([], "service", "RegionTwo").endpoints} == {"RegionTwo"}
    assert len(made) == 3
    assert _converge(keystone, _USERS, [_ENDPOINTS[1]], region="RegionTwo") == []
    assert _converge(keystone, _USERS, [_ENDPOINTS[1]]) == []


def test_a_region_with_the_keystone_of_another_one_leaves_that_alone(url: str, keystone: Keystone) -> None:
    _converge(keystone, _USERS, _ENDPOINTS)
    login = {"auth_url": url, "username": "admin", "password": _PASSWORD, "project_name": "admin"}
    own = [dataclasses.replace(user, name=f"{user.name}_north") for user in _USERS]

    def observe(region: str, **changes: str) -> list[str]:
        return catalog.observe(Keystone(url), {**login, **changes}, True, users=own, endpoints=_ENDPOINTS, project="service", region=region)

    assert "region North: it does not exist" in observe("North")
    with pytest.raises(CatalogError, match=r"region RegionOne .* belongs to another cloud.*Set cloud_region"):
        observe("RegionOne")
    with pytest.raises(CatalogError, match=r"does not know admin's password; nothing was changed. Check keystone_admin_password"):
        observe("North", password="of-this-region")
    _converge(keystone, own, _ENDPOINTS, "North")
    assert observe("North") == []
    assert _converge(keystone, _USERS, _ENDPOINTS) == []


def test_a_cloud_with_many_projects_and_users_needs_no_list_of_them(keystone: Keystone) -> None:
    _converge(keystone, _USERS, _ENDPOINTS)
    for number in range(_LIST_LIMIT):
        keystone._post("projects", "project", {"name": f"R&D + a=b? {number}", "domain_id": "default"})
        keystone._post("users", "user", {"name": f"a tenant's {number}", "password": "x", "domain_id": "default"})
    assert keystone._named("projects", "R&D + a=b? 3").keys() == {"R&D + a=b? 3"}
    assert len(keystone._get("projects")) == len(keystone._get("users")) == _LIST_LIMIT
    assert _converge(keystone, _USERS, _ENDPOINTS) == []


def test_namesakes_in_another_domain_are_others(keystone: Keystone) -> None:
    domain = keystone._post("domains", "domain", {"name": "customers"})["id"]
    other = keystone._post("users", "user", {"name": "cinder", "password": "x", "domain_id": domain})["id"]
    project = keystone._post("projects", "project", {"name": "service", "domain_id": domain})["id"]
    role = keystone.read([], "service", "RegionOne").roles["admin"]["id"]
    keystone._request("PUT", f"projects/{project}/users/{other}/roles/{role}")
    made = _converge(keystone, [User("cinder", "p", ["admin"])])
    assert made[-2:] == ["user cinder: it does not exist", "user cinder: it does not have role admin in project service"]
    assert keystone.accepts("cinder", "p")


def test_a_wrong_password_is_a_clear_error(url: str, keystone: Keystone) -> None:
    with pytest.raises(CatalogError, match=r"POST http://.*/v3/auth/tokens: HTTP 401") as caught:
        Keystone(url).login("admin", "wrong-password", "admin")
    assert (caught.value.status, caught.value.silent) == (401, False)
    assert "wrong-password" not in str(caught.value)
