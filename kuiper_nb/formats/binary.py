"""The binary format: the payload itself, in one column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalog import Stream
from ..contracts import Row
from ..errors import ConnectorError, RowFault
from ..sql.values import text
from ..types import BYTEA
from . import Decode, Encode

COLUMN = "self"


def decoder(
    stream: Stream, columns: frozenset[str] | None = None, properties: Mapping[str, Any] | None = None
) -> Decode:
    """Puts the payload into the one declared column, which must be BYTEA, else into `self`."""
    if len(stream.fields) > 1 or any(f.type != BYTEA for f in stream.fields):
        raise ConnectorError(f"stream {stream.name}: binary takes one BYTEA column, or none")
    column = stream.fields[0].name if stream.fields else COLUMN
    return lambda payload: [{column: payload}]


def encoder(options: Mapping[str, Any]) -> Encode:
    """Sends the bytes in column `self` of a single row; anything else is a RowFault."""

    def encode(item: Row | list[Row]) -> bytes:
        if not isinstance(item, dict):
            raise RowFault(f"unsupported type {text(item)}, must be a map")
        if COLUMN not in item:
            raise RowFault(f"field {COLUMN} not exist")
        value = item[COLUMN]
        if not isinstance(value, (bytes, bytearray)):
            raise RowFault(f"field {COLUMN} is not bytea but {text(value)}")
        return bytes(value)

    return encode
