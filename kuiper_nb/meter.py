"""How much something that answers calls has done, and how fast."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

_NEWEST = 1000
_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Calls and rows so far; rows a second of late; how long a call takes (ms), as median and 99th percentile."""

    calls: int = 0
    rows: int = 0
    rate: float = 0.0
    p50: float = 0.0
    p99: float = 0.0


class Meter:
    """Counts from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._rows = 0
        self._newest: deque[tuple[float, float, int]] = deque(maxlen=_NEWEST)

    def add(self, seconds: float, rows: int) -> None:
        """A call over *rows* that took *seconds*."""
        with self._lock:
            self._calls += 1
            self._rows += rows
            self._newest.append((time.monotonic(), seconds, rows))

    @property
    def measured(self) -> Measured:
        """What there is to say."""
        with self._lock:
            newest, calls, rows = list(self._newest), self._calls, self._rows
        if not newest:
            return Measured()
        now = time.monotonic()
        lately = [(at, n) for at, _, n in newest if at > now - _SECONDS]
        span = max(now - lately[0][0], 0.001) if lately else 1.0
        taken = sorted(seconds for _, seconds, _ in newest)
        return Measured(
            calls,
            rows,
            sum(n for _, n in lately) / max(span, 1.0),
            1000 * taken[len(taken) // 2],
            1000 * taken[min(len(taken) - 1, len(taken) * 99 // 100)],
        )
