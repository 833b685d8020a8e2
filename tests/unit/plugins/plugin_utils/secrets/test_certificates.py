# SPDX-License-Identifier: Apache-2.0
"""When certificates are made and renewed, what clients verify meanwhile, and what an operator's certificate must be."""

from __future__ import annotations

import datetime
import ipaddress
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import verification
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets.certificates import CertificateError, CertificateRequirement

NOW = datetime.datetime(2027, 1, 1, 12, tzinfo=datetime.UTC)
HOSTS = ["192.0.2.1", "api.example.org"]
NEEDED = [CertificateRequirement(name="own", authority="ca", hosts=HOSTS)]


def days(number: float) -> datetime.timedelta:
    return datetime.timedelta(days=number)


def made(now: datetime.datetime = NOW) -> dict[str, str]:
    return certificates.due({}, NEEDED, now)


def subject_name(host: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def accepts(trusted: str, served: str, host: str, now: datetime.datetime) -> bool:
    """Whether a strict client with these CA certificates accepts what a server presents."""
    own, *between = x509.load_pem_x509_certificates(served.encode())
    store = verification.Store(x509.load_pem_x509_certificates(trusted.encode()))
    verifier = verification.PolicyBuilder().store(store).time(now).build_server_verifier(subject_name(host))
    try:
        return bool(verifier.verify(own, between))
    except verification.VerificationError:
        return False


def test_what_is_missing_is_made_and_clients_accept_it() -> None:
    values = made()
    assert values.keys() == {"ca", "own"}
    assert all(accepts(certificates.only(values["ca"]), values["own"], host, NOW) for host in HOSTS)
    assert not accepts(certificates.only(values["ca"]), values["own"], "192.0.2.2", NOW)
    assert not accepts(certificates.only(made()["ca"]), values["own"], HOSTS[0], NOW), "another cloud's CA"


@pytest.mark.parametrize(
    ("later", "hosts", "expected"),
    [
        (0, HOSTS, set()),
        (0, HOSTS[::-1], set()),
        (366, HOSTS, set()),
        (367.5, HOSTS, {"own"}),
        (400, HOSTS, {"own"}),
        (0, HOSTS[:1], {"own"}),
        (0, [*HOSTS, "192.0.2.9"], {"own"}),
        (3650 - 397 - 366, HOSTS, {"own"}),
        (3650 - 397 - 364, HOSTS, {"ca", "own"}),
    ],
)
def test_a_certificate_is_renewed_in_time_and_for_other_hosts(later: float, hosts: list[str], expected: set[str]) -> None:
    assert certificates.due(made(), [CertificateRequirement(name="own", authority="ca", hosts=hosts)], NOW + days(later)).keys() == expected


def test_a_removed_authority_makes_everything_new() -> None:
    values = made()
    del values["ca"]
    assert certificates.due(values, NEEDED, NOW).keys() == {"ca", "own"}


def test_a_successor_of_the_authority_leaves_alone_what_the_former_one_signed() -> None:
    values = made()
    later = NOW + days(3650 - 400)
    values["own"] = certificates.make_certificate(values["ca"], HOSTS, later)
    assert certificates.due(values, NEEDED, later).keys() == {"ca"}


@given(st.lists(st.integers(1, 360), min_size=1, max_size=60))
def test_no_client_meets_a_certificate_that_it_cannot_verify(pauses: list[int]) -> None:
    """Runs at whatever times, a year apart at most: a client that missed the last run still accepts the new certificate."""
    values, now = made(), NOW
    for pause in pauses:
        known = certificates.only(values["ca"])
        now += days(pause)
        values |= certificates.due(values, NEEDED, now)
        assert accepts(certificates.only(values["ca"]), values["own"], HOSTS[0], now)
        assert accepts(known, values["own"], HOSTS[0], now)


def test_the_key_of_an_authority_stays_where_it_is() -> None:
    assert "PRIVATE KEY" in made()["ca"]
    assert "PRIVATE KEY" not in certificates.only(made()["ca"])


def test_days_left_are_known() -> None:
    values = made()
    (own,) = certificates.expiries(values["own"])
    assert (own.subject, own.days_left(NOW), own.days_left(NOW + days(396.5)), own.days_left(NOW + days(398))) == (
        "CN=192.0.2.1",
        397,
        0,
        -1,
    )
    assert [item.days_left(NOW) for item in certificates.expiries(values["ca"])] == [3650]


@pytest.mark.parametrize("name", ["ca", "own"])
def test_what_cannot_be_read_is_named_and_not_replaced(name: str) -> None:
    with pytest.raises(CertificateError, match=f"^{name} contains no PEM certificate$"):
        certificates.due(made() | {name: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, NEEDED, NOW)


# -- an operator's certificate ----------------------------------------------------------------------------------


def split(pem: str) -> tuple[str, str]:
    return certificates.only(pem), pem[pem.index("-----BEGIN PRIVATE KEY") :]


def served(**changes: t.Any) -> str:
    """Return what HAProxy would read; clients look at the clock themselves."""
    values = made(datetime.datetime.now(datetime.UTC))
    own, key = split(values["own"])
    arguments: dict[str, t.Any] = {
        "certificate": own,
        "key": key,
        "chain": "",
        "authority": certificates.only(values["ca"]),
        "hosts": HOSTS,
    }
    return certificates.served(**arguments | changes)


def with_passphrase() -> str:
    encrypted = serialization.BestAvailableEncryption(b"secret")
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encrypted).decode()


@pytest.mark.parametrize("name", ["ca", "own"])
def test_a_certificate_without_its_key_is_refused(name: str) -> None:
    alone, other = certificates.only(made()[name]), made()[name]
    with pytest.raises(certificates.CertificateError, match=f"{name} contains no PEM private key"):
        certificates.due(made() | {name: alone}, NEEDED, NOW)
    foreign = other[other.index("-----BEGIN PRIVATE KEY") :]
    with pytest.raises(certificates.CertificateError, match=f"the private key of {name} is not that of its first certificate"):
        certificates.due(made() | {name: certificates.only(made()[name]) + foreign}, NEEDED, NOW)


def test_an_accepted_certificate_is_in_the_form_of_the_load_balancer() -> None:
    text = served(hosts=[HOSTS[0]])
    assert [line for line in text.splitlines() if "BEGIN" in line] == ["-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----"]


def test_a_chain_leads_to_the_authority() -> None:
    """The authorities of the collection sign no others; what is asked here is the order and the completeness of the chain."""
    values = made(datetime.datetime.now(datetime.UTC))
    own, key = split(values["own"])
    text = served(certificate=own, key=key, chain=certificates.only(values["ca"]), authority=certificates.only(values["ca"]))
    assert text.count("BEGIN CERTIFICATE") == 2
    assert certificates.only(text).startswith(own)


def test_a_wildcard_is_for_the_names_of_its_domain() -> None:
    now = datetime.datetime.now(datetime.UTC)
    authority = certificates.make_authority(now)
    own, key = split(certificates.make_certificate(authority, ["*.example.org"], now))
    fits = {"certificate": own, "key": key, "authority": authority}
    assert served(**fits, hosts=["api.example.org"])
    for host in ("example.org", "a.b.example.org", "192.0.2.1"):
        with pytest.raises(CertificateError, match=rf"is for \*\.example\.org, but clients also use {host}"):
            served(**fits, hosts=[host])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"certificate": ""}, "cloud_tls_certificate_file contains no PEM certificate"),
        ({"authority": ""}, "cloud_tls_ca_file contains no PEM certificate"),
        ({"chain": "hello"}, "cloud_tls_chain_file contains no PEM certificate"),
        ({"key": "hello"}, "cloud_tls_key_file contains no PEM private key"),
        ({"key": split(made()["own"])[1]}, "cloud_tls_key_file is not the key of"),
        ({"key": with_passphrase()}, "cloud_tls_key_file needs a passphrase"),
        ({"hosts": [*HOSTS, "cloud.example.org"]}, "clients also use cloud.example.org$"),
        ({"authority": made()["ca"]}, "does not lead to a CA in cloud_tls_ca_file"),
    ],
)
def test_what_clients_would_refuse_is_refused(changes: dict[str, t.Any], message: str) -> None:
    with pytest.raises(CertificateError, match=message):
        served(**changes)


