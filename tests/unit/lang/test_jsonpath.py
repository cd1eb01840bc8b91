"""The two JSONPath languages: the function of expressions, and kubectl's templates."""

import sys

import pytest

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import jq
from aggregator.lang.jsonpath import argo_jsonpath, k8s_jsonpath

SHOP = {
    "books": [
        {"title": "A", "price": 8.0, "tags": ["x"]},
        {"title": "B", "price": 12.0, "isbn": "1"},
        {"title": "C", "price": 20.0, "isbn": "2"},
    ],
    "bike": {"price": 19.0},
    "limit": 10.0,
    "a.b": "dot",
    "nothing": None,
    "yes": True,
}


def found(path):
    return argo_jsonpath(SHOP, path)


class TestArgoPaths:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("$.limit", 10.0),
            ("$['a.b']", "dot"),
            ('$["a.b"]', "dot"),
            ("$.books[0].title", "A"),
            ("$.books[-1].title", "C"),
            ("$.books[(@.length-1)].title", "C"),
            ("$.books.length", 3),
            ("$.books[0].title.length", 1),
            ("$.bike.length", 1),
            ("@.limit", 10.0),
            ("$.bike['price']", 19.0),
            ("$[('bike')].price", 19.0),
            ("$.books[0]['title','price']", ["A", 8.0]),
        ],
    )
    def test_definite_paths_give_the_value(self, path, value):
        assert found(path) == value

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("$.books[*].title", ["A", "B", "C"]),
            ("$.books.*.isbn", ["1", "2"]),
            ("$..price", [19.0, 8.0, 12.0, 20.0]),
            ("$..missing", []),
            ("$.books[1:].title", ["B", "C"]),
            ("$.books[::2].title", ["A", "C"]),
            ("$.books[0:2:-1].title", ["B", "A"]),
            ("$.books[-9:9].title", ["A", "B", "C"]),
            ("$.books[0,2,9].title", ["A", "C"]),
            ("$.books[?(@.price < $.limit)].title", ["A"]),
            ("$.books[?(@.isbn)].title", ["B", "C"]),
            ("$.books[?(@.isbn == '2' || @.price == 8)].title", ["C"]),
            ("$.books[?(@.price > 8 && @.price < 20)].title", ["B"]),
            ("$.books[?(@.price / 4 == 2)].title", ["A"]),
            ("$.books[?(@.price * 2 - 4 == 20)].title", ["B"]),
            ("$.books[?(@.title =~ '^[AB]$')].title", ["A", "B"]),
            ("$.books[?(@.tags[0] == 'x')].title", ["A"]),
            ('$.books[?(@.tags == ["x"])].title', ["A"]),
            ("$[?(@ == null)]", [None]),
            ("$[?(!@)]", [None]),
            ("$.books[?(true)].title", ["A", "B", "C"]),
            ("$.books[?(@.isbn)][0].title", "B"),
            ("$[?(@.price <= 19)].price", [19.0]),
            ("$.books[?(@.price >= 12 && @.price != 20)].title", ["B"]),
            ("$.books[?(@.price + 1 == 9)].title", ["A"]),
            ("$.books[?(@.price % 5 == 2)].title", ["B"]),
            ("$.books[?(@.price % 0.5 == 0)].title", []),
            ("$.books[?(@.price ** 2 == 64)].title", ["A"]),
            ("$.books[?((@.price / 0) > 9)].title", ["A", "B", "C"]),
            ("$.books[?(@.title == [x])].title", []),
            ("$.books[?(@.tags[(@.length-1)] == 'x')].title", ["A"]),
            ("$.books[?(null)].title", []),
            ("$.books[?(5)].title", ["A", "B", "C"]),
            ("$.books[?(0)].title", []),
            ("$.books[?('')].title", []),
            ("$.books[?(word)].title", ["A", "B", "C"]),
            ("$.books[?(!@.isbn)].title", []),
            ("$.books[(@.length-2):(@.length-1)].title", ["B"]),
            ("$.books[(@.length-2),0].title", ["B", "A"]),
        ],
    )
    def test_others_give_a_list(self, path, value):
        """What an element lacks makes a filter fail for it, also beside an `||`."""
        assert found(path) == value

    @pytest.mark.parametrize(
        "path",
        ["", "limit", "$limit", "$.", "$[", "$[]", "$['x", "$.books[?]", "$.books[?()]", "$.books[x]", "$.books[1:'a']",
         "$.books[1,2:3]", "$.books[1,]"],
    )  # fmt: skip
    def test_malformed(self, path):
        with pytest.raises(LanguageError):
            found(path)

    @pytest.mark.parametrize(
        "path",
        ["$.missing", "$.books[9]", "$.limit[0]", "$.limit.x", "$.nothing.x", "$.books.x", "$.bike[0:1]", "$.limit[*]",
         "$.limit.length", "$.books[::0]", "$.bike['a',0]", "$.books[(@.x)]", "$.books[(1 > 0)]",
         "$[0,1]", "$.books['a',0]", "$.books[(@.length)/2:]", "$.books[('x'):1]", "$.books[(1>0),0]", "$[?(@)][5]"],
    )  # fmt: skip
    def test_what_is_missing_is_an_error(self, path):
        with pytest.raises(LanguageError):
            found(path)

    def test_a_missing_key_names_the_nearest(self):
        with pytest.raises(LanguageError) as caught:
            found("$.bok")
        assert caught.value.hint == "did you mean 'books'?"

    def test_limits(self):
        for path in (
            "$" + ".a" * 100,
            "$" + ".a" * 20_000,
            "$" + "..*" * 8,
            "$[?(" + "(" * 500 + "1" + ")" * 500 + ")]",
        ):
            with pytest.raises(LimitExceeded):
                argo_jsonpath([[[[[[[[1] * 9] * 9] * 9] * 9] * 9] * 9] * 9], path)


