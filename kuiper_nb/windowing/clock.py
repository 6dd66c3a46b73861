"""Where "now" comes from: the machine's clock, or one that moves only when it is told to."""

from __future__ import annotations

import time
from operator import index
from typing import Any

from ..errors import ClockError

_FARTHEST = 2**53  # ms: beyond the year 280000 there is no date


def moment(at: Any) -> int:
    """*at* as ms since the epoch, whatever whole number it is; ClockError where it is none."""
    try:
        whole = int(at) if isinstance(at, float) and at.is_integer() else index(at)
    except TypeError:
        whole = _FARTHEST
    if not abs(whole) < _FARTHEST:
        raise ClockError(f"{at!r} is no time", "a time is a whole number of milliseconds since 1970")
    return whole


class VirtualClock:
    """A clock that stands still between calls of `move`, so that the same calls always give the same answer."""

    def __init__(self, start: int) -> None:
        self._now = moment(start)

    @property
    def virtual(self) -> bool:
        """Always true."""
        return True

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self._now

    def move(self, to: int) -> None:
        """Make it *to* (ms); ClockError when that is earlier than now."""
        if to < self._now:
            raise ClockError(
                f"the clock stands at {self._now} and cannot go back to {to}",
                "time only moves on; start a new session for an earlier time",
            )
        self._now = to

    def __repr__(self) -> str:
        return f"VirtualClock({self._now})"


class SystemClock:
    """The machine's clock, which never runs backwards here even when someone sets it back."""

    def __init__(self) -> None:
        self._latest = 0

    @property
    def virtual(self) -> bool:
        """Always false."""
        return False

    def now(self) -> int:
        """Milliseconds since the epoch."""
        self._latest = max(self._latest, time.time_ns() // 1_000_000)
        return self._latest

    def __repr__(self) -> str:
        return "SystemClock()"
