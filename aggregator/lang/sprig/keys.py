"""Private keys and certificates in PEM, as sprig's Go code lays them out; this file loads `cryptography`."""

from __future__ import annotations

import datetime as dt
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aggregator.errors import LanguageError
from aggregator.lang.goformat import go_value

if TYPE_CHECKING:
    from collections.abc import Sequence

PUBLIC_EXPONENT = 65_537
DAY_LIMIT = 2_900_000
TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL
PKCS8 = serialization.PrivateFormat.PKCS8


class Pair(NamedTuple):
    """A certificate and its private key, both in PEM."""

    certificate: str
    key: str


class Request(NamedTuple):
    """What a certificate is for."""

    name: str
    addresses: tuple[Any, ...]
    hosts: tuple[str, ...]
    not_before: int
    days: int


def new_key(kind: str, bits: int) -> Any:
    """A new private key of the kind rsa, dsa, ecdsa (P-256) or ed25519."""
    if kind == "rsa":
        return rsa.generate_private_key(PUBLIC_EXPONENT, bits)
    if kind == "dsa":
        return dsa.generate_private_key(bits)
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else ed25519.Ed25519PrivateKey.generate()


def key_pem(key: Any) -> str:
    """RSA, DSA and EC keys in their own formats, all others in PKCS #8."""
    own = isinstance(key, (rsa.RSAPrivateKey, dsa.DSAPrivateKey, ec.EllipticCurvePrivateKey))
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, TRADITIONAL if own else PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


def read_key(pem: str) -> Any:
    try:
        return serialization.load_pem_private_key(pem.encode("utf-8", "replace"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise LanguageError(f"parsing the private key: {e}", hint="give it in PEM, without a passphrase") from e


def read_certificate(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode("utf-8", "replace"))
    except ValueError as e:
        raise LanguageError(f"parsing the certificate: {e}", hint="give it in PEM") from e


def addresses_of(values: Sequence[Any]) -> tuple[Any, ...]:
    found = []
    for value in values:
        if not isinstance(value, str):
            raise LanguageError(f"error parsing ip: {go_value(value)} is not a string")
        try:
            found.append(ip_address(value))
        except ValueError as e:
            raise LanguageError(f"error parsing ip: {value}") from e
    return tuple(found)


def hosts_of(values: Sequence[Any]) -> tuple[str, ...]:
    for value in values:
        if not isinstance(value, str):
            raise LanguageError(f"error processing alternate dns name: {go_value(value)} is not a string")
    return tuple(values)


def sign(request: Request, key: Any, issuer: tuple[x509.Certificate, Any] | None, *, authority: bool) -> Pair:
    """A certificate for the key, signed by the issuer's key or, without one, by its own."""
    begin = dt.datetime.fromtimestamp(request.not_before, dt.UTC)
    days = max(-DAY_LIMIT // 100, min(DAY_LIMIT, request.days))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, request.name)] if request.name else [])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days))
        .add_extension(usage(authority=authority), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in request.hosts]
    names += [x509.IPAddress(address) for address in request.addresses]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signer = issuer[1] if issuer else key
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    certificate = builder.sign(signer, digest)
    return Pair(certificate.public_bytes(serialization.Encoding.PEM).decode(), key_pem(key))


def usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
