"""Moments: the calendar of all years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuiper_nb.errors import RowFault
from kuiper_nb.sql.moment import Moment, day_number, last_day, of_datetime, of_millis


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_agrees_with_datetime(at: datetime) -> None:
    moment = of_datetime(at)
    assert moment.date == (at.year, at.month, at.day)
    assert moment.clock == (at.hour, at.minute, at.second)
    assert moment.weekday == at.isoweekday() % 7
    assert moment.yearday == at.timetuple().tm_yday
    assert moment.datetime() == at


@given(st.integers(-(10**12), 10**12))
def test_the_calendar_repeats_after_400_years(days: int) -> None:
    here, later = Moment(days * 86_400), Moment((days + 146_097) * 86_400)
    assert later.date == (here.date[0] + 400, *here.date[1:])
    assert day_number(*here.date) == days


def test_milliseconds_before_the_epoch_go_back() -> None:
    assert of_millis(-1) == Moment(-1, 999_000_000)


def test_a_moment_moves_by_nanoseconds() -> None:
    assert Moment(0, 5).plus(-6) == Moment(-1, 999_999_999)


def test_a_fixed_offset_has_no_name() -> None:
    east = timezone(timedelta(hours=2))
    assert of_datetime(datetime(1970, 1, 1, 2, tzinfo=east)) == Moment(0, 0, 7200, "")
    assert of_datetime(datetime(1970, 1, 1)) == Moment(0)


def test_months_end_as_they_do() -> None:
    assert [last_day(*month) for month in [(2023, 2), (2024, 2), (1900, 2), (2024, 12), (33658, 4)]] == [
        28,
        29,
        28,
        31,
        30,
    ]


def test_a_year_beyond_9999_is_no_datetime() -> None:
    with pytest.raises(RowFault, match="the year 33658 cannot be a datetime"):
        of_millis(10**15).datetime()
