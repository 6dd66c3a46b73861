"""Holds a built-in's lowering to its reference: DuckDB's answer, or a guard that sends the row to the reference."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from kuiper_nb.errors import RowFault
from kuiper_nb.sql.builtins import table
from kuiper_nb.sql.builtins.entry import Builtin
from kuiper_nb.sql.lowered import Lowered, render
from kuiper_nb.types import BIGINT, FLOAT, STRING, AnyType, to_arrow

FAULT = "fault"
ENTRIES = table()


def entry(name: str) -> Builtin:
    return ENTRIES[name]


def call(name: str, *values: Any) -> Any:
    """What a rule would get: the null rule of the entry applied, a fault as its message."""
    builtin = entry(name)
    if builtin.nulls != "call" and any(v is None or v in ([], {}) for v in values):
        return {"nil": None, "false": False, "zero": 0}[builtin.nulls]
    try:
        return builtin.reference(*values)
    except RowFault as fault:
        return f"{FAULT}: {fault.message}"


def literal(value: int | float | str) -> Lowered:
    kind = BIGINT if isinstance(value, int) else FLOAT if isinstance(value, float) else STRING
    return Lowered(exp.convert(value), kind, null=False)


def differences(name: str, kinds: tuple[AnyType, ...], rows: list[tuple[Any, ...]], *literals: Any) -> list[Any]:
    """The rows that are not guarded and for which DuckDB answers something else, as (row, DuckDB, reference)."""
    columns = [Lowered(exp.column(f"c{i}"), kind) for i, kind in enumerate(kinds)]
    lower = entry(name).lower
    assert lower is not None, name
    lowered = lower([*columns, *map(literal, literals)])
    assert lowered is not None, f"{name} has no lowering for {kinds}"
    arrays = [pa.array([row[i] for row in rows], to_arrow(kind)) for i, kind in enumerate(kinds)]
    batch = pa.table(arrays, names=[f"c{i}" for i in range(len(kinds))])  # noqa: F841 (DuckDB finds it by its name)
    guard = render(lowered.guard) if lowered.guard is not None else "FALSE"
    with duckdb.connect() as connection:
        answers = connection.execute(f"SELECT {render(lowered.sql)}, {guard} FROM batch").fetchall()
    found = []
    for row, (answer, guarded) in zip(rows, answers, strict=True):
        assert guarded in (True, False), f"the guard of {name}{row} is {guarded}"
        expected = call(name, *row, *literals)
        if not guarded and not same(answer, expected):
            found.append((row, answer, expected))
        assert lowered.null or answer is not None or guarded
    return found


def same(left: Any, right: Any) -> bool:
    """Equal, of the same type, NaN included; floats to the last but one bit."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return left == right or math.isclose(left, right, rel_tol=4e-16) or (math.isnan(left) and math.isnan(right))
    return bool(left == right)
