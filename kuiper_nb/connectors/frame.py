"""DataFrames and Arrow tables as bounded streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..catalog import Field
from ..contracts import EndOfStream, Payload
from ..errors import ConnectorError
from ..types import NULL, from_arrow
from .blocks import slices

if TYPE_CHECKING:
    import pyarrow as pa


class FrameSource:
    """Plays a pandas or polars DataFrame, or an Arrow table, in slices of 64k rows; then its stream ends."""

    paced = False  # it delivers at every turn, whatever the clock says

    def __init__(self, data: Any) -> None:
        self._table = table(data)
        self._payloads: Iterator[Payload] | None = None

    def open(self) -> None:
        """Starts at the first row."""
        self._payloads = slices(self._table)

    def poll(self) -> Payload | None:
        """The next slice; EndOfStream after the last."""
        if self._payloads is None:
            return None
        payload = next(self._payloads, None)
        if payload is None:
            raise EndOfStream
        return payload

    def due(self) -> int | None:
        """Long ago, since a table is always ready."""
        return None if self._payloads is None else 0

    def close(self) -> None:
        """Lets go of the slices."""
        self._payloads = None


def table(data: Any) -> pa.Table:
    """A pandas or polars DataFrame, or anything that speaks Arrow, as a table, without a pandas index.

    Raises ConnectorError when it is none of these.
    """
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    home = type(data).__module__.partition(".")[0]
    try:
        if home == "pandas":
            return pa.Table.from_pandas(data, preserve_index=False)
        if hasattr(data, "__arrow_c_stream__"):
            return pa.table(data)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ConnectorError(f"this {type(data).__name__} does not fit into Arrow: {error}") from error
    raise ConnectorError(
        f"a {type(data).__name__} is no table", "give a pandas or polars DataFrame, an Arrow table or a path"
    )


def fields(data: pa.Table) -> tuple[Field, ...]:
    """What CREATE STREAM would declare for a table; columns that eKuiper has no type for are left out."""
    kinds = [(name, from_arrow(data.schema.field(name).type)) for name in data.column_names]
    return tuple(Field(name, kind) for name, kind in kinds if kind is not None and kind != NULL)
