"""Aggregate functions: one list per argument in, with a value per row of the group, nulls included; one value out.

Most let the first value that is not null decide whether they count in integers, floats or texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from ...errors import RowFault
from ...types import BIGINT, FLOAT, STRING, AnyType
from ..arrays import NIL_ARRAY
from ..lowered import Lowered, any_of, call, cast
from ..values import described, text, to_float, to_int
from .entry import Builtin, Kind
from .lowering import Lowering, double, infinite, surely

Values = list[Any]


# ---- references: sums and extremes


def _first(values: Values) -> Any:
    """The first value that is not null; None when all are."""
    return next((v for v in values if v is not None), None)


def _integers(values: Values, kind: str) -> list[int]:
    """The values that are not null as integers, floats cut off; *kind* is what the message asks for."""
    try:
        return [to_int(v) for v in values if v is not None]
    except RowFault:
        wrong = next(v for v in values if v is not None and type(v) not in (int, float))
        raise RowFault(f"requires {kind} but found {described(wrong)}") from None


def _only(values: Values, kind: type, name: str) -> Values:
    """The values that are not null, all of *kind*: where a float or a text came first, nothing is converted."""
    for value in values:
        if value is not None and type(value) is not kind:
            raise RowFault(f"requires {name} but found {described(value)}")
    return [v for v in values if v is not None]


def _total(numbers: list[float]) -> float:
    """The sum from left to right as Go adds; Python's own may round better."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def _wrapped(number: int) -> int:
    """What is left of an integer in 64 bits."""
    return (number + 2**63) % 2**64 - 2**63


def _sum(values: Values, name: str = "sum") -> int | float | None:
    first = _first(values)
    if first is None:
        return None
    if type(first) is int:
        return _wrapped(sum(_integers(values, "int")))
    if type(first) is float:
        return _total(_only(values, float, "float64"))
    raise RowFault(f"run {name} function error: found invalid arg {described(first)}")


def _avg(values: Values) -> int | float | None:
    """The mean; of integers one as well, cut off towards zero."""
    total = _sum(values, "avg")
    count = _count(values)
    if type(total) is int:
        return total // count if total >= 0 else -(-total // count)
    return None if total is None else total / count


def _extreme(better: Callable[[Any, Any], bool]) -> Callable[[Values], Any]:
    """min or max: the value than which none is better."""

    def reference(values: Values) -> Any:
        first = _first(values)
        if first is None:
            return None
        if type(first) is int:
            candidates: Values = _integers(values, "int64")
        elif type(first) is float:
            candidates = _only(values, float, "float64")
        elif type(first) is str:
            candidates = _only(values, str, "string")
        else:
            raise RowFault(f"found invalid arg {described(first)}")
        best = first
        for candidate in candidates:
            if better(candidate, best):
                best = candidate
        return best

    return reference


def _count(values: Values) -> int:
    return sum(v is not None for v in values)


# ---- references: statistics


def _floats(values: Values) -> list[float]:
    """The values that are not null as floats."""
    try:
        return [to_float(v) for v in values if v is not None]
    except RowFault:
        raise RowFault(f"requires float64 slice but found {described(values)}") from None


def _spread(sample: bool, root: bool) -> Callable[[Values], float | None]:
    """The variance or its root, of the population or of a sample. A sample of one has none."""

    def reference(values: Values) -> float | None:
        numbers = _floats(values)
        count = len(numbers) - sample
        if count <= 0:
            return None
        mean = _total(numbers) / len(numbers)
        variance = _total([(n - mean) * (n - mean) for n in numbers]) / count
        return math.sqrt(variance) if root else variance

    return reference


def _median(values: Values) -> int | float:
    """The middle one, or the mean of the two in the middle; the very first value must be a number."""
    first = values[0]
    if type(first) is int:
        ordered = sorted(_converted(values, "int", to_int))
    elif type(first) is float:
        ordered = sorted(_converted([v for v in values if v is not None], "float", to_float))
    else:
        raise RowFault(f"{text(first)} should be number")
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    middle: int | float = low if len(ordered) % 2 else (low + high) / 2
    return middle


def _converted(values: Values, kind: str, convert: Callable[[Any], Any]) -> Values:
    found = []
    for number, value in enumerate(values):
        try:
            found.append(convert(value))
        except RowFault:
            what = f"cannot convert {described(values)} to {kind} slice for the {number} element"
            raise RowFault(f"{what}: cannot convert {described(value)} to {kind}64") from None
    return found


