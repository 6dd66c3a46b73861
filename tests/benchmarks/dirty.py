"""Dicts in a schemaless stream of which some do not fit: what they cost beside a loop that sorts them out by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from kuiper_nb import Session, VirtualClock

from .events import START

Rows = list[dict[str, Any]]
SHARES = (0.0, 0.01, 0.3)
_BATCH, _BATCHES = 16_384, 8
_STREAM = 'CREATE STREAM mixed () WITH (TYPE="memory", DATASOURCE="mixed", FORMAT="json")'
_SELECT = "SELECT a + b AS total, a / b AS ratio FROM mixed WHERE a > 0"


def _batches(share: float) -> list[Rows]:
    """Rows of two numbers; in a *share* of them the first is a text, on which the arithmetic fails."""
    random = np.random.default_rng(7)
    found = []
    for _ in range(_BATCHES):
        a, b = random.normal(5, 5, _BATCH).tolist(), random.uniform(1, 9, _BATCH).tolist()
        bad = (random.uniform(size=_BATCH) < share).tolist()
        found.append([{"a": "n/a" if wrong else x, "b": y} for x, y, wrong in zip(a, b, bad, strict=True)])
    return found


def _ours(batches: list[Rows]) -> tuple[int, int]:
    with Session(clock=VirtualClock(START)) as session:
        session.sql(_STREAM)
        rule = session.rule(_SELECT)
        for rows in batches:
            session.push("mixed", rows)
        return rule.status.rows_out, rule.status.errors


def _plain(batches: list[Rows]) -> tuple[int, int]:
    """All rows as one table; what is no number is null there. Which rows failed, only a second look tells."""
    rows = [row for batch in batches for row in batch]
    wrong = sum(type(row["a"]) is not float for row in rows)
    table = pa.table({"a": [_number(row["a"]) for row in rows], "b": [row["b"] for row in rows]})
    with duckdb.connect() as connection:
        connection.register("mixed", table)
        answer = connection.sql("SELECT a + b AS total, a / b AS ratio FROM mixed WHERE a > 0").to_arrow_table()
    return answer.num_rows, wrong


def _number(value: Any) -> float | None:
    return value if type(value) is float else None


def _by_hand(batches: list[Rows]) -> tuple[int, int]:
    kept = failed = 0
    for rows in batches:
        good = [row for row in rows if type(row["a"]) is float and type(row["b"]) is float]
        failed += len(rows) - len(good)
        frame = pl.DataFrame({"a": [row["a"] for row in good], "b": [row["b"] for row in good]})
        a, b = pl.col("a"), pl.col("b")
        kept += frame.lazy().filter(a > 0).select((a + b).alias("total"), (a / b).alias("ratio")).collect().height
    return kept, failed


def measured(rounds: int) -> list[dict[str, Any]]:
    """CPU seconds per share of dirty rows, best of *rounds*, the ways taken in turn."""
    ways: dict[str, Callable[[list[Rows]], tuple[int, int]]] = {"ours": _ours, "plain": _plain, "byhand": _by_hand}
    found = []
    for share in SHARES:
        batches = _batches(share)
        best = dict.fromkeys(ways, float("inf"))
        answers = set()
        for _ in range(rounds + 1):
            for way, run in ways.items():
                began = time.process_time()
                answers.add(run(batches))
                best[way] = min(best[way], time.process_time() - began)
        if len(answers) != 1:
            raise RuntimeError(f"{share:.0%} dirty: the answers differ: {answers}")
        found.append({"case": f"dicts, {share:.0%} dirty", "rows": _BATCH * _BATCHES, **best})
    return found
