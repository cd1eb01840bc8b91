"""Go's instants, layouts and zones."""

from datetime import UTC as STDLIB_UTC
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import LanguageError
from aggregator.lang.gotime import (
    UTC,
    ZERO_TIME,
    Duration,
    Month,
    Time,
    Weekday,
    fixed_zone,
    format_time,
    from_unix,
    load_zone,
    parse_time,
)
from aggregator.lang.gotime import calendar as gregorian
from aggregator.lang.govalue import INT_MAX, call_method

HOUR = 3600 * 10**9

MARCH = 1_709_528_767  # 2024-03-04T05:06:07Z, a Monday

seconds = st.integers(-62_135_596_800, 253_402_300_799)


def test_durations_and_times_do_not_change():
    with pytest.raises(AttributeError):
        Duration(1).ns = 2
    with pytest.raises(AttributeError):
        Time(1).ns = 2


class TestLayouts:
    """The reference time Mon Jan 2 15:04:05 MST 2006 shows how each part is written; all else is text."""

    @pytest.mark.parametrize(
        ("layout", "text"),
        [
            ("2006-01-02T15:04:05Z07:00", "2024-03-04T05:06:07Z"),
            ("Mon Jan _2 15:04:05 2006", "Mon Mar  4 05:06:07 2024"),
            ("Monday, January 2", "Monday, March 4"),
            ("06/1/2 3:4:5 PM", "24/3/4 5:6:7 AM"),
            ("03:04pm", "05:06am"),
            ("002 __2", "064  64"),
            (".000 .999 ,000000", ".000  ,000000"),
            ("-0700 -07:00 -07 Z0700 MST", "+0000 +00:00 +00 Z UTC"),
            ("Month Janx", "Month Janx"),  # no elements: lower-case letters follow
            ("_2006", "_2024"),
            (".00x .0001", ".00x .0003"),
        ],
    )
    def test_written(self, layout, text):
        assert format_time(from_unix(MARCH), layout) == text

    def test_fractions(self):
        t = from_unix(MARCH, 120_000_000)
        assert format_time(t, "05.000") == "07.120"
        assert format_time(t, "05.999999") == "07.12"
        assert format_time(t, "05,00") == "07,12"
        assert format_time(from_unix(MARCH), "05.999") == "07"

    def test_offsets_with_minutes_and_seconds(self):
        t = from_unix(MARCH).in_zone(fixed_zone("", -(5 * 3600 + 30 * 60 + 15)))
        assert format_time(t, "-07 -0700 -07:00:00") == "-05 -0530 -05:30:15"
        assert format_time(t, "MST") == "-0530", "a zone without a name shows its offset"

    @pytest.mark.parametrize(
        ("layout", "text", "unix"),
        [
            ("2006-01-02", "2024-03-04", 1_709_510_400),
            ("2006-01-02 15:04:05", "2024-03-04 05:06:07.25", MARCH),  # a fraction may follow the seconds
            ("Jan _2 2006", "mar  4 2024", 1_709_510_400),  # names in any case
            ("2006-01-02T15:04:05Z07:00", "2024-03-04T05:06:07+01:00", MARCH - 3600),
            ("3:04PM", "12:30AM", -62_167_217_400),
            ("2006 002", "2024 064", 1_709_510_400),
            ("02/01/06", "04/03/69", -26_179_200),
            ("02/01/06", "04/03/68", 3_098_044_800),
            ("15:04 MST 2006", "05:06 GMT+2 2024", 1_704_085_560),
        ],
    )
    def test_read(self, layout, text, unix):
        assert parse_time(layout, text).unix == unix

    @pytest.mark.parametrize(
        ("layout", "text", "why"),
        [
            ("2006-01-02", "2024-13-04", "month out of range"),
            ("2006-01-02", "2023-02-29", "day out of range"),
            ("15:04", "24:00", "hour out of range"),
            ("15:04", "10:60", "minute out of range"),
            ("2006-01-02", "2024-1-04", "does not fit '01'"),
            ("2006", "2024x", "nothing in the layout"),
            ("Jan", "Foo", "does not fit 'Jan'"),
            ("2006 002", "2023 366", "day-of-year out of range"),
            ("2006-01 002", "2024-04 064", "day-of-year does not match month"),
            ("-07:00", "+25:00", "offset hour out of range"),
        ],
    )
    def test_refused(self, layout, text, why):
        with pytest.raises(LanguageError, match=why):
            parse_time(layout, text)

    def test_a_text_without_zone_is_read_in_the_given_one(self):
        t = parse_time("2006-01-02 15:04", "2024-07-01 10:00", load_zone("Europe/Zurich"))
        assert str(t) == "2024-07-01 10:00:00 +0200 CEST"

    def test_an_abbreviation_of_the_zone_counts_and_an_unknown_one_is_kept(self):
        zurich = load_zone("Europe/Zurich")
        assert parse_time("15:04 MST 2006-01-02", "10:00 CET 2024-01-15", zurich).unix == 1_705_309_200
        unknown = parse_time("15:04 MST 2006-01-02", "10:00 XYZ 2024-01-15", zurich)
        assert str(unknown) == "2024-01-15 10:00:00 +0000 XYZ"

    @given(
        seconds,
        st.integers(0, 999_999_999),
        st.sampled_from(["UTC", "Europe/Zurich", "Asia/Kolkata", "America/St_Johns"]),
    )
    def test_what_is_written_with_all_parts_reads_back_as_the_same_instant(self, unix, nanosecond, zone):
        layout = "Monday 2006-01-02 15:04:05.999999999 -07:00:00"
        t = from_unix(unix, nanosecond, load_zone(zone))
        if 0 <= t.date[0] <= 9999:
            assert parse_time(layout, format_time(t, layout)) == t


