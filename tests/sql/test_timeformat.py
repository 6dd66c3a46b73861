"""eKuiper's time patterns and what counts as a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from kuiper_nb.errors import RowFault
from kuiper_nb.sql.moment import Moment
from kuiper_nb.sql.timeformat import format_time, parse, parse_time, rfc3339, to_millis, to_moment

MORNING = Moment(1_709_625_907, 8_000_000)  # Tuesday, 2024-03-05 08:05:07.008 UTC
NOW = 1_700_000_000_000  # 2023-11-14 22:13:20


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("yyyy-MM-dd HH:mm:ss", "2024-03-05 08:05:07"),
        ("YY/M/d h:m:s a", "24/3/5 8:5:7 AM"),
        ("EEEE, MMMM dd yy", "Tuesday, March 05 24"),
        ("EEE MMM d hh", "Tue Mar 5 08"),
        ("ssSSS", "07.008"),
        ("ss.SSS", "07..008"),
        ("ssS", "07.0"),
        ("ssSSSSSSSSS", "07.008000000"),
        ("z Z X XX XXX", "UTC +0000 +00 +0000 +00:00"),
        ("G", "AD"),
        ("MMMMM|ddd|XXXX|mmm", "|||"),
        ("MMMMMM dddd", "3 5"),
        ("yyyy'T'HH", "2024T08"),
        ("HH 'o''clock'", "08 oclock"),
        ("''yy''", "'24'"),
        ("'open", "open"),
        (r"\y\\yy", "y\\24"),
        ("plain", "plAMin"),
        ("", ""),
    ],
)
def test_a_moment_is_written_by_a_pattern(pattern: str, expected: str) -> None:
    assert format_time(MORNING, pattern) == expected


@pytest.mark.parametrize("pattern", ["YYY", "y", "yyyyy", "E", "EE", "EEEEE", "H", "HHH", "yyyy'", "yyyy\\"])
def test_a_pattern_that_means_nothing_is_a_fault(pattern: str) -> None:
    with pytest.raises(RowFault):
        format_time(MORNING, pattern)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", "2024-01-01 00:00:00.000000000"),
        ("2024-3-5", "2024-03-05 00:00:00.000000000"),
        ("2024-03-05 6", "2024-03-05 06:00:00.000000000"),
        ("2024-03-05 06:07", "2024-03-05 06:07:00.000000000"),
        ("2024-03-05 06:07:08.5", "2024-03-05 06:07:08.500000000"),
        ("2024-03-05T06:07:08", "2024-03-05 06:07:08.000000000"),
        ("2024-03-05T06:07:08.123456789Z", "2024-03-05 06:07:08.123456789"),
        ("2024-03-05T06:07:08+0530", "2024-03-05 06:07:08.000000000"),
        ("2024.03.05 06:07:08", "2024-03-05 06:07:08.000000000"),
        ("3/5/2024 6:7:8", "2024-03-05 06:07:08.000000000"),
        ("20240305", "2024-03-05 00:00:00.000000000"),
        ("Tue, 05 Mar 2024 06:07:08 GMT", "2024-03-05 06:07:08.000000000"),
        ("12-25", "2023-12-25 00:00:00.000000000"),
        ("14:05", "2023-11-14 14:05:00.000000000"),
    ],
)
def test_many_texts_are_times(text: str, expected: str) -> None:
    assert format_time(parse_time(text, now=NOW), "yyyy-MM-dd HH:mm:ssSSSSSSSSS") == expected


@pytest.mark.parametrize(
    "text", ["", " ", "soon", "2024-13-01", "2024-02-30", "1700000000", "2024-03-05 06:07:08+02:00"]
)
def test_other_texts_are_not(text: str) -> None:
    with pytest.raises(RowFault) as raised:
        parse_time(text)
    assert raised.value.message == f"Can't parse string as time: {text}"


def test_a_pattern_is_tried_first_and_then_the_known_forms() -> None:
    assert parse("05.03.2024 06h", "dd.MM.yyyy HH'h'") == datetime(2024, 3, 5, 6, tzinfo=UTC)
    assert parse("2024-03-05", "dd.MM.yyyy") == datetime(2024, 3, 5, tzinfo=UTC)
    assert parse("2024-03-05 06:07:08.250", "yyyy-MM-dd HH:mm:ss.SSS") == datetime(
        2024, 3, 5, 6, 7, 8, 250000, tzinfo=UTC
    )


def test_a_text_keeps_its_zone() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert parse("2024-03-05T06:07:08+05:30").isoformat() == datetime(2024, 3, 5, 6, 7, 8, tzinfo=east).isoformat()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1500, 1500),
        (1500.9, 1500),
        ("1970-01-01 00:00:01.5", 1500),
        (datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=UTC), 1500),
    ],
)
def test_times_become_milliseconds(value: Any, expected: int) -> None:
    assert to_millis(value) == expected


@pytest.mark.parametrize("value", [None, True, [1], {"k": 1}, b"x"])
def test_nothing_else_is_a_time(value: Any) -> None:
    with pytest.raises(RowFault, match="unsupported type to convert to timestamp"):
        to_moment(value)


def test_datetimes_are_shown_in_json_by_their_zone() -> None:
    east = timezone(timedelta(hours=8))
    assert rfc3339(datetime(2024, 3, 5, 16, 5, 7, 8000, tzinfo=east)) == "2024-03-05T16:05:07.008+08:00"
    assert rfc3339(datetime(2024, 3, 5, tzinfo=UTC)) == "2024-03-05T00:00:00Z"
