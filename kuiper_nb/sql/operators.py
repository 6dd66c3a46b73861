"""What an operator does to two values: eKuiper's rule for every pair of types (internal/xsql/valuer.go).

int and float are Go's int64 and float64: integers divide and wrap as integers, a comparison with null is false,
arithmetic with null is null, and a pair that does not fit is a RowFault, never a guess.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import RowFault
from .like import like_matcher
from .values import described, go_type, text

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wrap(value: int) -> int:
    """An integer as int64 arithmetic leaves it."""
    return value if -(2**63) <= value < 2**63 else (value + 2**63) % 2**64 - 2**63


def binary(op: str, left: Any, right: Any) -> Any:
    """`left op right`. AND and OR come here only with both sides known; see `evaluate` for their short cut.

    Raises RowFault where the types do not fit or the divisor is zero.
    """
    if left is None:
        return None if op in "+-*/%" else False
    kind = type(left)
    if kind is list or kind is dict or kind is bytes:
        raise RowFault(f"{op} is an invalid operation for {go_type(left)}")
    if right is None:
        return None if op in "+-*/%" else False
    if kind is float or kind is int:
        return _number(op, left, right)
    if kind is str:
        if isinstance(right, str) and op in _COMPARE:
            return _COMPARE[op](left, right)
    elif kind is bool:
        if isinstance(right, bool):
            return _boolean(op, left, right)
    elif isinstance(left, datetime):
        return _moment(op, left, right)
    elif isinstance(left, (list, dict, bytes)):
        raise RowFault(f"{op} is an invalid operation for {go_type(left)}")
    raise _misfit(op, left, right)


def _misfit(op: str, left: Any, right: Any) -> RowFault:
    return RowFault(f"invalid operation {described(left)} {op} {described(right)}")


def _number(op: str, left: Any, right: Any) -> Any:
    kind = type(right)
    if kind is not float and kind is not int:
        raise _misfit(op, left, right)
    if op in _COMPARE:
        if type(left) is not kind:
            left, right = float(left), float(right)
        return _COMPARE[op](left, right)
    if kind is int and type(left) is int:
        return _integer(op, left, right)
    return _real(op, float(left), float(right))


def _integer(op: str, left: int, right: int) -> int:
    match op:
        case "+":
            return wrap(left + right)
        case "-":
            return wrap(left - right)
        case "*":
            return wrap(left * right)
        case "&":
            return left & right
        case "|":
            return left | right
        case "^":
            return left ^ right
        case "/" | "%":
            if right == 0:
                raise RowFault("divided by zero")
            quotient = abs(left) // abs(right)
            quotient = quotient if (left < 0) == (right < 0) else -quotient
            return wrap(quotient) if op == "/" else left - quotient * right
    raise _misfit(op, left, right)


def _real(op: str, left: float, right: float) -> float:
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" | "%":
            if right == 0:
                raise RowFault("divided by zero")
            if op == "/":
                return left / right
            return math.fmod(left, right) if math.isfinite(left) else math.nan
    raise _misfit(op, left, right)


def _boolean(op: str, left: bool, right: bool) -> bool:
    match op:
        case "=":
            return left == right
        case "!=" | "^":
            return left != right
        case "AND" | "&":
            return left and right
        case "OR" | "|":
            return left or right
    raise _misfit(op, left, right)


def _moment(op: str, left: datetime, right: Any) -> bool:
    """A datetime on the left compares with a datetime, with ms since the epoch and with a text that is a date."""
    if op not in _COMPARE:
        raise _misfit(op, left, right)
    if isinstance(right, (int, float)) and not isinstance(right, bool):
        return _COMPARE[op](_microseconds(left), _whole(right) * 1000)
    if isinstance(right, str):
        from .timeformat import parse

        try:
            right = parse(right, None)
        except RowFault:
            raise _misfit(op, left, right) from None
    elif not isinstance(right, datetime):
        raise _misfit(op, left, right)
    return _COMPARE[op](_microseconds(left), _microseconds(right))


def _whole(milliseconds: int | float) -> int | float:
    return int(milliseconds) if math.isfinite(milliseconds) else milliseconds


def _microseconds(moment: datetime) -> int:
    """Since 1970; a moment without a zone is one in UTC."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)


