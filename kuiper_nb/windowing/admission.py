"""What became of a batch of rows that the watermark took notice of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .windows import BEGINNING, Times

Indices = npt.NDArray[np.intp]
_BLOCK = 32
"""Rows that are looked at together, as long as nobody asks for a single one of them."""


class Admission(ABC):
    """One answer a row, in order of arrival.

    *watermarks*: the watermark after the row. *before*: the one it met. *late*: dropped, because that had already
    passed the row.
    """

    times: Times
    watermarks: Times
    before: Times

    @property
    def late(self) -> npt.NDArray[np.bool_]:
        """Which rows are too late."""
        return self.times < self.before

    @property
    def any_late(self) -> bool:
        """Whether there is such a row."""
        return bool(self.late.any())

    @property
    def releases(self) -> Times:
        """Per row the watermark that lets it go on: its own time, or one more when the watermark is there already.

        Of no meaning for rows that are late.
        """
        return np.where(self.times > self.before, self.times, self.times + 1)

    @abstractmethod
    def moved_by(self, marks: Times) -> Indices:
        """For each mark the row of the batch whose arrival brought the watermark there; len(batch) when none did.

        That is the moment at which a row with such a release goes on, and at which a window with such an end closes,
        but no window closes before the row has gone on that aligned it.
        """


class Known(Admission):
    """Rows with the watermarks *after* and *before* each."""

    def __init__(self, times: Times, after: Times, before: Times) -> None:
        self.times = times
        self.watermarks = after
        self.before = before

    def moved_by(self, marks: Times) -> Indices:
        """By search."""
        return np.searchsorted(self.watermarks, marks, side="left")


class Followed(Admission):
    """Rows that the watermark follows with a *tolerance*; *greatest* is the greatest time seen.

    Whether any row is late, and which one brought the watermark somewhere, is known from the least and the greatest
    times of blocks of rows, and a look into few of them: a running maximum over all rows takes several times as long.
    """

    def __init__(self, times: Times, greatest: int, tolerance: int) -> None:
        self.times = times
        self._tolerance = tolerance
        self._met = greatest
        self._starts = np.arange(0, len(times), _BLOCK)
        self._highest = times
        if len(times):
            maxima = np.maximum.reduceat(times, self._starts)
            self._highest = np.maximum(np.maximum.accumulate(maxima), greatest)  # up to the end of each block
        self.greatest = int(self._highest[-1]) if len(times) else greatest

    @cached_property
    def watermarks(self) -> Times:  # type: ignore[override]
        """Of every row."""
        return np.maximum(np.maximum.accumulate(self.times), self._met) - self._tolerance

    @cached_property
    def before(self) -> Times:  # type: ignore[override]
        """Of every row."""
        first = BEGINNING if self._met == BEGINNING else self._met - self._tolerance
        return np.concatenate([[first], self.watermarks[:-1]]) if len(self.times) else self.times

    @property
    def any_late(self) -> bool:
        """Only a block whose least is below the watermark at its end may hold such a row."""
        if not len(self.times):
            return False
        least = np.minimum.reduceat(self.times, self._starts)
        doubtful = np.flatnonzero(least < self._highest - self._tolerance)
        places = self._starts[doubtful, None] + np.arange(_BLOCK)
        rows = self.times[np.minimum(places, len(self.times) - 1)]  # the last row again and again is late once or never
        met = np.where(doubtful > 0, self._highest[doubtful - 1], self._met)
        running = np.maximum(np.maximum.accumulate(rows, axis=1), met[:, None])
        return bool((rows < running - self._tolerance).any())

    def moved_by(self, marks: Times) -> Indices:
        """By search in the blocks, and then in one of them; by search in all rows where marks are many."""
        if len(marks) * _BLOCK > len(self.times):
            return np.searchsorted(self.watermarks, marks, side="left")
        return np.array([self._first_at(mark + self._tolerance) for mark in marks.tolist()], np.intp)

    def _first_at(self, goal: int) -> int:
        block = int(np.searchsorted(self._highest, goal, side="left"))
        if block == len(self._highest):
            return len(self.times)
        if self._met >= goal:
            return 0
        first = int(self._starts[block])
        return first + int((self.times[first : first + _BLOCK] >= goal).argmax())
