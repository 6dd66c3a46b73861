"""Answers that are Arrow, and yet not values of rows: those rows fail, and nothing else does."""

from __future__ import annotations

import pytest

from kuiper_nb import Session

FAR = 2**50
"""Seconds since 1970, of which no calendar of Python knows anything."""

PLUGIN = """
import pyarrow as pa
from kuiper_nb.sdk import function

@function(vectorized=True)
def moment(n): return pa.array([int(x) for x in n], pa.int64()).view(pa.timestamp("s"))

@function(vectorized=True)
def date_of(n): return pa.array([int(x) for x in n], pa.int32()).view(pa.date32())

@function(vectorized=True)
def span(n): return pa.array([int(x) for x in n], pa.int64()).view(pa.duration("s"))

@function(vectorized=True)
def half(n): return pa.array([1.5] * len(n), pa.float16())

@function(vectorized=True)
def large(n): return pa.array([int(x) + 2**63 - 7 for x in n], pa.uint64())
"""


@pytest.mark.parametrize("declared", ["", "n BIGINT"])
@pytest.mark.parametrize(
    ("symbol", "values", "answered", "told"),
    [
        ("moment", [7, FAR, 8], 2, "call func moment error: OverflowError"),
        ("moment", [7, -FAR, 8], 2, "call func moment error: OverflowError"),
        ("date_of", [7, 2**30, 8], 2, "call func date_of error: OverflowError"),
        ("span", [7, 8], 0, "call func span error: it returned a timedelta, which no row can hold"),
        ("half", [7, 8], 2, ""),
        ("large", [0, 1000, 2], 2, "call func large error: it returned an integer beyond 64 bits"),
    ],
)
def test_a_row_fails_alone_and_the_rule_goes_on(
    session: Session, declared: str, symbol: str, values: list[int], answered: int, told: str
) -> None:
    session.plugins.define("far", PLUGIN)
    session.sql(f'CREATE STREAM numbers ({declared}) WITH (TYPE="memory", DATASOURCE="numbers")')
    rule = session.rule(f"SELECT n, {symbol}(n) AS m FROM numbers")

    session.push("numbers", [{"n": n} for n in values])
    session.push("numbers", [{"n": 1}])
    session.settle()

    rows = [row for emit in rule.emits for row in emit.rows]
    good = [row for row in rows if row.get("m") is not None]
    again = 0 if symbol == "span" else 1
    assert len(good) == answered + again
    assert len(rule.errors) == len(values) + 1 - answered - again
    assert all(told in error.message for error in rule.errors)
    assert rule.status.state == "running"
