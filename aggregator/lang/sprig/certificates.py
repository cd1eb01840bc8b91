"""Sprig's certificates: made once, kept with the run, with the fields Cert and Key in PEM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from aggregator.errors import LanguageError
from aggregator.lang.gostring import from_bytes
from aggregator.lang.govalue import GoObject
from aggregator.lang.sprig.crypto import kept
from aggregator.lang.sprig.encoding import CorruptInputError, decode_base64
from aggregator.lang.sprig.signature import CERTIFICATE, INT, LIST, STRING, Family

if TYPE_CHECKING:
    from aggregator.lang.context import Context

FAMILY = Family("Certificates")
RSA_BITS: Final = 2048
SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Certificate(GoObject):
    """A certificate and its private key; expressions read the fields Cert and Key."""

    cert: str = ""
    key: str = ""

    GO_TYPE: ClassVar[str] = CERTIFICATE

    def go_string(self) -> str:
        return f"{{{self.cert} {self.key}}}"

    def go_json(self) -> Any:
        return {"Cert": self.cert, "Key": self.key}


Certificate.GO_FIELDS = {"Cert": lambda c: c.cert, "Key": lambda c: c.key}
EMPTY: Final = Certificate()


@dataclass(frozen=True, slots=True)
class Order:
    """The arguments that all generators share."""

    name: str
    days: int
    addresses: tuple[Any, ...] = ()
    hosts: tuple[Any, ...] = ()


def issue(
    ctx: Context, function: str, order: Order, key: str | None = None, signer: Certificate | None = None
) -> Certificate:
    """Make the certificate once; a key that is not given is made with it."""

    def make() -> list[str]:
        from aggregator.lang.sprig import keys  # noqa: PLC0415 - loads cryptography

        request = keys.Request(
            order.name,
            keys.addresses_of(order.addresses),
            keys.hosts_of(order.hosts),
            ctx.now // SECOND,
            order.days,
        )
        issuer = (keys.read_certificate(signer.cert), keys.read_key(signer.key)) if signer else None
        private = keys.read_key(key) if key is not None else keys.new_key("rsa", RSA_BITS)
        try:
            return list(keys.sign(request, private, issuer, authority=function.startswith("genCA")))
        except (ValueError, TypeError) as e:
            raise LanguageError(f"sprig.{function}: {e}") from e

    cert, pem = kept(ctx, function, make)
    return Certificate(cert, pem)


@FAMILY.add("buildCustomCert", STRING, STRING)
def build_custom_cert(cert: str, key: str) -> Certificate:
    """A certificate of your own, both parts PEM in base64: `sprig.buildCustomCert(cert, key)`."""
    from aggregator.lang.sprig import keys  # noqa: PLC0415 - loads cryptography

    try:
        texts = [from_bytes(decode_base64(text)) for text in (cert, key)]
    except CorruptInputError as e:
        raise LanguageError(f"sprig.buildCustomCert: {e}") from e
    keys.read_certificate(texts[0])
    keys.read_key(texts[1])
    return Certificate(*texts)


@FAMILY.add("genCA", STRING, INT, uses_context=True)
def gen_ca(ctx: Context, name: str, days: int) -> Certificate:
    """A certificate authority: `sprig.genCA("my-ca", 365).Cert`."""
    return issue(ctx, "genCA", Order(name, days))


@FAMILY.add("genCAWithKey", STRING, INT, STRING, uses_context=True)
def gen_ca_with_key(ctx: Context, name: str, days: int, key: str) -> Certificate:
    """A certificate authority for a key in PEM: `sprig.genCAWithKey("my-ca", 365, sprig.genPrivateKey("ecdsa"))`."""
    return issue(ctx, "genCAWithKey", Order(name, days), key)


@FAMILY.add("genSelfSignedCert", STRING, LIST, LIST, INT, uses_context=True)
def gen_self_signed_cert(
    ctx: Context, name: str, addresses: list[Any] | None, hosts: list[Any] | None, days: int
) -> Certificate:
    """A certificate that vouches for itself: `sprig.genSelfSignedCert("me", ["10.0.0.1"], ["me.local"], 365).Cert`."""
    return issue(ctx, "genSelfSignedCert", Order(name, days, tuple(addresses or ()), tuple(hosts or ())))


@FAMILY.add("genSelfSignedCertWithKey", STRING, LIST, LIST, INT, STRING, uses_context=True)
def gen_self_signed_cert_with_key(
    ctx: Context, name: str, addresses: list[Any] | None, hosts: list[Any] | None, days: int, key: str
) -> Certificate:
    """The same for a key in PEM: `sprig.genSelfSignedCertWithKey("me", nil, nil, 365, key).Cert`."""
    return issue(ctx, "genSelfSignedCertWithKey", Order(name, days, tuple(addresses or ()), tuple(hosts or ())), key)


@FAMILY.add("genSignedCert", STRING, LIST, LIST, INT, CERTIFICATE, uses_context=True)
def gen_signed_cert(
    ctx: Context, name: str, addresses: list[Any] | None, hosts: list[Any] | None, days: int, ca: Certificate | None
) -> Certificate:
    """A certificate that an authority signs: `sprig.genSignedCert("me", nil, ["me.local"], 365, ca).Cert`."""
    return issue(
        ctx, "genSignedCert", Order(name, days, tuple(addresses or ()), tuple(hosts or ())), signer=ca or EMPTY
    )


@FAMILY.add("genSignedCertWithKey", STRING, LIST, LIST, INT, CERTIFICATE, STRING, uses_context=True)
def gen_signed_cert_with_key(
    ctx: Context,
    name: str,
    addresses: list[Any] | None,
    hosts: list[Any] | None,
    days: int,
    ca: Certificate | None,
    key: str,
) -> Certificate:
    """The same for a key in PEM: `sprig.genSignedCertWithKey("me", nil, nil, 365, ca, key).Cert`."""
    order = Order(name, days, tuple(addresses or ()), tuple(hosts or ()))
    return issue(ctx, "genSignedCertWithKey", order, key, ca or EMPTY)
