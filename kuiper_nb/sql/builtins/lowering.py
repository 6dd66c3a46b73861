"""What the lowerings of built-in functions share: literals, numbers as DOUBLE, values as VARCHAR, usual guards."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from ...types import BIGINT, BOOLEAN, FLOAT, STRING, AnyType
from ..lowered import Lowered, any_of, call, cast

Lowering = Callable[[Sequence[Lowered]], Lowered | None]


def whole_literal(argument: Lowered) -> int | None:
    """The integer an argument is, when it is a literal one."""
    node = argument.sql.unnest()
    while isinstance(node, exp.Cast):
        node = node.this
    negative = isinstance(node, exp.Neg)
    node = node.this if negative else node
    if argument.type != BIGINT or not isinstance(node, exp.Literal) or node.is_string:
        return None
    return -int(node.this) if negative else int(node.this)


def text_literal(argument: Lowered) -> str | None:
    """The text an argument is, when it is a literal one."""
    node = argument.sql.unnest()
    return str(node.this) if isinstance(node, exp.Literal) and node.is_string else None


def double(argument: Lowered) -> exp.Expr | None:
    """A number as DOUBLE; None when the argument is not surely a number."""
    if argument.type == FLOAT and not isinstance(argument.sql, (exp.Literal, exp.Neg)):
        return exp.paren(argument.sql)
    # DuckDB reads 1.5 as a DECIMAL, so literals are cast as well
    return cast(argument.sql, "DOUBLE") if argument.type in (FLOAT, BIGINT) else None


def textual(argument: Lowered) -> exp.Expr | None:
    """A value as the text Go prints; None where DuckDB's differs (floats)."""
    if argument.type == STRING:
        return exp.paren(argument.sql)
    return cast(argument.sql, "VARCHAR") if argument.type in (BIGINT, BOOLEAN) else None


def beyond_ascii(text: exp.Expr) -> exp.Expr:
    """True for a text that has more than ASCII, where bytes and characters differ; never NULL."""
    return surely(exp.NEQ(this=call("strlen", text), expression=call("length", text)))


def surely(condition: exp.Expr, otherwise: bool = False) -> exp.Expr:
    """*condition* with *otherwise* for NULL."""
    return exp.Coalesce(this=exp.paren(condition), expressions=[exp.convert(otherwise)])


def infinite(number: exp.Expr) -> exp.Expr:
    """True where a DOUBLE is NaN or infinite; never NULL."""
    return surely(exp.Not(this=call("isfinite", number)))


def answer(
    arguments: Sequence[Lowered],
    sql: exp.Expr,
    kind: AnyType,
    *,
    guard: exp.Expr | None = None,
    null: bool | None = None,
) -> Lowered:
    """A result that is null where an argument is, and as doubtful as its arguments, or where *guard* says so."""
    nullable = any(a.null for a in arguments) if null is None else null
    return Lowered(sql, kind, any_of([*(a.guard for a in arguments), guard]), nullable)
