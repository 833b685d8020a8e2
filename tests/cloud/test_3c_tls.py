# SPDX-License-Identifier: Apache-2.0
"""What clients meet on the ports of the APIs, and how a certificate gives way to the next."""

from __future__ import annotations

import datetime
import http.client
import json
import pathlib
import ssl
import threading
import time
import typing as t
import urllib.request
from urllib.parse import urlsplit

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates, yaml_edit
from tests.cloud.conftest import API, Cloud, recap

ADDRESS = "127.0.9.1"
PORTS = {
    "keystone": 5000,
    "glance": 9292,
    "placement": 8778,
    "nova": 8774,
    "metadata": 8775,
    "neutron": 9696,
    "consoles": 6080,
    "dashboard": 8080,
}
CONFIG = pathlib.Path("/etc/caisson")


def ask(port: int, context: ssl.SSLContext, host: str = ADDRESS) -> http.client.HTTPResponse:
    """Return the answer of a port on a new connection."""
    connection = http.client.HTTPSConnection(host, port, timeout=30, context=context)
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def presented(port: int) -> str:
    """Return the certificate that a port presents, as PEM text."""
    return ssl.get_server_certificate((ADDRESS, port))


def login(cloud: Cloud) -> tuple[str, list[dict[str, t.Any]]]:
    """Return a token of the administrator, and the catalog."""
    user = {"name": "admin", "password": cloud.secrets["keystone_admin_password"], "domain": {"id": "default"}}
    scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    request = urllib.request.Request(f"{API}:5000/v3/auth/tokens", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30, context=cloud.tls) as answer:
        return answer.headers["X-Subject-Token"], json.load(answer)["token"]["catalog"]


def test_every_endpoint_of_the_catalog_is_one_that_clients_can_verify(cloud: Cloud) -> None:
    _token, catalog = login(cloud)
    urls = [urlsplit(endpoint["url"]) for service in catalog for endpoint in service["endpoints"]]
    assert len(urls) >= 10
    assert {(url.scheme, url.hostname) for url in urls} == {("https", ADDRESS)}
    for port in {url.port for url in urls}:
        assert port
        assert ask(port, cloud.tls).status < 500
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(port, ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt"))


@pytest.mark.parametrize("name", PORTS)
def test_a_port_speaks_nothing_but_modern_tls(cloud: Cloud, name: str) -> None:
    answer = ask(PORTS[name], cloud.tls)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    plain = http.client.HTTPConnection(ADDRESS, PORTS[name], timeout=30)
    plain.request("GET", "/")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        plain.getresponse()
    old, newer = cloud.tls, cloud.tls
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        ask(PORTS[name], old)
    newer.maximum_version = ssl.TLSVersion.TLSv1_2
    assert ask(PORTS[name], newer).status < 500


def test_a_token_works_with_services_that_ask_each_other(cloud: Cloud) -> None:
    token, _catalog = login(cloud)
    # nova passes these on to glance and neutron
    for url in (f"{API}:8774/v2.1/images", f"{API}:8774/v2.1/os-floating-ips", f"{API}:9696/v2.0/networks", f"{API}:9292/v2/images"):
        request = urllib.request.Request(url, headers={"X-Auth-Token": token})
        with urllib.request.urlopen(request, timeout=60, context=cloud.tls) as answer:
            assert answer.status == 200


def test_the_key_is_for_the_load_balancer_only(cloud: Cloud) -> None:
    keys = [path for path in CONFIG.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert keys == [CONFIG / "haproxy/config/api.pem"]
    state = keys[0].stat()
    assert (f"{state.st_mode & 0o7777:o}", state.st_uid, state.st_gid) == ("640", 0, 42454)
    # the key of the CA never leaves the controller
    assert certificates.only(cloud.secrets["cloud_authority"]) == (cloud.root / "inventory/aio/ca.crt").read_text()


class Visitor:
    """Makes new connections all the time, and notes what fails."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context, self._stop = context, threading.Event()
        self._thread = threading.Thread(target=self._visit)
        self.visits, self.failures = 0, list[str]()

    def __enter__(self) -> t.Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _visit(self) -> None:
        while not self._stop.wait(0.02):
            self.visits += 1
            try:
                ask(PORTS["keystone"], self._context)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{time.strftime('%T')} {error!r}")


def started(cloud: Cloud) -> str:
    return cloud.containers["haproxy"]["State"]["StartedAt"]


def test_a_certificate_near_its_end_is_renewed_without_losing_a_connection(cloud: Cloud) -> None:
    path = cloud.root / "inventory/aio/secrets.yml"
    long_ago = datetime.datetime.now(datetime.UTC) - certificates.LIFE + datetime.timedelta(days=29)
    ending = certificates.make_certificate(cloud.secrets["cloud_authority"], [ADDRESS], long_ago)
    path.write_text(yaml_edit.edit(path.read_text(), {"cloud_certificate": ending}))
    before = started(cloud)
    with Visitor(cloud.tls) as visitor:
        cloud.play("site")
        (renewed,) = certificates.expiries(presented(5000))
    print(f"{visitor.visits} connections, {len(visitor.failures)} failed")
    assert renewed.days_left(datetime.datetime.now(datetime.UTC)) >= 396
    assert (visitor.failures, started(cloud)) == ([], before)
    assert recap(cloud.play("site"))["changed"] == 0
    assert f"certificate API (CN={ADDRESS}) ends {renewed.ends:%Y-%m-%d}" in cloud.play("status")


def test_a_certificate_that_clients_would_refuse_changes_nothing(cloud: Cloud) -> None:
    own = str(cloud.root / "inventory/aio/ca.crt")
    before = presented(5000)
    text = cloud.play("site", "-e", json.dumps({"cloud_tls_certificate_file": own, "cloud_tls_key_file": own}), check=False)
    assert "nothing was changed" in text
    assert "cloud_tls_key_file contains no PEM private key" in text
    assert presented(5000) == before
