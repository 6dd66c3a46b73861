"""What an expression becomes in DuckDB: SQL, the type it surely has, and when not to trust it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlglot import exp

from ..types import AnyType

Sql = exp.Expr
"""A piece of DuckDB's SQL."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """A DuckDB expression whose values are those of the evaluator, except in rows where *guard* is true.

    A row whose guard is true goes to the evaluator, so a lowering may give any value there, but must not abort the
    query. *null* says whether the value can be NULL at all. A BOOLEAN that is a truth value of eKuiper's two-valued
    logic
    is never NULL; its *condition*, when there is one, is a cheaper form that may be NULL where the value is false,
    for use
    where NULL counts as false (WHERE).
    """

    sql: exp.Expr
    type: AnyType
    guard: exp.Expr | None = None
    null: bool = True
    condition: exp.Expr | None = None


class NotLowered(Exception):
    """This expression, over columns of these types, is for the evaluator; the message says why."""


def any_of(guards: Iterable[exp.Expr | None]) -> exp.Expr | None:
    """One guard that is true where any of *guards* is; None when there is none."""
    real = [g for g in guards if g is not None]
    if not real:
        return None
    return exp.or_(*[g.copy() for g in real], copy=False)


def call(name: str, *arguments: exp.Expr | str | int | float) -> exp.Expr:
    """`name(arguments)` in DuckDB, passed through as it is."""
    converted = [a.copy() if isinstance(a, exp.Expr) else exp.convert(a) for a in arguments]
    return exp.Anonymous(this=name, expressions=converted)


def cast(value: exp.Expr, kind: str) -> exp.Expr:
    """`CAST(value AS kind)`, *kind* a DuckDB type."""
    return exp.Cast(this=value.copy(), to=exp.DataType.build(kind, dialect="duckdb"))


def render(expression: exp.Expr) -> str:
    """The expression as DuckDB SQL."""
    return expression.sql(dialect="duckdb")
