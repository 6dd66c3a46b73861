"""The cases as a skilled user would write them by hand: Polars over Arrow batches of 64k rows, watermark and state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from .events import DISORDER, GROUP, Data
from .ours import fahrenheit
from .tally import Tally

_LENGTH = 10_000
_BLOCK = 8 * 1024 * 1024


def _batches(data: Data, *columns: str) -> Iterator[pl.DataFrame]:
    with pq.ParquetFile(data.parquet) as file:
        for batch in file.iter_batches(GROUP, columns=list(columns)):
            yield pl.from_arrow(batch)  # type: ignore[misc]


def _blocks(data: Data) -> Iterator[pl.DataFrame]:
    with data.lines.open("rb") as file:
        rest = b""
        while block := file.read(_BLOCK):
            lines, _, rest = (rest + block).rpartition(b"\n")
            yield pl.read_ndjson(lines, schema={"ts": pl.Int64, "key": pl.String, "value": pl.Float64})


def _filter(data: Data, tally: Tally) -> None:
    for batch in _batches(data, "key", "value"):
        kept = batch.lazy().filter(pl.col("value") > 20).select("key", (pl.col("value") * 1.8 + 32).alias("f"))
        _tallied(kept.collect(), tally)


def _windows(batches: Iterable[pl.DataFrame], hop: int, tally: Tally) -> None:
    """Panes of a hop are folded batch by batch; a window, the sum of its panes, goes when the watermark is past it."""
    watermark, sent = 0, 0
    panes: list[pl.DataFrame] = []
    for batch in batches:
        pane = (pl.col("ts") // hop * hop).alias("pane")
        folded = (
            batch.lazy()
            .group_by(pane, "key")
            .agg(pl.len().cast(pl.Int64).alias("n"), pl.sum("value"), pl.max("value").alias("most"))
        )
        panes.append(folded.collect())
        watermark = max(watermark, batch["ts"].max() - DISORDER)  # type: ignore[operator,type-var,assignment]
        end = watermark // hop * hop
        if end > sent:
            panes = _closed(panes, hop, sent, end, tally)
            sent = end
    _closed(panes, hop, sent, 2**62, tally)


def _closed(panes: list[pl.DataFrame], hop: int, sent: int, end: int, tally: Tally) -> list[pl.DataFrame]:
    """Send the windows with an end in (sent, end]; the panes that later windows need."""
    state = pl.concat(panes)
    ends = [(pl.col("pane") + hop * (part + 1)).alias("at") for part in range(_LENGTH // hop)]
    copies = pl.concat([state.lazy().with_columns(at) for at in ends])
    due = copies.filter((pl.col("at") > sent) & (pl.col("at") <= end)).group_by("at", "key")
    merged = due.agg(pl.sum("n"), (pl.sum("value") / pl.sum("n")).alias("mean"), pl.max("most"))
    _tallied(merged.collect(), tally)
    return [state.filter(pl.col("pane") + _LENGTH > end)]


def _rows(data: Data, tally: Tally) -> None:
    """A function a row costs what Python's own loop costs."""
    with pq.ParquetFile(data.parquet) as file:
        for batch in file.iter_batches(GROUP, columns=["key", "value"]):
            values = pa.array(list(map(fahrenheit, batch.column("value").to_numpy().tolist())))
            tally.add(pa.table([batch.column("key"), values], names=["key", "f"]))


def _arrays(data: Data, tally: Tally) -> None:
    with pq.ParquetFile(data.parquet) as file:
        for batch in file.iter_batches(GROUP, columns=["key", "value"]):
            values = pa.array(fahrenheit(batch.column("value").to_numpy()))
            tally.add(pa.table([batch.column("key"), values], names=["key", "f"]))


def _tallied(frame: pl.DataFrame, tally: Tally) -> None:
    if tally.checks:
        tally.add(frame.to_arrow())
    else:
        tally.rows += frame.height


CASES: dict[str, Callable[[Data, Tally], None]] = {
    "W1": _filter,
    "W2": lambda data, tally: _windows(_batches(data, "ts", "key", "value"), _LENGTH, tally),
    "W3": lambda data, tally: _windows(_batches(data, "ts", "key", "value"), _LENGTH // 2, tally),
    "W4row": _rows,
    "W4vec": _arrays,
    "JSON": lambda data, tally: _windows(_blocks(data), _LENGTH, tally),
}


def first_row(data: Data) -> object:
    """The first row of the filter over a file."""
    kept = (batch.filter(pl.col("value") > 20) for batch in _batches(data, "key", "value"))
    return next(chain.from_iterable(frame.iter_rows() for frame in kept))
