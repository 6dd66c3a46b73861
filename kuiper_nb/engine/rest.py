"""What the exact arm makes of the rows of a batch; errors that are known beforehand are made when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ..contracts import Row
from .batch import Batch
from .emits import RowError
from .pushed import Pushed

Message = Row | RowError
Refusals = Callable[[Sequence[Row]], Iterable[str | None]]


class Rest:
    """Output rows and errors, each with its place in the batch, in order.

    *made* are there already. Rows that are known to fail are only counted: a stream with many of them would else spend
    most of its time on errors that nobody reads.
    """

    def __init__(self) -> None:
        self.made: list[tuple[int, Message]] = []
        self.refused = 0
        self.last = ""
        self._places: list[int] = []
        self._makers: list[Callable[[], list[RowError]]] = []

    def __bool__(self) -> bool:
        return bool(self.made or self.refused)

    def __iter__(self) -> Iterator[tuple[int, Message]]:
        if not self.refused:
            return iter(self.made)
        together = [*self.made, *zip(self._places, self.make(), strict=True)]
        return iter(sorted(together, key=lambda pair: pair[0]))

    def make(self) -> list[RowError]:
        """The errors of the rows that are known to fail."""
        return [error for maker in self._makers for error in maker()]

    def without_refused(self, batch: Batch, places: Sequence[int], refusals: Refusals) -> tuple[Batch, Sequence[int]]:
        """The rows of *batch*, which stood at *places*, less those that are known to fail."""
        rows = batch.rows
        if not isinstance(rows, Pushed) or rows.floats is not None:
            return batch, places
        known = list(refusals(rows.raw))
        wrong = np.array([message is not None for message in known])
        if not wrong.any():
            return batch, places
        refused = batch.select(wrong)
        messages = [message for message in known if message is not None]
        where = np.array(places)

        def make() -> list[RowError]:
            return list(map(RowError, messages, refused.as_rows(), refused.arrivals.tolist()))

        self.refused += len(messages)
        self.last = messages[-1]
        self._places += where[wrong].tolist()
        self._makers.append(make)
        return batch.select(~wrong), where[~wrong].tolist()
