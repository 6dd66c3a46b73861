"""Layouts: times written and read by example, the example being Mon Jan 2 15:04:05 MST 2006.

eKuiper's own patterns and its list of date formats come down to these, so their corner cases are decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from .moment import DAY, Moment, day_number

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

# What stands for a part of the time; all else is literal. The order is that of preference.
_CHUNK = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|0[1-6]|002|15|1|2006|2|_2(?!006)|__2|3|4|5|PM|pm"
    r"|-070000|-07:00:00|-0700|-07:00|-07|Z070000|Z07:00:00|Z0700|Z07:00|Z07|[.,]0+(?!\d)|[.,]9+(?!\d)"
)

_WRITERS: dict[str, Callable[[Moment], str]] = {
    "January": lambda m: MONTHS[m.date[1] - 1],
    "Jan": lambda m: MONTHS[m.date[1] - 1][:3],
    "Monday": lambda m: WEEKDAYS[m.weekday],
    "Mon": lambda m: WEEKDAYS[m.weekday][:3],
    "MST": lambda m: m.zone or _offset(m.offset, "-0700"),
    "01": lambda m: f"{m.date[1]:02d}",
    "1": lambda m: str(m.date[1]),
    "02": lambda m: f"{m.date[2]:02d}",
    "2": lambda m: str(m.date[2]),
    "_2": lambda m: f"{m.date[2]:2d}",
    "002": lambda m: f"{m.yearday:03d}",
    "__2": lambda m: f"{m.yearday:3d}",
    "2006": lambda m: f"{'-' if m.date[0] < 0 else ''}{abs(m.date[0]):04d}",
    "06": lambda m: f"{abs(m.date[0]) % 100:02d}",
    "15": lambda m: f"{m.clock[0]:02d}",
    "03": lambda m: f"{(m.clock[0] + 11) % 12 + 1:02d}",
    "3": lambda m: str((m.clock[0] + 11) % 12 + 1),
    "04": lambda m: f"{m.clock[1]:02d}",
    "4": lambda m: str(m.clock[1]),
    "05": lambda m: f"{m.clock[2]:02d}",
    "5": lambda m: str(m.clock[2]),
    "PM": lambda m: "PM" if m.clock[0] >= 12 else "AM",
    "pm": lambda m: "pm" if m.clock[0] >= 12 else "am",
}


def write(layout: str, moment: Moment) -> str:
    """*moment* as the layout shows it."""
    return _CHUNK.sub(lambda found: _written(found.group(), moment), layout)


def _written(chunk: str, moment: Moment) -> str:
    if chunk[0] in ".,":
        digits = f"{moment.nanosecond:09d}"[: len(chunk) - 1]
        if chunk[1] == "0":
            return chunk[0] + digits
        digits = digits.rstrip("0")
        return chunk[0] + digits if digits else ""
    if chunk[0] in "-Z":
        return "Z" if chunk[0] == "Z" and not moment.offset else _offset(moment.offset, "-" + chunk[1:])
    return _WRITERS[chunk](moment)


def _offset(offset: int, shape: str) -> str:
    """The offset in the shape of -07, -0700, -07:00, -070000 or -07:00:00."""
    colon = ":" if ":" in shape else ""
    minutes, seconds = divmod(abs(offset), 60)
    parts = [f"{minutes // 60:02d}", f"{minutes % 60:02d}", f"{seconds:02d}"]
    shown = {3: 1, 5: 2, 6: 2, 7: 3, 9: 3}[len(shape)]
    return ("-" if offset < 0 else "+") + colon.join(parts[:shown])


@dataclass(slots=True)
class Reading:
    """What a text said about a time; None for what it did not say."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    yearday: int | None = None
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    afternoon: bool | None = None
    utc: bool = False
    offset: int | None = None
    zone: str = ""

    def moment(self, now: Moment) -> Moment | None:
        """The moment meant; a date that is not given at all is today's, a year that is not given this year's.

        None when there is no such time.
        """
        try:
            days = self._days(now)
        except ValueError:
            return None
        if self.hour > 23 or self.minute > 59 or self.second > 59:
            return None
        seconds = days * DAY + self._hour() * 3600 + self.minute * 60 + self.second
        # An abbreviation alone does not tell its offset, except GMT+3 and the like.
        offset = int(self.zone[3:] or 0) * 3600 if self.offset is None and self.zone[:3] == "GMT" else self.offset or 0
        if self.utc or (not offset and not self.zone):
            return Moment(seconds, self.nanosecond)
        return Moment(seconds - offset, self.nanosecond, offset, self.zone)

    def _days(self, now: Moment) -> int:
        today = now.date
        if self.yearday is not None:
            first = day_number(today[0] if self.year is None else self.year, 1, 1)
            if not 1 <= self.yearday <= 366:
                raise ValueError("day of the year out of range")
            return first + self.yearday - 1
        if self.year is None and self.month is None and self.day is None:
            return day_number(*today)
        year = today[0] if self.year is None else self.year
        month, day = (1 if part is None else part for part in (self.month, self.day))
        return day_number(year, month, day)

    def _hour(self) -> int:
        if self.afternoon and self.hour < 12:
            return self.hour + 12
        return 0 if self.afternoon is False and self.hour == 12 else self.hour


