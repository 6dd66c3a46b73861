"""The data of every case: events of 1,000 keys, 10,000 a second, out of order by up to a second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

START = 1_700_000_000_000  # ms; at the border of a window, so that a plain query's windows are the same
KEYS = 1_000
PER_MS = 10
GROUP = 65_536
DISORDER = 1_000  # ms
WARM_UP = 2 * GROUP
FEWER = 10  # the shorter stream, to see whether memory grows, has so many times fewer rows


@dataclass(frozen=True, slots=True)
class Data:
    """Files of *rows* events, the same events in each: (ts BIGINT ms, key STRING, value FLOAT)."""

    folder: Path
    rows: int

    @property
    def parquet(self) -> Path:
        """The events, in row groups of 64k."""
        return self.folder / f"events_{self.rows}.parquet"

    @property
    def lines(self) -> Path:
        """The events, a JSON object a line."""
        return self.folder / f"events_{self.rows}.ndjson"


def generated(folder: Path, rows: int, *, lines: bool = False) -> Data:
    """*rows* events as Parquet, or as JSON *lines*, in *folder*; made once."""
    data = Data(folder, rows)
    path = data.lines if lines else data.parquet
    if path.exists():
        return data
    random = np.random.default_rng(42)
    names = pa.array([f"key{number:04d}" for number in range(KEYS)])
    schema = pa.schema([("ts", pa.int64()), ("key", pa.string()), ("value", pa.float64())])
    with path.open("wb") as file:
        writer = None if lines else pq.ParquetWriter(file, schema)
        for first in range(0, rows, GROUP):
            table = _part(random, names, first, min(GROUP, rows - first), schema)
            if writer is not None:
                writer.write_table(table, row_group_size=GROUP)
            else:
                file.write(_as_lines(table))
        if writer is not None:
            writer.close()
    return data


def _part(random: np.random.Generator, names: pa.Array, first: int, rows: int, schema: pa.Schema) -> pa.Table:
    times = START + np.arange(first, first + rows) // PER_MS + random.integers(0, DISORDER, rows)
    keys = names.take(pa.array(random.integers(0, KEYS, rows)))
    values = np.round(random.normal(20, 10, rows), 3)
    return pa.table([pa.array(times), keys, pa.array(values)], schema=schema)


def _as_lines(table: pa.Table) -> bytes:
    columns = (table.column(name).to_pylist() for name in table.column_names)
    written = (f'{{"ts": {ts}, "key": "{key}", "value": {value}}}\n' for ts, key, value in zip(*columns, strict=True))
    return "".join(written).encode()
