"""Sprig's lists, dictionaries, defaults, types, JSON and dates."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.context import Context
from aggregator.lang.gotime import Duration, Time, from_unix, load_zone, parse_time
from aggregator.lang.govalue import (
    Int64,
    ListList,
    NilList,
    StringList,
    StringMap,
)
from aggregator.lang.sprig import FUNCTIONS

NOON = parse_time("2006-01-02 15:04:05", "2024-03-04 12:00:00")


def sprig(name, *args, zone="UTC"):
    ctx = Context(now=NOON.ns, random=random.Random(1), keep=lambda _, make: make(), zone=zone)
    return FUNCTIONS[name](ctx, *args)


def refused(name, *args):
    with pytest.raises(LanguageError) as caught:
        sprig(name, *args)
    return caught.value.message


class TestLists:
    @pytest.mark.parametrize(
        ("name", "args", "value"),
        [
            ("list", (1, None, "a"), [1, None, "a"]),
            ("first", ([1, 2],), 1),
            ("first", ([],), None),
            ("last", ([1, 2],), 2),
            ("rest", ([1, 2, 3],), [2, 3]),
            ("initial", ([1, 2, 3],), [1, 2]),
            ("append", ([1], [2]), [1, [2]]),
            ("prepend", ([1], 0), [0, 1]),
            ("concat", ([1], StringList(["a"]), []), [1, "a"]),
            ("reverse", ([1, 2],), [2, 1]),
            ("uniq", ([1, 1.0, 1, "1", [1], [1]],), [1, 1.0, "1", [1]]),
            ("without", ([1, 1.0, 2], 1), [1.0, 2]),
            ("has", (1, [1.0]), False),
            ("has", (1, None), False),
            ("compact", ([0, 1, "", None, [], False, "a"],), [1, "a"]),
            ("slice", ([1, 2, 3], 1), [2, 3]),
            ("slice", ([1, 2, 3], "1", 2.9), [2]),
            ("slice", ([],), None),
            ("chunk", (2, [1, 2, 3]), [[1, 2], [3]]),
            ("chunk", (2, []), []),
            ("sortAlpha", ([2, 10, "b", None],), ["10", "2", "b"]),
            ("sortAlpha", ("x",), ["x"]),
        ],
    )
    def test_lists(self, name, args, value):
        assert sprig(name, *args) == value

    def test_types_of_results(self):
        assert type(sprig("rest", StringList(["a", "b"]))) is list
        assert type(sprig("slice", StringList(["a", "b"]), 1)) is StringList
        assert type(sprig("chunk", 2, [1])) is ListList
        assert type(sprig("rest", [])) is NilList, "an empty list has no rest: Go's nil list"

    @pytest.mark.parametrize("name", ["first", "last", "rest", "initial", "reverse", "uniq", "compact", "mustFirst"])
    @pytest.mark.parametrize("value", [None, "abc", 5, {}])
    def test_only_lists(self, name, value):
        assert "cannot" in refused(name, value)

    @pytest.mark.parametrize("bounds", [(1, 9), (2, 1), (-1,)])
    def test_slices_outside_the_list(self, bounds):
        assert "lies outside" in refused("slice", [1, 2, 3], *bounds)

    def test_chunks_of_nothing(self):
        assert "must be 1 or more" in refused("chunk", 0, [1])

    @given(st.integers(1, 10), st.lists(st.integers()))
    def test_chunks_hold_all_elements_in_order(self, size, elements):
        chunks = sprig("chunk", size, elements)
        assert [item for chunk in chunks for item in chunk] == elements
        assert all(len(chunk) == size for chunk in chunks[:-1])

    @given(st.lists(st.one_of(st.integers(0, 3), st.sampled_from([1.0, "1", None]))))
    def test_uniq_keeps_the_first_of_each(self, elements):
        once = sprig("uniq", elements)
        assert all(sprig("has", element, once) for element in elements)
        assert sprig("uniq", once) == once

    def test_no_function_changes_its_argument(self):
        elements = [2, 1, 2]
        for name in ("uniq", "reverse", "sortAlpha", "compact", "rest"):
            sprig(name, elements)
        sprig("append", elements, 3)
        assert elements == [2, 1, 2]


class TestDictionaries:
    @pytest.mark.parametrize(
        ("name", "args", "value"),
        [
            ("dict", ("a", 1, 2, "b", "odd"), {"a": 1, "2": "b", "odd": ""}),
            ("get", ({"a": 1}, "b"), ""),
            ("hasKey", ({"a": None}, "a"), True),
            ("pluck", ("a", {"a": 1}, {"b": 2}, {"a": 3}), [1, 3]),
            ("keys", ({"a": 1}, {"b": 1}), ["a", "b"]),
            ("values", ({"a": 1},), [1]),
            ("pick", ({"a": 1, "b": 2}, "a", "z"), {"a": 1}),
            ("omit", ({"a": 1, "b": 2}, "a"), {"b": 2}),
            ("dig", ("a", "b", 0, {"a": {"b": 5}}), 5),
            ("dig", ("a", "c", 0, {"a": {"b": 5}}), 0),
        ],
    )
    def test_dictionaries(self, name, args, value):
        assert sprig(name, *args) == value

    def test_set_and_unset_change_the_map(self):
        m = {"a": 1}
        assert sprig("set", m, "b", 2) is m
        assert sprig("unset", m, "a") is m
        assert m == {"b": 2}

    def test_nil_cannot_be_set(self):
        assert "nil has no entries" in refused("set", None, "a", 1)

    @pytest.mark.parametrize(
        "args", [("a",), (1, 0, {}), ("a", "b", 0, {"a": 5}), ("a", "b", 0, {"a": StringMap(b="c")}), ("a", 0, [])]
    )
    def test_dig_wants_strings_and_maps(self, args):
        assert "sprig.dig" in refused("dig", *args)

    def test_merge_fills_in_and_merge_overwrite_replaces(self):
        left = {"a": 1, "b": "", "c": {"x": 1}, "l": [1]}
        right = {"a": 2, "b": "filled", "c": {"x": 2, "y": 3}, "l": [2], "n": None}
        assert sprig("merge", sprig("deepCopy", left), right) == {
            "a": 1,
            "b": "filled",
            "c": {"x": 1, "y": 3},
            "l": [1],
        }
        assert sprig("mergeOverwrite", sprig("deepCopy", left), right) == {
            "a": 2,
            "b": "filled",
            "c": {"x": 2, "y": 3},
            "l": [2],
            "n": None,
        }

    def test_merge_changes_the_first_map_and_deep_copy_protects_it(self):
        target = {"a": {"b": 1}}
        copy = sprig("deepCopy", target)
        sprig("merge", target, {"a": {"c": 2}})
        assert target == {"a": {"b": 1, "c": 2}}
        assert copy == {"a": {"b": 1}}

    def test_nil_cannot_be_copied(self):
        assert "nil" in refused("deepCopy", None)

    def test_a_map_that_holds_itself(self):
        endless = {}
        endless["a"] = endless
        for name in ("deepCopy", "toJson", "toString", "uniq"):
            with pytest.raises(LimitExceeded):
                sprig(name, [endless])


class TestDefaultsAndTypes:
    @pytest.mark.parametrize("value", [None, "", 0, 0.0, False, [], {}, b"", Duration(0)])
    def test_empty(self, value):
        assert sprig("empty", value)
        assert sprig("default", "d", value) == "d"

    @pytest.mark.parametrize("value", [" ", 1, -1, True, [0], {"a": 0}, Time(0), Duration(1)])
    def test_not_empty(self, value):
        assert not sprig("empty", value)
        assert sprig("default", "d", value) is value

    def test_many(self):
        assert sprig("coalesce", "", 0, 2, 3) == 2
        assert sprig("coalesce") is None
        assert sprig("all") is True
        assert sprig("any") is False
        assert sprig("ternary", 1, 2, False) == 2

    @pytest.mark.parametrize(
        ("value", "name", "kind"),
        [
            (None, "<nil>", "invalid"),
            (1, "int", "int"),
            (Int64(1), "int64", "int64"),
            (1.5, "float64", "float64"),
            ("a", "string", "string"),
            ([], "[]interface {}", "slice"),
            (StringList(), "[]string", "slice"),
            ({}, "map[string]interface {}", "map"),
            (Time(0), "time.Time", "struct"),
            (Duration(0), "time.Duration", "int64"),
            (b"", "[]uint8", "slice"),
        ],
    )
    def test_types(self, value, name, kind):
        assert sprig("typeOf", value) == name
        assert sprig("kindOf", value) == kind
        assert sprig("typeIs", name, value)
        assert sprig("kindIs", kind, value)

    def test_deep_equality_is_strict_about_types(self):
        assert not sprig("deepEqual", 1, 1.0)
        assert not sprig("deepEqual", 1, Int64(1))
        assert not sprig("deepEqual", ["a"], StringList(["a"]))
        assert not sprig("deepEqual", math.nan, math.nan)
        assert sprig("deepEqual", {"a": [1, None]}, {"a": [1, None]})

    def test_fail(self):
        assert refused("fail", "no port") == "no port"


class TestJson:
    def test_numbers_are_read_as_floats(self):
        got = sprig("fromJson", '{"a": [1, 2.5]}')
        assert got == {"a": [1.0, 2.5]}
        assert type(got["a"][0]) is float

    @pytest.mark.parametrize("text", ["", "bad", "{", "[1,]", "NaN", "[Infinity]", "01", '"\x01"', "1 2", "\ufeff1"])
    def test_bad_json(self, text):
        assert sprig("fromJson", text) is None
        assert refused("mustFromJson", text)

    def test_a_number_too_large_reads_as_nil(self):
        assert sprig("fromJson", '{"a": 1e999, "b": 1}') == {"a": None, "b": 1.0}
        assert "1e999" in refused("mustFromJson", "1e999")

    def test_halves_of_surrogate_pairs_are_replaced(self):
        assert sprig("fromJson", '"\\ud800\\ud83d\\ude00"') == "\ufffd😀"

    def test_values_without_json_give_an_empty_text(self):
        assert sprig("toJson", math.nan) == ""
        assert sprig("toPrettyJson", math.inf) == ""
        assert "NaN" in refused("mustToJson", math.nan)
        assert "NaN" in refused("toRawJson", math.nan)

    def test_raw_json_keeps_what_html_would_escape(self):
        assert sprig("toRawJson", "<") == '"<"'
        assert sprig("toJson", "<") == '"\\u003c"'

    def test_deep_json_ends_with_a_limit(self):
        with pytest.raises(LimitExceeded):
            sprig("fromJson", "[" * 100_000 + "]" * 100_000)


class TestDates:
    def test_integers_are_unix_seconds_and_other_values_are_now(self):
        assert sprig("date", "2006-01-02", 0) == "1970-01-01"
        assert sprig("date", "2006-01-02", Int64(86400)) == "1970-01-02"
        assert sprig("date", "2006-01-02", "2020") == "2024-03-04"
        assert sprig("htmlDate", None) == "2024-03-04"

    def test_zones(self):
        assert sprig("dateInZone", "15:04 MST", NOON, "America/New_York") == "07:00 EST"
        assert sprig("dateInZone", "15:04 MST", NOON, "Nowhere") == "12:00 UTC"
        assert sprig("date", "15:04", NOON, zone="Asia/Tokyo") == "21:00", "the local zone is the context's"
        assert sprig("htmlDateInZone", NOON.add(Duration(12 * 3600 * 10**9)), "Asia/Tokyo") == "2024-03-05"
        assert str(sprig("toDate", "2006-01-02", "2024-07-01", zone="Europe/Zurich")).endswith("+0200 CEST")

    def test_moving(self):
        assert str(sprig("dateModify", "-1.5h", NOON)) == "2024-03-04 10:30:00 +0000 UTC"
        assert sprig("dateModify", "bad", NOON) == NOON
        assert "invalid duration" in refused("mustDateModify", "bad", NOON)

    def test_reading(self):
        assert sprig("toDate", "2006-01-02", "bad").ns == -62_135_596_800 * 10**9
        assert "cannot read" in refused("mustToDate", "2006-01-02", "bad")

    @pytest.mark.parametrize(
        ("value", "text"),
        [("61", "1m1s"), ("abc", "0s"), (3661, "0s"), (Int64(90), "1m30s"), ("99999999999999999999", "-1s")],
    )
    def test_duration_reads_a_text_of_seconds(self, value, text):
        assert sprig("duration", value) == text

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("36h", "1d"),
            ("24h", "24h"),
            ("2400h", "3mo"),
            ("10m5s", "10m"),
            ("-36h", "1d"),
            ("1s", "0s"),
            (5, "0s"),
            (NOON.add(Duration(-2 * 10**9)), "2s"),
        ],
    )
    def test_duration_round_counts_whole_units_it_has_more_than_one_of(self, value, text):
        assert sprig("durationRound", value) == text

    def test_now_and_ago_use_the_given_clock(self):
        assert sprig("now") == NOON
        assert sprig("ago", NOON.add(Duration(-90 * 10**9))) == "1m30s"
        assert sprig("ago", "any text") == "0s"

    def test_unix_epoch(self):
        assert sprig("unixEpoch", from_unix(5, zone=load_zone("Asia/Tokyo"))) == "5"
