"""A rule's log: what its user code printed, what its log sink wrote, and what happened to it; the newest lines."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from ..functions.places import said

KEPT = 1000
"""Lines that are kept."""
MOST = 100
"""Lines that are taken of one kind (printed, sent by the log sink, the rule's own) in a second of the rule's clock."""
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: when (ms), who (`print`, `log` for the log sink, `rule` for its own, `more` for lines that were too
    many) and, for user code, where."""

    at: int
    kind: str
    text: str
    where: str = ""

    def __str__(self) -> str:
        time = datetime.fromtimestamp(self.at / 1000, UTC)
        place = f"{said(self.where)}: " if self.where else ""
        return f"{time:%Y-%m-%d %H:%M:%S}.{self.at % 1000:03} {place}{self.text}"


class RuleLog:
    """Takes lines from any thread. *now* is the rule's clock, so that on a virtual one a log is always the same.

    *total* counts all lines, kept or not.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self.total = 0
        self._now = now
        self._lock = Lock()
        self._lines: deque[LogLine] = deque(maxlen=KEPT)
        self._numbered = 0  # lines put into _lines, ever
        self._second = 0
        self._taken: Counter[str] = Counter()
        self._passed_over = 0
        self._begun: dict[str, tuple[str, str]] = {}

    def printed(self, stream: str, text: str, place: Callable[[], str]) -> None:
        """Text of user code; a line is taken when it is whole."""
        with self._lock:
            begun, where = self._begun.pop(stream, ("", ""))
            if not where and self._room("print"):
                where = place()
            *lines, rest = (begun + text).split("\n")
            for line in lines:
                if self._takes("print"):
                    self._add("print", line, where)
            if rest:
                self._begun[stream] = _on_screen(rest)[:_LONGEST], where

    def sent(self, text: str) -> None:
        """A line of the log sink."""
        self._line("log", text)

    def note(self, text: str) -> None:
        """Something that happened to the rule."""
        self._line("rule", text)

    def lines(self) -> list[LogLine]:
        """The newest lines, the newest last."""
        kept, now = self.since(0)[0], self._now()
        with self._lock:
            more = [self._more(now)] if self._passed_over else []
            begun = [LogLine(now, "print", text, where) for text, where in self._begun.values()]
        return [*kept, *more, *begun]

    def since(self, number: int) -> tuple[list[LogLine], int]:
        """The whole lines after the first *number*, of those that are kept, and how many there have been."""
        with self._lock:
            kept = list(self._lines)
            return kept[max(0, len(kept) - max(0, self._numbered - number)) :], self._numbered

    def _line(self, kind: str, text: str) -> None:
        with self._lock:
            for line in text.split("\n"):
                if self._takes(kind):
                    self._add(kind, line)

    def _room(self, kind: str) -> bool:
        return self._taken[kind] < MOST or self._now() // 1000 != self._second

    def _takes(self, kind: str) -> bool:
        """Whether one more line is taken; one that is not is counted."""
        self.total += 1
        now = self._now()
        if now // 1000 != self._second:
            self._second = now // 1000
            self._taken.clear()
            if self._passed_over:
                self._put(self._more(now))
                self._passed_over = 0
        self._taken[kind] += 1
        if self._taken[kind] <= MOST:
            return True
        self._passed_over += 1
        return False

    def _add(self, kind: str, text: str, where: str = "") -> None:
        text = _on_screen(text)
        self._put(LogLine(self._now(), kind, text if len(text) <= _LONGEST else text[:_LONGEST] + "…", where))

    def _put(self, line: LogLine) -> None:
        self._lines.append(line)
        self._numbered += 1

    def _more(self, now: int) -> LogLine:
        lines = "line" if self._passed_over == 1 else "lines"
        return LogLine(now, "more", f"… {self._passed_over:,} more {lines}")


def _on_screen(text: str) -> str:
    """What a terminal shows of a line that was written over and over: a progress bar."""
    return text.rstrip("\r").rpartition("\r")[2] if "\r" in text else text
