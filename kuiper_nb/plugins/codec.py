"""The columns of a batch as the payload of a message, and back. What comes from outside is checked before it is used.

`arrow`: one Arrow IPC stream whose columns are c0, c1, …; `json`: one JSON array per column, in which what JSON has no
form for stands as an object with one key that begins with $, as in recordings: {"$bytes": "…"}, {"$datetime": "…"}.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from ..functions.columns import of_numpy, of_values
from ..types import unencoded
from .wire import Buffer

ARROW, JSON = "arrow", "json"


class Unreadable(Exception):
    """A payload that is none: not Arrow, not valid, other rows or columns than announced."""


def packed(columns: Sequence[Any], rows: int, *, arrow: bool = True) -> tuple[str, list[Buffer]]:
    """The codec and the payload of *columns*, which are Arrow arrays or lists of Python values, *rows* long.

    Values that no Arrow column holds as they are go as JSON, as everything does without *arrow*.
    """
    if not columns:
        return JSON, []
    if arrow:
        try:
            return ARROW, [_stream([_array(column) for column in columns])]
        except _Mixed:
            pass
    from ..formats.recording import written  # a plugin that is asked in Arrow is ready without it

    texts = [[written(value) for value in _values(column)] for column in columns]
    return JSON, [json.dumps(texts, separators=(",", ":")).encode()]


def unpacked(codec: str, payload: Sequence[Buffer], columns: int, rows: int) -> list[Any]:
    """*columns* columns of *rows* values: Arrow arrays, or lists. Raises Unreadable."""
    if not columns:
        return []
    if len(payload) != 1:
        raise Unreadable(f"{len(payload)} frames of payload, not one")
    if codec == ARROW:
        return _columns(payload[0], columns, rows)
    if codec != JSON:
        raise Unreadable(f"an unknown codec {codec!r}")
    from ..formats.recording import read

    try:
        found = json.loads(bytes(payload[0]))
        if not isinstance(found, list) or not all(isinstance(column, list) for column in found):
            raise Unreadable("JSON that is no list of columns")
        lists: list[Any] = [[read(value) for value in column] for column in found]
    except Unreadable:
        raise
    except (ValueError, TypeError, KeyError, RecursionError, ArithmeticError) as error:
        raise Unreadable(f"not readable as JSON: {error}") from None
    _check(lists, columns, rows)
    return lists


def table_bytes(table: pa.Table) -> bytes:
    """A whole table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def table_of_bytes(payload: Buffer) -> pa.Table:
    """A table that came as an Arrow IPC stream. Raises Unreadable."""
    try:
        table = pa.ipc.open_stream(pa.py_buffer(payload)).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"not readable as Arrow: {error}") from None
    return table


# ---- Arrow


class _Mixed(Exception):
    """Values of several types, or of one that Arrow would change."""


def _array(column: Any) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = unencoded(column)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(column, pa.Array):
        return unencoded(column)
    if hasattr(column, "dtype"):
        made = of_numpy(column)
        return pa.array(column) if made is None else made
    kinds = set(map(type, column)) - {type(None)}
    if len(kinds) == 1 and (made := of_values(column, next(iter(kinds)))) is not None:
        return made
    if not kinds <= {int, float, str, bool, bytes} or len(kinds) > 1:
        if kinds == {list}:
            return _lists(column)
        raise _Mixed
    try:
        return pa.array(column)
    except (pa.ArrowException, OverflowError, ValueError):
        raise _Mixed from None


def _lists(column: Sequence[Any]) -> pa.Array:
    kinds = {type(value) for values in column if values is not None for value in values} - {type(None)}
    if len(kinds) > 1 or not kinds <= {int, float, str, bool, bytes}:
        raise _Mixed
    try:
        return pa.array(column)
    except (pa.ArrowException, OverflowError, ValueError):
        raise _Mixed from None


_END = b"\xff\xff\xff\xff\0\0\0\0"
"""The end of an Arrow IPC stream."""


@lru_cache(256)
def _schema(kinds: tuple[pa.DataType, ...]) -> tuple[pa.Schema, pa.Buffer]:
    schema = pa.schema([(f"c{place}", kind) for place, kind in enumerate(kinds)])
    return schema, schema.serialize()


def _stream(arrays: Sequence[pa.Array]) -> Buffer:
    """What a writer would write, in a third of its time: schema, batch, end."""
    schema, head = _schema(tuple(array.type for array in arrays))
    return b"".join((head, pa.RecordBatch.from_arrays(list(arrays), schema=schema).serialize(), _END))


_LONGEST = 4096
"""Bytes of a schema that is kept: names and types of a few columns."""


def _columns(payload: Buffer, columns: int, rows: int) -> list[Any]:
    try:
        batch = _sole(payload)
        batches = [batch] if batch is not None else list(pa.RecordBatchStreamReader(pa.py_buffer(payload)))
        for batch in batches:
            batch.validate(full=True)
        found: list[Any] = batches[0].columns if len(batches) == 1 else []
    except (pa.ArrowException, OSError, ValueError, EOFError) as error:
        raise Unreadable(f"not readable as Arrow: {error}") from None
    if len(batches) != 1:
        raise Unreadable(f"{len(batches)} batches, not one")
    _check(found, columns, rows)
    return found


def _sole(stream: Buffer) -> pa.RecordBatch | None:
    """The batch of a stream of a schema, a batch and the end, in half the time that a reader takes, which looks at the
    schema anew each time; None for any other stream.
    """
    head = 8 + int.from_bytes(stream[4:8], "little")  # four bytes of a mark, four of a length, the schema
    if not 8 < head <= min(_LONGEST, len(stream)) or stream[-len(_END) :] != _END:
        return None
    schema = _read(bytes(stream[:head]))
    if schema is None:
        return None
    reader = pa.BufferReader(stream)
    reader.seek(head)
    message = pa.ipc.read_message(reader)
    if message.type != "record batch" or reader.tell() + len(_END) != len(stream):
        return None
    return pa.ipc.read_record_batch(message, schema)


@lru_cache(256)
def _read(head: bytes) -> pa.Schema | None:
    """A schema; None where dictionaries come between it and the batch."""
    schema = pa.ipc.read_schema(pa.py_buffer(head))
    return None if "dictionary<" in str(schema) else schema


def _check(found: Sequence[Any], columns: int, rows: int) -> None:
    if len(found) != columns:
        raise Unreadable(f"{len(found)} columns, not {columns}")
    for column in found:
        if len(column) != rows:
            raise Unreadable(f"{len(column)} values for {rows} rows")


def _values(column: Any) -> Sequence[Any]:
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        values: list[Any] = unencoded(column).to_pylist()
        return values
    return column.tolist() if hasattr(column, "tolist") else column  # type: ignore[no-any-return]
