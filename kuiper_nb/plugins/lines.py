"""What a process writes, as lines: the newest are kept, a flood is counted, and nobody waits."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

KEPT = 1000
RATE = 200
"""Lines a second that are shown and kept; the rest is counted."""

LONGEST = 4096
"""Bytes of a line that are kept."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of output: when (seconds since the epoch), from where (`stdout`, `stderr`, or the level of a log)."""

    at: float
    origin: str
    text: str


class Lines:
    """The newest lines, fed from any thread. *show*, if any, is told each of them, at most RATE a second."""

    def __init__(self, show: Callable[[Line], None] | None = None, clock: Callable[[], float] = time.time) -> None:
        self.total = 0
        self.dropped = 0
        self._show = show
        self._clock = clock
        self._kept: deque[Line] = deque(maxlen=KEPT)
        self._partial: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._second = 0
        self._in_second = 0

    def feed(self, origin: str, data: bytes) -> None:
        """Bytes that were written to *origin*; its last line may not be complete yet."""
        whole = self._partial.get(origin, b"") + data
        *lines, rest = whole.split(b"\n")
        if len(rest) > LONGEST:
            lines, rest = [*lines, rest], b""
        self._partial[origin] = rest
        for line in lines:
            self.add(origin, line[:LONGEST].decode("utf-8", "replace").rstrip("\r"))

    def end(self, origin: str) -> None:
        """*origin* is closed: what is left is a line."""
        rest = self._partial.pop(origin, b"")
        if rest:
            self.add(origin, rest.decode("utf-8", "replace"))

    def add(self, origin: str, text: str) -> None:
        """A complete line."""
        now = self._clock()
        with self._lock:
            self.total += 1
            if int(now) != self._second:
                self._second, self._in_second = int(now), 0
            self._in_second += 1
            if self._in_second > RATE:
                self.dropped += 1
                return
            line = Line(now, origin, text)
            self._kept.append(line)
        if self._show is not None:
            self._show(line)

    def tail(self, most: int = 20) -> list[Line]:
        """The newest lines, the newest last."""
        with self._lock:
            return list(self._kept)[-most:]

    def since(self, total: int, most: int = 20) -> list[Line]:
        """The newest lines of those after the first *total*."""
        with self._lock:
            new = min(self.total - total, most, len(self._kept))
            return list(self._kept)[len(self._kept) - new :]

    @property
    def text(self) -> str:
        """The kept lines of the errors, as a text."""
        return "\n".join(line.text for line in self.tail(KEPT) if line.origin != "stdout")
