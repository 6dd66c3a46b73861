"""The rows that windows to come still need, in the order of their arrival."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..sql.evaluate import Frame
from ..types import unencoded_table
from .batch import Times
from .folded import Folded
from .hoist import HIDDEN
from .spill import Spilled, SpillFile
from .typing import Typing, typing_of

Placed = tuple[int, int, Frame]
"""A row with its key, and its number in the order of arrival."""


Packed = Callable[[Sequence[Frame]], tuple[pa.Table, npt.NDArray[np.bool_]] | None]
"""Makes a table of the frames that fit one, and says which do."""

MANY = 4096
"""So many frames become a table even before their windows end: a table takes a tenth of their memory."""


@dataclass(slots=True)
class FrameSegment:
    """Rows as frames; the key of each, its time or its ordinal in a count window; its number among all rows.

    *odd*: they fit no table.
    """

    keys: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    odd: bool = False

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


Rows = tuple[pa.Table, Times, Times, Times]
"""Rows as a table, with their keys, their arrivals, and their numbers in the order of arrival."""

_KEYS, _ARRIVALS, _NUMBERS = HIDDEN + "keys", HIDDEN + "arrivals", HIDDEN + "numbers"


@dataclass(slots=True)
class TableSegment:
    """Rows as an Arrow table with the columns the plan reads, as they came, unsorted; *live* are those not let go.

    *folded*: its rows are in the buffer's parts as well, and the table may be on disk.
    """

    typing: Typing
    schema: pa.Schema
    least: int
    most: int
    live: int
    folded: bool = False
    _rows: Rows | None = None
    _spilled: tuple[SpillFile, Spilled] | None = None

    @classmethod
    def of(cls, keys: Times, table: pa.Table, arrivals: Times, numbers: Times) -> TableSegment:
        """A segment of at least one row."""
        least, most = int(keys.min()), int(keys.max())
        return cls(typing_of(table), table.schema, least, most, len(keys), _rows=(table, keys, arrivals, numbers))

    def __len__(self) -> int:
        return self.live

    @property
    def rows(self) -> Rows:
        """All its rows, read back where they were spilled."""
        if self._rows is not None:
            return self._rows
        assert self._spilled is not None
        file, place = self._spilled
        table = file.read(place)
        keys, arrivals, numbers = (table.column(name).to_numpy() for name in (_KEYS, _ARRIVALS, _NUMBERS))
        return table.drop_columns([_KEYS, _ARRIVALS, _NUMBERS]), keys, arrivals, numbers

    @property
    def spilled(self) -> bool:
        """Whether its rows are on disk."""
        return self._spilled is not None

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return 0 if self._rows is None else self._rows[0].nbytes + sum(array.nbytes for array in self._rows[1:])

    def spill(self, file: SpillFile) -> None:
        """Put the rows on disk. Raises OSError when there is no room, in which case they stay."""
        if self._rows is None:
            return
        table, *arrays = self._rows
        for name, array in zip((_KEYS, _ARRIVALS, _NUMBERS), arrays, strict=True):
            table = table.append_column(name, pa.array(array))
        self._spilled = file, file.write(table)
        self._rows = None

    def unencode(self) -> None:
        """Texts as they are, not as dictionaries."""
        table, keys, arrivals, numbers = self.rows
        table = unencoded_table(table)
        self.schema, self._rows, self._spilled = table.schema, (table, keys, arrivals, numbers), None

    def within(self, lower: int, upper: int) -> Rows:
        """A slice that holds every row with lower <= key < upper, and as few others as a slice can."""
        if self.most < upper and lower <= self.least:  # rows that were let go stand between others, or are cut off
            return self.rows
        keys = self.rows[1]
        inside = (keys >= lower) & (keys < upper)
        first = int(inside.argmax())
        last = len(inside) - int(inside[::-1].argmax()) if inside[first] else first
        return sliced(self.rows, first, last)

    def trim(self, least: int) -> int:
        """Note that the rows below *least* are not needed any more; how many they were."""
        if least <= self.least:
            return 0
        gone = self.live
        if self.most < least:
            self.live = 0
        else:
            needed = self.rows[1] >= least
            self.live = int(np.count_nonzero(needed))
            first = int(needed.argmax())
            if self._rows is not None and first:
                self._rows = sliced(self._rows, first, len(needed))
        self.least = least
        return gone - self.live


def sliced(rows: Rows, first: int, last: int) -> Rows:
    """The rows from place *first* on, up to *last*."""
    table, keys, arrivals, numbers = rows
    return table.slice(first, last - first), keys[first:last], arrivals[first:last], numbers[first:last]


Segment = FrameSegment | TableSegment


class Buffer:
    """Segments in the order of arrival, and the parts that rows of tables are folded into."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.folded: Folded | None = None
        self._file = SpillFile()

    def __len__(self) -> int:
        return sum(len(s) for s in self.segments)

    @property
    def tables(self) -> list[TableSegment]:
        """The segments that are tables."""
        return [s for s in self.segments if isinstance(s, TableSegment)]

    @property
    def keys(self) -> Times:
        """The keys of all rows; some that were let go may be among them."""
        parts = [np.asarray(s.keys if isinstance(s, FrameSegment) else s.rows[1], np.int64) for s in self.segments]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def add_frames(self, keys: list[int], numbers: list[int], frames: list[Frame]) -> None:
        """Add rows; neighbours share a segment."""
        last = self.segments[-1] if self.segments else None
        if not isinstance(last, FrameSegment) or last.odd:
            last = FrameSegment()
            self.segments.append(last)
        last.keys.extend(keys)
        last.numbers.extend(numbers)
        last.frames.extend(frames)

    def add_table(self, segment: TableSegment) -> None:
        """Add a table's rows. Tables of one window are one query's input, so all encode their text alike."""
        tables = self.tables
        self.segments.append(segment)
        if tables and not tables[0].schema.equals(segment.schema):
            for each in (*tables, segment):
                each.unencode()

    def pack(self, least: int, packed: Packed) -> None:
        """Make tables of frames, where there are at least *least* together; those that do not fit one stay frames."""
        loose = [s for s in self.segments if isinstance(s, FrameSegment) and not s.odd]
        if sum(map(len, loose)) < least:
            return
        for segment in loose:
            made = packed(segment.frames)
            if made is None:
                segment.odd = True
                continue
            table, fits = made
            keys, numbers = np.array(segment.keys, np.int64), np.array(segment.numbers, np.int64)
            times = np.array([frame.at for frame in segment.frames], np.int64)
            self.segments.remove(segment)
            if fits.any():
                self.add_table(TableSegment.of(keys[fits], table, times[fits], numbers[fits]))
            if not fits.all():
                others = np.flatnonzero(~fits).tolist()
                frames = [segment.frames[place] for place in others]
                self.segments.append(FrameSegment(keys[others].tolist(), numbers[others].tolist(), frames, odd=True))

    def touching(self, lower: int, upper: int) -> list[Segment]:
        """The segments that may hold rows with lower <= key < upper."""
        return [
            s for s in self.segments if isinstance(s, FrameSegment) or (s.live and s.least < upper and s.most >= lower)
        ]

    def trim(self, least: int) -> int:
        """Let the rows below *least* go; how many they were."""
        gone = sum(s.trim(least) for s in self.segments)
        self.segments = [s for s in self.segments if len(s)]
        if self.folded is not None:
            self.folded.trim(least)
            if not self.folded.parts or not self.tables:  # the next window need not be folded because this one was
                self.folded = None
        if not any(s.spilled for s in self.tables):
            self._file.clear()
        return gone

    def unfold(self) -> None:
        """Forget the parts; the rows are still there."""
        self.folded = None
        for segment in self.tables:
            segment.folded = False

    def spill(self, most: int) -> None:
        """Put folded rows on disk when they take more than *most* bytes; where there is no room they stay."""
        folded = [s for s in self.tables if s.folded]
        if sum(s.size for s in folded) <= most:
            return
        with contextlib.suppress(OSError):
            for segment in folded:
                segment.spill(self._file)

    def close(self) -> None:
        """Let go of what is on disk."""
        self._file.clear()


class SortedFrames:
    """Frames sorted by key, ties in order of arrival, for many spans at once."""

    def __init__(self, placed: list[Placed]) -> None:
        ordered = sorted(placed, key=lambda found: found[:2])
        self._keys = [key for key, _, _ in ordered]
        self._frames = [frame for _, _, frame in ordered]

    def between(self, lower: int, upper: int) -> list[Frame]:
        """The frames with lower <= key < upper."""
        return self._frames[bisect_left(self._keys, lower) : bisect_left(self._keys, upper)]
