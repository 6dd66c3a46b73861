"""The date and time functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from .calling import kinds, outcome

LEAP = "2024-02-29 23:05:06.123456"
NO_TIME = "fault: unsupported type to convert to timestamp"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("day", 29),
        ("day_of_month", 29),
        ("day_of_week", 4),
        ("day_of_year", 60),
        ("day_name", "Thursday"),
        ("month", 2),
        ("month_name", "February"),
        ("hour", 23),
        ("minute", 5),
        ("second", 6),
        ("microsecond", 123456),
        ("last_day", "2024-02-29"),
    ],
)
def test_a_time_has_parts(name: str, expected: Any) -> None:
    assert outcome(name, LEAP) == expected
    assert kinds(name) == ("column",)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, f"{NO_TIME} <nil>"),
        (True, f"{NO_TIME} true"),
        ([], f"{NO_TIME} []"),
        ({"k": 1}, f"{NO_TIME} map[k:1]"),
        ("soon", "fault: Can't parse string as time: soon"),
        (-1, 31),
        (1700000000123.9, 14),
        (253402300799999, 31),
        (datetime(2024, 2, 29, 23, tzinfo=timezone(timedelta(hours=-3))), 29),
        ("2024-02-29T05:06:07+02:00", 29),
    ],
)
def test_times_come_in_many_forms(value: Any, expected: Any) -> None:
    assert outcome("day", value) == expected


def test_a_time_without_a_date_is_todays() -> None:
    assert outcome("format_time", "14:05", "yyyy-MM-dd HH:mm:ss") == "2023-11-14 14:05:00"


def test_the_clock_is_the_sessions() -> None:
    now = "2023-11-14 22:13:20"
    assert [outcome(n) for n in ("now", "current_timestamp", "local_time", "local_timestamp")] == [now] * 4
    assert [outcome(n) for n in ("cur_time", "current_time")] == ["22:13:20"] * 2
    assert [outcome(n) for n in ("cur_date", "current_date")] == ["2023-11-14"] * 2
    assert outcome("tstamp") == 1700000000123


def test_the_clock_shows_as_many_digits_as_asked_for() -> None:
    assert outcome("now", 3) == "2023-11-14 22:13:20.123"
    assert outcome("cur_time", 6) == "22:13:20.123000"
    assert outcome("now", 9) == "2023-11-14 22:13:20"


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("1h30m", "2024-03-01 00:35:06"),
        ("-23h5m6s", "2024-02-29 00:00:00"),
        ("1500ms", "2024-02-29 23:05:07"),
        ("", 'fault: time: invalid duration ""'),
        ("1d", 'fault: time: unknown unit "d" in duration "1d"'),
    ],
)
def test_a_time_is_shifted(duration: str, expected: str) -> None:
    assert outcome("date_calc", LEAP, duration) == expected


def test_times_differ_by_nanoseconds() -> None:
    assert outcome("date_diff", "2024-01-01", "2024-01-02") == 86_400_000_000_000
    assert outcome("date_diff", 1500, 0) == -1_500_000_000
    assert outcome("date_diff", 0, 10**15) == 2**63 - 1
    assert outcome("date_diff", None, 0) == f"{NO_TIME} <nil>"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (1, "1970-01-01"),
        (2.0, "1970-01-02"),
        (-1, "1969-12-30"),
        (0, None),
        (106752, "2262-04-11"),
        (106753, "1677-09-21"),
        (1.5, "fault: cannot convert float64(1.5) to int"),
        ("1", "fault: cannot convert string(1) to int"),
        (None, None),
    ],
)
def test_days_are_counted_from_the_epoch(days: Any, expected: Any) -> None:
    assert outcome("from_days", days) == expected


def test_seconds_are_counted_from_the_epoch() -> None:
    assert outcome("from_unix_time", 1_700_000_000) == "2023-11-14 22:13:20"
    assert outcome("from_unix_time", 0) is None
    assert outcome("to_seconds", "2023-11-14T22:13:20.9Z") == 1_700_000_000
    assert outcome("to_seconds", -1) == -1


def test_a_time_is_seen_in_another_zone() -> None:
    shown = outcome("convert_tz", 1_709_625_907_008, "Asia/Shanghai")
    assert shown == datetime(2024, 3, 5, 8, 5, 7, 8000, tzinfo=UTC)
    assert shown.isoformat() == "2024-03-05T16:05:07.008000+08:00"
    assert outcome("format_time", shown, "HH:mm z") == "16:05 CST"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../x", "/etc", "Asia"])
def test_only_zones_are_zones(zone: str) -> None:
    assert outcome("convert_tz", 0, zone) == f"fault: unknown time zone {zone}"


def test_a_year_beyond_9999_is_shown_but_is_no_datetime() -> None:
    assert outcome("format_time", 10**15, "yyyy") == "33658"
    assert outcome("convert_tz", 10**15, "UTC") == "fault: the year 33658 cannot be a datetime"


def test_a_null_time_has_no_format() -> None:
    assert outcome("format_time", None, "yyyy") is None
    assert outcome("format_time", 0, None) is None


def test_literals_are_refused_where_a_time_belongs() -> None:
    assert kinds("format_time") == ("column", "string")
    assert kinds("date_calc") == ("column", "literal string")
    assert kinds("date_diff") == kinds("from_days") == kinds("from_unix_time") == ("column",)
    assert kinds("to_seconds") == ("any",)
    assert kinds("now") == ("literal int",)
