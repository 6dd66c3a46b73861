"""Functions on dates and times: milliseconds since the epoch, datetimes or texts, in UTC unless they say otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ...errors import RowFault
from ..duration import parse_duration
from ..layout import MONTHS, WEEKDAYS
from ..moment import DAY, SECOND, Moment, last_day, of_millis
from ..timeformat import format_time, to_moment
from ..values import printed, to_int
from .entry import Builtin, Scope

_DATE, _DATE_TIME = "yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss"
_LEAST, _GREATEST = -(2**63), 2**63 - 1


def _now(scope: Scope, digits: int = 0) -> str:
    """With as many digits of the second as asked for, at most 6."""
    return format_time(of_millis(scope.now), _DATE_TIME + ("S" * digits if 1 <= digits <= 6 else ""))


def _time(scope: Scope, digits: int = 0) -> str:
    return _now(scope, digits).partition(" ")[2]


def _today(scope: Scope) -> str:
    return format_time(of_millis(scope.now), _DATE)


def _part(part: Callable[[Moment], Any]) -> Callable[[Scope, Any], Any]:
    """A function of a time that answers a part of it."""
    return lambda scope, value: part(to_moment(value, scope.now))


def _format(scope: Scope, value: Any, pattern: Any) -> str:
    return format_time(to_moment(value, scope.now), printed(pattern))


def _calculate(scope: Scope, value: Any, duration: Any) -> str:
    moment = to_moment(value, scope.now)
    given = printed(duration)
    # A sign before the sign: "--1h" is an hour later.
    shift = -parse_duration(given[1:]) if given[:1] == "-" else parse_duration(given)
    return format_time(moment.plus(shift), _DATE_TIME)


def _difference(scope: Scope, start: Any, end: Any) -> int:
    first, last = to_moment(start, scope.now), to_moment(end, scope.now)
    return max(_LEAST, min(_GREATEST, last.nanoseconds - first.nanoseconds))


def _last_day(moment: Moment) -> str:
    year, month, day = moment.date
    return format_time(moment.plus((last_day(year, month) - day) * DAY * SECOND), _DATE)


def _from_days(value: Any) -> str | None:
    """Day 1 is 1970-01-01. The nanoseconds are 64 bits, so from 106,753 on the days wrap."""
    days = to_int(value, "strict")
    if days == 0:
        return None
    nanoseconds = ((days - 1) * DAY * SECOND - _LEAST) % 2**64 + _LEAST
    return format_time(Moment(0).plus(nanoseconds), _DATE)


def _from_unix_time(value: Any) -> str | None:
    seconds = to_int(value, "strict")
    return format_time(Moment(seconds), _DATE_TIME) if seconds else None


def _convert_zone(scope: Scope, value: Any, zone: Any) -> datetime:
    name = printed(zone)
    try:
        place = ZoneInfo("UTC" if name in ("", "Local") else name)
    except (OSError, ValueError, KeyError):
        raise RowFault(f"unknown time zone {name}") from None
    return to_moment(value, scope.now).datetime().astimezone(place)


def _seconds(scope: Scope, value: Any) -> int:
    return to_moment(value, scope.now).seconds


def _clock(name: str, reference: Callable[..., str], help: str, most: int = 1) -> Builtin:
    """A function of the session's clock."""
    return Builtin(name, reference, (0, most), help, ("literal int",), nulls="call", scope=True)


def _of_time(name: str, part: Callable[[Moment], Any], help: str) -> Builtin:
    """A function of one time; a literal is refused, a null is an error."""
    return Builtin(name, _part(part), (1, 1), help, ("column",), nulls="call", scope=True)


_NOW = "date and time now; with an argument of 1 to 6, that many digits of the second"

BUILTINS: tuple[Builtin, ...] = (
    _clock("now", _now, _NOW),
    _clock("current_timestamp", _now, _NOW),
    _clock("local_time", _now, _NOW),
    _clock("local_timestamp", _now, _NOW),
    _clock("cur_time", _time, "the time now; with an argument of 1 to 6, that many digits of the second"),
    _clock("current_time", _time, "the time now; with an argument of 1 to 6, that many digits of the second"),
    _clock("cur_date", _today, "the date today", 0),
    _clock("current_date", _today, "the date today", 0),
    Builtin("tstamp", lambda scope: scope.now, (0, 0), "now, in ms", nulls="call", scope=True),
    _of_time("day", lambda m: m.date[2], "the day of the month"),
    _of_time("day_of_month", lambda m: m.date[2], "the day of the month"),
    _of_time("day_of_week", lambda m: m.weekday, "the day of the week, Sunday is 0"),
    _of_time("day_of_year", lambda m: m.yearday, "the day of the year"),
    _of_time("day_name", lambda m: WEEKDAYS[m.weekday], "the name of the day"),
    _of_time("month", lambda m: m.date[1], "the month"),
    _of_time("month_name", lambda m: MONTHS[m.date[1] - 1], "the name of the month"),
    _of_time("hour", lambda m: m.clock[0], "the hour"),
    _of_time("minute", lambda m: m.clock[1], "the minute"),
    _of_time("second", lambda m: m.clock[2], "the second"),
    _of_time("microsecond", lambda m: m.nanosecond // 1000, "the microseconds of the second"),
    _of_time("last_day", _last_day, "the last date of the month"),
    Builtin("format_time", _format, (2, 2), "a time by a pattern such as yyyy-MM-dd", ("column", "string"), scope=True),
    Builtin(
        "date_calc",
        _calculate,
        (2, 2),
        'a time shifted by a duration such as "-1h30m"',
        ("column", "literal string"),
        nulls="call",
        scope=True,
    ),
    Builtin("date_diff", _difference, (2, 2), "from one time to another, in ns", ("column",), nulls="call", scope=True),
    Builtin("from_days", _from_days, (1, 1), "the date so many days from 1970-01-01, which is day 1", ("column",)),
    Builtin("from_unix_time", _from_unix_time, (1, 1), "the time so many seconds after the epoch", ("column",)),
    Builtin("convert_tz", _convert_zone, (2, 2), "a time in a zone (Asia/Tokyo)", ("column", "string"), scope=True),
    Builtin("to_seconds", _seconds, (1, 1), "a time in seconds since the epoch", scope=True),
)
