"""How far time has come: which rows are too late, which may go on, and which arrival let them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..contracts import Clock
from .windows import BEGINNING, Times

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of a batch of rows, one entry a row, in order of arrival.

    *late*: dropped, because the watermark had already passed the row. *watermarks*: the watermark after the row.
    *releases*: the watermark that lets the row go on (of no meaning when it is late).
    """

    late: npt.NDArray[np.bool_]
    watermarks: Times
    times: Times
    before: Times

    @property
    def releases(self) -> Times:
        """Per row the watermark that lets it go on: its own time, or one more when the watermark is there already."""
        return np.where(self.times > self.before, self.times, self.times + 1)

    def moved_by(self, marks: Times) -> Indices:
        """For each mark the row of the batch whose arrival brought the watermark there; len(batch) when none did.

        That is the moment at which a row with such a release goes on, and at which a window with such an end closes,
        but no window closes before the row has gone on that aligned it.
        """
        return np.searchsorted(self.watermarks, marks, side="left")


class Watermark(Protocol):
    """Event time and processing time, to the stages that follow."""

    @property
    def at(self) -> int:
        """The watermark now (ms)."""
        ...

    def admit(self, times: Times, streams: npt.NDArray[np.intp] | None = None) -> Admission:
        """Take notice of rows with these times (ms), in order of arrival, of the streams with these numbers."""
        ...


class EventTime:
    """The watermark follows the rows: the greatest time seen, less a tolerance (ms); of several streams, the hindmost.

        arrivals    5   9   6   4   12        tolerance 3
        watermark   2   6   6   6    9
        late                    x             4 < 6
        gone on         5            6 9      the row at 6 = the watermark had to wait

    Until every one of the *streams* has spoken there is no watermark. A row exactly at the watermark is not late, but
    goes on only when the watermark moves again.
    """

    def __init__(self, tolerance: int, streams: int = 1) -> None:
        self._tolerance = tolerance
        self._greatest = [BEGINNING] * streams
        self._at = BEGINNING

    @property
    def at(self) -> int:
        """The watermark now (ms); BEGINNING as long as there is none."""
        return self._at

    def admit(self, times: Times, streams: npt.NDArray[np.intp] | None = None) -> Admission:
        """Take notice of rows; a batch cut in two gives the same answers as the whole."""
        watermarks = self._advance(times, streams)
        before = np.empty_like(watermarks)
        before[:1], before[1:] = self._at, watermarks[:-1]
        if len(watermarks):
            self._at = int(watermarks[-1])
        return Admission(times < before, watermarks, times, before)

    def _advance(self, times: Times, streams: npt.NDArray[np.intp] | None) -> Times:
        """The watermark after each row. A late row needs no care: it lies below its stream's greatest anyway."""
        if streams is None and len(self._greatest) == 1:
            if not len(times):
                return times
            running = np.maximum.accumulate(times)
            np.maximum(running, self._greatest[0], out=running)
            self._greatest[0] = int(running[-1])
            return running - self._tolerance
        hindmost = np.full(len(times), 2**63 - 1, np.int64)
        for stream, greatest in enumerate(self._greatest):
            own = times if streams is None else np.where(streams == stream, times, BEGINNING)
            running = np.maximum(np.maximum.accumulate(own), greatest)
            if len(running):
                self._greatest[stream] = int(running[-1])
            hindmost = np.minimum(hindmost, running)
        return np.where(hindmost == BEGINNING, BEGINNING, hindmost - self._tolerance)


class ProcessingTime:
    """The watermark is the clock: no row is late, and every row goes on as it arrives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def at(self) -> int:
        """Now (ms)."""
        return self._clock.now()

    def admit(self, times: Times, streams: npt.NDArray[np.intp] | None = None) -> Admission:
        """Rows with their arrivals as times."""
        return Admission(np.zeros(len(times), np.bool_), times, times, times - 1)


def release(times: Times, releases: Times, watermark: int) -> tuple[Indices, Indices]:
    """Which of the waiting rows go on at *watermark*, sorted by time, and which wait on, in order of arrival.

    *times* and *releases* are those of the rows that have waited so far, in order of arrival, and after them of the new
    rows that are not late. Rows of one time keep the order of their arrival.
    """
    free = releases <= watermark
    now = np.flatnonzero(free)
    return now[np.argsort(times[now], kind="stable")], np.flatnonzero(~free)
