"""Sprig's encodings, regular expressions, paths, URLs and versions."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import LanguageError
from aggregator.lang.context import Context
from aggregator.lang.govalue import NilStringList, StringList, call_method
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
