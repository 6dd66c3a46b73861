"""Payloads become batches: through the stream's FORMAT, its schema and its TIMESTAMP. What does not fit fails alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import formats
from ..catalog import Stream
from ..contracts import Payload, Row
from ..errors import RowFault
from ..formats.coerce import LATEST, coercion, extra, timestamps
from ..types import BIGINT, DATETIME, covers, from_arrow, in_calendar, plain, to_arrow
from .batch import FEW, Batch, Times, filled, table_rows
from .pushed import Pushed, Pushing

Fault = Callable[[str, Any, int], None]
"""Takes what failed to decode: the message, the row or payload, the arrival in ms."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is known of a table before its arrival is: the rule's columns in types of ours, and their event times.

    None where its rows must be looked at one by one.
    """

    table: pa.Table | None
    times: Times | None


class Decoder:
    """Decodes for one rule: only its *columns* are read and checked, as eKuiper prunes (None: all)."""

    def __init__(self, stream: Stream, columns: frozenset[str] | None, event_time: bool) -> None:
        self.stream = stream
        self.columns = columns
        self.event_time = event_time
        self._bytes = formats.get(stream.format).decoder(stream, columns)
        self._row = coercion(stream, columns)
        self._pushing = Pushing(stream, columns, extra(stream), self._row)
        self._time = timestamps(stream) if event_time else None
        self._fitting: tuple[pa.Schema, list[str]] | None = None  # a schema whose columns fit as they are; their names
        self.floor = 0  # the clock at the last step: nothing arrives before it, or a closed window would miss it

    def batches(self, payloads: Iterable[Payload], now: int, fault: Fault) -> list[Batch]:
        """The batches of *payloads*, whose arrivals never go back: not even when two threads push at once."""
        floor, self.floor = self.floor, now
        found = []
        for payload in payloads:
            floor = max(floor, payload.at or 0)
            batch = self.decode(payload, now, floor, fault)
            if batch is not None:
                found.append(batch)
        return found

    def prepared(self, payload: Payload) -> Payload:
        """*payload* with the part of its decoding that needs no arrival; on another thread, if that suits."""
        return replace(payload, prepared=self._fit(payload.data)) if isinstance(payload.data, pa.Table) else payload

    def decode(self, payload: Payload, now: int, floor: int, fault: Fault) -> Batch | None:
        """The batch of *payload*, whose arrival is its own, but not before *floor*, or *now*; None when nothing is
        left."""
        at = now if payload.at is None else max(payload.at, floor)
        data = payload.data
        rows: Sequence[Row]
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
        if not payload.typed and not set(map(type, rows)) <= {dict}:
            rows = _rows_among(rows, at, fault)
        if not payload.typed or self.stream.typed:
            if self._pushing.lazy and len(rows) >= FEW:
                rows = self._pushing.rows(list(rows), lambda message, row: fault(message, row, at))
            else:
                rows = self._coerced(rows, at, fault)
        return self._of_rows(rows, at, payload, fault)

    def _coerced(self, rows: Sequence[Row], at: int, fault: Fault) -> list[Row]:
        kept = []
        for row in rows:
            try:
                kept.append(self._row(row))
            except RowFault as error:
                fault(error.message, row, at)
        return kept

    def _of_rows(self, rows: Sequence[Row], at: int, payload: Payload, fault: Fault) -> Batch | None:
        arrivals = np.full(len(rows), at, np.int64)
        if self._time is not None and isinstance(rows, Pushed):
            known = self._column_of_times(rows)
            if known is not None:
                return Batch(arrivals, known, rows, None, payload.meta) if len(rows) else None
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
        arrivals = arrivals[: len(rows)]
        return Batch(arrivals, np.array(times, np.int64) if self.event_time else arrivals, rows, None, payload.meta)

    def _column_of_times(self, rows: Pushed) -> Times | None:
        """The event times of rows that all have one in ms; None when they must be read row by row."""
        values = rows.values(self.stream.timestamp)
        if not set(map(type, values)) <= {int, float}:
            return None
        try:
            return _in_range(np.array(values))
        except (OverflowError, ValueError):
            return None

    def _of_table(self, table: pa.Table, at: int, payload: Payload, fault: Fault) -> Batch | None:
        known = payload.prepared if isinstance(payload.prepared, Fitted) else self._fit(table)
        fitted, times = known.table, known.times
        if fitted is None:
            rows = _rows_of(pa.table([without_nan(c) for c in table.columns], names=table.column_names), at, fault)
            return self._of_rows(self._coerced(rows, at, fault), at, payload, fault)
        if fitted.num_rows == 0:
            return None
        arrivals = np.broadcast_to(np.int64(at), fitted.num_rows)
        if self.event_time and times is None:
            return self._of_rows(table_rows(fitted), at, payload, fault)
        return Batch(arrivals, arrivals if times is None else times, None, fitted, payload.meta)

    def _fit(self, table: pa.Table) -> Fitted:
        fitted = self._fitted(table)
        times = self._times(fitted) if fitted is not None and self.event_time else None
        return Fitted(fitted, times)

    def _fitted(self, table: pa.Table) -> pa.Table | None:
        """The table with the rule's columns in types of ours; None when its rows must be looked at one by one."""
        if self._fitting is not None and self._fitting[0].equals(table.schema):
            names = self._fitting[1]  # tables of one schema come one after the other
            if not all(in_calendar(table.column(n)) for n in names):
                return None
            return filled(pa.table([without_nan(table.column(n)) for n in names], names=names), table.num_rows)
        declared = {f.name: f.type for f in self.stream.fields}
        wanted = self.columns if self.columns is not None else (set(declared) or set(table.column_names))
        names = [n for n in table.column_names if n in wanted and (not declared or n in declared)]
        columns = []
        for name in names:
            column = plain(table.column(name))
            column = without_nan(column) if column is not None else None
            kind = from_arrow(column.type) if column is not None else None
            if column is None or kind is None:
                return None
            if declared and not covers(kind, declared[name]):
                if not (kind == BIGINT and to_arrow(declared[name]) == pa.float64()) and column.null_count < len(
                    column
                ):
                    return None
                column = column.cast(to_arrow(declared[name]))
            columns.append(column)
        if self.stream.strict and (len(names) < len(wanted) or any(c.null_count for c in columns)):
            return None
        as_they_are = all(c.type == table.field(n).type for n, c in zip(names, columns, strict=True))
        self._fitting = (table.schema, names) if as_they_are and not self.stream.strict else None
        return filled(pa.table(columns, names=names), table.num_rows)

    def _times(self, table: pa.Table) -> Times | None:
        name = self.stream.timestamp
        if name not in table.column_names or table.column(name).null_count:
            return None
        column = table.column(name)
        kind = from_arrow(column.type)
        if kind == BIGINT:
            return _in_range(column.to_numpy())
        if kind == DATETIME:
            return column.cast(pa.timestamp("ms", tz="UTC"), safe=False).cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]
        return None


