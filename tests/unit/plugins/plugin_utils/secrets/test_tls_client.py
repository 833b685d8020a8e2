# SPDX-License-Identifier: Apache-2.0
"""Certificates of all kinds: accepted exactly if OpenSSL accepts them in both ways in which clients use it."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import pathlib
import subprocess
import tempfile
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets.certificates import CertificateError

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
HOST = "api.example.org"
ADDRESS = "192.0.2.10"
EC = ec.generate_private_key(ec.SECP256R1())
SHORT = rsa.generate_private_key(65537, 1024)
LONG = rsa.generate_private_key(65537, 2048)
UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
ALL_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def usage(*used: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in used for name in ALL_USAGES})


@dataclasses.dataclass(frozen=True)
class Spec:
    """How one certificate differs from what a careful CA would issue."""

    key: t.Any = None
    days: tuple[int, int] = (-1, 300)
    ca: bool | None = None
    critical: bool = True
    path: int | None = None
    usages: tuple[str, ...] | None = ()
    purposes: tuple[t.Any, ...] = ()
    names: tuple[str, ...] | None = None
    common_name: str = ""
    digest: str = ""
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    identifiers: bool = True


@dataclasses.dataclass(frozen=True)
class Made:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: t.Any

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return str(self.key.private_bytes(*kinds).decode())


def general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def issue(name: str, spec: Spec, by: Made | None, is_ca: bool) -> Made:
    """Return a certificate as *spec* says, signed by *by* or by itself."""
    key = spec.key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, spec.common_name or name)])
    signer, issuer = (by.key, by.certificate.subject) if by else (key, subject)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    start, end = (NOW + datetime.timedelta(days=days) for days in spec.days)
    builder = builder.not_valid_before(start).not_valid_after(end)
    ca = is_ca if spec.ca is None else spec.ca
    extensions: list[tuple[x509.ExtensionType, bool]] = [(x509.BasicConstraints(ca, spec.path if ca else None), spec.critical), *spec.extra]
    if spec.usages is not None:
        extensions.append((usage(*(spec.usages or (("key_cert_sign", "crl_sign") if ca else ("digital_signature",)))), True))
    if spec.purposes:
        extensions.append((x509.ExtendedKeyUsage(spec.purposes), False))
    if spec.names:
        extensions.append((x509.SubjectAlternativeName(map(general_name, spec.names)), False))
    if spec.identifiers:
        extensions.append((x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
        if by:
            extensions.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), False))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    made = Made(builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()), key)
    return signed_weakly(made, by or made, spec.digest) if spec.digest else made


def signed_weakly(made: Made, by: Made, digest: str) -> Made:
    """Return the certificate with a signature as the library for Python does not make them any more."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(made.certificate.subject)
    for extension in made.certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    request = builder.sign(made.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    with tempfile.TemporaryDirectory() as directory:
        paths = [pathlib.Path(directory) / name for name in ("own", "by", "key")]
        for path, text in zip(paths, (request, by.pem, by.key_pem), strict=True):
            path.write_text(text)
        own, issuer, key = map(str, paths)
        signer = ["-signkey", key] if made is by else ["-CA", issuer, "-CAkey", key]
        command = ["openssl", "x509", "-req", "-in", own, *signer, f"-{digest}", "-copy_extensions", "copyall", "-days", "300"]
        command += ["-set_serial", "1"]
        signed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return Made(x509.load_pem_x509_certificate(signed), made.key)


@dataclasses.dataclass(frozen=True)
class Case:
    """What an operator configures; ``says`` is what the refusal must mention, nothing if it is accepted."""

    own: Made
    chain: tuple[Made, ...]
    trusted: tuple[Made, ...]
    says: str = ""
    host: str = HOST


def chain(
    says: str = "", leaf: Spec = Spec(), middle: Spec | None = Spec(path=0), root: Spec = Spec(), host: str = HOST, sends: bool = True
) -> Case:
    """Return root, intermediate and leaf, changed as the specs say."""
    top = issue("root", root, None, is_ca=True)
    between = issue("intermediate", middle, top, is_ca=True) if middle else top
    own = issue("server", dataclasses.replace(leaf, names=(HOST, ADDRESS) if leaf.names is None else leaf.names), between, is_ca=False)
    return Case(own, (between,) if middle and sends else (), (top,), says, host)


def reordered() -> Case:
    top = issue("root", Spec(), None, is_ca=True)
    first = issue("first", Spec(), top, is_ca=True)
    second = issue("second", Spec(), first, is_ca=True)
    return Case(issue("server", Spec(names=(HOST,)), second, is_ca=False), (first, second), (top,))


def with_others() -> Case:
    made, other = chain(), chain()
    return dataclasses.replace(made, chain=(*other.chain, *made.chain, *made.trusted, *other.trusted))


def cross_signed(trusts_new: bool) -> Case:
    key = ec.generate_private_key(ec.SECP256R1())
    old, new = issue("old root", Spec(), None, is_ca=True), issue("new root", Spec(key=key), None, is_ca=True)
    crossed = issue("new root", Spec(key=key), old, is_ca=True)
    own = issue("server", Spec(names=(HOST,)), new, is_ca=False)
    return Case(own, (crossed,), (new if trusts_new else old,))


def intermediate_only() -> Case:
    made = chain()
    return dataclasses.replace(made, chain=(), trusted=made.chain, says="does not lead to a CA in cloud_tls_ca_file")


def intermediate_in_ca_file() -> Case:
    made = chain()
    return dataclasses.replace(made, chain=(), trusted=(*made.chain, *made.trusted))


def self_signed(**changes: t.Any) -> Case:
    own = issue("server", Spec(names=(HOST,), **changes), None, is_ca=False)
    return Case(own, (), (own,))


def same_name_other_key() -> Case:
    made, other = chain(), chain()
    return dataclasses.replace(made, trusted=other.trusted, says="does not lead to a CA in cloud_tls_ca_file")


CLIENT, SERVER, ANY = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
PERMITS = x509.NameConstraints([x509.DNSName("example.net")], None)
PERMITS_ADDRESSES = x509.NameConstraints([x509.IPAddress(ipaddress.ip_network("198.51.100.0/24"))], None)
EXCLUDES = x509.NameConstraints(None, [x509.DNSName("example.org")])
ALLOWS = x509.NameConstraints([x509.DNSName("example.org"), x509.IPAddress(ipaddress.ip_network("192.0.2.0/24"))], None)
ENDED, LATER = (-30, -1), (1, 30)

CASES = {
    "good": chain(),
    "good address": chain(host=ADDRESS),
    "no intermediate": chain(middle=None),
    "leaf ended": chain("the certificate 'CN=server' has expired on", leaf=Spec(days=ENDED)),
    "intermediate ended": chain("the intermediate 'CN=intermediate' has expired on", middle=Spec(days=ENDED)),
    "root ended": chain("the CA 'CN=root' has expired on", root=Spec(days=ENDED)),
    "leaf not yet valid": chain("the certificate 'CN=server' is valid only from .* compare the clocks", leaf=Spec(days=LATER)),
    "intermediate not yet valid": chain("the intermediate 'CN=intermediate' is valid only from", middle=Spec(days=LATER)),
    "root not yet valid": chain("the CA 'CN=root' is valid only from", root=Spec(days=LATER)),
    "intermediate is not a CA": chain("the intermediate 'CN=intermediate' is not a CA", middle=Spec(ca=False)),
    "root is not a CA": chain("the CA 'CN=root' is not a CA", root=Spec(ca=False)),
    "intermediate must not sign": chain("the intermediate 'CN=intermediate' is not a CA", middle=Spec(usages=("digital_signature",))),
    "CA flag not critical": chain("Basic Constraints of CA cert not marked critical", root=Spec(critical=False)),
    "path too long": chain("the CA 'CN=root' does not permit so many CA certificates below it", root=Spec(path=0)),
    "path just long enough": chain(root=Spec(path=1)),
    "CA without key usage": chain("CA cert does not include key usage extension", root=Spec(usages=None)),
    "leaf without key usage": chain(leaf=Spec(usages=None)),
    "leaf must not sign": chain("the certificate 'CN=server' is not for servers", leaf=Spec(usages=("content_commitment",))),
    "no key identifiers": chain("Missing Authority Key Identifier", leaf=Spec(identifiers=False)),
    "names permitted": chain(middle=Spec(extra=((ALLOWS, True),))),
    "names not permitted": chain("the intermediate 'CN=intermediate' does not permit a name", middle=Spec(extra=((PERMITS, True),))),
    "address not permitted": chain("does not permit a name", middle=Spec(extra=((PERMITS_ADDRESSES, True),))),
    "names excluded": chain("does not permit a name", root=Spec(extra=((EXCLUDES, True),))),
    "for clients only": chain("the certificate 'CN=server' is not for servers", leaf=Spec(purposes=(CLIENT,))),
    "for servers": chain(leaf=Spec(purposes=(SERVER,))),
    "for servers and clients": chain(leaf=Spec(purposes=(SERVER, CLIENT))),
    "for anything": chain("the certificate 'CN=server' is not for servers", leaf=Spec(purposes=(ANY,))),
    "CA for clients only": chain("the intermediate 'CN=intermediate' is not for servers", middle=Spec(purposes=(CLIENT,))),
    "RSA 1024": chain("the certificate 'CN=server' has a key that is too short", leaf=Spec(key=SHORT)),
    "RSA 1024 intermediate": chain("the intermediate 'CN=intermediate' has a key that is too short", middle=Spec(key=SHORT)),
    "RSA 1024 root": chain("the CA 'CN=root' has a key that is too short", root=Spec(key=SHORT)),
    "RSA 2048": chain(leaf=Spec(key=LONG), middle=Spec(key=LONG), root=Spec(key=LONG)),
    "RSA for encipherment": chain(leaf=Spec(key=LONG, usages=("key_encipherment",))),
    "P-384": chain(leaf=Spec(key=ec.generate_private_key(ec.SECP384R1()))),
    "Ed25519": chain(leaf=Spec(key=ed25519.Ed25519PrivateKey.generate()), root=Spec(key=ed25519.Ed25519PrivateKey.generate())),
    "SHA-1": chain("the certificate 'CN=server' is signed with a digest that is too weak", leaf=Spec(digest="sha1")),
    "SHA-1 intermediate": chain("the intermediate 'CN=intermediate' is signed with a digest", middle=Spec(digest="sha1")),
    "MD5": chain("the certificate 'CN=server' is signed with a digest", leaf=Spec(digest="md5"), middle=Spec(key=LONG)),
    "SHA-1 root": chain(root=Spec(digest="sha1")),
    "self-signed": self_signed(),
    "self-signed CA": self_signed(ca=True, usages=("digital_signature", "key_cert_sign")),
    "cross-signed, new": cross_signed(trusts_new=True),
    "cross-signed, old": cross_signed(trusts_new=False),
    "wrong order": reordered(),
    "others as well": with_others(),
    "intermediate not sent": chain("does not lead to a CA in cloud_tls_ca_file", sends=False),
    "intermediate in the CA file": intermediate_in_ca_file(),
    "only the intermediate in the CA file": intermediate_only(),
    "CA of the same name": same_name_other_key(),
    "critical unknown extension": chain("unhandled critical extension", leaf=Spec(extra=((UNKNOWN, True),))),
    "unknown extension": chain(leaf=Spec(extra=((UNKNOWN, False),))),
    "wildcard": chain(leaf=Spec(names=("*.example.org",))),
    "wildcard, two labels": chain("is for .* clients also use a.api", leaf=Spec(names=("*.example.org",)), host="a.api.example.org"),
    "wildcard, its domain": chain("is for .* clients also use", leaf=Spec(names=("*.example.org",)), host="example.org"),
    "wildcard, address": chain("is for .* clients also use", leaf=Spec(names=("*.example.org",)), host=ADDRESS),
    "wildcard within": chain("is for .* clients also use", leaf=Spec(names=("api.*.org",))),
    "wildcard for a top level": chain("is for .* clients also use", leaf=Spec(names=("*.org",)), host="example.org"),
    "capitals": chain(leaf=Spec(names=("API.Example.ORG",))),
    "other name": chain("is for www.example.org, but clients also use api", leaf=Spec(names=("www.example.org",))),
    "other address": chain("clients also use 192.0.2.11", host="192.0.2.11"),
    "address as a name": chain("clients also use", leaf=Spec(names=(HOST,), extra=()), host=ADDRESS),
    "no names": chain("is for no host .* clients also use", leaf=Spec(names=())),
    "name in letters of its own": chain(leaf=Spec(names=("xn--bcher-kva.example.org",)), host="xn--bcher-kva.example.org"),
}


def refusal(case: Case) -> str:
    chain, trusted = ("".join(item.pem for item in made) for made in (case.chain, case.trusted))
    try:
        certificates.served(case.own.pem, case.own.key_pem, chain, trusted, [case.host])
    except CertificateError as error:
        return str(error)
    return ""


def openssl_accepts(case: Case, directory: pathlib.Path, *flags: str) -> bool:
    """Return what the command says, whose code is not the one of Python's module."""
    paths = {name: directory / name for name in ("own", "chain", "trusted")}
    paths["own"].write_text(case.own.pem)
    paths["chain"].write_text("".join(made.pem for made in case.chain) or case.own.pem)
    paths["trusted"].write_text("".join(made.pem for made in case.trusted))
    name = ["-verify_ip" if case.host[0].isdigit() else "-verify_hostname", case.host]
    command = ["openssl", "verify", "-no-CApath", "-no-CAstore", "-purpose", "sslserver", "-auth_level", "2", *name, *flags]
    files = ["-CAfile", str(paths["trusted"]), "-untrusted", str(paths["chain"]), str(paths["own"])]
    return subprocess.run([*command, *files], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", CASES)
def test_a_certificate_is_refused_with_its_reason_or_accepted(name: str) -> None:
    case = CASES[name]
    found = refusal(case)
    assert bool(found) == bool(case.says), found
    if case.says:
        with pytest.raises(CertificateError, match=case.says):
            raise CertificateError(found)
        assert "PRIVATE KEY" not in found


@pytest.mark.parametrize("name", CASES)
def test_openssl_agrees(name: str, tmp_path: pathlib.Path) -> None:
    """The two ways are those of curl and older Pythons, and of Python 3.13, with which the services ask each other."""
    case = CASES[name]
    both = openssl_accepts(case, tmp_path) and openssl_accepts(case, tmp_path, "-x509_strict", "-partial_chain")
    assert both == (not case.says), name


def test_a_name_in_the_subject_only_is_one_that_python_does_not_read(tmp_path: pathlib.Path) -> None:
    case = chain("is for no host", leaf=Spec(names=(), common_name=HOST))
    assert "is for no host (it has no subject alternative names), but clients also use api.example.org" in refusal(case)
    assert openssl_accepts(case, tmp_path), "OpenSSL's default, which urllib3 2 turns off"


def test_a_wildcard_for_a_part_of_a_label_is_one_that_python_does_not_read(tmp_path: pathlib.Path) -> None:
    case = chain(leaf=Spec(names=("ap*.example.org",)))
    assert "is for ap*.example.org, but clients also use api.example.org" in refusal(case)
    assert openssl_accepts(case, tmp_path), "OpenSSL's default, which Python turns off"


def test_a_key_that_the_load_balancer_cannot_use_is_refused() -> None:
    assert "no shared cipher" in refusal(chain(leaf=Spec(key=dsa.generate_private_key(2048))))


def test_the_key_is_not_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert refusal(chain()) == ""
    assert list(tmp_path.iterdir()) == []
