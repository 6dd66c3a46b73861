"""Where the stages put what they make: emits, faults and late rows, counted and handed to whoever listens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ..contracts import Row
from .emits import Emit, Late, Newest, RowError

Message = Row | RowError


class Output:
    """The results of a rule. *deliver* hands an emit to the sinks, with its messages in order where there is no window."""

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
        rows: list[Row] = []
        for message in messages:
            if isinstance(message, RowError):
                self._count(message)
            else:
                rows.append(message)
        emit = Emit(at, rows)
        if rows:
            self._keep(emit)
        if messages:
            self.deliver(emit, messages)

    def lazily(self, emit: Emit) -> None:
        """One micro-batch whose rows nobody needs yet."""
        self._keep(emit)
        self.deliver(emit, None)

    def fault(self, message: str, row: Any, at: int, *, where: str = "", window: bool = False) -> None:
        """Something failed on its own: a payload, a row on its way into a window, a window (*window*)."""
        self.failed(RowError(message, row, at, where), window=window)

    def failed(self, error: RowError, *, window: bool = False) -> None:
        """`fault`, for an error that is made already."""
        self._count(error, window)
        self.report(error)

    def delay(self, late: Late) -> None:
        """A row came too late."""
        self.late.append(late)
        self.counts["late"] += 1

    def _keep(self, emit: Emit) -> None:
        self.emits.append(emit)
        self.counts["emits"] += 1
        self.counts["rows_out"] += emit.size

    def _count(self, error: RowError, window: bool = False) -> None:
        self.errors.append(error)
        self.counts["errors"] += 1
        self.counts["window_errors" if window else "errored"] += 1
        self.last_error = error.message
