"""Runs one case through one arm and says what came out, so that both arms can be held against each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kuiper_nb import KuiperError, Rule, Session, VirtualClock
from kuiper_nb.engine import decode, vector

START = 1_700_000_000_000
DUCKDB, EXACT = 1, 10**9
"""Values of `vector.FEW` that leave only one arm."""


@dataclass(frozen=True)
class Case:
    """SELECTs over one stream, and what is pushed into it: (ms, rows or table).

    *parameters*: the values of `$name` before the first push, before the second …; the last stay.
    """

    queries: tuple[str, ...]
    pushes: tuple[tuple[int, Any], ...]
    columns: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[Mapping[str, Any], ...] = ()

    @property
    def ddl(self) -> str:
        return f'CREATE STREAM demo ({self.columns}) WITH (TYPE="memory", DATASOURCE="demo", TIMESTAMP="ts")'

    def __str__(self) -> str:
        pushed = "\n".join(f"  {at}: {shown(payload)}" for at, payload in self.pushes)
        return f"{self.ddl}\n{dict(self.options)}\n{self.parameters}\n{pushed}"


def shown(payload: Any) -> str:
    return (
        f"Arrow {dict(zip(payload.column_names, payload.schema.types, strict=True))} {payload.to_pylist()}"
        if isinstance(payload, pa.Table)
        else repr(payload)
    )


@dataclass
class Answer:
    """What a rule sent, what failed, what was late, and its counts; or why it was refused."""

    emits: list[tuple[int, list[dict[str, Any]]]]
    errors: list[tuple[int, str, Any]]
    late: list[tuple[int, int, Any]]
    counts: dict[str, int]
    arms: dict[str, int]
    refused: str = ""
    reasons: dict[str, str] = field(default_factory=dict)


# ---- the functions that queries may call


def risky(value: Any) -> Any:
    """Fails for some values of every type, answers the type it was given."""
    if value in (0, 1.5, "", True):
        raise ValueError(f"no {value!r}")
    return value


def moody(value: Any) -> Any:
    """Answers values of several types."""
    return value if value is None or isinstance(value, (str, bool)) or value > 0 else "low"


def typed(value: float) -> float:
    return value * 2


def doubled(values: pa.Array) -> Any:
    """Vectorised; fails where it meets a text or a truth value."""
    return pc.add(values, values)


def strict(values: pa.Array) -> Any:
    """Vectorised; fails for a batch with a zero in it."""
    if any(v == 0 for v in values.to_pylist()):
        raise ValueError("a zero")
    return pc.is_null(values)


def longest(values: list[Any]) -> Any:
    """An aggregate that fails for a group with a truth value."""
    if True in [v for v in values if isinstance(v, bool)]:
        raise ValueError("truth")
    return len(values)


def newest(values: list[Any], others: list[Any]) -> Any:
    return [values[-1], others[0]]


def plain(values: np.ndarray[Any, Any]) -> Any:
    """An aggregate over NumPy."""
    return len(values)


# ---- running


@contextmanager
def forced(few: int) -> Iterator[None]:
    """Only one arm, as long as it lasts."""
    before = vector.FEW, decode.FEW
    vector.FEW = decode.FEW = few
    try:
        yield
    finally:
        vector.FEW, decode.FEW = before


def session() -> Session:
    """A session on a virtual clock with the functions above."""
    opened = Session(clock=VirtualClock(START))
    for f in (risky, moody, typed):
        opened.function(f)
    for f in (doubled, strict):
        opened.function(f, vectorized=True)
    for f in (longest, newest, plain):
        opened.aggregate(f)
    return opened


def answers(case: Case, few: int) -> list[Answer]:
    """What the queries of *case* answer through one arm."""
    with forced(few), session() as opened:
        opened.sql(case.ddl)
        rules = [_rule(opened, text, case) for text in case.queries]
        for number, (at, payload) in enumerate(case.pushes):
            for rule in rules:
                if number and number < len(case.parameters) and isinstance(rule, Rule):
                    rule.set(**case.parameters[number])
            opened.push("demo", payload, at=at)
        opened.advance(case.pushes[-1][0] + 300)
        return [_answer(rule) for rule in rules]


def _rule(opened: Session, text: str, case: Case) -> Rule | str:
    try:
        return opened.rule(text, options=case.options, parameters=case.parameters[0] if case.parameters else None)
    except KuiperError as error:
        return error.message


def _answer(rule: Rule | str) -> Answer:
    if isinstance(rule, str):
        return Answer([], [], [], {}, {}, rule)
    status = rule.status
    counted = (
        "rows_in",
        "rows_out",
        "emits",
        "used",
        "filtered",
        "late",
        "errored",
        "errors",
        "window_errors",
        "waiting",
    )
    return Answer(
        [(emit.at, emit.rows) for emit in rule.emits],
        [(error.at, error.message, error.row) for error in rule.errors],
        [(late.at, late.by, late.row) for late in rule.late],
        {"state": status.state, "message": status.message, **{name: getattr(status, name) for name in counted}},
        dict(status.arms),
        reasons=dict(rule._vector.reasons) if rule._vector is not None else {},
    )


# ---- comparing


def same(left: Any, right: Any) -> bool:
    """Equality of whole values and of their types; floats to nine digits, keys in the same order."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return left == right or math.isclose(left, right, rel_tol=1e-9) or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def assert_equal(case: Case, exact: Sequence[Answer], duckdb: Sequence[Answer]) -> None:
    """Both arms answer the same; else the case is told so that it can be run again."""
    for text, one, other in zip(case.queries, exact, duckdb, strict=True):
        assert one.refused == other.refused, text
        for part in ("emits", "errors", "late", "counts"):
            left, right = getattr(one, part), getattr(other, part)
            assert same(left, right), f"{part} differ\n{text}\n{case}\nexact : {left}\nduckdb: {right}\n{other.reasons}"


def hold_together(case: Case) -> list[Answer]:
    """Assert that both arms answer *case* alike; the answers of the DuckDB arm."""
    exact, duckdb = answers(case, EXACT), answers(case, DUCKDB)
    assert_equal(case, exact, duckdb)
    return duckdb
