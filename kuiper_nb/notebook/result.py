"""What a preview answers: the rows, and why there are no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..engine.emits import Emit, Late, RowError
from ..engine.result import arrow_table, frame
from .views import Place, View, result_view

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Result:
    """The rows of a preview, in *rows* (dicts) and *emits*; what failed is in *errors*, what came too late in *late*.

    *reason* says why it ended: "done" (so did the input), "20 rows", "10 s", "interrupted" or an error. *log* has the
    newest lines that the user's code printed.
    """

    def __init__(
        self,
        emits: Sequence[Emit],
        errors: Sequence[RowError],
        late: Sequence[Late],
        *,
        most: int,
        reason: str,
        place: Place,
        log: Sequence[str] = (),
    ) -> None:
        self.emits = list(_first(emits, most))
        self.errors = list(errors)
        self.late = list(late)
        self.reason = reason
        self.log = list(log)
        self._place = place

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows."""
        return [row for emit in self.emits for row in emit.rows]

    def df(self) -> pd.DataFrame:
        """The rows as a pandas DataFrame."""
        return frame(self.emits)

    def arrow(self) -> pa.Table:
        """The rows as a `pyarrow.Table`."""
        return arrow_table(self.emits)

    def _view(self) -> View:
        return result_view(self.rows, self.errors, self.late, self.reason, self._place)

    def __len__(self) -> int:
        return sum(emit.size for emit in self.emits)

    def __repr__(self) -> str:
        return repr(self._view())

    def _repr_html_(self) -> str:
        return self._view()._repr_html_()


def _first(emits: Sequence[Emit], most: int) -> Iterator[Emit]:
    """The emits until *most* rows; the last is cut."""
    for emit in emits:
        if most <= 0:
            return
        yield emit if emit.size <= most else Emit(emit.at, emit.rows[:most])
        most -= emit.size
