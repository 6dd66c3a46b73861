"""Payloads become batches: through the stream's FORMAT, its schema and its TIMESTAMP. What does not fit fails alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from .. import formats
from ..catalog import Stream
from ..contracts import Payload, Row
from ..errors import RowFault
from ..formats.coerce import coercion, timestamps
from ..types import BIGINT, DATETIME, from_arrow, to_arrow
from .batch import Batch, Times

Fault = Callable[[str, Any, int], None]
"""Takes what failed to decode: the message, the row or payload, the arrival in ms."""


class Decoder:
    """Decodes for one rule: only its *columns* are read and checked, as eKuiper prunes (None: all)."""

    def __init__(self, stream: Stream, columns: frozenset[str] | None, event_time: bool) -> None:
        self.stream = stream
        self.columns = columns
        self.event_time = event_time
        self._bytes = formats.get(stream.format).decoder(stream, columns)
        self._row = coercion(stream, columns)
        self._time = timestamps(stream) if event_time else None

    def decode(self, payload: Payload, now: int, fault: Fault) -> Batch | None:
        """The batch of *payload*, whose arrival is its own or *now*; None when nothing of it is left."""
        at = now if payload.at is None else payload.at
        data = payload.data
        if isinstance(data, (bytes, bytearray, memoryview)):
            try:
                rows = self._bytes(bytes(data))
            except RowFault as error:
                fault(error.message, bytes(data), at)
                return None
            return self._of_rows(rows, at, payload, fault)
        if isinstance(data, pa.Table):
            return self._of_table(data, at, payload, fault)
        rows = [data] if isinstance(data, dict) else data
        if not payload.typed or self.stream.typed:
            rows = self._coerced(rows, at, fault)
        return self._of_rows(rows, at, payload, fault)

    def _coerced(self, rows: list[Row], at: int, fault: Fault) -> list[Row]:
        kept = []
        for row in rows:
            try:
                kept.append(self._row(row))
            except RowFault as error:
                fault(error.message, row, at)
        return kept

    def _of_rows(self, rows: list[Row], at: int, payload: Payload, fault: Fault) -> Batch | None:
        times: list[int] = []
        if self._time is not None:
            kept = []
            for row in rows:
                try:
                    times.append(self._time(row))
                except RowFault as error:
                    fault(error.message, row, at)
                else:
                    kept.append(row)
            rows = kept
        if not rows:
            return None
        arrivals = np.full(len(rows), at, np.int64)
        return Batch(arrivals, np.array(times, np.int64) if self.event_time else arrivals, rows, None, payload.meta)

    def _of_table(self, table: pa.Table, at: int, payload: Payload, fault: Fault) -> Batch | None:
        fitted = self._fitted(table)
        if fitted is None:
            return self._of_rows(self._coerced(table.to_pylist(), at, fault), at, payload, fault)
        if fitted.num_rows == 0:
            return None
        arrivals = np.full(fitted.num_rows, at, np.int64)
        times: Times | None = arrivals
        if self.event_time:
            times = self._times(fitted)
            if times is None:
                return self._of_rows(fitted.to_pylist(), at, payload, fault)
        return Batch(arrivals, times, None, fitted, payload.meta)

    def _fitted(self, table: pa.Table) -> pa.Table | None:
        """The table with the rule's columns in types of ours; None when its rows must be looked at one by one."""
        declared = {f.name: f.type for f in self.stream.fields}
        wanted = self.columns if self.columns is not None else (set(declared) or set(table.column_names))
        names = [n for n in table.column_names if n in wanted and (not declared or n in declared)]
        columns = []
        for name in names:
            column = _plain(table.column(name))
            kind = from_arrow(column.type) if column is not None else None
            if column is None or kind is None:
                return None
            if declared and kind != declared[name]:
                if not (kind == BIGINT and to_arrow(declared[name]) == pa.float64()) and column.null_count < len(column):
                    return None
                column = column.cast(to_arrow(declared[name]))
            columns.append(column)
        if self.stream.strict and (len(names) < len(wanted) or any(c.null_count for c in columns)):
            return None
        if not columns:
            return table.select([])
        return pa.table(columns, names=names)

    def _times(self, table: pa.Table) -> Times | None:
        name = self.stream.timestamp
        if name not in table.column_names or table.column(name).null_count:
            return None
        column = table.column(name)
        kind = from_arrow(column.type)
        if kind == BIGINT:
            return column.to_numpy().astype(np.int64, copy=False)  # type: ignore[no-any-return]
        if kind == DATETIME:
            return column.cast(pa.timestamp("ms", tz="UTC"), safe=False).cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]
        return None


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The column in a type whose Python values are ours; None when there is none."""
    kind = column.type
    try:
        if pa.types.is_unsigned_integer(kind) or (pa.types.is_signed_integer(kind) and kind != pa.int64()):
            return column.cast(pa.int64())
        if pa.types.is_float16(kind) or pa.types.is_float32(kind) or pa.types.is_decimal(kind):
            return column.cast(pa.float64())
        if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and (kind.unit == "ns" or kind.tz != "UTC")):
            return _utc(column)
        if pa.types.is_large_string(kind) or kind == pa.string_view():
            return column.cast(pa.string())
        if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
            return _plain(column.cast(kind.value_type))
    except pa.ArrowInvalid:
        return None
    return column


def _utc(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A moment in UTC, in microseconds, finer digits cut off; one without a zone is taken for UTC."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"))
    return column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).cast(pa.timestamp("us", tz="UTC"))
