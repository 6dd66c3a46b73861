"""An instant to the nanosecond and the zone it is seen in, over all years, which Python's datetime does not reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from ..errors import RowFault

SECOND = 1_000_000_000  # nanoseconds
DAY = 86_400  # seconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CYCLE = 146_097  # days in 400 years: the calendar and its weekdays repeat after them
_ANCHOR = date(2000, 1, 1)
_ANCHOR_DAY = (_ANCHOR - date(1970, 1, 1)).days


@dataclass(frozen=True, slots=True)
class Moment:
    """*seconds* since the epoch and *nanosecond* (0 to 999,999,999), seen *offset* seconds east of UTC.

    *zone* is the zone's abbreviation, '' where only the offset is known.
    """

    seconds: int
    nanosecond: int = 0
    offset: int = 0
    zone: str = "UTC"

    @property
    def date(self) -> tuple[int, int, int]:
        """Year, month, day."""
        cycles, day = divmod((self.seconds + self.offset) // DAY - _ANCHOR_DAY, _CYCLE)
        found = _ANCHOR + timedelta(days=day)
        return found.year + 400 * cycles, found.month, found.day

    @property
    def clock(self) -> tuple[int, int, int]:
        """Hour, minute, second."""
        second = (self.seconds + self.offset) % DAY
        return second // 3600, second // 60 % 60, second % 60

    @property
    def weekday(self) -> int:
        """The day of the week, Sunday is 0."""
        return ((self.seconds + self.offset) // DAY + 4) % 7

    @property
    def yearday(self) -> int:
        """The day of the year, from 1."""
        return (self.seconds + self.offset) // DAY - day_number(self.date[0], 1, 1) + 1

    @property
    def nanoseconds(self) -> int:
        """Since the epoch."""
        return self.seconds * SECOND + self.nanosecond

    def plus(self, nanoseconds: int) -> Moment:
        """The moment that much later, in the same zone."""
        seconds, nanosecond = divmod(self.nanoseconds + nanoseconds, SECOND)
        return Moment(seconds, nanosecond, self.offset, self.zone)

    def datetime(self) -> datetime:
        """The aware datetime, cut to microseconds; RowFault outside the years 1 to 9999."""
        zone = timezone(timedelta(seconds=self.offset)) if self.offset else UTC
        try:
            at = _EPOCH + timedelta(seconds=self.seconds, microseconds=self.nanosecond // 1000)
            return at.astimezone(zone)
        except (OverflowError, ValueError):
            raise RowFault(f"the year {self.date[0]} cannot be a datetime") from None


def day_number(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to that day; ValueError when the month has no such day."""
    cycles, rest = divmod(year - 2000, 400)
    return (date(2000 + rest, month, day) - _ANCHOR).days + _ANCHOR_DAY + cycles * _CYCLE


def last_day(year: int, month: int) -> int:
    """How many days the month has."""
    following = (year, month + 1) if month < 12 else (year + 1, 1)
    return day_number(*following, 1) - day_number(year, month, 1)


def of_millis(millis: int) -> Moment:
    """The moment so many milliseconds after the epoch, in UTC."""
    seconds, rest = divmod(millis, 1000)
    return Moment(seconds, rest * 1_000_000)


def of_datetime(value: datetime) -> Moment:
    """The moment of a datetime; a naive one is in UTC."""
    at = value if value.tzinfo else value.replace(tzinfo=UTC)
    since = at - _EPOCH
    offset = at.utcoffset() or timedelta(0)
    # A fixed offset has no abbreviation, except that UTC is called so.
    fixed = isinstance(at.tzinfo, timezone) and offset != timedelta(0)
    zone = "" if fixed else at.tzname() or ""
    return Moment(since.days * DAY + since.seconds, since.microseconds * 1000, round(offset.total_seconds()), zone)