def _percent(places: Values) -> float:
    """The place in percent: the first that is not null counts for the group."""
    try:
        return to_float(_first(places)) * 100
    except RowFault:
        raise RowFault(f"the second parameter requires float64 but found {described(places)}") from None


def _percentile_cont(values: Values, places: Values) -> float | None:
    """The value with that share of the values up to it, or the mean of its neighbours; the least for small shares."""
    percent = _percent(places)
    ordered = sorted(_floats(values))
    if len(ordered) < 2:
        return ordered[0] if ordered else None
    if not 0 <= percent <= 100:
        raise RowFault("percentile exec with error: Input is outside of range.")
    rank = percent / 100 * len(ordered)
    place = int(rank)
    if place < 1 or rank == place:
        return ordered[max(place - 1, 0)]
    return (ordered[place - 1] + ordered[place]) / 2


def _percentile_disc(values: Values, places: Values) -> float | None:
    """The least value with at least that share of the values up to it."""
    percent = _percent(places)
    ordered = sorted(_floats(values))
    if not ordered:
        return None
    if not 0 <= percent <= 100:
        raise RowFault("percentile exec with error: Input is outside of range.")
    rank = math.ceil(len(ordered) * percent / 100)
    return ordered[min(max(rank, 1), len(ordered)) - 1]


# ---- references: values as they are


def _collect(values: Values) -> Values:
    """All of them; a window without rows shows a null."""
    return list(values) if values else NIL_ARRAY


def _merge(values: Values) -> dict[str, Any] | None:
    merged: dict[str, Any] = {}
    for value in values:
        if isinstance(value, dict):
            merged.update(value)
    return merged or None


def _last(values: Values, flags: Values) -> Any:
    """The last value, or the last that is not null."""
    if _first(flags):
        return _first(values[::-1])
    return values[-1]


def _deduplicate(rows: Values, column: Values, flags: Values) -> Any:
    """The first row of every value, or only the last row of all, and that only when its value is new."""
    seen: dict[str, Any] = {}
    for number, value in enumerate(column):
        seen.setdefault(text(value), number)
    if _first(flags):
        return [rows[number] for number in seen.values()]
    newest = len(column) - 1
    return rows[newest] if seen[text(column[newest])] == newest else None


# ---- lowerings: aggregate expressions over what a row gives, guards over whole groups


def _lowered(
    argument: Lowered, sql: exp.Expr, kind: AnyType, guard: exp.Expr | None = None, null: bool = True
) -> Lowered:
    """An aggregate that is as doubtful as the most doubtful row of its group, or where *guard* says so."""
    rows = None if argument.guard is None else surely(call("bool_or", argument.guard))
    return Lowered(sql, kind, any_of([rows, guard]), null)


def _is_null(value: exp.Expr) -> exp.Expr:
    return exp.paren(exp.Is(this=value.copy(), expression=exp.Null()))


