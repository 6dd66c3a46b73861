"""How far time has come: which rows are too late, which may go on, and which arrival let them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..contracts import Clock
from .admission import Admission, Followed, Known
from .windows import BEGINNING, Times

Indices = npt.NDArray[np.intp]


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
        if streams is None and len(self._greatest) == 1:
            followed = Followed(times, self._greatest[0], self._tolerance)
            self._greatest[0] = followed.greatest
            if len(times):
                self._at = followed.greatest - self._tolerance
            return followed
        watermarks = self._hindmost(times, streams)
        before = np.concatenate([[self._at], watermarks[:-1]]) if len(watermarks) else watermarks
        if len(watermarks):
            self._at = int(watermarks[-1])
        return Known(times, watermarks, before)

    def _hindmost(self, times: Times, streams: npt.NDArray[np.intp] | None) -> Times:
        """The watermark after each row. A late row needs no care: it lies below its stream's greatest anyway."""
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
        return Known(times, times, times - 1)


def release(times: Times, releases: Times, watermark: int) -> tuple[Indices, Indices]:
    """Which of the waiting rows go on at *watermark*, sorted by time, and which wait on, in order of arrival.

    *times* and *releases* are those of the rows that have waited so far, in order of arrival, and after them of the new
    rows that are not late. Rows of one time keep the order of their arrival.
    """
    free = releases <= watermark
    now = np.flatnonzero(free)
    return now[np.argsort(times[now], kind="stable")], np.flatnonzero(~free)
