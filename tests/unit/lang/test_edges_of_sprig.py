"""Rare corners of sprig: encodings that are damaged, URLs with odd hosts, versions with open parts, limits, and keys."""

import math
import random
from types import MappingProxyType

import pytest

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.context import Context
from aggregator.lang.gotime import Duration, Month, from_unix
from aggregator.lang.govalue import StringMap, call_method
from aggregator.lang.sprig import FUNCTIONS


def sprig(name, *arguments):
    ctx = Context(now=1_709_553_600 * 10**9, random=random.Random(1), keep=lambda _, make: make())
    return FUNCTIONS[name](ctx, *arguments)


def refused(name, *arguments):
    with pytest.raises(LanguageError) as caught:
        sprig(name, *arguments)
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("YW\nJj", "abc"),
        ("YW=\n=", "a"),
        ("YWI=\n", "ab"),
        ("YW==\n\n", "a"),
        ("YW==\nx", "illegal base64 data at input byte 5"),
        ("YW=", "illegal base64 data at input byte 3"),
        ("YW=x", "illegal base64 data at input byte 2"),
        ("YW\n=", "illegal base64 data at input byte 4"),
        ("Y\n", "illegal base64 data at input byte 1"),
        ("YWI=\nx", "illegal base64 data at input byte 5"),
    ],
)
def test_base64_skips_line_breaks_and_tells_where_it_is_damaged(text, decoded):
    assert sprig("b64dec", text) == decoded


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("ME======", "a"),
        ("MFRGG===", "abc"),
        ("MF======MF", "a"),
        ("ME=====x", "illegal base32 data at input byte 6"),
        ("M=======", "illegal base32 data at input byte 1"),
        ("MFR=A===", "illegal base32 data at input byte 3"),
        ("MFR=====", "illegal base32 data at input byte 3"),
        ("ME=", "illegal base32 data at input byte 3"),
    ],
)
def test_base32_stops_at_padding_and_tells_where_it_is_damaged(text, decoded):
    assert sprig("b32dec", text) == decoded


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://[::1]:80", "[::1]:80"),
        ("http://[fe80::1%25en0]/", "[fe80::1%en0]"),
        ("http://[fe80::1%25a%20b]/", "[fe80::1%a b]"),
        ("http://a%25b/", "a%b"),
        ("http://a%C3%A9/", "aé"),
        ("*", ""),
    ],
)
def test_hosts_of_urls(url, host):
    assert sprig("urlParse", url)["host"] == host


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://[::1]x", "invalid port 'x' after host"),
        ("http://a[::1]", "an IPv6 address must begin the host"),
        ("http://[fe80::1%25]/", "invalid host"),
        ("http://[fe80::1%en0]/", "invalid"),
        ("http://a%20b/", "invalid URL escape '%20'"),
        ("http://[1.2.3]/", "invalid host '1.2.3'"),
    ],
)
def test_hosts_that_are_none(url, why):
    assert why in refused("urlParse", url)


def test_control_characters_are_no_userinfo():
    assert "control character" in refused("urlJoin", {"scheme": "http", "host": "h", "userinfo": "a\x01b"})


@pytest.mark.parametrize(
    ("constraint", "version", "holds"),
    [
        ("!=1.x", "2.0.0", True),
        ("!=1.x", "1.0.0", False),
        ("!=1.2.x", "1.3.0", True),
        ("!=1.2.x", "1.2.0", False),
        ("!=1.2.x", "1.2.0-a", False),
        ("!=1.2.x-a", "1.2.0-a", False),
        (">1", "1.5.0", False),
        (">1.2.x", "1.3.0", True),
        (">1.2.x", "1.2.9", False),
        (">1.2.3", "1.2.4", True),
        ("<=1.2.3", "1.2.3", True),
        ("!=1.2.3-0.x", "1.2.3", True),
        ("!=*", "0.0.5", True),
        ("!=*", "0.0.0", False),
        ("<=1", "2.0.0", False),
        ("<=1", "1.3.0", True),
        ("<=1.2", "1.3.0", False),
        ("~1.2.3", "1.2.2", False),
        ("^1.2.3", "1.2.2", False),
        ("^0.2.3", "1.2.2", False),
        ("^0.2", "0.2.9", True),
        ("^0.0.3", "0.0.4", False),
        ("^0.0.3", "0.0.3", True),
        ("^0.0", "0.0.4", True),
    ],
)
def test_constraints_on_versions_with_open_parts(constraint, version, holds):
    assert sprig("semverCompare", constraint, version) is holds


def test_a_constraint_has_a_longest_form():
    assert "invalid version constraint" in refused("semverCompare", "1.2.3 || " * 3000, "1.2.3")


def test_versions_change_part_by_part():
    version = sprig("semver", "1.2.3-alpha.1+meta")
    assert repr(version) == "Version(1.2.3-alpha.1+meta)"
    assert [call_method(version, f"Inc{part}", ()).go_string() for part in ("Major", "Minor", "Patch")] == [
        "2.0.0",
        "1.3.0",
        "1.2.3",
    ]
    release = sprig("semver", "1.2.3")
    assert call_method(release, "IncPatch", ()).go_string() == "1.2.4"
    assert call_method(release, "SetPrerelease", ("beta.2",)).go_string() == "1.2.3-beta.2"
    assert call_method(release, "SetMetadata", ("x.1",)).go_string() == "1.2.3+x.1"
    assert call_method(version, "SetMetadata", ("",)).go_string() == "1.2.3-alpha.1"
    for method, text in (("SetPrerelease", "a_b"), ("SetMetadata", "a_b"), ("SetPrerelease", "01")):
        with pytest.raises(LanguageError, match=r"prerelease|metadata"):
            call_method(release, method, (text,))