def _exact(total: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    """A sum of integers as BIGINT, and the guard for what 64 bits cannot hold."""
    narrow = exp.TryCast(this=total.copy(), to=exp.DataType.build("BIGINT", dialect="duckdb"))
    return narrow, exp.paren(exp.And(this=_is_null(narrow), expression=exp.Not(this=_is_null(total))))


def _lower_sum(arguments: Sequence[Lowered]) -> Lowered | None:
    (argument,) = arguments
    if argument.type == BIGINT:
        narrow, beyond = _exact(call("sum", argument.sql))
        return _lowered(argument, narrow, BIGINT, beyond)
    number = double(argument) if argument.type == FLOAT else None
    return None if number is None else _lowered(argument, call("sum", number), FLOAT)


def _lower_avg(arguments: Sequence[Lowered]) -> Lowered | None:
    (argument,) = arguments
    if argument.type == BIGINT:
        narrow, beyond = _exact(call("sum", argument.sql))
        # integer division of DuckDB cuts off towards zero, as Go's does, and by no rows at all it gives NULL
        mean = exp.IntDiv(this=narrow, expression=call("count", argument.sql))
        return _lowered(argument, cast(mean, "BIGINT"), BIGINT, beyond)
    number = double(argument) if argument.type == FLOAT else None
    return None if number is None else _lowered(argument, call("avg", number), FLOAT)


def _lower_extreme(name: str) -> Lowering:
    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        (argument,) = arguments
        if argument.type in (BIGINT, STRING):
            return _lowered(argument, call(name, argument.sql), argument.type)
        number = double(argument) if argument.type == FLOAT else None
        return None if number is None else _lowered(argument, call(name, number), FLOAT, _has_nan(number))

    return lower


def _has_nan(number: exp.Expr) -> exp.Expr:
    """True for a group with a NaN, which is the greatest number to DuckDB and none to Go."""
    return surely(call("isnan", call("max", number)))


def _lower_count(arguments: Sequence[Lowered]) -> Lowered | None:
    """Without an argument, `count(*)`."""
    if not arguments:
        return Lowered(call("count"), BIGINT, null=False)
    return _lowered(arguments[0], call("count", arguments[0].sql), BIGINT, null=False)


def _lower_spread(name: str) -> Lowering:
    """A variance or its root. DuckDB adds up deviations in one pass, the reference in two.

    The two differ where the values spread little for their size, so such groups, constant ones among them, go to the
    evaluator; those that leave the range of floats do as well.
    """

    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        (argument,) = arguments
        number = double(argument)
        if number is None:
            return None
        sql = call(name, number)
        mean = call("avg", number)
        deviation = exp.Mul(this=call("stddev_pop", number), expression=cast(exp.Literal.number(10_000), "DOUBLE"))
        several = exp.GT(this=call("count", number), expression=exp.Literal.number(1))
        flat = surely(exp.And(this=several, expression=exp.LT(this=deviation, expression=call("abs", mean))))
        return _lowered(argument, sql, FLOAT, any_of([flat, infinite(sql), infinite(mean)]))

    return lower


def _lower_median(arguments: Sequence[Lowered]) -> Lowered | None:
    """Of floats; of integers the type would depend on how many there are. Groups with nulls are for the evaluator."""
    (argument,) = arguments
    number = double(argument) if argument.type == FLOAT else None
    if number is None:
        return None
    low = _lower_middle(number)
    high = exp.Neg(this=exp.paren(_lower_middle(exp.Neg(this=exp.paren(number)))))
    twice = exp.Add(this=low, expression=high)
    nulls = exp.LT(this=call("count", number), expression=call("count"))
    greatest = exp.Mul(this=call("max", call("abs", number)), expression=exp.Literal.number(2))
    strange = surely(exp.Not(this=call("isfinite", greatest)))
    return _lowered(
        argument, exp.Div(this=exp.paren(twice), expression=exp.Literal.number(2)), FLOAT, any_of([nulls, strange])
    )


def _lower_middle(number: exp.Expr) -> exp.Expr:
    """The value in the middle, of two in the middle the lesser."""
    return call("quantile_disc", number, 0.5)


# ---- the table


def _entry(name: str, reference: Callable[..., Any], help: str, *kinds: Kind, lower: Lowering | None = None) -> Builtin:
    return Builtin(name, reference, (len(kinds), len(kinds)), help, kinds, kind="aggregate", lower=lower)


def _statistic(name: str, help: str, sample: bool, root: bool, duck: str) -> Builtin:
    return _entry(name, _spread(sample, root), help, "number", lower=_lower_spread(duck))


BUILTINS = (
    _entry("sum", _sum, "the sum of the values that are not null", "number", lower=_lower_sum),
    _entry("avg", _avg, "the mean; of integers an integer, cut off", "number", lower=_lower_avg),
    _entry("min", _extreme(lambda a, b: a < b), "the least value", "number", lower=_lower_extreme("min")),
    _entry("max", _extreme(lambda a, b: a > b), "the greatest value", "number", lower=_lower_extreme("max")),
    _entry("count", _count, "how many values are not null; count(*): how many rows", "any", lower=_lower_count),
    Builtin("collect", _collect, (1, 1), "an array of all values, nulls too", nulls="call", kind="aggregate"),
    _entry("merge_agg", _merge, "all objects merged into one, later ones win", "any"),
    _entry("deduplicate", _deduplicate, "the first row of each value; false: the last, if new", "any", "literal bool"),
    _entry("last_value", _last, "the last value; true: the last that is not null", "any", "literal bool"),
    _entry("median", _median, "the value in the middle", "number", lower=_lower_median),
    _statistic("stddev", "standard deviation of all there is", sample=False, root=True, duck="stddev_pop"),
    _statistic("stddevs", "standard deviation, from a sample", sample=True, root=True, duck="stddev_samp"),
    _statistic("var", "variance of all there is", sample=False, root=False, duck="var_pop"),
    _statistic("vars", "variance, from a sample", sample=True, root=False, duck="var_samp"),
    _entry("percentile_cont", _percentile_cont, "the value at a share from 0 to 1, or between two", "number", "number"),
    _entry("percentile_disc", _percentile_disc, "the value at a share from 0 to 1", "number", "number"),
)
