# SPDX-License-Identifier: Apache-2.0
"""The client of the APIs: logins, tokens, endpoints and errors. TLS is tested with the catalog."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import openstack_api
from ansible_collections.caisson.openstack.plugins.module_utils.common.openstack_api import ApiError, Client, Session
from tests.fake_cloud import PASSWORD, REGION, FakeCloud


@pytest.fixture
def cloud() -> t.Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        yield cloud


def _session(cloud: FakeCloud, **options: t.Any) -> Session:
    return Session(cloud.auth, **{"region": REGION, **options})


def test_one_login_serves_all_requests_and_the_identity_api_has_a_version(cloud: FakeCloud) -> None:
    session = _session(cloud)
    assert session.send("GET", "compute", "/os-keypairs").json() == {"keypairs": []}
    assert session.fetch(f"{cloud.url}/image/v2/images").status == 200
    assert session.another_token().status == 201
    assert session.token().urls["identity"] == cloud.auth["auth_url"]
    assert cloud.logins == 1


def test_a_token_is_renewed_a_minute_before_it_expires() -> None:
    for lifetime, logins in ((openstack_api.MARGIN - 1, 2), (openstack_api.MARGIN + 60, 1)):
        with FakeCloud(lifetime=lifetime) as cloud:
            session = _session(cloud)
            assert session.token().expiry == pytest.approx(time.time() + lifetime, abs=30)
            session.token()
            assert cloud.logins == logins


def test_a_refused_token_is_replaced_by_the_next_request(cloud: FakeCloud) -> None:
    session = _session(cloud)
    session.token()
    cloud.tokens.clear()
    assert [session.send("GET", "compute", "/os-keypairs").status for _ in range(2)] == [401, 200]
    assert cloud.logins == 2


@pytest.mark.parametrize("options", [{"region": "Elsewhere"}, {"interface": "admin"}])
def test_only_endpoints_of_the_region_and_interface_are_used(cloud: FakeCloud, options: dict[str, str]) -> None:
    with pytest.raises(ApiError, match=r"the catalog has no \w+ endpoint of type compute in region \w+"):
        _session(cloud, **options).send("GET", "compute", "/os-keypairs")


def test_a_failed_login_says_what_keystone_answered_but_no_password(cloud: FakeCloud) -> None:
    cloud.rule = lambda _method, _path: 503
    with pytest.raises(ApiError, match=r"^POST http://.*/identity/auth/tokens: HTTP 503: .*as the test wants it") as caught:
        _session(cloud).token()
    assert caught.value.kind == "HTTP 503"
    assert PASSWORD not in str(caught.value)


def test_another_server_than_keystone_is_named(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "answer", lambda *_request: (200, {}, {"welcome": 1}))
    with pytest.raises(ApiError, match="the answer is not that of Keystone"):
        _session(cloud).token()


def test_an_answer_that_takes_too_long_is_an_error(cloud: FakeCloud) -> None:
    cloud.rule = lambda _method, _path: time.sleep(0.5)
    with pytest.raises(ApiError, match="no answer") as caught:
        Client(limit=0.2).send("GET", cloud.url)
    assert caught.value.kind == "TimeoutError"


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ApiError, match=r"^GET http://127.0.0.1:1/: no answer \(.*Connection refused\)$") as caught:
        Client().send("GET", "http://127.0.0.1:1/")
    assert caught.value.kind == "ConnectionRefusedError"
