"""Where the stages put what they make: emits, faults and late rows, counted and handed to whoever listens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from ..contracts import Row
from .emits import Emit, Late, Newest, RowError
from .rest import Message, Rest

__all__ = ["Computed", "Message", "Output"]


class Computed(Protocol):
    """Rows that are made when they are needed; *places* None: they are all of their batch, in order."""

    @property
    def size(self) -> int:
        """How many rows."""
        ...

    @property
    def places(self) -> np.ndarray | None:
        """Where they stood in their batch."""
        ...

    @property
    def make(self) -> Callable[[], list[Row]]:
        """Makes them."""
        ...

    @property
    def table(self) -> Callable[[], pa.Table | None]:
        """Answers them as Arrow, where they are."""
        ...


class _Lazy(Sequence[Message]):
    """Messages that are put together only when a sink wants them one by one."""

    def __init__(self, make: Callable[[], list[Message]]) -> None:
        self._make = make
        self._made: list[Message] | None = None

    def _messages(self) -> list[Message]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, index: Any) -> Any:
        return self._messages()[index]

    def __len__(self) -> int:
        return len(self._messages())


def _in_order(partial: Computed, rest: Iterable[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """The rows of both parts in the order of their batch."""
    made = partial.make()
    places = range(len(made)) if partial.places is None else partial.places.tolist()
    return sorted([*zip(places, made, strict=True), *rest], key=lambda pair: pair[0])


class Output:
    """The results of a rule. *deliver* hands an emit to the sinks, with its messages in order where there is no
    window."""

    def __init__(self, keep: int = 100_000) -> None:
        self.emits: Newest[Emit] = Newest(keep, lambda emit: max(emit.size, 1))
        self.errors: Newest[RowError] = Newest(keep)
        self.late: Newest[Late] = Newest(keep)
        self.deliver: Callable[[Emit, Sequence[Message] | None], None] = lambda emit, messages: None
        self.report: Callable[[RowError], None] = lambda error: None
        self.counts: Counter[str] = Counter()
        self.last_error = ""

    def window(self, emit: Emit) -> None:
        """One window went out."""
        self._keep(emit)
        self.deliver(emit, None)

    def batch(self, at: int, messages: list[Message]) -> None:
        """One micro-batch of a rule without a window: rows and faults in the order of the input."""
        self._count_all([message for message in messages if isinstance(message, RowError)])
        rows = [message for message in messages if not isinstance(message, RowError)]
        emit = Emit(at, rows)
        if rows:
            self._keep(emit)
        if messages:
            self.deliver(emit, messages)

    def merged(self, at: int, partial: Computed, rest: Rest) -> None:
        """One micro-batch of which DuckDB computed a part and *rest* was computed row by row, each with its place,
        in order."""
        if not rest:
            if partial.size:
                emit = Emit(at, size=partial.size, make=partial.make, table=partial.table)
                self._keep(emit)
                self.deliver(emit, None)
            return
        rows = [(place, message) for place, message in rest.made if not isinstance(message, RowError)]
        if len(rows) < len(rest.made) or not rest.refused:
            self._count_all([message for _, message in rest if isinstance(message, RowError)])
        else:
            self.errors.later(rest.refused, rest.make)
            self._counted(rest.refused, rest.last)
        emit = Emit(at, size=partial.size + len(rows), make=lambda: [row for _, row in _in_order(partial, rows)])
        if emit.size:
            self._keep(emit)
        self.deliver(emit, _Lazy(lambda: [message for _, message in _in_order(partial, rest)]))

    def fault(self, message: str, row: Any, at: int, *, where: str = "", window: bool = False) -> None:
        """Something failed on its own: a payload, a row on its way into a window, a window (*window*)."""
        self.failed(RowError(message, row, at, where), window=window)

    def failed(self, error: RowError, *, window: bool = False) -> None:
        """`fault`, for an error that is made already."""
        self._count(error, window)
        self.report(error)

    def undecodable(self, message: str, row: Any, at: int) -> None:
        """A payload, or a row of one, came in and could not be read."""
        self.counts["rows_in"] += 1
        self.fault(message, row, at)

    def write_off(self, waiting: int) -> int:
        """The rows of which nothing became, in a step that broke off or a window never sent, count as errored; all but
        *waiting*, which still wait. Answers how many they are."""
        known = waiting + sum(self.counts[name] for name in ("used", "filtered", "late", "errored"))
        lost = max(self.counts["rows_in"] - known, 0)
        self.counts["errored"] += lost
        return lost

    def handed_over(self) -> Output:
        """An output that goes on from here; what a step that nobody waits for puts into this one gets nowhere."""
        heir = Output()
        heir.__dict__.update(self.__dict__)
        self.__dict__.update(Output().__dict__)
        return heir

    def delay(self, late: Late) -> None:
        """A row came too late."""
        self.late.append(late)
        self.counts["late"] += 1

    def undelivered(self, message: str, row: Any, at: int, where: str) -> None:
        """A failure on the way out is an error of the rule, but not one that goes out again."""
        self.errors.append(RowError(message, row, at, where))
        self.counts["errors"] += 1
        self.last_error = message

    def _keep(self, emit: Emit) -> None:
        self.emits.append(emit)
        self.counts["emits"] += 1
        self.counts["rows_out"] += emit.size

    def _count_all(self, errors: list[RowError]) -> None:
        if errors:
            self.errors.extend(errors)
            self._counted(len(errors), errors[-1].message)

    def _counted(self, errors: int, last: str) -> None:
        self.counts["errors"] += errors
        self.counts["errored"] += errors
        self.last_error = last

    def _count(self, error: RowError, window: bool = False) -> None:
        self.errors.append(error)
        self.counts["errors"] += 1
        self.counts["window_errors" if window else "errored"] += 1
        self.last_error = error.message