@pytest.mark.parametrize(
    ("low", "high"), [("1.0.0-a", "1.0.0-a.1"), ("1.0.0-1", "1.0.0-a"), ("1.0.0-a.2", "1.0.0-a.10")]
)
def test_prereleases_are_ordered_part_by_part(low, high):
    assert sprig("semverCompare", f">{low}", high) is True
    assert sprig("semver", low).compare(sprig("semver", low)) == 0


def test_lists_maps_and_bytes():
    assert sprig("unset", {"a": 1}, "b") == {"a": 1}
    assert sprig("merge", {}, None, {"a": 1}) == {"a": 1}
    assert sprig("first", b"ab") == 97
    assert sprig("join", "-", b"ab") == "97-98"
    assert sprig("chunk", -2, [1, 2, 3]) == []
    assert sprig("chunk", 5, [1, 2]) == [[1, 2]]
    assert sprig("chunk", -2, [1]) == [[1]]
    assert "1 or more" in refused("chunk", 0, [1])
    assert sprig("deepCopy", MappingProxyType({"a": [1]})) == {"a": [1]}
    assert sprig("has", from_unix(0), [from_unix(0)]) is True
    assert sprig("has", from_unix(1), [from_unix(0)]) is False
    assert sprig("uniq", [len, len, Duration(1)]) == [len, Duration(1)]


def test_slice_takes_lists_only():
    assert "cannot slice on type" in refused("slice", 3, 1)
    assert sprig("slice", b"abc", 1, 2) == b"b"


def test_merging():
    shared = {"a": {"b": 1}}
    assert sprig("merge", shared, shared) == shared
    assert sprig("merge", {"a": {}}, {"a": {"b": 1}}) == {"a": {"b": 1}}
    assert sprig("mergeOverwrite", {"a": {}}, {"a": {}}) == {"a": {}}
    assert "does not fit a map of strings" in refused("merge", {"a": StringMap()}, {"a": {"b": 1}})
    deep, inner = {}, {}
    for target in (deep, inner):
        at = target
        for _ in range(3000):
            at["x"] = {}
            at = at["x"]
    inner["y"] = 1
    with pytest.raises((LimitExceeded, LanguageError)):
        sprig("merge", deep, inner)


def test_numbers_at_their_limits():
    assert sprig("ceil", math.inf) == math.inf
    assert math.isnan(sprig("round", 0.0, -400))
    assert sprig("addf", 1e308, 1e308) == math.inf
    assert sprig("addf", -1e308, -1e308) == -math.inf
    assert sprig("float64", True) == 1.0
    assert sprig("float64", "x") == 0.0
    assert sprig("float64", Month(3)) == 3.0
    assert sprig("float64", Duration(7)) == 7.0
    assert "too many digits" in refused("divf", *([1e308, 3e-308] + [7e-300] * 400))


def test_texts_too_short_to_be_cut_at_both_sides():
    assert sprig("abbrevboth", 5, 6, "1234 5678 9123") == "1234 5678 9123"
    assert sprig("abbrevboth", -5, 5, "1234567890") == "12..."


def test_what_is_no_duration_is_none():
    assert sprig("duration", "x") == "0s"
    assert sprig("durationRound", "x") == "0s"


def test_a_word_begins_behind_a_space_of_any_alphabet():
    assert sprig("title", "a\u2003b éc") == "A\u2003B Éc"


def test_keys_of_every_kind():
    assert sprig("genPrivateKey", "rsa").startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert sprig("genPrivateKey", "dsa").startswith("-----BEGIN DSA PRIVATE KEY-----")
    assert sprig("genPrivateKey", "none") == "Unknown type none"


def test_certificates():
    authority = sprig("genCA", "my-ca", 1)
    assert authority.go_json() == {"Cert": authority.cert, "Key": authority.key}
    assert authority.go_string() == f"{{{authority.cert} {authority.key}}}"
    signed = sprig("genSignedCert", "me", ["127.0.0.1"], ["me.local"], 1, authority)
    assert signed.cert.startswith("-----BEGIN CERTIFICATE-----")
    assert signed.cert != authority.cert
    assert "sprig.genSignedCert" in refused("genSignedCert", "x" * 100, None, None, 1, authority)


def test_a_function_tells_its_form():
    assert repr(FUNCTIONS["add"]).startswith("sprig.add")


def test_a_wrong_password_is_told_by_the_padding():
    sealed = sprig("encryptAES", "right", "text")
    wrong = set()
    for number in range(40):
        try:
            wrong.add(sprig("decryptAES", f"wrong{number}", sealed))
        except LanguageError as problem:
            wrong.add(problem.message)
    assert any("the password is probably wrong" in str(one) for one in wrong)
    assert sprig("decryptAES", "right", sealed) == "text"


@pytest.mark.parametrize(
    ("pattern", "text", "parts"), [("a*", "baac", "-b-c-"), ("", "ab", "-a-b-"), ("b*", "abb", "-a-")]
)
def test_empty_matches_behind_a_match_are_no_match(pattern, text, parts):
    assert sprig("regexReplaceAll", pattern, text, "-") == parts


def test_a_pattern_that_is_too_long_is_a_limit_also_where_mistakes_are_false():
    with pytest.raises(LimitExceeded):
        sprig("regexMatch", "a" * 1_000_000, "a")
    assert sprig("regexMatch", "(", "x") is False