_NUMBER = r"((?>\d{1,2}))"
_TWO = r"(\d{2})"
_READERS: dict[str, tuple[str, str]] = {
    "January": ("long month", f"(?i:({'|'.join(MONTHS)}))"),
    "Jan": ("month name", f"(?i:({'|'.join(m[:3] for m in MONTHS)}))"),
    "Monday": ("", f"(?i:({'|'.join(WEEKDAYS)}))"),
    "Mon": ("", f"(?i:({'|'.join(d[:3] for d in WEEKDAYS)}))"),
    "MST": (
        "zone",
        r"(UTC|ChST|MeST|GMT(?:[+-]0*(?:2[0-3]|1?\d)(?!\d))?|[+-]0*(?:2[0-3]|1?\d)(?!\d)"
        r"|(?:[A-Z]{3}|[A-Z]{3,4}T|WITA)(?![A-Z]))",
    ),
    "01": ("month", _TWO),
    "1": ("month", _NUMBER),
    "02": ("day", _TWO),
    "2": ("day", _NUMBER),
    "_2": ("day", f" ?{_NUMBER}"),
    "002": ("yearday", r"(\d{3})"),
    "__2": ("yearday", r" {0,2}((?>\d{1,3}))"),
    "2006": ("year", r"(\d{4})"),
    "06": ("short year", _TWO),
    "15": ("hour", _NUMBER),
    "03": ("half hour", _TWO),
    "3": ("half hour", _NUMBER),
    "04": ("minute", _TWO),
    "4": ("minute", _NUMBER),
    "05": ("second", _TWO),
    "5": ("second", _NUMBER),
    "PM": ("afternoon", "(AM|PM)"),
    "pm": ("afternoon", "(am|pm)"),
}
_OFFSETS = {3: r"[+-]\d{2}", 5: r"[+-]\d{4}", 6: r"[+-]\d{2}:\d{2}", 7: r"[+-]\d{6}", 9: r"[+-]\d{2}:\d{2}:\d{2}"}


@lru_cache(maxsize=512)
def _compiled(layout: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """The expression that reads the layout and what each of its groups means."""
    pattern, meanings, end = "", [], 0
    chunks = list(_CHUNK.finditer(layout))
    for i, found in enumerate(chunks):
        chunk = found.group()
        pattern += _literal(layout[end : found.start()])
        end = found.end()
        meaning, expression = _reader(chunk)
        pattern += expression
        meanings.append(meaning)
        following = chunks[i + 1].group() if i + 1 < len(chunks) else ""
        if meaning == "second" and following[:1] not in (".", ","):
            # A fraction may follow the seconds even where the layout shows none.
            pattern += r"((?:[.,]\d+)?+)"
            meanings.append("fraction")
    return re.compile(pattern + _literal(layout[end:]), re.ASCII), tuple(meanings)


def _reader(chunk: str) -> tuple[str, str]:
    if chunk[0] in ".,":
        return "fraction", rf"([.,]\d{{{len(chunk) - 1}}})" if chunk[1] == "0" else r"((?:[.,]\d+)?+)"
    if chunk[0] in "-Z":
        shape = _OFFSETS[len(chunk)]
        return "offset", f"(Z|{shape})" if chunk[0] == "Z" else f"({shape})"
    return _READERS[chunk]


def _literal(text: str) -> str:
    """Blanks stand for any number of blanks, or for the end; all else for itself."""
    return "".join(r"(?> +|\Z)" if part[0] == " " else re.escape(part) for part in re.findall(r" +|[^ ]+", text))


def read(layout: str, text: str) -> Reading | None:
    """What *text* says when read by the layout; None when it does not have that form."""
    pattern, meanings = _compiled(layout)
    found = pattern.fullmatch(text)
    if found is None:
        return None
    reading = Reading()
    for meaning, value in zip(meanings, found.groups(), strict=True):
        if not _take(reading, meaning, value):
            return None
    return reading


def _take(reading: Reading, meaning: str, value: str) -> bool:
    """Note one part; False when it is out of range."""
    match meaning:
        case "":
            pass
        case "long month" | "month name":
            reading.month = next(i for i, name in enumerate(MONTHS, 1) if name[:3].lower() == value[:3].lower())
        case "short year":
            reading.year = int(value) + (1900 if int(value) >= 69 else 2000)
        case "half hour":
            reading.hour = int(value)
            return reading.hour <= 12
        case "afternoon":
            reading.afternoon = value in ("PM", "pm")
        case "fraction":
            reading.nanosecond = int(value[1:10].ljust(9, "0")) if value else reading.nanosecond
        case "offset":
            return _take_offset(reading, value)
        case "zone":
            reading.utc = reading.utc or value == "UTC"
            reading.zone = "" if value == "UTC" else value
        case _:
            setattr(reading, meaning, int(value))
    return True


def _take_offset(reading: Reading, value: str) -> bool:
    if value == "Z":
        reading.utc = True
        return True
    digits = value[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    offset = hours * 3600 + minutes * 60 + seconds
    reading.offset = -offset if value[0] == "-" else offset
    return hours <= 24 and minutes <= 60 and seconds <= 60
