"""Recorded input on the clock: rows come as far apart as they were recorded, or so many times faster."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from ..catalog import Stream
from ..contracts import Clock, EndOfStream, Payload, Source
from ..errors import ConnectorError


class Replay:
    """Delivers what *source* has when its time has come by the column *timestamp*; an earlier time does not wait.

    What carries no time (a line that cannot be read) comes with what came before it.
    """

    paced = True

    def __init__(self, source: Source, timestamp: str, speed: float, clock: Clock) -> None:
        self._source = source
        self._timestamp = timestamp
        self._speed = speed
        self._clock = clock
        self._head: Payload | None = None
        self._moments: np.ndarray[Any, np.dtype[np.int64]] = np.empty(0, np.int64)
        self._started = 0
        self._first: int | None = None
        self._latest = 0
        self._ended = False

    def open(self) -> None:
        """Starts with the first row, now."""
        self._source.open()
        self._started = self._clock.now()
        self._head, self._first, self._ended = None, None, False

    def poll(self) -> Payload | None:
        """The rows whose time has come; EndOfStream after the last."""
        self._fill()
        if self._head is None:
            if self._ended:
                raise EndOfStream
            return None
        assert self._first is not None
        limit = self._first + (self._clock.now() - self._started) * self._speed
        ready = int(np.searchsorted(self._moments, limit, "right"))
        if not ready:
            return None
        payload, self._head = _cut(self._head, ready)
        self._moments = self._moments[ready:]
        return payload

    def due(self) -> int | None:
        """When the next rows come (ms)."""
        self._fill()
        if self._head is None or self._first is None:
            return self._clock.now()
        return self._started + math.ceil((int(self._moments[0]) - self._first) / self._speed)

    def close(self) -> None:
        """Closes the source."""
        self._head = None
        self._source.close()

    def _fill(self) -> None:
        while self._head is None and not self._ended:
            try:
                payload = self._source.poll()
            except EndOfStream:
                self._ended = True
                return
            if payload is None:
                return
            moments = _moments(payload.data, self._timestamp)
            if not moments:
                continue
            if self._first is None:
                self._first = self._latest = next((m for m in moments if m is not None), 0)
            known = [self._latest if m is None else m for m in moments]
            self._moments = np.maximum.accumulate(np.array([self._latest, *known], np.int64))[1:]
            self._latest = int(self._moments[-1])
            self._head = payload


def replayed(source: Source, stream: Stream, speed: Any, clock: Clock) -> Source:
    """*source* itself without a *speed* (or at 0), else on the clock at that many times the recorded speed.

    Raises ConnectorError where there is no recording, or no TIMESTAMP to go by.
    """
    if not speed:
        return source
    if isinstance(speed, bool) or not isinstance(speed, (int, float)) or speed < 0:
        raise ConnectorError(f"speed {speed} is no speed", "60 plays a recorded minute in a second")
    if getattr(source, "paced", True):
        raise ConnectorError(
            f"stream {stream.name} is no recording, so it has no speed", "files and DataFrames have one"
        )
    if not stream.timestamp:
        raise ConnectorError(f"stream {stream.name} has no TIMESTAMP to replay by", 'add TIMESTAMP="…" to its options')
    return Replay(source, stream.timestamp, float(speed), clock)


def _moments(data: Any, timestamp: str) -> Sequence[int | None]:
    """The time of each row, ms; None where there is none."""
    if isinstance(data, pa.Table):
        if timestamp not in data.column_names:
            return [None] * data.num_rows
        column = data[timestamp]
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
        return [_moment(value) for value in column.to_pylist()]
    if isinstance(data, list):
        return [_moment(row.get(timestamp)) for row in data]
    return [_moment(data.get(timestamp)) if isinstance(data, dict) else None]


def _moment(value: Any) -> int | None:
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return int(value)
    return None


def _cut(payload: Payload, rows: int) -> tuple[Payload, Payload | None]:
    """The first *rows* rows, and the rest if there is one."""
    data = payload.data
    if isinstance(data, pa.Table) and rows < data.num_rows:
        first, rest = data.slice(0, rows), data.slice(rows)
    elif isinstance(data, list) and rows < len(data):
        first, rest = data[:rows], data[rows:]
    else:
        return payload, None
    return (
        Payload(first, payload.at, payload.meta, payload.typed),
        Payload(rest, payload.at, payload.meta, payload.typed),
    )