class TestCalendar:
    @given(st.integers(-719_162, 2_932_896))
    def test_dates_agree_with_the_standard_library(self, days):
        day = datetime(1970, 1, 1, tzinfo=STDLIB_UTC) + timedelta(days=days)
        assert gregorian.date_of(days) == (day.year, day.month, day.day)
        assert gregorian.days_of(day.year, day.month, day.day) == days
        assert gregorian.week_day(days) == day.isoweekday() % 7
        assert gregorian.year_day(day.year, day.month, day.day) == day.timetuple().tm_yday

    @given(st.integers(-(10**9), 10**9))
    def test_dates_far_away_read_back(self, days):
        assert gregorian.days_of(*gregorian.date_of(days)) == days

    def test_dates_carry_over(self):
        """The 31st of January and a month is the 2nd of March in a leap year."""
        moved = call_method(parse_time("2006-01-02", "2024-01-31"), "AddDate", (0, 1, 0))
        assert str(moved) == "2024-03-02 00:00:00 +0000 UTC"


class TestZones:
    @given(
        st.integers(-2_000_000_000, 4_000_000_000),
        st.sampled_from(["Europe/Zurich", "America/New_York", "Australia/Lord_Howe"]),
    )
    def test_clock_agrees_with_the_standard_library(self, unix, name):
        there = datetime.fromtimestamp(unix, ZoneInfo(name))
        t = from_unix(unix, zone=load_zone(name))
        assert (*t.date, *t.clock) == (there.year, there.month, there.day, there.hour, there.minute, there.second)
        assert t.abbreviation == there.tzname()

    @pytest.mark.parametrize(
        ("clock", "zone", "shown"),
        [
            ("2024-03-31 02:30", "Europe/Zurich", "2024-03-31 03:30:00 +0200 CEST"),
            ("2024-03-10 02:30", "America/New_York", "2024-03-10 01:30:00 -0500 EST"),
            ("2024-10-27 02:30", "Europe/Zurich", "2024-10-27 02:30:00 +0100 CET"),
            ("2024-11-03 01:30", "America/New_York", "2024-11-03 01:30:00 -0400 EDT"),
        ],
    )
    def test_clock_times_that_a_jump_skips_or_repeats(self, clock, zone, shown):
        """Go takes the offset that held at the instant which the clock time would be in UTC, and looks once more."""
        assert str(parse_time("2006-01-02 15:04", clock, load_zone(zone))) == shown

    def test_names(self):
        assert load_zone("") is UTC
        assert load_zone("Local", "Asia/Tokyo").name == "Asia/Tokyo"

    @pytest.mark.parametrize("name", ["Nowhere/Land", "../etc/passwd", "/etc/passwd", "Europe", "a\0b", "x" * 5000])
    def test_unknown_names(self, name):
        with pytest.raises(LanguageError, match="unknown time zone"):
            load_zone(name)


class TestTimeMethods:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Year", 2024),
            ("Month", Month(3)),
            ("Day", 4),
            ("Hour", 5),
            ("Minute", 6),
            ("Second", 7),
            ("Nanosecond", 9),
            ("Weekday", Weekday(1)),
            ("YearDay", 64),
            ("Unix", MARCH),
            ("UnixMilli", MARCH * 1000),
            ("UnixMicro", MARCH * 10**6),
            ("UnixNano", MARCH * 10**9 + 9),
            ("IsZero", False),
            ("IsDST", False),
            ("String", "2024-03-04 05:06:07.000000009 +0000 UTC"),
        ],
    )
    def test_parts(self, name, value):
        assert call_method(from_unix(MARCH, 9), name, ()) == value

    def test_two_times(self):
        early, late = from_unix(MARCH), from_unix(MARCH + 60)
        assert call_method(early, "Before", (late,))
        assert call_method(late, "After", (early,))
        assert call_method(late, "Sub", (early,)) == Duration(60 * 10**9)
        assert call_method(early, "Compare", (late,)) == -1
        assert call_method(early, "Equal", (early.in_zone(load_zone("Asia/Tokyo")),))

    def test_truncate_counts_from_the_year_one(self):
        t = parse_time("2006-01-02 15:04:05", "2024-01-15 10:30:45")
        assert str(call_method(t, "Truncate", (Duration(HOUR),))) == "2024-01-15 10:00:00 +0000 UTC"
        assert str(call_method(t, "Round", (Duration(24 * HOUR),))) == "2024-01-15 00:00:00 +0000 UTC"
        week = Duration(7 * 24 * HOUR)
        assert call_method(call_method(t, "Truncate", (week,)), "Weekday", ()) == Weekday(1), "year 1 began on a Monday"

    def test_the_zero_time_is_the_start_of_year_one(self):
        assert str(ZERO_TIME) == "0001-01-01 00:00:00 +0000 UTC"
        assert call_method(ZERO_TIME, "IsZero", ())

    def test_the_difference_stays_within_a_duration(self):
        assert call_method(from_unix(10**11), "Sub", (ZERO_TIME,)).ns == INT_MAX


def test_months_print_as_names_and_compare_with_nothing_else():
    assert str(Month(1)) == "January"
    assert str(Month(13)) == "%!Month(13)"
    assert Month(1) != 1
    assert Month(1) != Weekday(1)
    assert Month(1) < Month(2)
