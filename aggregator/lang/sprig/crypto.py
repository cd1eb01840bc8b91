"""Sprig's passwords, keys and ciphers. What no seed can repeat is made once and kept with the run."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.gostring import from_bytes, to_bytes
from aggregator.lang.sprig.encoding import CorruptInputError, decode_base64
from aggregator.lang.sprig.signature import STRING, Family

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.lang.context import Context

FAMILY = Family("Passwords, keys and ciphers")
BLOCK: Final = 16
KEY_SIZE: Final = 32
BCRYPT_COST: Final = 10
BCRYPT_MAX: Final = 72
RSA_BITS: Final = 4096
DSA_BITS: Final = 2048
VOWELS: Final = "AEIOU"
CONSONANTS: Final = "BCDFGHJKLMNPQRSTVWXYZ"
LETTERS: Final = VOWELS + VOWELS.lower() + CONSONANTS + CONSONANTS.lower()
# The alphabets and shapes of the Master Password algorithm, which `derivePassword` implements.
ALPHABETS: Final = {
    "V": VOWELS,
    "C": CONSONANTS,
    "v": VOWELS.lower(),
    "c": CONSONANTS.lower(),
    "A": VOWELS + CONSONANTS,
    "a": LETTERS,
    "n": "0123456789",
    "o": "@&%?,=[]_:-+*$#!'^~;()/.",
    "x": LETTERS + "0123456789!@#$%^&*()",
}
SHAPES: Final = {
    "maximum": "anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno",
    "long": "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv"
    " CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv"
    " CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno",
    "medium": "CvcnoCvc CvcCvcno",
    "short": "Cvcn",
    "basic": "aaanaaan aannaaan aaannaaa",
    "pin": "nnnn",
}
MASTER_SCOPE: Final = b"com.lyndir.masterpassword"


def kept(ctx: Context, name: str, make: Callable[[], Any]) -> Any:
    """The value that `make` gave when this call was first evaluated; the key is drawn from the seed, so it recurs."""
    return ctx.keep(f"sprig.{name}:{ctx.random.getrandbits(64):016x}", make)


def bcrypt_hash(ctx: Context, text: str) -> str:
    try:
        import bcrypt  # noqa: PLC0415 - an extra
    except ImportError as e:
        raise LanguageError(
            "sprig.bcrypt and sprig.htpasswd need the package bcrypt", hint="pip install 'agg-workflows[crypto]'"
        ) from e
    password = to_bytes(text)
    if len(password) > BCRYPT_MAX:
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes"

    def make() -> str:
        return bcrypt.hashpw(password, bcrypt.gensalt(BCRYPT_COST, prefix=b"2a")).decode()

    return str(kept(ctx, "bcrypt", make))


@FAMILY.add("bcrypt", STRING, uses_context=True)
def bcrypt_text(ctx: Context, text: str) -> str:
    """A bcrypt hash: `sprig.bcrypt("secret")`."""
    return bcrypt_hash(ctx, text)


@FAMILY.add("htpasswd", STRING, STRING, uses_context=True)
def htpasswd(ctx: Context, user: str, password: str) -> str:
    """A line of a password file: `sprig.htpasswd("me", "secret")`."""
    return f"invalid username: {user}" if ":" in user else f"{user}:{bcrypt_hash(ctx, password)}"


@FAMILY.add("derivePassword", "uint32", STRING, STRING, STRING, STRING)
def derive_password(counter: int, shape: str, password: str, user: str, site: str) -> str:
    """A password of the Master Password algorithm: `len(sprig.derivePassword(nil, "pin", "secret", "me", "site"))` is 4.

    Expressions have no uint32, so only nil (0) serves as the counter.
    """
    shapes = SHAPES.get(shape, "").split()
    if not shapes:
        return f"cannot find password template {shape}"

    def sized(text: str) -> bytes:
        data = to_bytes(text)
        return len(data).to_bytes(4) + data

    salt = MASTER_SCOPE + sized(user)
    key = hashlib.scrypt(to_bytes(password), salt=salt, n=32768, r=8, p=2, maxmem=1 << 27, dklen=64)
    seed = hmac.digest(key, MASTER_SCOPE + sized(site) + counter.to_bytes(4), "sha256")
    chosen = shapes[seed[0] % len(shapes)]
    alphabets = [ALPHABETS[kind] for kind in chosen]
    return "".join(alphabet[byte % len(alphabet)] for alphabet, byte in zip(alphabets, seed[1:], strict=False))


def make_key(kind: str) -> str | None:
    """A new private key in PEM, or None for a kind that is not known."""
    from aggregator.lang.sprig.keys import key_pem, new_key  # noqa: PLC0415 - loads cryptography

    if kind in ("", "rsa"):
        return key_pem(new_key("rsa", RSA_BITS))
    if kind == "dsa":
        return key_pem(new_key("dsa", DSA_BITS))
    return key_pem(new_key(kind, 0)) if kind in ("ecdsa", "ed25519") else None


@FAMILY.add("genPrivateKey", STRING, uses_context=True)
def gen_private_key(ctx: Context, kind: str) -> str:
    """A private key in PEM, of kind rsa, dsa, ecdsa or ed25519: `sprig.genPrivateKey("ecdsa")`."""
    if kind not in ("", "rsa", "dsa", "ecdsa", "ed25519"):
        return f"Unknown type {kind}"
    return str(kept(ctx, "genPrivateKey", lambda: make_key(kind)))


def cipher(password: str, vector: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - slow to import

    key = to_bytes(password)[:KEY_SIZE].ljust(KEY_SIZE, b"\0")
    return Cipher(algorithms.AES(key), modes.CBC(vector))


@FAMILY.add("encryptAES", STRING, STRING, uses_context=True)
def encrypt_aes(ctx: Context, password: str, text: str) -> str:
    """The text encrypted (AES-256-CBC, base64): `sprig.encryptAES("key", "text")`."""
    import base64  # noqa: PLC0415 - beside the cipher that needs it
    import secrets  # noqa: PLC0415 - only what is kept may be drawn from it

    if not text:
        return ""

    def make() -> str:
        data = to_bytes(text)
        padding = BLOCK - len(data) % BLOCK
        vector = secrets.token_bytes(BLOCK)
        encryptor = cipher(password, vector).encryptor()
        sealed = encryptor.update(data + bytes((padding,)) * padding) + encryptor.finalize()
        return base64.b64encode(vector + sealed).decode()

    return str(kept(ctx, "encryptAES", make))


@FAMILY.add("decryptAES", STRING, STRING)
def decrypt_aes(password: str, text: str) -> str:
    """The text that encryptAES encrypted: `sprig.decryptAES("key", sprig.encryptAES("key", "text"))` is "text"."""
    if not text:
        return ""
    try:
        sealed = decode_base64(text)
    except CorruptInputError as e:
        raise LanguageError(f"sprig.decryptAES: {e}") from e
    if len(sealed) <= BLOCK or len(sealed) % BLOCK:
        raise LanguageError("sprig.decryptAES: the text is not whole blocks of a cipher")
    decryptor = cipher(password, sealed[:BLOCK]).decryptor()
    data = decryptor.update(sealed[BLOCK:]) + decryptor.finalize()
    if data[-1] > len(data):
        raise LanguageError("sprig.decryptAES: the padding is wrong, so the password is probably wrong, too")
    return from_bytes(data[: len(data) - data[-1]])
