"""The cases by kuiper_nb, through its public API under the real clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from kuiper_nb import Session

from .events import DISORDER, Data
from .tally import Tally

EVENT_TIME = {"isEventTime": True, "lateTolerance": f"{DISORDER}ms"}
FILTER = "SELECT key, value * 1.8 + 32 AS f FROM events WHERE value > 20"
_AGGREGATES = "window_end() AS at, key, count(*) AS n, avg(value) AS mean, max(value) AS most"
TUMBLING = f"SELECT {_AGGREGATES} FROM events GROUP BY key, TUMBLINGWINDOW(ss, 10)"
HOPPING = f"SELECT {_AGGREGATES} FROM events GROUP BY key, HOPPINGWINDOW(ss, 10, 5)"
CALL = "SELECT key, fahrenheit(value) AS f FROM events"


def fahrenheit(celsius: float) -> float:
    """The user's function; on a value or, as it stands, on an array."""
    return celsius * 9 / 5 + 32


def run(session: Session, sql: str, tally: Tally, options: dict[str, Any] | None = None) -> None:
    """Run *sql* to the end of its input; every row goes through *tally* when that checks."""

    def tallied(rows: pa.Table) -> None:
        tally.add(rows)

    session.sink(tallied)
    rule = session.rule(sql, options=options, actions=[{"tallied": {}}] if tally.checks else [])
    rule.wait()
    status = rule.status
    if status.errors or status.late or status.state != "stopped":
        raise RuntimeError(f"{status.message}: {status.errors} errors, {status.late} late, {status.last_error}")
    tally.rows = status.rows_out


def _over(
    sql: str, options: dict[str, Any] | None = None, *, lines: bool = False, vectorized: bool | None = None
) -> Any:
    def case(data: Data, tally: Tally) -> None:
        with Session() as session:
            session.stream("events", data.lines if lines else data.parquet, timestamp="ts")
            if vectorized is not None:
                session.function(fahrenheit, vectorized=vectorized)
            run(session, sql, tally, options)

    return case


CASES: dict[str, Callable[[Data, Tally], None]] = {
    "W1": _over(FILTER),
    "W2": _over(TUMBLING, EVENT_TIME),
    "W3": _over(HOPPING, EVENT_TIME),
    "W4row": _over(CALL, vectorized=False),
    "W4vec": _over(CALL, vectorized=True),
    "JSON": _over(TUMBLING, EVENT_TIME, lines=True),
}


def first_row(data: Data) -> object:
    """The first row of the filter over a file."""
    session = Session()
    session.stream("events", data.parquet)
    rule = session.rule(FILTER)
    rule.wait(emits=1)
    return rule.emits[0].rows[0]