POD = {
    "metadata": {"name": "p", "labels": {"a.b/c": "dotted"}},
    "items": [{"n": "one", "v": 1}, {"n": "two", "v": 2}, {"n": "three", "v": 3.5}],
    "none": None,
    "big": 1234567890123,
    "ok": True,
    "flags": [True],
    "numbers": [1, 2, 3],
}


class TestKubectlTemplates:
    @pytest.mark.parametrize(
        ("template", "text"),
        [
            ("plain .metadata.name", "plain .metadata.name"),
            ("{.metadata.name}", "p"),
            ("name={.metadata.name};", "name=p;"),
            ("{$.metadata.name}{@.big}", "p1234567890123"),
            ("{.metadata.labels.a\\.b/c}", "dotted"),
            ("{.metadata['name']}", "p"),
            ("{.missing.deep}", ""),
            ("{.items[*].n}", "one two three"),
            ("{.items[0:2].n}", "one two"),
            ("{.items[::2].n}", "one three"),
            ("{.items[-1].n}", "three"),
            ("{.items[0,2].n}", "one three"),
            ("{.items[0]['n','v']}", "one 1"),
            ('{.items[?(@.n=="two")].v}', "2"),
            ('{.items[?(@.n!="one")].v}', "2 3.5"),
            ("""{.items[?(@.n!="it's)")].v}""", "1 2 3.5"),
            ("{.items[?(@.v)].n}", "one two three"),
            ('{.items[?(@.n=~"^t")].n}', "two three"),
            ('{range .items[*]}{.n}={.v}{"\\n"}{end}', "one=1\ntwo=2\nthree=3.5\n"),
            ("{range .missing[*]}{.n}{end}done", "done"),
            ("{..v}", "1 2 3.5"),
            ("{.none}", "null"),
            ("{.ok}", "true"),
            ("{.items[0]}", '{"n":"one","v":1}'),
            ("{'a\\'b'}", "a'b"),
            ("{true}{5}{1.5}", "true51.5"),
            ("{'\\x41\\u00e9\\n\\101'}", "A\u00e9\nA"),
            ("{.metadata.*}", '{"a.b/c":"dotted"} p'),
            ("{.metadata.name.*}", "112"),
            ("{.none[0]}{.none.x}", ""),
            ("{.items[1:1].n}", ""),
            ("{.items[?(@.v[5])].n}", "one two three"),
            ("{.flags[?(@==true)]}", "true"),
            ("{.numbers[?(@>1)]}", "2 3"),
            ("{.numbers[?(@>=2)]}", "2 3"),
            ("{.numbers[?(@<2)]}", "1"),
            ("{.numbers[?(@<=2)]}", "1 2"),
            ("{.numbers[?(@!=2)]}", "1 3"),
            ("{.numbers[?(.x==1)]}", ""),
        ],
    )
    def test_results(self, template, text):
        assert k8s_jsonpath(POD, template) == text

    @pytest.mark.parametrize(
        "template",
        ["{.a", "{.a\n}", "{.items[}", "{.items[x]}", '{.items["n"]}', "{.items[9].n}", "{.items[::0]}", "{.metadata[0]}",
         "{.items[2:1]}", "{&}", "{'a}", "{'\\q'}", "{end}", "{unknown}", "{....a}", "{.items[?(@.n==1)]}",
         '{.items[?(@.n=="a" && @.v==1)]}', "{.items[?(@.n]}", "{.metadata[?(@.n)]}", "{.items[?(@.n ~ 'a')]}",
         "{.items[?(@.v==1)].n}", "{+}"],
    )  # fmt: skip
    def test_refused(self, template):
        with pytest.raises(LanguageError):
            k8s_jsonpath(POD, template)

    def test_limits(self):
        nested = "@"
        for _ in range(80):
            nested = f"@[?({nested})]"
        for template in ("{" + "x" * 200_000, "{[?(" + nested + ")]}", "{" + "[*]" * 9 + "}"):
            with pytest.raises(LanguageError):
                k8s_jsonpath([[[[[[[[1] * 8] * 8] * 8] * 8] * 8] * 8] * 8], template)
        value = 1
        for _ in range(6):
            value = [value] * 12
        with pytest.raises(LimitExceeded):
            k8s_jsonpath(value, "{" + "[*]" * 6 + "}")

    @pytest.mark.parametrize(
        "template",
        ["{.flags[?(@<true)]}", "{.numbers[?(@~1)]}", "{.numbers[0:9]}", "{.numbers[?(@=~1)]}", "{.items[?(@[*]==1)]}",
         "{.all[?(@[*]==1)]}", "{.numbers[-]}", "{.numbers[1:-]}", "{.numbers[9999999999999999999]}", "{.numbers[?(@<@@&)]}"],
    )  # fmt: skip
    def test_refused_comparisons_and_indexes(self, template):
        with pytest.raises(LanguageError):
            k8s_jsonpath({**POD, "all": [[1, 2]]}, template)

    def test_a_limit_is_told_from_inside_of_a_filter(self):
        value = 1
        for _ in range(6):
            value = [value] * 12
        with pytest.raises(LimitExceeded):
            k8s_jsonpath([value], "{[?(@" + "[*]" * 6 + ")]}")
        with pytest.raises(LimitExceeded):
            argo_jsonpath([value], "$[?(@" + "..*" * 6 + ")]")

    @pytest.mark.parametrize(
        "query",
        [lambda: k8s_jsonpath([[1]], "{range [*]}{..x}{end}"), lambda: argo_jsonpath([[1.0]], "$[?(@[?(@ > 0)])]")],
    )
    def test_the_end_of_the_stack_is_a_limit_too(self, query):
        def dive(levels):
            return query() if not levels else dive(levels - 1)

        told = []
        for levels in range(700, sys.getrecursionlimit()):
            try:
                dive(levels)
            except LimitExceeded as error:
                told.append(error.limit)
            except RecursionError:
                break
        assert set(told) == {"jsonpath depth"}

    def test_more_limits(self):
        deep = "x"
        for _ in range(120):
            deep = [deep]
        with pytest.raises(LimitExceeded):
            k8s_jsonpath(deep, "{..x}")
        with pytest.raises(LimitExceeded):
            k8s_jsonpath({"a": "x" * 9_000_000}, "{.a}{.a}")
        with pytest.raises(LimitExceeded):
            k8s_jsonpath(deep, "{range @[*]}" * 60)
        with pytest.raises(LimitExceeded):
            argo_jsonpath(deep, "$..x")