def test_the_variables_of_another_certificate_are_named() -> None:
    with pytest.raises(CertificateError, match=r"cloud_public_tls_certificate_file is for .*, but clients also use cloud\.example\.org$"):
        served(hosts=["cloud.example.org"], prefix="cloud_public_tls")
    with pytest.raises(CertificateError, match="cloud_public_tls_key_file is not the key of cloud_public_tls_certificate_file"):
        served(key=split(made()["own"])[1], prefix="cloud_public_tls")


def test_certificates_of_hosts_follow_from_an_authority_that_nobody_else_has() -> None:
    needed = [CertificateRequirement(authority="peers")]
    authority = certificates.due({}, needed, NOW)["peers"]
    assert certificates.due({"peers": authority}, needed, NOW) == {}
    one = certificates.derive_certificate(authority, ["192.0.2.1"])
    assert certificates.derive_certificate(authority, ["192.0.2.1"]) == one, "a run would change it each time"
    other = certificates.derive_certificate(authority, ["192.0.2.2"])
    assert len({text.partition("-----BEGIN PRIVATE")[2] for text in (authority, one, other)}) == 3
    (issuer,) = x509.load_pem_x509_certificates(authority.encode())
    (parsed,) = x509.load_pem_x509_certificates(one.encode())
    parsed.verify_directly_issued_by(issuer)
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["192.0.2.1"]
    stranger = certificates.due({}, needed, NOW)["peers"]
    (foreign,) = x509.load_pem_x509_certificates(certificates.derive_certificate(stranger, ["192.0.2.1"]).encode())
    with pytest.raises(ValueError, match="does not match"):
        foreign.verify_directly_issued_by(issuer)
    usage = parsed.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and usage.key_encipherment
    assert parsed.not_valid_after_utc == issuer.not_valid_after_utc


def test_an_authority_that_derives_certificates_has_a_successor_in_time() -> None:
    needed = [CertificateRequirement(authority="peers")]
    former = certificates.due({}, needed, NOW)["peers"]
    later = NOW + certificates.AUTHORITY_LIFE - certificates.AUTHORITY_RENEW + days(1)
    successor = certificates.due({"peers": former}, needed, later)["peers"]
    known = x509.load_pem_x509_certificates(successor.encode())
    for issuer, authority in zip(known, (successor, former), strict=True):
        own = x509.load_pem_x509_certificate(certificates.derive_certificate(authority, HOSTS).encode())
        own.verify_directly_issued_by(issuer)


def test_an_authority_of_another_kind_derives_no_certificate() -> None:
    with pytest.raises(CertificateError, match="not the Ed25519 key"):
        certificates.derive_certificate(made()["ca"], HOSTS)
