"""Loops: what elements there are, how they are named, and what an element's texts can see."""

import pytest

from aggregator.errors import LanguageError
from aggregator.plan.fanout import MAX_ELEMENTS, expand_items, expand_param, expand_sequence, item_scope, item_text


def values(elements):
    return [elements[i] for i in range(elements.count)]


def suffixes(elements):
    return [elements.suffix(i) for i in range(elements.count)]


class TestItems:
    @pytest.mark.parametrize(
        ("item", "suffix"),
        [
            (1, "(0:1)"),
            (1.5, "(0:1.5)"),
            ("a", "(0:a)"),
            (True, "(0:true)"),
            (None, "(0:null)"),
            ({"b": "x", "a": 1}, "(0:a:1,b:x)"),
            ([1, 2], "(0:[1 2])"),
            ([{"foo": "bar", "a": [1.5]}, "x y"], '(0:[{"a":[1.5],"foo":"bar"} x y])'),
            ("a<b & c", "(0:a\\u003cb \\u0026 c)"),
            ("with (brackets)", "(0:with brackets)"),
            ("line\nend", "(0:line\\nend)"),
            ('say "x"', '(0:say \\"x\\")'),
            ({"k": {"n": 1}}, '(0:k:{"n":1})'),
            ({"k": "tab\t"}, "(0:k:tab\\t)"),
        ],
    )
    def test_names(self, item, suffix):
        assert suffixes(expand_items([item])) == [suffix]

    @pytest.mark.parametrize(
        ("item", "text"),
        [
            ("a\nb", "a\nb"),
            (1, "1"),
            ({"b": 1, "a": "<"}, '{"a":"\\u003c","b":1}'),
            ([1, "x"], '[1,"x"]'),
            (None, "null"),
        ],
    )
    def test_texts(self, item, text):
        assert item_text(item) == text

    def test_fields_of_a_map(self):
        assert item_scope({"a": 1, "b": {"c": 2}}) == {
            "item": '{"a":1,"b":{"c":2}}',
            "item.a": "1",
            "item.b": '{"c":2}',
        }

    def test_keys_of_maps_inside_are_sorted(self):
        """Argo reads YAML by way of JSON whose keys are sorted at every depth."""
        assert item_text(expand_items([[{"b": 1, "a": {"d": 2, "c": 3}}]])[0]) == '[{"a":{"c":3,"d":2},"b":1}]'

    def test_it_must_be_a_list(self):
        with pytest.raises(LanguageError, match="withItems must be a list, not str"):
            expand_items("abc")


class TestParam:
    def test_numbers_print_as_they_were_written(self):
        elements = expand_param('[1, 1.50, 1e3, "a", null, {"v": 9.10}]')
        assert suffixes(elements) == ["(0:1)", "(1:1.50)", "(2:1e3)", "(3:a)", "(4:null)", "(5:v:9.10)"]
        assert item_text(elements[1]) == "1.50"

    def test_what_is_inside_stands_as_it_was_written(self):
        """Argo keeps the JSON text of each value: only the keys of a map that is an element itself are sorted."""
        elements = expand_param('[{"z": 1.0, "a": {"y": 1.50, "b": "<"}}, [1.0, {"b": 1, "a": 2E3}]]')
        assert [item_text(value) for value in elements] == [
            '{"a":{"y":1.50,"b":"\\u003c"},"z":1.0}',
            '[1.0,{"b":1,"a":2E3}]',
        ]
        assert item_scope(elements[0])["item.a"] == '{"y":1.50,"b":"\\u003c"}'

    def test_null_is_an_empty_list(self):
        """A list in Go that nobody made is written as null; Argo reads it back as one without elements."""
        assert expand_param(" null ").count == 0

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("nope", "could not be parsed"),
            ("[NaN]", "NaN is no JSON value"),
            ("x" * 200, "\\.\\.\\."),
            ('{"a": 1}', "must be a JSON list"),
        ],
    )
    def test_what_is_no_list(self, text, words):
        with pytest.raises(LanguageError, match=words):
            expand_param(text)


class TestSequence:
    @pytest.mark.parametrize(
        ("sequence", "expected"),
        [
            ({"count": "3"}, ["0", "1", "2"]),
            ({"count": 2, "start": "5"}, ["5", "6"]),
            ({"start": "3", "end": "1"}, ["3", "2", "1"]),
            ({"end": "2"}, ["0", "1", "2"]),
            ({"count": "9", "end": "1"}, ["0", "1"]),
            ({"count": "0"}, []),
            ({"count": "3", "format": "%02d"}, ["00", "01", "02"]),
            ({"start": "10", "end": "11", "format": "host-%02X"}, ["host-0A", "host-0B"]),
            ({"start": "-1", "end": "1"}, ["-1", "0", "1"]),
        ],
    )
    def test_numbers(self, sequence, expected):
        assert values(expand_sequence(sequence)) == expected

    @pytest.mark.parametrize(
        ("sequence", "words"),
        [
            ({}, "needs 'end' or 'count'"),
            ({"count": "-1"}, "must not be negative"),
            ({"count": "1_0"}, "withSequence.count must be a whole number, it is '1_0'"),
            ({"count": "many"}, "withSequence.count must be a whole number, it is 'many'"),
            ({"end": "1.5"}, "withSequence.end"),
            ({"end": str(MAX_ELEMENTS + 1)}, "more than"),
        ],
    )
    def test_what_is_no_sequence(self, sequence, words):
        with pytest.raises(LanguageError, match=words):
            expand_sequence(sequence)

    def test_an_element_costs_nothing_before_it_is_asked_for(self):
        elements = expand_sequence({"count": str(MAX_ELEMENTS)})
        assert (elements.count, elements[MAX_ELEMENTS - 1]) == (MAX_ELEMENTS, str(MAX_ELEMENTS - 1))
