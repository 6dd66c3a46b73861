"""Rows that travel together: as dicts, or as an Arrow table; with their arrivals and, in event time, their times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..contracts import Row
from ..types import unencoded_table
from .pushed import Pushed

Times = npt.NDArray[np.int64]

FILLER = "\0"
"""The column of a table whose rows have none; no column of a stream has this name."""

FEW = 48
"""Below so many rows the evaluator is done before DuckDB has begun."""


@dataclass(slots=True)
class Batch:
    """A decoded micro-batch: either *rows* or a *table*, never both.

    *arrivals*: ms, one per row, never decreasing. *times*: event time in ms, or the arrivals. *meta*: what the source
    said of all of them.
    """

    arrivals: Times
    times: Times
    rows: Sequence[Row] | None = None
    table: pa.Table | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.arrivals)

    def select(self, chosen: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Batch:
        """The rows at the places *chosen*, in that order, or where it is true."""
        places: npt.NDArray[np.intp] = np.arange(len(self))[chosen] if chosen.dtype == np.bool_ else chosen  # type: ignore[assignment]
        rows: Sequence[Row] | None = None
        if isinstance(self.rows, Pushed):
            rows = self.rows.select(places)
        elif self.rows is not None:
            rows = [self.rows[i] for i in places.tolist()]
        table = self.table.take(pa.array(places)) if self.table is not None else None
        return Batch(self.arrivals[places], self.times[places], rows, table, self.meta)

    def as_rows(self) -> list[Row]:
        """The rows as dicts; those of a table hold an explicit null where it has one."""
        if self.rows is not None:
            return self.rows if isinstance(self.rows, list) else self.rows[:]  # type: ignore[return-value]
        assert self.table is not None
        return table_rows(self.table)


def filled(table: pa.Table, rows: int) -> pa.Table:
    """*table* with a column FILLER of nulls if it has no other: Arrow loses count of *rows* that have no columns."""
    return table if table.num_columns else pa.table({FILLER: pa.nulls(rows)})


def table_rows(table: pa.Table) -> list[Row]:
    """The rows of an Arrow table as dicts of Python values."""
    if table.column_names == [FILLER]:
        return [{} for _ in range(table.num_rows)]
    rows: list[Row] = unencoded_table(table).to_pylist()
    return rows


def concatenated(batches: list[Batch]) -> Iterator[Batch]:
    """The same rows in fewer batches: neighbours that are dicts with the same metadata become one."""
    run: list[Batch] = []
    for batch in batches:
        if run and not (isinstance(run[-1].rows, list) and isinstance(batch.rows, list) and run[-1].meta == batch.meta):
            yield _joined(run)
            run = []
        run.append(batch)
    if run:
        yield _joined(run)


def _joined(run: list[Batch]) -> Batch:
    if len(run) == 1:
        return run[0]
    rows = [row for batch in run for row in batch.rows or ()]
    arrivals = np.concatenate([b.arrivals for b in run])
    return Batch(arrivals, np.concatenate([b.times for b in run]), rows, None, run[0].meta)


def joined(first: Batch, second: Batch) -> Batch:
    """The rows of both; as a table where both are tables of one schema."""
    arrivals = np.concatenate([first.arrivals, second.arrivals])
    times = np.concatenate([first.times, second.times])
    if first.table is not None and second.table is not None and first.table.schema == second.table.schema:
        return Batch(arrivals, times, None, pa.concat_tables([first.table, second.table]), second.meta)
    return Batch(arrivals, times, [*first.as_rows(), *second.as_rows()], None, second.meta)
