"""What comes out of a rule, kept for the user: emits, errors and late rows, the newest of each."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ..contracts import Row

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class RowError:
    """A row, payload or window that failed: why, what it was, when (ms), and where in the user's code, if it was
    there."""

    message: str
    row: Any
    at: int
    where: str = ""

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Late:
    """A row that came after the watermark had passed it: when it arrived (*at*) and how late it was (*by*), ms."""

    row: Row
    at: int
    by: int


class Emit:
    """What a rule sent at one moment: one window, or one micro-batch of a rule without a window.

    *at* is the session's clock in ms. *rows* are made when they are first read.
    """

    __slots__ = ("_make", "_rows", "_table", "at", "size")

    def __init__(
        self,
        at: int,
        rows: list[Row] | None = None,
        *,
        size: int = 0,
        make: Callable[[], list[Row]] | None = None,
        table: Callable[[], pa.Table | None] | None = None,
    ) -> None:
        self.at = at
        self._rows = rows
        self._make = make
        self._table = table
        self.size = len(rows) if rows is not None else size

    @property
    def rows(self) -> list[Row]:
        """The rows as dicts."""
        if self._rows is None:
            self._rows = self._make() if self._make else []
        return self._rows

    def table(self) -> pa.Table | None:
        """The rows as Arrow where they are kept so, else None."""
        return self._table() if self._table is not None else None

    def __repr__(self) -> str:
        return f"Emit(at={self.at}, rows={self.rows!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Emit) and self.at == other.at and self.rows == other.rows

    def __hash__(self) -> int:
        return hash(self.at)


T = TypeVar("T")


class Newest(Sequence[T], Generic[T]):
    """The newest items that stand for at most *keep* rows; *dropped* counts the rows of those let go.

    Items go whole, and the newest always stays.
    """

    def __init__(self, keep: int = 100_000, weigh: Callable[[T], int] = lambda item: 1) -> None:
        self.keep = keep
        self.dropped = 0
        self._weigh = weigh
        self._weight = 0
        self._items: deque[T] = deque()
        self._later: deque[tuple[int, Callable[[], Sequence[T]]]] = deque()
        self._lock = threading.RLock()

    def append(self, item: T) -> None:
        """Add *item*, let the oldest go."""
        self.extend((item,))

    def extend(self, items: Sequence[T]) -> None:
        """Add *items*, let the oldest go."""
        with self._lock:
            self._made().extend(items)
            self._weight += sum(map(self._weigh, items))
            self._trim()

    def later(self, count: int, make: Callable[[], Sequence[T]]) -> None:
        """Add *count* items of weight 1, which *make* makes when somebody looks; let the oldest go."""
        with self._lock:
            self._later.append((count, make))
            self._weight += count
            self._trim()

    @property
    def weight(self) -> int:
        """For how many rows the items stand that are kept."""
        return self._weight

    def newest(self, most: int) -> list[T]:
        """At most so many of the newest items, oldest first; any thread may ask."""
        return list(islice(reversed(self._items), most))[::-1]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._items.clear()
            self._later.clear()
            self._weight = self.dropped = 0

    def _trim(self) -> None:
        """Let go of what is too old; items that wait go together, when all of them must."""
        while self._weight > self.keep:
            if self._items and (len(self._items) > 1 or self._later):
                weight = self._weigh(self._items.popleft())
            elif self._later and self._weight - self._later[0][0] >= self.keep:
                weight = self._later.popleft()[0]
            else:
                return
            self._weight -= weight
            self.dropped += weight

    def _made(self) -> deque[T]:
        """All items, those that waited made."""
        with self._lock:
            while self._later:
                self._items.extend(self._later.popleft()[1]())
                self._trim()
            return self._items

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return list(self._made())[index]
        return self._made()[index]

    def __len__(self) -> int:
        return len(self._made())

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._made()))

    def __repr__(self) -> str:
        return repr(list(self._made()))

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, (Newest, list)) else other)

    __hash__ = None  # type: ignore[assignment]
