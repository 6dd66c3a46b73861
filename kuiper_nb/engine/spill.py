"""Rows that only the evaluator could still ask for, on disk: folded windows need them when one of their rows is odd."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import IO

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Spilled:
    """A table in a spill file."""

    offset: int
    size: int


class SpillFile:
    """A temporary file of tables, made when it is first written to, gone when it is closed or the process ends."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0

    def write(self, table: pa.Table) -> Spilled:
        """Write *table*. Raises OSError when there is no room."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="kuiper_nb_")  # noqa: SIM115
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        data = sink.getvalue()
        self._file.seek(self._end)
        self._file.write(data)
        self._file.flush()
        place = Spilled(self._end, len(data))
        self._end += len(data)
        return place

    def read(self, place: Spilled) -> pa.Table:
        """The table at *place*."""
        assert self._file is not None
        self._file.seek(place.offset)
        return pa.ipc.open_stream(pa.py_buffer(self._file.read(place.size))).read_all()

    def clear(self) -> None:
        """Nothing in it is needed any more: the room is given back."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._end = 0