def require_logical(op: str, left: Any) -> None:
    """Refuse what AND and OR refuse on their left before the right side is looked at."""
    if isinstance(left, (list, dict, bytes)):
        raise RowFault(f"{op} is an invalid operation for {go_type(left)}")


def between(value: Any, low: Any, high: Any, negated: bool) -> bool:
    """`value [NOT] BETWEEN low AND high`; any null makes both forms false."""
    if value is None or low is None or high is None:
        return False
    if isinstance(value, (bool, list, dict, bytes)):
        raise RowFault(f"between operator cannot compare {described(value)} and {described(low)}")
    try:
        inside = bool(binary(">=", value, low))
    except RowFault:
        raise RowFault(f"between operator cannot compare {described(value)} and {described(low)}") from None
    try:
        inside = bool(binary("<=", value, high)) and inside
    except RowFault:
        raise RowFault(f"between operator cannot compare {described(value)} and {described(high)}") from None
    return inside != negated


def contained(value: Any, items: list[Any] | None, negated: bool) -> bool:
    """`value [NOT] IN items`: null is in nothing and not in nothing; items are tried in order until one equals."""
    if value is None:
        return False
    if items is None:
        return negated
    for item in items:
        if item is None:
            continue
        try:
            if binary("=", value, item):
                return not negated
        except RowFault as fault:
            raise RowFault(f"evaluate in expression error: {fault.message}") from None
    return negated


def like(value: Any, pattern: Any, negated: bool) -> bool:
    """`value [NOT] LIKE pattern`, both texts."""
    if not isinstance(value, str):
        raise RowFault(f"LIKE operator left operand expects string, but found {described(value)}")
    if not isinstance(pattern, str):
        raise RowFault(f"LIKE operator right operand expects string, but found {described(pattern)}")
    return like_matcher(pattern)(value) != negated


def member(value: Any, key: str, same_named: Any = None) -> Any:
    """`value -> key`: the member of an object, null of anything else that is no array.

    *same_named* is the row's column called *key*: eKuiper then takes `->` for an ordinary operator and fails.
    """
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list):
        raise RowFault(f"the result {text(value)} is not a type of map[string]interface{{}}")
    if value is not None and same_named is not None:
        raise RowFault(f"invalid operation {described(value)} -> {described(same_named)}")
    return None


def position(value: Any) -> int:
    """An index or bound: whole, or a float cut off. Raises RowFault for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return int(value)
    raise RowFault("invalid evaluation result - <nil>")  # eKuiper's words, whatever it was


def element(value: Any, at: int) -> Any:
    """`value[at]`, from 0, negative from the end."""
    if value is None:
        return None
    _require_array(value, f"{at} {at}")
    size = len(value)
    if not -size <= at < size:
        raise RowFault(f"out of index: {at} of {size}")
    return value[at]


def section(value: Any, start: int, stop: int | None) -> Any:
    """`value[start:stop]`; a bound outside the array is a fault, and equal bounds mean an index, as in eKuiper.

    Bounds that cross are a fault too; only a *stop* counted from the end may meet *start*, and that is empty.
    """
    if value is None:
        return None
    _require_array(value, f"{start} {stop}")
    size = len(value)
    low = start + size if start < 0 else start
    if stop is not None and stop == start:
        return element(value, start)
    if not 0 <= low < size:
        raise RowFault(f"start value is out of index: {start} of {size}")
    if stop is None:
        return value[low:]
    high = stop + size if stop < 0 else stop
    if high < 0:
        raise RowFault(f"out of index: {stop} of {size}")
    if high > size:
        raise RowFault(f"end value is out of index: {stop} of {size}")
    if high < low or (high == low and stop >= 0):
        raise RowFault(f"start cannot be greater than end. start:{low}  end:{high}")
    return value[low:high]


def _require_array(value: Any, bounds: str) -> None:
    if isinstance(value, (dict, bytes)):
        raise RowFault(f"[] is an invalid operation for {go_type(value)}")
    if not isinstance(value, list):
        raise RowFault(f"invalid operation {described(value)} [] *xsql.BracketEvalResult(&{{{bounds}}})")
