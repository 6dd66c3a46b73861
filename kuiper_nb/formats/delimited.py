"""The delimited format: values between separators, one row a payload."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..catalog import Stream
from ..contracts import Row
from ..sql.values import plain_float_text
from ..sql.values import text as value_text
from ..types import BIGINT, FLOAT, STRING, AnyType, ArrayOf, StructOf
from . import Decode, Encode
from .coerce import coercion, extra


def decoder(
    stream: Stream, columns: frozenset[str] | None = None, properties: Mapping[str, Any] | None = None
) -> Decode:
    """Splits a payload at DELIMITER.

    The values belong to the columns that the property *fields* names, else to the declared ones, in order, else to
    col0, col1, …; there is no quoting. Those of declared columns are cast, the others are texts.
    """
    settings = extra(stream) if properties is None else properties
    delimiter = stream.options.get("DELIMITER") or str(settings.get("delimiter") or "") or ","
    names = list(settings.get("fields") or [f.name for f in stream.fields])
    coerce = coercion(stream, columns, settings)
    cast = texts(stream)

    def decode(payload: bytes) -> list[Row]:
        values = payload.decode("utf-8", "replace").split(delimiter)
        keys = names or [f"col{i}" for i in range(len(values))]
        return [coerce(cast(dict(zip(keys, values, strict=False))))]

    return decode


def encoder(options: Mapping[str, Any]) -> Encode:
    """Joins the values of a row, one line a row.

    A lone row has the columns of *fields*, else those of the first row ever written, sorted, and a header before that
    one (*hasHeader*); a list has those of its own first row and a header each time.
    """
    writer = Writer(str(options.get("delimiter") or ","), tuple(options.get("fields") or ()))
    header = bool(options.get("hasHeader"))

    def encode(item: Row | list[Row]) -> bytes:
        text = writer.lines(item, header) if isinstance(item, list) else writer.line(item, header)
        return text.encode("utf-8", "replace")

    return encode


class Writer:
    """Lines of values; *columns* is the order of the rows that are written one by one."""

    def __init__(self, delimiter: str, columns: tuple[str, ...]) -> None:
        self.delimiter = delimiter
        self.columns = columns

    def line(self, row: Row, header: bool) -> str:
        """One row; it settles the columns, and writes the header, if none were settled before."""
        head = ""
        if not self.columns:
            self.columns = tuple(sorted(row))
            if header and self.columns:
                head = self.head(self.columns) + "\n"
        return head + self._joined(row, self.columns)

    def lines(self, rows: list[Row], header: bool) -> str:
        """Rows with the columns of the first that has any."""
        columns: tuple[str, ...] = ()
        lines = []
        for row in rows:
            if not columns:
                columns = tuple(sorted(row))
                if header and columns:
                    lines.append(self.head(columns))
            lines.append(self._joined(row, columns))
        return "\n".join(lines)

    def head(self, columns: tuple[str, ...]) -> str:
        """The header line."""
        return self.delimiter.join(columns)

    def _joined(self, row: Row, columns: tuple[str, ...]) -> str:
        return self.delimiter.join([field_text(row.get(column)) for column in columns])


def field_text(value: Any) -> str:
    """A value in a line: nothing for null, numbers in full, the rest as Go's %v."""
    if value is None:
        return ""
    if isinstance(value, float):
        return plain_float_text(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    return value_text(value)


def texts(stream: Stream) -> Callable[[Row], Row]:
    """What turns the texts of declared columns into JSON values that the stream's coercion takes; others stay texts.

    A text that is no number where one is declared stays a text, so that the coercion refuses it by name.
    """
    readers = {f.name: reader for f in stream.fields if (reader := _reader(f.type)) is not None}

    def cast(row: Row) -> Row:
        return {key: readers[key](value) if key in readers else value for key, value in row.items()}

    return cast


def _reader(kind: AnyType) -> Callable[[str], Any] | None:
    if kind == STRING:
        return None
    if kind == BIGINT:
        return _int
    if kind == FLOAT:
        return _float
    return _nested if isinstance(kind, (ArrayOf, StructOf)) else _or_null


def _int(text: str) -> Any:
    try:
        return int(text) if text.isascii() and "_" not in text else text
    except ValueError:
        return _or_null(text)


def _float(text: str) -> Any:
    try:
        return float(text) if text.isascii() and "_" not in text else text
    except ValueError:
        return _or_null(text)


def _nested(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return _or_null(text)


def _or_null(text: str) -> Any:
    return text or None
