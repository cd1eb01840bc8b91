"""The proleptic Gregorian calendar on plain integers, for years that Python's datetime cannot hold."""

from __future__ import annotations

from typing import Final

DAY: Final = 86_400
DAYS_BEFORE_MONTH: Final = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
DAYS_IN_MONTH: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
ERA_DAYS: Final = 146_097  # 400 years
EPOCH_SHIFT: Final = 719_468  # days from 0000-03-01 to 1970-01-01


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in(year: int, month: int) -> int:
    """Days of a month (1 to 12)."""
    return 29 if month == 2 and is_leap(year) else DAYS_IN_MONTH[month - 1]


def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; month and day may lie outside their range and carry over."""
    carry, month0 = divmod(month - 1, 12)
    year += carry
    # Years count from March here, so that the leap day is the last of its year.
    shifted = year - (month0 < 2)
    era, of_era = divmod(shifted, 400)
    of_year = (153 * ((month0 - 2) % 12) + 2) // 5
    return era * ERA_DAYS + of_era * 365 + of_era // 4 - of_era // 100 + of_year + day - 1 - EPOCH_SHIFT


def date_of(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01."""
    era, rest = divmod(days + EPOCH_SHIFT, ERA_DAYS)
    of_era = (rest - rest // 1460 + rest // 36_524 - rest // 146_096) // 365
    of_year = rest - (365 * of_era + of_era // 4 - of_era // 100)
    from_march = (5 * of_year + 2) // 153
    day = of_year - (153 * from_march + 2) // 5 + 1
    month = from_march + 3 if from_march < 10 else from_march - 9
    return era * 400 + of_era + (month <= 2), month, day


def year_day(year: int, month: int, day: int) -> int:
    """The day of the year, from 1."""
    return DAYS_BEFORE_MONTH[month - 1] + day + (month > 2 and is_leap(year))


def week_day(days: int) -> int:
    """The day of the week of a number of days since 1970-01-01: 0 is Sunday."""
    return (days + 4) % 7


def iso_week(days: int) -> tuple[int, int]:
    """Year and number of the ISO 8601 week, which belongs to the year of its Thursday."""
    thursday = days + 3 - (days + 3) % 7
    year, month, day = date_of(thursday)
    return year, (year_day(year, month, day) - 1) // 7 + 1
