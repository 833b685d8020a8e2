# SPDX-License-Identifier: Apache-2.0
"""A cloud whose users have an address of their own: what listens there, who is told of it, and who is not."""

from __future__ import annotations

import datetime
import pathlib
import re

import pytest
from cryptography import x509

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates
from tests.unit.roles.rendering import Host, lines
from tests.unit.roles.test_definitions import hosts

INTERNAL, PUBLIC, NAME = "192.0.2.100", "198.51.100.100", "cloud.example.org"
#: What users ask.
APIS = {"keystone_api", "glance_api", "placement_api", "nova_api", "nova_novncproxy", "neutron_api", "horizon", "barbican_api"}


@pytest.fixture(scope="module")
def region() -> dict[str, Host]:
    return hosts("region", "2026.1", cloud_public_address=PUBLIC, cloud_public_fqdn=NAME.upper(), keepalived_public_interface="bond1")


def file(host: Host, path: str) -> str:
    return next(item["content"] for item in host["files"] if item["path"] == path)


def test_users_reach_what_is_for_them_and_nothing_else(region: dict[str, Host]) -> None:
    for name in ("control1", "control2", "control3"):
        found: dict[str, set[str]] = {}
        for frontend in re.split(r"^frontend ", file(region[name], "haproxy/config/haproxy.cfg"), flags=re.MULTILINE)[1:]:
            found[frontend.split()[0]] = set(re.findall(r"^ +bind ([\d.]+):\d+ ?(?:transparent)?", frontend, re.MULTILINE))
        public = {frontend for frontend, addresses in found.items() if PUBLIC in addresses}
        assert public == APIS
        # services find all of them at the other address
        assert {frontend for frontend, addresses in found.items() if INTERNAL in addresses} == APIS | {"nova_metadata", "mariadb"}
        assert f"bind {PUBLIC}:5000 transparent ssl crt /etc/haproxy/api.pem\n" in file(region[name], "haproxy/config/haproxy.cfg")


def test_each_address_moves_by_itself_on_its_interface(region: dict[str, Host]) -> None:
    text = file(region["control2"], "keepalived/config/keepalived.conf")
    internal, public = (part.split("}\n\n")[0] for part in text.split("vrrp_instance ")[1:])
    assert internal.startswith("api {") and public.startswith("public {")
    assert "virtual_router_id 51\n" in internal and "virtual_router_id 52\n" in public
    assert f"{INTERNAL}/32 dev bond0\n" in internal and PUBLIC not in internal and "track_interface" not in internal
    assert f"{PUBLIC}/32 dev bond1\n" in public and "track_interface {\n        bond1\n" in public
    for part in (internal, public):
        # elections go through the network of the hosts
        assert "    interface bond0\n" in part and "unicast_src_ip 192.0.2.12\n" in part and "priority 199\n" in part
        assert "track_script {\n        loadbalancer\n" in part
    (ready,) = (item["ready"]["command"] for item in region["control2"]["containers"] if item["name"] == "keepalived")
    assert ready[-2:] == ["api", "public"]
    hand_over = next(item["content"] for item in region["control2"]["files"] if item["path"].endswith("hand-over"))
    assert f'addresses="{INTERNAL} {PUBLIC}"' in hand_over


def test_users_are_told_their_name_and_services_the_other_address(region: dict[str, Host]) -> None:
    endpoints = region["control1"]["endpoints"]
    assert len(endpoints) >= 6
    for endpoint in endpoints:
        assert endpoint["public_url"].startswith(f"https://{NAME}:"), endpoint["name"]
        assert endpoint["internal_url"] == endpoint["public_url"].replace(NAME, INTERNAL)
    named = {line for line in lines(region) if NAME in line and "ALLOWED_HOSTS" not in line}
    expected = re.compile(r"www_authenticate_uri|novncproxy_base_url|host_href|public_url|prometheus\.yml|keystone_bootstrap")
    assert {line for line in named if not expected.search(line)} == set()
    for what in ("www_authenticate_uri", "novncproxy_base_url", "host_href", "prometheus.yml", "keystone_bootstrap"):
        assert any(what in line for line in named), what
    assert region["control1"]["admin_url"] == f"https://{INTERNAL}:5000/v3"
    neutron = file(region["control1"], "neutron_api/config/neutron.conf")
    assert len(re.findall(r"^endpoint_type = internal$", neutron, re.MULTILINE)) == 2
    dashboard = file(region["control1"], "horizon/config/local_settings.py")
    assert f'OPENSTACK_KEYSTONE_URL = "https://{INTERNAL}:5000/v3"' in dashboard
    assert all(f'"{host}"' in dashboard.split("ALLOWED_HOSTS")[1].split("\n")[0] for host in (INTERNAL, PUBLIC, NAME))


def test_the_certificate_is_for_both(region: dict[str, Host]) -> None:
    text = file(region["control1"], "haproxy/config/api.pem")
    certificate = x509.load_pem_x509_certificate(text.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {INTERNAL, PUBLIC, NAME}


@pytest.mark.parametrize(("inventory", "address"), [("aio", ""), ("region", INTERNAL)])
def test_without_one_nothing_differs(inventory: str, address: str) -> None:
    models = hosts(inventory, "2026.1", cloud_public_address=address)
    text = file(next(iter(models.values())), "haproxy/config/haproxy.cfg")
    binds = re.findall(r"^ +bind ([^ \n]+)", text, re.MULTILINE)
    assert len(binds) == len(set(binds))
    assert not any("endpoint_type = internal" in item["content"] for host in models.values() for item in host["files"])
    for endpoint in next(iter(models.values()))["endpoints"]:
        assert endpoint["public_url"] == endpoint["internal_url"]


def test_users_may_get_a_certificate_of_their_own(tmp_path: pathlib.Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    authority = certificates.make_authority(now)
    theirs = certificates.make_certificate(authority, [NAME], now)
    files = {"ca.crt": certificates.only(authority), "users.crt": certificates.only(theirs)}
    files["users.key"] = theirs.removeprefix(files["users.crt"])
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    given = {
        "cloud_public_address": PUBLIC,
        "cloud_public_fqdn": NAME,
        "cloud_tls_ca_file": f"{tmp_path}/ca.crt",
        "cloud_public_tls_certificate_file": f"{tmp_path}/users.crt",
        "cloud_public_tls_key_file": f"{tmp_path}/users.key",
    }
    host = hosts("region", "2026.1", "--limit", "control1", **given)["control1"]
    assert file(host, "haproxy/config/public.pem").startswith(files["users.crt"])
    # services have the cloud's own one, and trust both authorities
    own = file(host, "haproxy/config/api.pem")
    assert files["users.crt"] not in own
    # which is not for that name, so that the name tells HAProxy which one to present
    names = x509.load_pem_x509_certificate(own.encode()).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {INTERNAL, PUBLIC}
    trusted = [item["content"] for item in host["files"] if item["path"].endswith("/etc/caisson/ca.crt")]
    assert trusted and all(files["ca.crt"].strip() in text and text.count("BEGIN CERTIFICATE") == 2 for text in trusted)
    text = file(host, "haproxy/config/haproxy.cfg")
    assert f"bind {INTERNAL}:5000 transparent ssl crt /etc/haproxy/api.pem crt /etc/haproxy/public.pem\n" in text
    assert f"bind {PUBLIC}:5000 transparent ssl crt /etc/haproxy/public.pem crt /etc/haproxy/api.pem\n" in text
    assert f"bind {INTERNAL}:8775 transparent ssl crt /etc/haproxy/api.pem\n" in text
