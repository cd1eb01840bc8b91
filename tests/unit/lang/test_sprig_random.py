"""Sprig's functions that make random things, which the journal keeps: texts, passwords, keys, certificates."""

import base64
import random
import re
import sys

import pytest
from cryptography import x509

from aggregator.errors import LanguageError
from aggregator.lang.context import Context
from aggregator.lang.govalue import find_field
from aggregator.lang.sprig import FUNCTIONS


def context(seed=1, keep=lambda _, make: make(), lookup_host=None):
    return Context(now=1_709_553_600 * 10**9, random=random.Random(seed), keep=keep, lookup_host=lookup_host)


def sprig(name, *args, ctx=None):
    return FUNCTIONS[name](ctx or context(), *args)


def refused(name, *args, ctx=None):
    with pytest.raises(LanguageError) as caught:
        sprig(name, *args, ctx=ctx)
    return caught.value.message


class TestRandom:
    """The same seed gives the same values; nothing else is drawn from."""

    @pytest.mark.parametrize(
        ("name", "pattern"),
        [
            ("randAlpha", "[A-Za-z]{12}"),
            ("randNumeric", "[0-9]{12}"),
            ("randAlphaNum", "[A-Za-z0-9]{12}"),
            ("randAscii", "[ -~]{12}"),
            ("randBytes", "[A-Za-z0-9+/]{16}"),
        ],
    )
    def test_texts(self, name, pattern):
        first = sprig(name, 12, ctx=context(seed=5))
        assert re.fullmatch(pattern, first)
        assert first == sprig(name, 12, ctx=context(seed=5))
        assert first != sprig(name, 12, ctx=context(seed=6))

    def test_ids(self):
        assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", sprig("uuidv4"))

    def test_integers(self):
        assert {sprig("randInt", 1, 4, ctx=context(seed)) for seed in range(50)} == {1, 2, 3}
        assert "there is no integer" in refused("randInt", 3, 3)

    def test_shuffle(self):
        assert sorted(sprig("shuffle", "hello")) == sorted("hello")

    def test_a_negative_count_draws_nothing(self):
        assert sprig("randAlpha", -1) == ""
        assert "negative" in refused("randBytes", -1)

    def test_hosts_are_looked_up_only_where_allowed(self):
        assert "not allowed" in refused("getHostByName", "localhost")
        assert sprig("getHostByName", "h", ctx=context(lookup_host=lambda name: f"ip of {name}")) == "ip of h"

    def test_the_address_of_a_host_is_kept_with_the_run(self):
        """A replay reads it, so it needs neither the network nor the permission."""
        journal = Journal()
        asked = context(keep=journal.keep, lookup_host=lambda name: f"ip of {name}")
        assert sprig("getHostByName", "h", ctx=asked) == "ip of h"
        assert sprig("getHostByName", "h", ctx=context(keep=journal.keep)) == "ip of h"
        assert journal.made == 1


class Journal:
    """Keeps each value under its key, as a run does, and tells how often one was made."""

    def __init__(self):
        self.values = {}
        self.made = 0

    def keep(self, key, make):
        if key not in self.values:
            self.values[key] = make()
            self.made += 1
        return self.values[key]


class TestKept:
    """What no seed can repeat is made once; a replay of the run reads it back."""

    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("bcrypt", ("secret",)),
            ("htpasswd", ("me", "secret")),
            ("genPrivateKey", ("ecdsa",)),
            ("encryptAES", ("key", "text")),
        ],
    )
    def test_replay(self, name, args):
        journal = Journal()
        first = sprig(name, *args, ctx=context(keep=journal.keep))
        again = sprig(name, *args, ctx=context(keep=journal.keep))
        assert first == again
        assert journal.made == 1
        another = sprig(name, *args, ctx=context(seed=2, keep=journal.keep))
        assert another != first

    def test_kept_values_are_json(self):
        journal = Journal()
        sprig("genCAWithKey", "ca", 1, sprig("genPrivateKey", "ecdsa"), ctx=context(keep=journal.keep))
        assert all(isinstance(value, (str, list)) for value in journal.values.values())


