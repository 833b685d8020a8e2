# SPDX-License-Identifier: Apache-2.0
"""Whether TLS clients accept a certificate, found out by a handshake in memory, and which certificate is at error if they do not.

The rules of clients are many (dates, CA flags, path lengths, purposes, names and their constraints, strength of keys and
signatures) and OpenSSL has them all, so nothing of them is written down here: the certificate is presented to a client.
"""

from __future__ import annotations

import dataclasses
import datetime
import secrets
import ssl
import tempfile
import typing as t

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID
except ImportError:  # it comes with ansible-core on the controller, the only place where certificates are looked at
    pass

#: What HAProxy offers, see the template of its configuration.
_SERVER_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
_CLIENT_CIPHERS = "DEFAULT:@SECLEVEL=2"
#: OpenSSL as curl and Python before 3.13 use it; and as Python does since 3.13, in the images too (urllib3.util.ssl_).
_CLIENTS = (ssl.VERIFY_DEFAULT, ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN)
_OTHER_HOST = frozenset({62, 64})


class RefusedError(ValueError):
    """Clients refuse the certificate; the message says why."""


@dataclasses.dataclass(frozen=True)
class Link:
    """A certificate on the way from that of the server to the CA, and what an operator calls it."""

    certificate: x509.Certificate
    what: str


def check(key: t.Any, own: x509.Certificate, between: t.Sequence[x509.Certificate], trusted: t.Sequence[x509.Certificate]) -> Presented:
    """Return the certificate as a server presents it, once it is known that clients accept all but maybe the names.

    Args:
        key: the private key of *own*.
        between: certificates that the server sends as well.
        trusted: certificates that clients trust.

    Raises:
        RefusedError: if a client would not accept it.
    """
    way = _way(own, between, trusted)
    try:
        presented = Presented(_server(key, [own, *between]), "".join(map(_pem, trusted)))
        for flags in _CLIENTS:
            presented.handshake(flags)
    except ssl.SSLCertVerificationError as error:
        raise RefusedError(_explained(error.verify_code, error.verify_message, way)) from None
    except ssl.SSLError as error:
        reason = str(error.reason or error)
        raise RefusedError(_explained(_WEAK.get(reason, 0), reason.replace("_", " ").lower(), way)) from None
    return presented


