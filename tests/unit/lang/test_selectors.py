"""Label selectors over labels and over the fields of an object; field selectors of the command line."""

import pytest

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.selectors import field_text, parse, parse_fields

POD = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"replicas": 3, "containers": [{"name": "c1"}, {"name": "c2"}]},
    "status": {"phase": "Running", "ready": True, "ratio": 0.5, "none": None, "list": [], "whole": 2.0},
}


def refused(text):
    with pytest.raises(LanguageError) as caught:
        parse(text)
    return caught.value


class TestLabels:
    @pytest.mark.parametrize(
        ("text", "matches"),
        [
            ("", True),
            ("app", True),
            ("!app", False),
            ("!other", True),
            ("app=x", True),
            ("app==x,tier=web", True),
            ("app = y", False),
            ("app!=y", True),
            ("other!=y", True),
            ("app in (x, y)", True),
            ("app in (,x)", True),
            ("app=,tier", False),
            ("app!=", True),
            ("app in ()", False),
            ("app notin (x)", False),
            ("other notin (x)", True),
            ("size>3", True),
            ("size<3", False),
            ("app>3", False),
            ("other>3", False),
            ("in in (a)", False),
            ("example.org/team=core", True),
        ],
    )
    def test_requirements(self, text, matches):
        labels = {"app": "x", "tier": "web", "size": "5", "example.org/team": "core"}
        assert parse(text).matches(labels) is matches

    @pytest.mark.parametrize(
        "text",
        [
            "== x", "a b", "a in b", "a in (b", "a &&b", "a = b || c", "a,", ",a", "a in (b c)", "a in (=)", "a = (", f"{'a.' * 200}x/y", "a = 'b'", "a = -b", "a > x", "a > 1.5",
            "a >= 1", "_a", "a/b/c = d", "A/b = c", f"{'a' * 64} = b", f"a = {'b' * 64}", "a = ü", "(a)", "!", "!a = b",
        ],
    )  # fmt: skip
    def test_refused(self, text):
        error = refused(text)
        assert 0 <= error.start < error.end

    def test_limits(self):
        with pytest.raises(LimitExceeded):
            parse("a" * 1_000_000)


class TestObjects:
    """Keys are dotted paths into the object of a resource; values are compared as text."""

    @pytest.mark.parametrize(
        ("text", "matches"),
        [
            ("status.phase == Running", True),
            ("status.ready == true", True),
            ("status.ratio == 0.5", True),
            ("status.whole == 2", True),
            ("spec.replicas > 2", True),
            ("spec.containers.1.name = c2", True),
            ("spec.containers.9.name = c2", False),
            ("status.none", True),
            ("status.none = x", False),
            ("status.list", True),
            ("status.missing", False),
            ("status.phase.deep", False),
            ("status.phase != Failed, spec.replicas = 3", True),
        ],
    )
    def test_success_needs_all(self, text, matches):
        assert parse(text).matches_object(POD) is matches

    def test_failure_needs_one(self):
        assert parse("status.phase == Failed, spec.replicas = 3").any_matches_object(POD)
        assert not parse("status.phase == Failed, spec.replicas = 4").any_matches_object(POD)

    def test_text_of_fields(self):
        assert field_text(POD, "status.list") == "[]"
        assert field_text(POD, "status.none") == ""
        assert field_text(POD, "nowhere") is None


class TestFields:
    def test_terms(self):
        selector = parse_fields("metadata.name=a,status.phase!=Failed,,x==")
        assert selector.terms == (("metadata.name", True, "a"), ("status.phase", False, "Failed"), ("x", True, ""))
        assert selector.matches({"metadata.name": "a", "status.phase": "Running"})
        assert not selector.matches({"metadata.name": "b"})
        assert parse_fields("").matches({})

    def test_escapes(self):
        assert parse_fields(r"a=b\,c\=d\\").terms == (("a", True, "b,c=d\\"),)

    @pytest.mark.parametrize("text", ["a", r"a=\n", "a=b=c", "a=b\\"])
    def test_refused(self, text):
        with pytest.raises(LanguageError):
            parse_fields(text)
        with pytest.raises(LimitExceeded):
            parse_fields("a" * 1_000_000)