def _in_range(times: np.ndarray) -> Times | None:
    """*times* as int64; None when one is no time, and rows must be looked at one by one."""
    if len(times) and not (times.min() > -LATEST and times.max() < LATEST):
        return None
    return times.astype(np.int64, copy=False)


def without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with null for NaN, which is how Arrow and pandas often say that there is no value."""
    kind = column.type
    if not any(_may_hold_nan(chunk) for chunk in column.chunks):
        return column
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    return pa.chunked_array([pa.array([_nan_as_null(v) for v in column.to_pylist()], kind)])


def _may_hold_nan(array: pa.Array) -> bool:
    """Whether floats in *array*, in objects and arrays too, add up to NaN: that costs next to nothing to find out."""
    if pa.types.is_float16(array.type):  # nothing adds them up
        array = array.cast(pa.float32())
    if pa.types.is_floating(array.type):
        total = pc.sum(array).as_py()
        return total is not None and math.isnan(total)
    if pa.types.is_struct(array.type):
        return any(_may_hold_nan(field) for field in array.flatten())
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type) or pa.types.is_fixed_size_list(array.type):
        return _may_hold_nan(array.flatten())
    return False


def _nan_as_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nan_as_null(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_nan_as_null(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _rows_of(table: pa.Table, at: int, fault: Fault) -> list[Row]:
    """The rows of a table; one with a value that Python cannot hold, a moment beyond all calendars, fails alone."""
    try:
        return table_rows(table)
    except _NOT_HELD:
        return [row for place in range(table.num_rows) for row in _row_of(table.slice(place, 1), at, fault)]


def _row_of(table: pa.Table, at: int, fault: Fault) -> list[Row]:
    row = {}
    for name in table.column_names:
        try:
            row[name] = table.column(name)[0].as_py()
        except _NOT_HELD as error:
            fault(f"column {name}: {error}", row, at)
            return []
    return [row]


_NOT_HELD = (OverflowError, ValueError, pa.ArrowException)


def _rows_among(items: Sequence[Any], at: int, fault: Fault) -> list[Row]:
    """The rows of a list; whatever else is in it fails alone."""
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            fault(f"item {place} of the list is a {type(item).__name__}, not a row", item, at)
    return [item for item in items if isinstance(item, dict)]