@dataclasses.dataclass(frozen=True)
class Presented:
    """A server with its certificate, and what its clients trust."""

    server: ssl.SSLContext
    trusted: str

    def is_for(self, host: str) -> bool:
        """Return whether a client that asks for *host*, a name or an address, is content with the certificate's names."""
        try:
            self.handshake(_CLIENTS[-1], host)
        except ssl.SSLCertVerificationError as error:
            if error.verify_code in _OTHER_HOST:
                return False
            raise
        return True

    def handshake(self, flags: int, host: str = "") -> None:
        """Let a client connect.

        Raises:
            ssl.SSLError: if it refuses.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags = ssl.VerifyFlags(flags | ssl.VERIFY_X509_TRUSTED_FIRST)
        context.check_hostname = bool(host)
        context.hostname_checks_common_name = False
        context.set_ciphers(_CLIENT_CIPHERS)
        context.load_verify_locations(cadata=self.trusted)
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        sides = [
            context.wrap_bio(down, up, server_hostname=host or None),
            self.server.wrap_bio(up, down, server_side=True),
        ]
        while sides:
            for side in list(sides):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
                sides.remove(side)


def _server(key: t.Any, chain: t.Sequence[x509.Certificate]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_SERVER_CIPHERS)
    # Python reads keys from files only: what is on the disk for this moment is encrypted
    password = secrets.token_bytes(32).hex()
    encryption = serialization.BestAvailableEncryption(password.encode())
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    with tempfile.NamedTemporaryFile() as file:
        file.write("".join(map(_pem, chain)).encode() + text)
        file.flush()
        context.load_cert_chain(file.name, password=password)
    return context


def _way(own: x509.Certificate, between: t.Sequence[x509.Certificate], trusted: t.Sequence[x509.Certificate]) -> list[Link]:
    """Return the certificates from *own* to the CA as far as issuers are there."""
    way = [Link(own, "the certificate")]
    candidates = [*(Link(item, "the intermediate") for item in between), *(Link(item, "the CA") for item in trusted)]
    while following := next((link for link in candidates if _issued(way[-1].certificate, link.certificate)), None):
        candidates = [link for link in candidates if link.certificate != following.certificate]
        way.append(following)
    return way


def _issued(own: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        own.verify_directly_issued_by(issuer)
    except Exception:  # by whichever way the two do not fit: other names, kinds of keys, or a wrong signature
        return False
    return own != issuer


# -- why it was refused ------------------------------------------------------------------------------------------


def _extension(own: x509.Certificate, kind: type[t.Any]) -> t.Any:
    try:
        return own.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _is_ca(own: x509.Certificate) -> bool:
    basic = _extension(own, x509.BasicConstraints)
    return bool(basic and basic.ca)


def _permits_below(own: x509.Certificate, number: int) -> bool:
    basic = _extension(own, x509.BasicConstraints)
    return basic is None or basic.path_length is None or basic.path_length >= number


def _signs(own: x509.Certificate) -> bool:
    usage = _extension(own, x509.KeyUsage)
    return usage is None or usage.key_cert_sign


def _for_servers(own: x509.Certificate) -> bool:
    usage = _extension(own, x509.ExtendedKeyUsage)
    return usage is None or ExtendedKeyUsageOID.SERVER_AUTH in usage


def _agrees_keys(own: x509.Certificate) -> bool:
    usage = _extension(own, x509.KeyUsage)
    return usage is None or usage.digital_signature or usage.key_encipherment or usage.key_agreement


def _is_weak(own: x509.Certificate) -> bool:
    key = own.public_key()
    return key.key_size < 2048 if isinstance(key, rsa.RSAPublicKey) else getattr(key, "key_size", 256) < 224


def _weak_digest(own: x509.Certificate) -> bool:
    digest = own.signature_hash_algorithm
    return digest is not None and digest.digest_size < 28


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Reason:
    """What OpenSSL means by the code of an error.

    ``at_fault`` finds the certificate by itself and its place, 0 for the server's own; ``why`` and ``remedy`` complete the sentence.
    """

    at_fault: t.Callable[[x509.Certificate, int], bool]
    why: str
    remedy: str


def _may_sign(own: x509.Certificate) -> bool:
    return _is_ca(own) and _signs(own)


_LONGER = "take RSA of 2048 bits or more, or EC of 256"
_RENEW = "replace it by a renewed one"
_ISSUE = "have it reissued"
_NO_CA = Reason(lambda own, place: place > 0 and not _may_sign(own), "is not a CA certificate (basic constraints CA:TRUE)", _ISSUE)
_NO_SERVER = Reason(
    lambda own, place: not _for_servers(own) or not (_may_sign(own) if place else _agrees_keys(own)),
    "is not for servers (extended key usage serverAuth, key usage)",
    _ISSUE,
)
_CONSTRAINED = Reason(
    lambda own, place: place > 0 and _extension(own, x509.NameConstraints) is not None,
    "does not permit a name or address of the certificate (name constraints)",
    "use another CA, or other names",
)
_REASONS = {
    9: Reason(lambda own, place: own.not_valid_before_utc > _now(), "is valid only from {0:%Y-%m-%d %H:%M} UTC", "compare the clocks"),
    10: Reason(lambda own, place: own.not_valid_after_utc <= _now(), "has expired on {1:%Y-%m-%d}", _RENEW),
    # 24 before OpenSSL 3
    24: _NO_CA,
    79: _NO_CA,
    25: Reason(
        lambda own, place: place > 0 and not _permits_below(own, place - 1),
        "does not permit so many CA certificates below it (path length)",
        "remove one, or have it reissued with a larger path length",
    ),
    26: _NO_SERVER,
    32: Reason(lambda own, place: place > 0 and not _signs(own), "may not sign certificates (key usage keyCertSign)", _ISSUE),
    47: _CONSTRAINED,
    48: _CONSTRAINED,
    66: Reason(lambda own, place: place == 0, "has a key that is too short", _LONGER),
    67: Reason(lambda own, place: place > 0 and _is_weak(own), "has a key that is too short", _LONGER),
    68: Reason(lambda own, place: _weak_digest(own), "is signed with a digest that is too weak", "have it signed with SHA-256 or better"),
}
#: What a server says of its own certificates before any client sees them.
_WEAK = {"EE_KEY_TOO_SMALL": 66, "CA_KEY_TOO_SMALL": 67, "CA_MD_TOO_WEAK": 68}
_NO_WAY = frozenset({2, 18, 19, 20, 21})


def _explained(code: int, message: str, way: t.Sequence[Link]) -> str:
    if code in _NO_WAY:
        return f"does not lead to a CA in cloud_tls_ca_file ({message}); are the certificates between them in cloud_tls_chain_file?"
    reason = _REASONS.get(code)
    places = [(link, place) for place, link in enumerate(way)]
    link = next((link for link, place in places if reason and reason.at_fault(link.certificate, place)), None)
    if link is None or reason is None:
        return f"is refused by clients: {message}; have it, or the CA certificate in question, reissued"
    own = link.certificate
    why = reason.why.format(own.not_valid_before_utc, own.not_valid_after_utc)
    return f"is refused by clients: {link.what} {own.subject.rfc4514_string()!r} {why}; {reason.remedy}"


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
