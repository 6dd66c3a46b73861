"""Layouts: times written and read by example."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuiper_nb.sql.layout import read, write
from kuiper_nb.sql.moment import Moment

TODAY = Moment(1_700_000_000)  # 2023-11-14 22:13:20
EARLY = Moment(1_709_615_228, 120_000_000, 19_800, "")  # 2024-03-05 10:37:08.12 +05:30


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("2006-01-02 15:04:05", "2024-03-05 10:37:08"),
        ("06 1/2 3:4:5 PM pm", "24 3/5 10:37:8 AM am"),
        ("Monday Mon January Jan", "Tuesday Tue March Mar"),
        ("Month Janet", "Month Janet"),
        ("_2|002|__2|_2006", " 5|065| 65|_2024"),
        ("-07 -0700 -07:00 -070000 Z07:00 MST", "+05 +0530 +05:30 +053000 +05:30 +0530"),
        ("05.000 05.99 05.999 .0005 ,0", "08.120 08.12 08.12 .0008 ,1"),
    ],
)
def test_a_moment_is_written_by_example(layout: str, expected: str) -> None:
    assert write(layout, EARLY) == expected


def test_utc_is_called_z_where_the_example_is() -> None:
    assert write("Z07:00 -07:00 MST", TODAY) == "Z +00:00 UTC"


@given(st.integers(-(10**10), 10**11), st.integers(0, 999_999_999))
def test_what_is_written_in_full_is_read_back(seconds: int, nanosecond: int) -> None:
    layout = "Mon, 2 Jan 2006 15:04:05.000000000 -0700"
    moment = Moment(seconds, nanosecond)
    reading = read(layout, write(layout, moment))
    assert reading is not None
    assert reading.moment(TODAY) == moment


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("2006-01-02", "2024-3-05"),
        ("2006-1-2", "2024-03-05 "),
        ("3PM", "13PM"),
        ("2006 MST", "2024 utc"),
        ("-07:00", "+25:00"),
    ],
)
def test_a_text_of_another_form_is_not_read(layout: str, text: str) -> None:
    assert read(layout, text) is None


@pytest.mark.parametrize(
    ("layout", "text"), [("2006-1-2", "2023-2-29"), ("15:4", "24:00"), ("15:4", "23:60"), ("2006 002", "2024 367")]
)
def test_a_time_that_never_was_is_no_moment(layout: str, text: str) -> None:
    reading = read(layout, text)
    assert reading is not None
    assert reading.moment(TODAY) is None


@pytest.mark.parametrize(
    ("layout", "text", "expected"),
    [
        ("15:4", "6:07", "2023-11-14 06:07:00"),
        ("Jan _2 15:04:05", "Mar  5 06:07:08", "2023-03-05 06:07:08"),
        ("3:04PM", "12:05AM", "2023-11-14 00:05:00"),
        ("3:04pm", "1:05pm", "2023-11-14 13:05:00"),
        ("2006", "2024", "2024-01-01 00:00:00"),
        ("06", "69", "1969-01-01 00:00:00"),
        ("2006 __2", "2024  60", "2024-02-29 00:00:00"),
        ("January 2", "mArCh 5", "2023-03-05 00:00:00"),
        ("2006 15:04", "2024    06:07", "2024-01-01 06:07:00"),
    ],
)
def test_what_a_text_leaves_out_is_taken_from_today(layout: str, text: str, expected: str) -> None:
    reading = read(layout, text)
    assert reading is not None
    moment = reading.moment(TODAY)
    assert moment is not None
    assert write("2006-01-02 15:04:05", moment) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:00 UTC", Moment(1_699_920_000)),
        ("00:00:00 GMT+3", Moment(1_699_920_000 - 10_800, 0, 10_800, "GMT+3")),
        ("00:00:00 CET", Moment(1_699_920_000, 0, 0, "CET")),
        ("00:00:00.5 UTC", Moment(1_699_920_000, 500_000_000)),
        ("00:00:00,25 UTC", Moment(1_699_920_000, 250_000_000)),
    ],
)
def test_zones_are_read_by_name(text: str, expected: Moment) -> None:
    reading = read("15:04:05 MST", text)
    assert reading is not None
    assert reading.moment(TODAY) == expected
