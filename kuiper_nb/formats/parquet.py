"""The parquet format: a payload is a whole file; it is ours, eKuiper has it for files only."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ..catalog import Stream
from ..contracts import Row
from ..errors import RowFault
from . import Decode, Encode
from .coerce import coercion, extra


def decoder(
    stream: Stream, columns: frozenset[str] | None = None, properties: Mapping[str, Any] | None = None
) -> Decode:
    """Reads a Parquet file; its values keep their types."""
    settings = extra(stream) if properties is None else properties
    coerce = coercion(stream, columns, settings, typed=True)

    def decode(payload: bytes) -> list[Row]:
        import pyarrow as pa
        import pyarrow.parquet as reader

        try:
            rows = reader.read_table(io.BytesIO(payload)).to_pylist()
        except (pa.ArrowException, OSError) as error:  # OSError: the end is Parquet's, what is before it is damaged
            raise RowFault(f"no Parquet: {error}") from None
        return [coerce(row) for row in rows]

    return decode


def encoder(options: Mapping[str, Any]) -> Encode:
    """Writes a row, or a list of rows, as a Parquet file; columns of several types are a RowFault."""

    def encode(item: Row | list[Row]) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as writer

        written = io.BytesIO()
        try:
            writer.write_table(pa.Table.from_pylist(item if isinstance(item, list) else [item]), written)
        except (pa.ArrowException, TypeError) as error:
            raise RowFault(f"no Parquet: {error}") from None
        return written.getvalue()

    return encode
