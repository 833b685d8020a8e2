# SPDX-License-Identifier: Apache-2.0
"""Names of the APIs: which ones are refused, and when a machine finds the load balancer by one."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import api_name
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.api_name import ApiName


@pytest.mark.parametrize(
    "name", ["cloud.example.org", "cloud", "Cloud.Example.ORG", "a-1.example", "xn--bcher-kva.example.org", f"{'a' * 63}.org"]
)
def test_names_of_hosts_pass(name: str) -> None:
    assert api_name.check(ApiName(name, "192.0.2.10")) == ""
    assert api_name.check_hosts([name, "192.0.2.10"]) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my_cloud.example.org", "has an underscore, .* use a hyphen"),
        ("cloud.example.org.", "ends with a dot, .* use cloud.example.org$"),
        (".", "ends with a dot"),
        ("*.example.org", "is a wildcard, which no client can ask for"),
        ("bücher.example.org", "use xn--bcher-kva.example.org"),
        ("ü..org", "is not a host name"),
        ("https://cloud.example.org", "a name alone, without scheme, port and path"),
        ("cloud.example.org:5000", "a name alone"),
        ("cloud.example.org/v3", "a name alone"),
        ("cloud..example.org", "is not a host name"),
        ("-cloud.example.org", "is not a host name"),
        ("cloud-.example.org", "is not a host name"),
        ("my cloud", "is not a host name"),
        ("$(id)", "is not a host name"),
        ("cloud.example.org\n", "is not a host name"),
        ("10.1.2", "is not a host name"),
        (f"{'a' * 64}.org", "is not a host name"),
        (".".join(["a" * 60] * 5), "is not a host name"),
    ],
)
def test_what_is_no_name_of_a_host_is_refused(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        raise ValueError(api_name.check(ApiName(name, "192.0.2.10")))
    assert api_name.check_hosts(["192.0.2.10", name]) == [api_name.check(ApiName(name, "192.0.2.10"))]


@pytest.mark.parametrize("name", ["192.0.2.10", "2001:db8::1"])
def test_an_address_has_its_own_variable(name: str) -> None:
    assert f"'{name}' is an address; set cloud_api_address to it" in api_name.check(ApiName(name, "192.0.2.10"))
    users = ApiName(name, "192.0.2.10", "cloud_public_fqdn", "cloud_public_address")
    assert f"'{name}' is an address; set cloud_public_address to it" in api_name.check(users)


def test_a_machine_must_find_the_load_balancer_and_nothing_else() -> None:
    def misled(*found: str) -> str:
        return api_name.misled(ApiName("cloud.example.org", "192.0.2.10"), found, "the controller")

    assert misled("192.0.2.10") == ""
    assert misled().endswith("but the controller does not resolve it; correct DNS or /etc/hosts there")
    assert "must resolve to cloud_api_address, 192.0.2.10, and to nothing else, but the controller resolves it to 192.0.2.9;" in misled(
        "192.0.2.9"
    )
    assert "resolves it to 192.0.2.10 and 2001:db8::1" in misled("192.0.2.10", "2001:db8::1")


def test_what_a_machine_resolves_is_found() -> None:
    assert "127.0.0.1" in api_name.resolve("localhost")
    assert api_name.resolve("cloud.invalid") == []
