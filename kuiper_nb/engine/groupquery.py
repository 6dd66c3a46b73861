"""Grouping as one prepared query: a row per window and group, sorted by window and by the first row of the group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..duck import Cursor
from ..types import table_of
from .codes import Composed, Integers, coded, decoded
from .ordering import Order

GROUP = "g"
ORDER = "n"
"""The columns that number a row's group, by window and keys of texts, and its place among all rows."""

GUARD = "guard"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the answer: an SQL expression over what is fed; a *key* groups."""

    name: str
    sql: str
    key: bool = False


@dataclass(frozen=True, slots=True)
class Groups:
    """A row per window and group: the number of the window, the least order of its rows, and the columns asked for."""

    table: pa.Table
    windows: npt.NDArray[np.int64]
    order: Order


class GroupQuery:
    """Answers *columns* of every group of rows of one window with equal *texts* and equal keys.

    *fed*: name and Arrow type of what the rows bring. *texts*: the names of the keys that are texts. *condition*, if
    any, says which rows count. Raises QueryError when DuckDB refuses it.
    """

    def __init__(
        self,
        cursor: Cursor,
        fed: Sequence[tuple[str, pa.DataType]],
        texts: Sequence[str],
        columns: Sequence[Column],
        condition: str = "",
    ) -> None:
        self._texts = list(texts)
        self._columns = list(columns)
        self._schema = pa.schema([*fed, (GROUP, pa.int32()), (ORDER, pa.int64())])
        feed = cursor.feed(self._schema)
        chosen = [GROUP, f"min({ORDER}) AS {ORDER}", *(f"{c.sql} AS o{i}" for i, c in enumerate(columns))]
        grouping = [GROUP, *(f"o{i}" for i, column in enumerate(columns) if column.key)]
        kept = f"{GROUP} >= 0" + (f" AND ({condition})" if condition else "")
        text = f"SELECT {', '.join(chosen)} FROM {feed.name} WHERE {kept} GROUP BY {', '.join(grouping)}"
        self._query = cursor.prepare(text, batch=feed)

    @property
    def text(self) -> str:
        """The SQL, for `explain`."""
        return self._query.text

    def __call__(
        self, fed: Sequence[pa.ChunkedArray], texts: Sequence[pa.ChunkedArray], windows: Integers, order: Order
    ) -> Groups:
        """Group rows. *windows*: -1 for rows that belong to none. Raises QueryError when it fails on these rows."""
        codes = [coded(column) for column in texts]
        composed = Composed(windows, [(code, size) for code, _, size in codes])
        numbers = [pa.array(composed.numbers), pa.array(order)]
        columns = [*map(_combined, fed), *numbers]
        schema = self._schema
        for place, column in enumerate(numbers, len(fed)):
            schema = schema.set(place, schema.field(place).with_type(column.type))
        answer = self._query(batch=table_of(columns, schema))
        places = answer.column(ORDER).to_numpy()
        found, parts = composed.parted(answer.column(GROUP).to_numpy())
        sort = np.lexsort((places, found))
        table = answer.take(pa.array(sort)).drop_columns([GROUP, ORDER])
        table = table.rename_columns([column.name for column in self._columns])
        for name, part, (_, known, _) in zip(self._texts, parts, codes, strict=True):
            table = table.append_column(name, decoded(part[sort], known))
        return Groups(table, found[sort].astype(np.int64), places[sort])


def _combined(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Few chunks: DuckDB pays some microseconds for each."""
    return column if column.num_chunks <= 64 else pa.chunked_array([column.combine_chunks()])
