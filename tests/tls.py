# SPDX-License-Identifier: Apache-2.0
"""Certificates for an engine behind TLS and for its client."""

from __future__ import annotations

import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def write_engine_certificates(directory: pathlib.Path, address: str = "127.0.0.1") -> None:
    """Write ``ca.pem``, ``cert.pem`` and ``key.pem`` of a client, and ``server.pem`` and ``server-key.pem`` of a server at *address*."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("CA", ca_key, ca_key, "CA", [(x509.BasicConstraints(ca=True, path_length=0), True), (_usage(ca=True), True)])
    _write(directory / "ca.pem", authority)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    for who, certificate, key_file in (("engine", "server.pem", "server-key.pem"), ("client", "cert.pem", "key.pem")):
        key = ec.generate_private_key(ec.SECP256R1())
        _write(directory / certificate, _certificate(who, key, ca_key, "CA", [(names, False), (issuer, False), (_usage(ca=False), True)]))
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (directory / key_file).write_bytes(key.private_bytes(*form))


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, issuer: str, extensions: list[tuple[object, bool]]
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name(issuer)).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    for extension, critical in extensions:
        assert isinstance(extension, x509.ExtensionType)
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)


def _write(path: pathlib.Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
