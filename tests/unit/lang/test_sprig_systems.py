"""Sprig's encodings, regular expressions, paths, URLs, versions, random values, keys and certificates."""

import base64
import itertools
import random
import re
import sys

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import LanguageError
from aggregator.lang.context import Context
from aggregator.lang.govalue import NilStringList, StringList, call_method, find_field
from aggregator.lang.sprig import FUNCTIONS


def context(seed=1, keep=lambda _, make: make(), lookup_host=None):
    return Context(now=1_709_553_600 * 10**9, random=random.Random(seed), keep=keep, lookup_host=lookup_host)


def sprig(name, *args, ctx=None):
    return FUNCTIONS[name](ctx or context(), *args)


def refused(name, *args, ctx=None):
    with pytest.raises(LanguageError) as caught:
        sprig(name, *args, ctx=ctx)
    return caught.value.message


class TestEncoding:
    @given(st.text())
    def test_what_was_encoded_is_decoded(self, text):
        assert sprig("b64dec", sprig("b64enc", text)) == text
        assert sprig("b32dec", sprig("b32enc", text)) == text

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("aGVs\nbG8=", "hello"),
            ("!!", "illegal base64 data at input byte 0"),
            ("aGVsbG8", "illegal base64 data at input byte 4"),
            ("aG=x", "illegal base64 data at input byte 2"),
            ("aGVsbG8=x", "illegal base64 data at input byte 8"),
            ("a", "illegal base64 data at input byte 0"),
            ("/w==", "\udcff"),
        ],
    )
    def test_base64_errors_come_back_as_text(self, text, value):
        """The place is the one that Go's decoder names, which reads four characters at a time."""
        assert sprig("b64dec", text) == value

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("1", "illegal base32 data at input byte 0"),
            ("NBSWY3D", "illegal base32 data at input byte 0"),
            ("NBSWY3DPN=", "illegal base32 data at input byte 9"),
            ("nbswy3dp", "illegal base32 data at input byte 0"),
        ],
    )
    def test_base32_errors_come_back_as_text(self, text, value):
        assert sprig("b32dec", text) == value

    def test_sums(self):
        assert sprig("sha1sum", "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d"
        assert sprig("sha256sum", "abc").startswith("ba7816bf")
        assert sprig("sha512sum", "abc").startswith("ddaf35a1")
        assert sprig("adler32sum", "abc") == "38600999"


class TestRegex:
    @pytest.mark.parametrize(
        ("name", "args", "value"),
        [
            ("regexMatch", ("^[a-z]+$", "abc"), True),
            ("regexMatch", ("(", "abc"), False),
            ("regexFind", ("[0-9]+", "ab12"), "12"),
            ("regexFind", ("x", "ab"), ""),
            ("regexFindAll", ("[0-9]", "1a2b3", 2), ["1", "2"]),
            ("regexFindAll", ("a*", "baac", -1), ["", "aa", ""]),
            ("regexFindAll", ("é", "éaé", -1), ["é", "é"]),
            ("regexReplaceAll", ("a(x*)b", "-ab-axxb-", "${1}W"), "-W-xxW-"),
            ("regexReplaceAll", ("a(x*)b", "-ab-axxb-", "$1W"), "---"),  # the group is named 1W
            ("regexReplaceAll", ("(?P<n>b)", "abc", "<$n$$>"), "a<b$>c"),
            ("regexReplaceAll", ("x*", "abc", "-"), "-a-b-c-"),
            ("regexReplaceAll", ("b", "abc", "\\1"), "a\\1c"),
            ("regexReplaceAllLiteral", ("b", "abc", "$1"), "a$1c"),
            ("regexSplit", (",", "a,b,c", 2), ["a", "b,c"]),
            ("regexSplit", (",", "a,b,c", -1), ["a", "b", "c"]),
            ("regexSplit", ("", "abc", -1), ["a", "b", "c"]),
            ("regexSplit", (",", "", -1), [""]),
            ("regexQuoteMeta", ("1.2[3]",), "1\\.2\\[3\\]"),
        ],
    )
    def test_regex(self, name, args, value):
        assert sprig(name, *args) == value

    def test_nothing_found_is_a_nil_list(self):
        assert type(sprig("regexFindAll", "x", "a", -1)) is NilStringList
        assert type(sprig("regexSplit", ",", "a,b", 0)) is NilStringList
        assert type(sprig("regexSplit", ",", "a,b", -1)) is StringList

    @pytest.mark.parametrize("name", ["mustRegexMatch", "regexFind", "mustRegexFind"])
    def test_bad_patterns(self, name):
        assert "regular expression" in refused(name, "(", "a")

    @given(st.text(alphabet="ab\né", max_size=20))
    def test_parts_and_matches_make_up_the_text(self, text):
        parts = sprig("regexSplit", "a", text, -1)
        found = sprig("regexFindAll", "a", text, -1)
        assert sum(map(len, parts)) + len(found) == len(text)


class TestPaths:
    @pytest.mark.parametrize(
        ("name", "path", "value"),
        [
            ("base", "", "."),
            ("base", "///", "/"),
            ("base", "a/b/", "b"),
            ("dir", "a/b/c", "a/b"),
            ("dir", "a", "."),
            ("dir", "/a", "/"),
            ("clean", "", "."),
            ("clean", "/../a//b/./..", "/a"),
            ("clean", "../../a/..", "../.."),
            ("ext", "a/b.tar.gz", ".gz"),
            ("ext", "a.b/c", ""),
            ("ext", ".bashrc", ".bashrc"),
            ("isAbs", "/a", True),
            ("osIsAbs", "a", False),
        ],
    )
    def test_paths(self, name, path, value):
        assert sprig(name, path) == value

    @given(st.text(alphabet="a./", max_size=12))
    def test_clean_paths_stay_as_they_are(self, path):
        once = sprig("clean", path)
        assert sprig("clean", once) == once
        assert "//" not in once


class TestUrls:
    def test_all_parts(self):
        assert sprig("urlParse", "HTTP://me:p%40ss@host:80/a%20b?q=1#f%20g") == {
            "scheme": "http",
            "host": "host:80",
            "hostname": "host",
            "path": "/a b",
            "query": "q=1",
            "opaque": "",
            "fragment": "f g",
            "userinfo": "me:p%40ss",
        }

    @pytest.mark.parametrize(
        ("text", "part", "value"),
        [
            ("mailto:a@b", "opaque", "a@b"),
            ("//h/p", "host", "h"),
            ("http://[::1]:80/", "hostname", "::1"),
            ("/a/b?c", "path", "/a/b"),
            ("", "path", ""),
        ],
    )
    def test_one_part(self, text, part, value):
        assert sprig("urlParse", text)[part] == value

    @pytest.mark.parametrize(
        "text",
        [
            "http://h/%zz",
            "http://h:x/",
            "http://a b/",
            "a:b/c:d\n",
            ":x",
            "1:2",
            "http://[::1/",
            "http://[1.2.3.4]/",
            "http://u v@h/",
        ],
    )
    def test_bad_urls(self, text):
        assert "cannot parse the URL" in refused("urlParse", text)

    @pytest.mark.parametrize(
        ("parts", "text"),
        [
            ({"scheme": "http", "host": "h", "path": "p q", "query": "a=b", "fragment": "f"}, "http://h/p%20q?a=b#f"),
            ({"scheme": "http", "host": "h", "userinfo": "me:x"}, "http://me:x@h"),
            ({"scheme": "mailto", "opaque": "a@b"}, "mailto:a@b"),
            ({"path": "a:b"}, "./a:b"),
            ({}, ""),
        ],
    )
    def test_joined(self, parts, text):
        assert sprig("urlJoin", parts) == text

    def test_parts_must_be_texts(self):
        assert "host must be a string" in refused("urlJoin", {"host": 5})

    @pytest.mark.parametrize(
        "url", ["http://me:pw@host:8080/a/b%20c?x=1&y=2#frag", "https://h/", "mailto:a@b", "/rel?q#f"]
    )
    def test_what_was_parsed_joins_again(self, url):
        assert sprig("urlJoin", sprig("urlParse", url)) == url


class TestVersions:
    @pytest.mark.parametrize(
        ("constraint", "version", "fits"),
        [
            ("^1.2.0", "1.9.9", True),
            ("^1.2.0", "2.0.0", False),
            ("^0.2.3", "0.3.0", False),
            ("^0.0.3", "0.0.4", False),
            ("^0", "0.9.0", True),
            ("~1.2.3", "1.2.9", True),
            ("~1.2", "1.3.0", False),
            ("~1", "1.9.0", True),
            ("1.x", "1.5.0", True),
            ("*", "0.0.1", True),
            (">1", "1.5.0", False),
            (">1", "2.0.0", True),
            ("<=1.2", "1.2.9", True),
            ("!=1.2", "1.2.5", False),
            ("1.2 - 1.4", "1.4.9", True),
            (">=1.0 <2, !=1.5.0", "1.5.0", False),
            ("<1 || >=3", "3.1.0", True),
            ("^1.2.0", "v1.2.3", True),
            ("^1.2.0", "1.3.0-beta", False),
            ("^1.2.0-0", "1.3.0-beta", True),
            (">=1.0.0-0 <2", "1.3.0-beta", True),  # one comparator with a prerelease lets all of them in
        ],
    )
    def test_constraints(self, constraint, version, fits):
        assert sprig("semverCompare", constraint, version) is fits

    def test_parts(self):
        version = sprig("semver", "v1.2.3-rc.1+build")
        values = [
            call_method(version, name, ()) for name in ("Major", "Minor", "Patch", "Prerelease", "Metadata", "Original")
        ]
        assert values == [1, 2, 3, "rc.1", "build", "v1.2.3-rc.1+build"]
        assert sprig("toString", version) == "1.2.3-rc.1+build"
        assert sprig("toJson", version) == '"1.2.3-rc.1+build"'
        assert sprig("typeOf", version) == "*semver.Version"

    def test_prereleases_come_in_order(self):
        """Numbers before words, fewer parts before more, all before the release."""
        ordered = [
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-beta",
            "1.0.0-rc.2",
            "1.0.0-rc.11",
            "1.0.0",
        ]
        versions = [sprig("semver", text) for text in ordered]
        for earlier, later in itertools.pairwise(versions):
            assert call_method(earlier, "LessThan", (later,))

    def test_next_versions(self):
        version = sprig("semver", "v1.2.3-rc.1")
        assert str(sprig("toString", call_method(version, "IncPatch", ()))) == "1.2.3", (
            "a prerelease becomes its release"
        )
        assert str(sprig("toString", call_method(version, "IncMinor", ()))) == "1.3.0"

    @pytest.mark.parametrize("text", ["", "x", "1.2.3.4", "1.2.3-01", "1.2.3-", "99999999999999999999.0.0"])
    def test_bad_versions(self, text):
        assert "invalid semantic version" in refused("semver", text)

    @pytest.mark.parametrize("text", ["abc", ">>1", "1.2.3 -", "^", "1 2 |"])
    def test_bad_constraints(self, text):
        assert "invalid version constraint" in refused("semverCompare", text, "1.0.0")


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
