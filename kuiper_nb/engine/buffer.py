"""The rows that windows to come still need, in the order of their arrival."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ..sql.evaluate import Frame
from ..types import unencoded_table
from .batch import Times

Placed = tuple[int, int, Frame]
"""A row with its key, and its number in the order of arrival."""


@dataclass(slots=True)
class FrameSegment:
    """Rows as frames; the key of each, its time or its ordinal in a count window; its number among all rows."""

    keys: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.keys)

    def between(self, lower: int, upper: int) -> list[Placed]:
        """The rows with lower <= key < upper, in the order of arrival."""
        return [
            placed for placed in zip(self.keys, self.numbers, self.frames, strict=True) if lower <= placed[0] < upper
        ]

    def holds(self, lower: int, upper: int) -> bool:
        """Whether there is a row with lower <= key < upper."""
        return any(lower <= key < upper for key in self.keys)

    def trim(self, least: int) -> int:
        """Let the rows below *least* go; how many they were."""
        kept = [placed for placed in zip(self.keys, self.numbers, self.frames, strict=True) if placed[0] >= least]
        gone = len(self.keys) - len(kept)
        if gone:
            self.keys = [key for key, _, _ in kept]
            self.numbers = [number for _, number, _ in kept]
            self.frames = [frame for _, _, frame in kept]
        return gone


@dataclass(slots=True)
class TableSegment:
    """Rows as an Arrow table with the columns the plan reads, as they came, unsorted; *live* are those not let go."""

    keys: Times
    table: pa.Table
    arrivals: Times
    numbers: Times
    least: int
    most: int
    live: int

    @classmethod
    def of(cls, keys: Times, table: pa.Table, arrivals: Times, numbers: Times) -> TableSegment:
        """A segment of at least one row."""
        return cls(keys, table, arrivals, numbers, int(keys.min()), int(keys.max()), len(keys))

    def __len__(self) -> int:
        return self.live

    def within(self, lower: int, upper: int) -> tuple[pa.Table, Times]:
        """A slice that holds every row with lower <= key < upper, and as few others as a slice can."""
        if lower <= self.least and self.most < upper:
            return self.table, self.keys
        inside = (self.keys >= lower) & (self.keys < upper)
        if not inside.any():
            return self.table.slice(0, 0), self.keys[:0]
        first, last = int(inside.argmax()), len(inside) - int(inside[::-1].argmax())
        return self.table.slice(first, last - first), self.keys[first:last]

    def trim(self, least: int) -> int:
        """Note that the rows below *least* are not needed any more; how many they were."""
        if least <= self.least:
            return 0
        live = 0 if self.most < least else int(np.count_nonzero(self.keys >= least))
        gone = self.live - live
        self.live, self.least = live, least
        return gone


Segment = FrameSegment | TableSegment


class Buffer:
    """Segments in the order of arrival."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []

    def __len__(self) -> int:
        return sum(len(s) for s in self.segments)

    @property
    def has_tables(self) -> bool:
        """Whether any rows are kept as tables."""
        return any(isinstance(s, TableSegment) for s in self.segments)

    @property
    def keys(self) -> Times:
        """The keys of all rows; some that were let go may be among them."""
        parts = [np.asarray(s.keys, np.int64) for s in self.segments]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def add_frames(self, keys: list[int], numbers: list[int], frames: list[Frame]) -> None:
        """Add rows; neighbours share a segment."""
        last = self.segments[-1] if self.segments else None
        if not isinstance(last, FrameSegment):
            last = FrameSegment()
            self.segments.append(last)
        last.keys.extend(keys)
        last.numbers.extend(numbers)
        last.frames.extend(frames)

    def add_table(self, segment: TableSegment) -> None:
        """Add a table's rows. Tables of one window are one query's input, so all encode their text alike."""
        tables = [s for s in self.segments if isinstance(s, TableSegment)]
        self.segments.append(segment)
        if tables and not tables[0].table.schema.equals(segment.table.schema):
            for each in (*tables, segment):
                each.table = unencoded_table(each.table)

    def touching(self, lower: int, upper: int) -> list[Segment]:
        """The segments that may hold rows with lower <= key < upper."""
        return [
            s for s in self.segments if isinstance(s, FrameSegment) or (s.live and s.least < upper and s.most >= lower)
        ]

    def trim(self, least: int) -> int:
        """Let the rows below *least* go; how many they were."""
        gone = sum(s.trim(least) for s in self.segments)
        self.segments = [s for s in self.segments if len(s)]
        return gone


class SortedFrames:
    """Frames sorted by key, ties in order of arrival, for many spans at once."""

    def __init__(self, placed: list[Placed]) -> None:
        ordered = sorted(placed, key=lambda found: found[:2])
        self._keys = [key for key, _, _ in ordered]
        self._frames = [frame for _, _, frame in ordered]

    def between(self, lower: int, upper: int) -> list[Frame]:
        """The frames with lower <= key < upper."""
        return self._frames[bisect_left(self._keys, lower) : bisect_left(self._keys, upper)]
