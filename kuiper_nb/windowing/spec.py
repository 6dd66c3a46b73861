"""What the windows of GROUP BY say, as frozen values, and where their first end lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Unit(StrEnum):
    """The unit token of a window."""

    DD = "DD"
    HH = "HH"
    MI = "MI"
    SS = "SS"
    MS = "MS"

    @property
    def ms(self) -> int:
        """One of this unit in ms."""
        return {"DD": DAY, "HH": HOUR, "MI": MINUTE, "SS": SECOND, "MS": 1}[self.value]

    @property
    def frame(self) -> int:
        """The next larger unit in ms, from whose start the first window is counted; days count from their own."""
        return {"DD": DAY, "HH": DAY, "MI": HOUR, "SS": MINUTE, "MS": SECOND}[self.value]


@dataclass(frozen=True, slots=True)
class Tumbling:
    """TUMBLINGWINDOW(unit, count), count > 0."""

    unit: Unit
    count: int

    @property
    def length(self) -> int:
        """How long a window is, ms."""
        return self.unit.ms * self.count

    @property
    def step(self) -> int:
        """From one end to the next, ms."""
        return self.length

    @property
    def pane(self) -> int:
        """The longest stretch that no window cuts, counted from any window's end, ms."""
        return self.length


@dataclass(frozen=True, slots=True)
class Hopping:
    """HOPPINGWINDOW(unit, count, hop), both numbers > 0.

    A hop longer than the window leaves the rows between two windows out.
    """

    unit: Unit
    count: int
    hop: int

    @property
    def length(self) -> int:
        """How long a window is, ms."""
        return self.unit.ms * self.count

    @property
    def step(self) -> int:
        """From one end to the next, ms."""
        return self.unit.ms * self.hop

    @property
    def pane(self) -> int:
        """The longest stretch that no window cuts, counted from any window's end, ms."""
        return math.gcd(self.length, self.step)


@dataclass(frozen=True, slots=True)
class Count:
    """COUNTWINDOW(length[, interval]): after every *interval* rows the last *length* of them, once there are as many.

    An interval of 0 means *length*, a negative one 1. *from_first* makes window_start() the time of a window's first
    row, as eKuiper's incremental windows have it, instead of the time of its last.
    """

    length: int
    interval: int = 0
    from_first: bool = False

    @property
    def every(self) -> int:
        """Rows from one window to the next."""
        return self.length if self.interval == 0 else max(self.interval, 1)

    @property
    def step(self) -> int:
        """Rows from one window's end to the next."""
        return self.every

    @property
    def pane(self) -> int:
        """The most rows that no window cuts, counted from any window's end."""
        return math.gcd(self.length, self.every)


Spec = Tumbling | Hopping | Count


def aligned_first_end(spec: Tumbling | Hopping, at: int) -> int:
    """The end (ms) of the first window of a rule that starts, or whose first event lies, at *at*.

    Counted from the start of the larger unit, in UTC, and only once: seven-second windows drift through the minutes
    afterwards. Exactly *count* whole units after that start the end is not later than *at*: an empty window.
    """
    count = spec.hop if isinstance(spec, Hopping) else spec.count
    unit = spec.unit.ms
    base = at - at % spec.unit.frame
    passed = (at - base) // unit
    units = count if passed <= count else count * (passed // count + 1)
    return base + units * unit
