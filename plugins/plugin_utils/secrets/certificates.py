# SPDX-License-Identifier: Apache-2.0
"""Certificates of the APIs: an authority of the cloud's own, what it signs and when that must be renewed. Pure.

Authorities and certificates are kept as PEM text, certificates first (an authority's newest first), then the private key. That
is also the form in which HAProxy reads them. Times are aware of their time zone.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import hmac
import ipaddress
import re
import typing as t

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:  # it comes with ansible-core on the controller, the only place where certificates are made
    pass

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import tls_client

#: Clients refuse certificates that are valid for longer.
LIFE = datetime.timedelta(days=397)
RENEW = datetime.timedelta(days=30)
#: An authority gets a successor while it still outlives what it signs, so that clients know both long before they meet the new one.
AUTHORITY_LIFE = datetime.timedelta(days=3650)
AUTHORITY_RENEW = LIFE + datetime.timedelta(days=365)
_SKEW = datetime.timedelta(hours=1)  # a host's clock may be behind
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_KEY_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


class CertificateError(ValueError):
    """A certificate, or its key, cannot serve; the message says why and never quotes either."""


@dataclasses.dataclass(kw_only=True)
class CertificateRequirement:
    """A certificate that a role needs: its name among the secrets, that of its authority, and the hosts it is for.

    Without a name only the authority is made; :func:`derive_certificate` makes the certificates of hosts from it.
    """

    authority: str
    name: str = ""
    hosts: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Expiry:
    """When a certificate ends."""

    subject: str
    ends: datetime.datetime

    def days_left(self, now: datetime.datetime) -> int:
        """Return whole days until then; negative afterwards."""
        return (self.ends - now).days


def expiries(text: str) -> list[Expiry]:
    """Return when each certificate in PEM *text* ends, in the order of the text."""
    return [Expiry(item.subject.rfc4514_string(), item.not_valid_after_utc) for item in _parse(text, "the text")]


def only(text: str) -> str:
    """Return the certificates in PEM *text*, without keys and remarks."""
    return "".join(f"{item}\n" for item in _CERTIFICATE.findall(text))


def due(current: t.Mapping[str, t.Any], required: t.Iterable[CertificateRequirement], now: datetime.datetime) -> dict[str, str]:
    """Return what has to be made, by name: what *current* does not have, what nears its end, what is for other hosts.

    A new authority keeps the certificates of its predecessors, and what these signed stays until it is due itself: clients
    verify the one and the other at any time.

    Raises:
        CertificateError: if something that is there cannot be read; the message names it.
    """
    made: dict[str, str] = {}
    for item in required:
        authority = made.get(item.authority, str(current.get(item.authority, "")))
        _check_key(authority, item.authority)
        if not authority or _left(authority, item.authority, now) < LIFE:
            authority = made[item.authority] = make_authority(now, authority, derives=not item.name)
        own = str(current.get(item.name, ""))
        _check_key(own, item.name)
        if item.name and (not own or _is_due(_parse(own, item.name)[0], item, authority, now)):
            made[item.name] = make_certificate(authority, item.hosts, now)
        # last: clients that this run has not reached yet do not know the successor
        if _left(authority, item.authority, now) < AUTHORITY_RENEW:
            made[item.authority] = make_authority(now, authority, derives=not item.name)
    return made


def _check_key(text: str, what: str) -> None:
    """Refuse a certificate whose key is not with it, unless there is nothing yet."""
    if text and _parse(text, what)[0].public_key() != _load_key(text, what).public_key():
        raise CertificateError(f"the private key of {what} is not that of its first certificate")


def _left(text: str, what: str, now: datetime.datetime) -> datetime.timedelta:
    return _parse(text, what)[0].not_valid_after_utc - now


def _is_due(own: x509.Certificate, item: CertificateRequirement, authority: str, now: datetime.datetime) -> bool:
    if own.not_valid_after_utc - now < RENEW or _names(own) != set(item.hosts):
        return True
    return not any(_issued(own, issuer) for issuer in _parse(authority, item.authority))


def make_authority(now: datetime.datetime, former: str = "", *, derives: bool = False) -> str:
    """Return a new authority, in front of those certificates of the *former* one that have not ended.

    From one that *derives* certificates, the same ones can be made again at any time: signatures of its kind of key have no random part.
    """
    key = ed25519.Ed25519PrivateKey.generate() if derives else ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    # a successor must not be mistaken for its predecessor
    name = _name(f"caisson CA {serial:040x}"[:24])
    builder = _builder(name, name, key.public_key(), serial, now, AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    kept = [_pem(item) for item in _parse(former, "the former authority") if item.not_valid_after_utc > now] if former else []
    return "".join([_pem(builder.sign(key, None if derives else hashes.SHA256())), *kept, _key_pem(key)])


def make_certificate(authority: str, hosts: t.Sequence[str], now: datetime.datetime) -> str:
    """Return a certificate with a new key for *hosts*, names and addresses, signed by the newest of *authority*."""
    issuer, signer = _parse(authority, "the authority")[0], _load_key(authority, "the authority")
    if not isinstance(signer, ec.EllipticCurvePrivateKey) or signer.public_key() != issuer.public_key():
        raise CertificateError("the key of the authority is not that of its first certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(hosts[0]), issuer.subject, key.public_key(), x509.random_serial_number(), now, LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage("digital_signature"), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    return _pem(builder.sign(signer, hashes.SHA256())) + _key_pem(key)


def derive_certificate(authority: str, hosts: t.Sequence[str]) -> str:
    """Return the certificate of *hosts*, names and addresses, as server and as client, with its key.

    Both follow from the authority, so nobody has to keep them, however many hosts there are. It is valid for as long as its authority.

    Raises:
        CertificateError: if the authority is not one that derives certificates.
    """
    issuer, signer = _parse(authority, "the authority")[0], _load_key(authority, "the authority")
    if not isinstance(signer, ed25519.Ed25519PrivateKey) or signer.public_key() != issuer.public_key():
        raise CertificateError("the key of the authority is not the Ed25519 key of its first certificate")
    seed = hmac.digest(signer.private_bytes_raw(), "\n".join(["certificate", *hosts]).encode(), "sha256")
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    serial = int.from_bytes(hashlib.sha256(key.public_key().public_bytes_raw()).digest()[:16], "big") + 1
    builder = x509.CertificateBuilder().subject_name(_name(hosts[0])).issuer_name(issuer.subject).public_key(key.public_key())
    builder = builder.serial_number(serial).not_valid_before(issuer.not_valid_before_utc).not_valid_after(issuer.not_valid_after_utc)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    # QEMU before 10.2 demands the second usage of every certificate
    builder = builder.add_extension(_usage("digital_signature", "key_encipherment"), critical=True)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    return _pem(builder.sign(signer, None)) + _key_pem(key)


def served(certificate: str, key: str, chain: str, authority: str, hosts: t.Iterable[str], prefix: str = "cloud_tls") -> str:
    """Return an operator's certificate as HAProxy reads it.

    Args:
        certificate: PEM text; certificates after the first belong to the chain.
        key: its private key, without a passphrase.
        chain: further certificates between it and the authority, if any.
        authority: certificates that clients trust.
        hosts: names and addresses that clients use.
        prefix: with which the names of the variables begin that name the files.

    Raises:
        CertificateError: if clients would refuse it now.
    """
    own, *between = _parse(certificate, f"{prefix}_certificate_file")
    between += _parse(chain, f"{prefix}_chain_file") if chain.strip() else []
    trusted = _parse(authority, "cloud_tls_ca_file")
    private = _load_key(key, f"{prefix}_key_file")
    if private.public_key() != own.public_key():
        raise CertificateError(f"{prefix}_key_file is not the key of {prefix}_certificate_file")
    try:
        presented = tls_client.check(private, own, between, trusted)
    except tls_client.RefusedError as error:
        raise CertificateError(f"{prefix}_certificate_file {error}") from None
    missing = [host for host in hosts if not presented.is_for(host)]
    if missing:
        known = ", ".join(sorted(_names(own))) or "no host (it has no subject alternative names)"
        raise CertificateError(f"{prefix}_certificate_file is for {known}, but clients also use {', '.join(missing)}")
    return "".join([*(_pem(item) for item in (own, *between)), _key_pem(private)])


def _issued(own: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        own.verify_directly_issued_by(issuer)
    except Exception:  # by whichever way the two do not fit: other names, kinds of keys, or a wrong signature
        return False
    return True


def _parse(text: str, what: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(only(text).encode())
    except ValueError:
        raise CertificateError(f"{what} contains no PEM certificate") from None


def _load_key(text: str, what: str) -> t.Any:
    try:
        return serialization.load_pem_private_key(text.encode(), password=None)
    except TypeError:
        hint = "which cannot be entered at a reload; encrypt its file with ansible-vault instead"
        raise CertificateError(f"{what} needs a passphrase, {hint}") from None
    except ValueError:
        raise CertificateError(f"{what} contains no PEM private key") from None


def _names(own: x509.Certificate) -> set[str]:
    try:
        names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: t.Any, serial: int, now: datetime.datetime, life: datetime.timedelta
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key).serial_number(serial)
    return builder.not_valid_before(now - _SKEW).not_valid_after(now + life)


def _usage(*used: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in used for name in _KEY_USAGES})


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: t.Any) -> str:
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return str(encoded.decode())