class TestPasswords:
    def test_bcrypt(self):
        import bcrypt

        hashed = sprig("bcrypt", "secret")
        assert hashed.startswith("$2a$10$")
        assert bcrypt.checkpw(b"secret", hashed.encode())
        assert "exceeds 72 bytes" in sprig("bcrypt", "x" * 73)

    def test_bcrypt_is_an_extra(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "bcrypt", None)
        with pytest.raises(LanguageError) as caught:
            sprig("htpasswd", "me", "secret")
        assert caught.value.hint == "pip install 'agg-workflows[crypto]'"

    def test_htpasswd(self):
        assert sprig("htpasswd", "me", "pw").startswith("me:$2a$10$")
        assert sprig("htpasswd", "a:b", "pw") == "invalid username: a:b"

    def test_derived_passwords(self):
        """The counter is Go's uint32, which no expression has: only nil, that is 0, can be passed."""
        assert "must be uint32" in refused("derivePassword", 1, "long", "pw", "user", "example.com")
        assert re.fullmatch("[0-9]{4}", sprig("derivePassword", None, "pin", "pw", "user", "example.com"))
        assert sprig("derivePassword", None, "odd", "pw", "u", "s") == "cannot find password template odd"

    def test_aes(self):
        sealed = sprig("encryptAES", "key", "plain text")
        assert sprig("decryptAES", "key", sealed) == "plain text"
        assert sprig("encryptAES", "key", "") == ""
        assert sprig("decryptAES", "key", "") == ""

    @pytest.mark.parametrize(
        "text", ["!!", "AAAA", base64.b64encode(b"x" * 17).decode(), base64.b64encode(b"x" * 16).decode()]
    )
    def test_bad_ciphers(self, text):
        assert "sprig.decryptAES" in refused("decryptAES", "key", text)


class TestKeysAndCertificates:
    @pytest.mark.parametrize(("kind", "head"), [("ecdsa", "EC PRIVATE KEY"), ("ed25519", "PRIVATE KEY")])
    def test_private_keys(self, kind, head):
        assert sprig("genPrivateKey", kind).startswith(f"-----BEGIN {head}-----")

    def test_unknown_kinds_come_back_as_text(self):
        assert sprig("genPrivateKey", "bad") == "Unknown type bad"

    @pytest.mark.parametrize("kind", ["ecdsa", "ed25519"])
    def test_an_authority_signs_a_certificate(self, kind):
        key = sprig("genPrivateKey", kind)
        ca = sprig("genCAWithKey", "my-ca", 30, key)
        made = sprig("genSignedCertWithKey", "me", ["10.0.0.1"], ["me.local"], 10, ca, key)
        certificate = x509.load_pem_x509_certificate(field(made, "Cert").encode())
        authority = x509.load_pem_x509_certificate(field(ca, "Cert").encode())
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["me.local"]
        assert str(names.get_values_for_type(x509.IPAddress)[0]) == "10.0.0.1"
        assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert certificate.not_valid_before_utc.isoformat() == "2024-03-04T12:00:00+00:00", "the clock is the run's"
        assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 10

    def test_certificates_vouch_for_themselves(self):
        made = sprig("genSelfSignedCert", "me", None, ["me.local"], 10)
        certificate = x509.load_pem_x509_certificate(field(made, "Cert").encode())
        certificate.verify_directly_issued_by(certificate)
        assert field(made, "Key").startswith("-----BEGIN RSA PRIVATE KEY-----")

    def test_your_own(self):
        key = sprig("genPrivateKey", "ecdsa")
        made = sprig("genCAWithKey", "ca", 1, key)
        parts = [sprig("b64enc", field(made, name)) for name in ("Cert", "Key")]
        assert sprig("buildCustomCert", *parts) == made
        assert "parsing the certificate" in refused("buildCustomCert", sprig("b64enc", "x"), parts[1])
        assert "illegal base64" in refused("buildCustomCert", "!", parts[1])

    @pytest.mark.parametrize(
        ("name", "args", "why"),
        [
            ("genCAWithKey", ("ca", 1, "no key"), "parsing the private key"),
            ("genSelfSignedCertWithKey", ("me", ["x"], None, 1, "KEY"), "error parsing ip: x"),
            ("genSelfSignedCertWithKey", ("me", [5], None, 1, "KEY"), "5 is not a string"),
            ("genSelfSignedCertWithKey", ("me", None, [5], 1, "KEY"), "5 is not a string"),
            ("genSignedCertWithKey", ("me", None, None, 1, None, "KEY"), "parsing the certificate"),
        ],
    )
    def test_bad_arguments(self, name, args, why):
        key = sprig("genPrivateKey", "ecdsa")
        assert why in refused(name, *(key if arg == "KEY" else arg for arg in args))


def field(value, name):
    return find_field(value, name)(value)
