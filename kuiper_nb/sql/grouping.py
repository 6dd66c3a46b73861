"""What grouping adds to the DuckDB forms of expressions: first values, ordered lists, keys not to be trusted."""

from __future__ import annotations

from sqlglot import exp

from ..types import FLOAT
from .lower import false_if_null
from .lowered import Lowered, any_of, call


def placed(name: str) -> exp.Expr:
    """A column of DuckDB's table."""
    return exp.column(name)


def first_of(value: Lowered, order: str) -> exp.Expr:
    """The value of the row with the least *order*, null if it is."""
    return call("arg_min_null", value.sql, exp.column(order))


def list_of(value: Lowered, order: str) -> exp.Expr:
    """All values, nulls too, by *order*."""
    ordered = exp.Ordered(this=exp.column(order), nulls_first=True)
    return exp.Anonymous(this="list", expressions=[exp.Order(this=value.sql.copy(), expressions=[ordered])])


def odd_key(key: Lowered) -> list[exp.Expr]:
    """Numbers that are one group to DuckDB only, as 0 and -0 are; NaN, which later comparisons must not meet."""
    if key.type != FLOAT:
        return []
    negative = exp.and_(exp.EQ(this=exp.paren(key.sql), expression=exp.Literal.number(0)), call("signbit", key.sql))
    return [false_if_null(negative), false_if_null(call("isnan", key.sql))]


def odd_answer(value: Lowered) -> exp.Expr | None:
    """NaN as the answer of an aggregate, which later comparisons must not meet either."""
    return false_if_null(call("isnan", value.sql)) if value.type == FLOAT else None


def group_guard(rows: list[exp.Expr | None], groups: list[exp.Expr | None]) -> exp.Expr | None:
    """True for a group with a row for the evaluator, or that is for it as a whole; None when none can be."""
    row = any_of(rows)
    lifted = call("bool_or", false_if_null(row)) if row is not None else None
    return any_of([lifted, any_of(groups)])
