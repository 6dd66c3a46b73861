"""What a micro-batch costs beside one bare EXECUTE: pushes of 1, 1k and 64k rows, as Arrow and as dicts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

from kuiper_nb import Rule, Session, VirtualClock

from .events import START

SIZES = (1, 1_000, 65_536)
_STREAM = 'CREATE STREAM pushed (key STRING, value FLOAT) WITH (TYPE="memory", DATASOURCE="pushed", FORMAT="json")'
_SELECT = "SELECT key, value * 1.8 + 32 AS f FROM pushed WHERE value > 20"
_BUDGET = 0.15  # CPU seconds a measurement


def _table(rows: int) -> pa.Table:
    keys = [f"key{number % 1000:04d}" for number in range(rows)]
    return pa.table({"key": keys, "value": [21.0 + number % 10 for number in range(rows)]})


class _Feed:
    """An Arrow source for a prepared query."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_schema__(self) -> Any:
        return self.table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


def _bare(connection: duckdb.DuckDBPyConnection, table: pa.Table) -> Callable[[], int]:
    name = f"bare{table.num_rows}"
    connection.register(name, _Feed(table))
    connection.execute(f"PREPARE p{name} AS SELECT key, value * 1.8 + 32 AS f FROM {name} WHERE value > 20")

    def execute() -> int:
        # the way to Arrow that costs least: a relation's takes three times as long, that of execute() twice
        return int(connection._submit(f"EXECUTE p{name}", None, "arrow").arrow_table().num_rows)

    return execute


def _pushing(session: Session, rule: Rule, data: Any, rows: int) -> Callable[[], int]:
    def push() -> int:
        session.push("pushed", data)
        emit = rule.emits[-1]
        assert emit.size == rows
        return emit.size

    return push


def measured(rounds: int) -> list[dict[str, Any]]:
    """Microseconds of CPU a batch, best of *rounds*, the ways taken in turn."""
    session = Session(clock=VirtualClock(START))
    session.sql(_STREAM)
    rule = session.rule(_SELECT)
    connection = duckdb.connect(config={"threads": 1, "async_threads": 0})
    found: list[dict[str, Any]] = []
    for rows in SIZES:
        table = _table(rows)
        ways = {
            "bare": _bare(connection, table),
            "arrow": _pushing(session, rule, table, rows),
            "dicts": _pushing(session, rule, table.to_pylist(), rows),
        }
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(rounds + 2):
            for way, call in ways.items():
                best[way] = min(best[way], _each(call, rows))
        found.append({"case": f"batch of {rows:,}", "rows": rows, **{f"{w}_us": 1e6 * s for w, s in best.items()}})
    session.close()
    return found


def _each(call: Callable[[], int], rows: int) -> float:
    """CPU seconds of one call; it must answer *rows*."""
    assert call() == rows
    calls, began = 0, time.process_time()
    while (spent := time.process_time() - began) < _BUDGET:
        call()
        calls += 1
    return spent / max(calls, 1)
