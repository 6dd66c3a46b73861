"""eKuiper's time patterns (`yyyy-MM-dd HH:mm:ss`), and what it takes for a time: texts, milliseconds, datetimes."""

from __future__ import annotations

import re
import time
from datetime import datetime
from functools import lru_cache
from typing import Any

from ..errors import RowFault
from . import layout as layouts
from .moment import Moment, of_datetime, of_millis
from .values import text, truncated

_TOKEN = re.compile(
    r"\\(?P<escaped>.?)|(?P<quote>'')|'(?P<quoted>[^']*)'?"
    r"|(?P<run>Y{1,5}|y{1,5}|M{1,5}|d{1,3}|E{1,5}|H{1,3}|h{1,3}|m{1,3}|s{1,3}|X{1,4}|S+|[GazZ])|.",
    re.DOTALL,
)
_LAYOUTS = {
    "YYYY": "2006", "yyyy": "2006", "YY": "06", "yy": "06", "G": "AD",
    "M": "1", "MM": "01", "MMM": "Jan", "MMMM": "January", "d": "2", "dd": "02",
    "EEE": "Mon", "EEEE": "Monday", "HH": "15", "h": "3", "hh": "03", "a": "PM",
    "m": "4", "mm": "04", "s": "5", "ss": "05", "z": "MST", "Z": "-0700", "X": "-07", "XX": "-0700", "XXX": "-07:00",
}  # fmt: skip
_REFUSED = {"Y": "use YY or YYYY", "y": "use yy or yyyy", "E": "use EEE or EEEE", "H": "use HH"}

# The forms of a text that counts as a time when no pattern is given, first come first served.
KNOWN = (
    "2006", "2006-1", "2006-1-2", "2006-1-2 15", "2006-1-2 15:4", "2006-1-2 15:4:5", "1-2", "15:4:5", "15:4", "15",
    "15:4:5 Jan 2, 2006 MST", "2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02T15:04:05Z0700",
    "2006-01-02T15:04:05Z07", "2006.1.2", "2006.1.2 15:04:05", "2006.01.02", "2006.01.02 15:04:05",
    "2006.01.02 15:04:05.999999999", "1/2/2006", "1/2/2006 15:4:5", "2006/01/02", "20060102", "2006/01/02 15:04:05",
    "Mon Jan _2 15:04:05 2006", "Mon Jan _2 15:04:05 MST 2006", "Mon Jan 02 15:04:05 -0700 2006", "02 Jan 06 15:04 MST",
    "02 Jan 06 15:04 -0700", "Monday, 02-Jan-06 15:04:05 MST", "Mon, 02 Jan 2006 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 -0700", "2006-01-02T15:04:05Z07:00", "3:04PM", "Jan _2 15:04:05",
    "2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05",
)  # fmt: skip


@lru_cache(maxsize=512)
def layout_of(pattern: str) -> str:
    """The layout (see `layout`) that a pattern stands for; RowFault when it is no pattern.

    A fraction brings its own point: `ssSSS` shows `05.000`. Runs that mean nothing (`MMMMM`, `ddd`) are empty.
    """
    return "".join(_translated(token, pattern) for token in _TOKEN.finditer(pattern))


def _translated(token: re.Match[str], pattern: str) -> str:
    if token["escaped"] is not None:
        if not token["escaped"]:
            raise RowFault(f"{pattern} is invalid")
        return token["escaped"]
    if token["quote"]:
        return "'"
    if token.group() == "'":
        raise RowFault(f"invalid time format {pattern}: the quote at its end opens nothing")
    if token["quoted"] is not None:
        return token["quoted"]
    run = token["run"]
    if run is None:
        return token.group()
    if run[0] == "S":
        return "." + "0" * len(run)
    if run not in _LAYOUTS and run[0] in _REFUSED:
        raise RowFault(f"invalid time format {pattern}: {run} means nothing, {_REFUSED[run[0]]}")
    return _LAYOUTS.get(run, "")


def format_time(moment: Moment, pattern: str) -> str:
    """*moment* in the form of the pattern."""
    return layouts.write(layout_of(pattern), moment)


def parse_time(value: str, pattern: str = "", now: int | None = None) -> Moment:
    """The moment that a text means: by the pattern if it fits, else by one of the known forms; RowFault if by none.

    A time without a date is today's, a date without a year this year's; *now* (ms) says when that is.
    """
    today = of_millis(time.time_ns() // 1_000_000 if now is None else now)
    for layout in (layout_of(pattern), *KNOWN) if pattern else KNOWN:
        reading = layouts.read(layout, value)
        moment = reading and reading.moment(today)
        if moment:
            return moment
    raise RowFault(f"Can't parse string as time: {value}")


def parse(value: str, pattern: str | None = None, now: int | None = None) -> datetime:
    """`parse_time` as an aware datetime, in the zone the text names, else in UTC."""
    return parse_time(value, pattern or "", now).datetime()


def to_moment(value: Any, now: int | None = None, pattern: str = "") -> Moment:
    """What eKuiper takes for a time: milliseconds since the epoch, a datetime, or a text; RowFault for all else."""
    if isinstance(value, str):
        return parse_time(value, pattern, now)
    if isinstance(value, datetime):
        return of_datetime(value)
    if isinstance(value, float):
        return of_millis(truncated(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return of_millis(value)
    raise RowFault(f"unsupported type to convert to timestamp {text(value)}")


def to_millis(value: Any, now: int | None = None, pattern: str = "") -> int:
    """The milliseconds since the epoch of what eKuiper takes for a time; RowFault for all else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return to_moment(value, now, pattern).nanoseconds // 1_000_000


def rfc3339(value: datetime) -> str:
    """A datetime as it stands in JSON: `2024-03-05T16:05:07.008+08:00`."""
    return layouts.write("2006-01-02T15:04:05.999999999Z07:00", of_datetime(value))
