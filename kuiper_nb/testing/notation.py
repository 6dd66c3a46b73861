"""The notation of a test: a SELECT (or a rule's name), then sections of rows, one JSON object a line.

    SELECT device, avg(t) AS t FROM demo GROUP BY device, TUMBLINGWINDOW(ss, 10)
    input demo
    {"device": "a", "t": 20}
    @2s {"device": "a", "t": 30}
    expect
    @10s {"device": "a", "t": 25}

The clock starts at 0. `@2s`, `@1500` (ms) or `@1m30s` before a row is when it arrives; a row without it comes with the
one before. In `expect` it is when the row goes out, and a row without it may come at any time. A list of rows is one
payload; a time alone lets the clock run on. `errors` lists what must fail: a row, or a part of the message in quotes.
Lines that start with `#` or `--` are comments.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import KuiperError, ParseError
from ..sql.plan import duration

_SECTION = re.compile(r"\s*(?:(input)\s+(`[^`]+`|\S+)|(expect)|(errors))\s*", re.I)
_LINE = re.compile(r"\s*(?:@(\S+))?\s*(.*?)\s*")
USAGE = "%%kuiper test NAME, then a SELECT, `input STREAM` with rows and `expect` with rows"


@dataclass(frozen=True, slots=True)
class Arrival:
    """*data* (a row, or a list of rows; None for nothing) arrives on *stream* at *at*, in ms from the start."""

    stream: str
    at: int
    data: Any


@dataclass(frozen=True, slots=True)
class Expected:
    """A row that must go out; *at* (ms from the start) None: whenever."""

    row: dict[str, Any]
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A test that was read: *query* is a SELECT or the name of a rule, *until* when its clock may stop (ms).

    *arrivals* are in the order of time. *errors* are rows that fail, or parts of messages.
    """

    query: str
    streams: tuple[str, ...]
    arrivals: tuple[Arrival, ...]
    expected: tuple[Expected, ...]
    errors: tuple[Any, ...]
    until: int


class _Reader:
    """Goes through the lines of a test, and knows where it is for its errors."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.query: list[str] = []
        self.section = ""
        self.stream = ""
        self.streams: list[str] = []
        self.arrivals: list[Arrival] = []
        self.expected: list[Expected] = []
        self.errors: list[Any] = []
        self.at = self.until = self.number = 0
        self.said: set[str] = set()

    def read(self) -> Script:
        for line in self.text.splitlines():
            self.number += 1
            found = _SECTION.fullmatch(line)
            if found is not None:
                self.begin(found)
            elif not self.section:
                self.query.append(line)
            elif line.strip() and not line.lstrip().startswith(("#", "--")):
                self.entry(line)
        query = "\n".join(self.query).strip().rstrip(";").rstrip()
        if not query:
            raise ParseError("a test begins with a SELECT, or the name of a rule", USAGE)
        if "expect" not in self.said:
            raise ParseError(
                "the test says nothing of what it expects", "add a line `expect`, with no rows if none come"
            )
        arrivals = tuple(sorted(self.arrivals, key=lambda arrival: arrival.at))
        return Script(query, tuple(self.streams), arrivals, tuple(self.expected), tuple(self.errors), self.until)

    def begin(self, found: re.Match[str]) -> None:
        self.section = (found[1] or found[3] or found[4]).lower()
        self.said.add(self.section)
        self.at = 0
        if self.section == "input":
            self.stream = found[2].strip("`")
            self.streams.append(self.stream)

    def entry(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        assert found is not None
        at = None if found[1] is None else self.moment(found[1], line)
        self.until = max(self.until, at or 0)
        value = self.value(found[2], line) if found[2] else None
        if self.section == "input":
            self.input(at, value, line)
        elif self.section == "errors":
            self.errors.append(value)
        elif isinstance(value, dict):
            self.expected.append(Expected(value, at))
        elif value is not None:
            self.refuse("an expected row is a JSON object", '{"t": 25}, or @10s {"t": 25}', line)

    def input(self, at: int | None, value: Any, line: str) -> None:
        rows = value if isinstance(value, list) else [value]
        if value is not None and not all(isinstance(row, dict) for row in rows):
            self.refuse("a row that comes in is a JSON object, or a list of them", '{"t": 20}', line)
        self.at = self.at if at is None else at
        self.arrivals.append(Arrival(self.stream, self.at, value))

    def moment(self, text: str, line: str) -> int:
        try:
            at = duration(text)
        except KuiperError as error:
            self.refuse(f"@{text} is no time: {error.message}", "@1500 (ms), @2s, @1m30s", line)
        if at < 0:
            self.refuse(f"@{text} lies before the start", "times count from the start of the test", line)
        return at

    def value(self, text: str, line: str) -> Any:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            column = line.index(text) + error.pos + 1
            self.refuse(f"this is no JSON: {error.msg}", 'one JSON object a line: {"t": 20}', line, column)

    def refuse(self, message: str, hint: str, line: str, column: int = 0) -> NoReturn:
        column = column or len(line) - len(line.lstrip()) + 1
        raise ParseError(message, hint, line=self.number, column=column, statement=self.text)


def script(text: str) -> Script:
    """The test that *text* says. Raises ParseError with the place."""
    return _Reader(text).read()