class TestJq:
    def test_outputs_are_joined_by_lines(self):
        assert jq.jq_filter(POD, ".items[].n, .big") == "one\ntwo\nthree\n1234567890123"
        assert jq.jq_filter(POD, "{b: 1, a: 2.0}") == '{"a":2,"b":1}'
        assert jq.jq_filter(POD, "empty") == ""

    @pytest.mark.parametrize(
        "text",
        ["input", "$ENV.HOME", "env", '"\\(env.HOME)"', 'import "a" as a; 1', "halt", "$__loc__", "infinite", "error(1)", "((", "a b", ".\x00"],
    )  # fmt: skip
    def test_what_is_closed_or_wrong(self, text):
        with pytest.raises(LanguageError):
            jq.jq_filter(POD, text)

    def test_limits_and_the_missing_extra(self, monkeypatch):
        with pytest.raises(LimitExceeded):
            jq.jq_filter(POD, "." * 30_000)
        with pytest.raises(LimitExceeded):
            jq.jq_filter(POD, "range(200000)")
        jq._program.cache_clear()
        monkeypatch.setitem(sys.modules, "jq", None)
        with pytest.raises(LanguageError) as caught:
            jq.jq_filter(POD, ".metadata")
        assert "pip install" in caught.value.hint

    def test_words_are_free_as_fields_and_in_text(self):
        assert jq.jq_filter({"env": 1, "input": 2}, ".env, .input") == "1\n2"
        assert jq.jq_filter({}, '"env \\"input\\""  # halt') == 'env "input"'
