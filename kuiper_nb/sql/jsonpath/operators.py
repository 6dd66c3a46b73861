"""Operators within a path: how values of any two types meet.

Numbers meet as numbers, texts that look like numbers too; what stands for a truth value meets as such; else texts.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ...errors import RowFault
from ..values import go_type, parsed_float, text

Operator = Callable[[Any, Any], Any]


def as_number(value: Any) -> float | None:
    """The number a value is or its text stands for."""
    if isinstance(value, str):
        return parsed_float(value) if "_" not in value else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def as_truth(value: Any) -> bool | None:
    """The truth value that a value stands for."""
    if isinstance(value, bool):
        return value
    if value is None or value in ("false", "FALSE"):
        return False
    if value in ("true", "TRUE"):
        return True
    number = as_number(value)
    return None if number is None else number != 0


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) and isinstance(right, bool):
        return left is right
    for convert in (as_number, as_truth):
        one, other = convert(left), convert(right)
        if one is not None and other is not None:
            return one == other
    return identical(left, right)


def identical(left: Any, right: Any) -> bool:
    """Equal in type and value."""
    return type(left) is type(right) and bool(left == right)


def _numeric(name: str, compute: Callable[[float, float], float]) -> Operator:
    def apply(left: Any, right: Any) -> float:
        one, other = as_number(left), as_number(right)
        if one is None or other is None:
            raise RowFault(f"invalid operation ({go_type(left)}) {name} ({go_type(right)})")
        return compute(one, other)

    return apply


def _ordered(name: str, compute: Callable[[Any, Any], Any]) -> Operator:
    """Texts as texts, numbers as numbers, all else by its text; null not at all."""

    def apply(left: Any, right: Any) -> Any:
        if isinstance(left, str) and isinstance(right, str):
            return compute(left, right)
        one, other = as_number(left), as_number(right)
        if one is not None and other is not None:
            return compute(one, other)
        if left is None or right is None:
            raise RowFault(f"invalid operation ({go_type(left)}) {name} ({go_type(right)})")
        return compute(text(left), text(right))

    return apply


def _logical(name: str, decided: bool) -> Operator:
    def apply(left: Any, right: Any) -> bool:
        one, other = as_truth(left), as_truth(right)
        if one is None or other is None:
            raise RowFault(f"invalid operation ({go_type(left)}) {name} ({go_type(right)})")
        return (one or other) if decided else (one and other)

    return apply


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


def _remainder(left: float, right: float) -> float:
    return math.fmod(left, right) if right and math.isfinite(left) else math.nan


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except (OverflowError, ValueError):
        return math.inf if abs(left) > 1 else math.nan


def _among(left: Any, right: Any) -> bool:
    if not isinstance(right, list):
        raise RowFault(f"expected type []interface{{}} for in operator but got {go_type(right)}")
    return any(identical(left, item) for item in right)


def _matches(left: Any, right: Any) -> bool:
    return _expression(text(right)).search(text(left)) is not None


@lru_cache(maxsize=128)
def _expression(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise RowFault(f"error parsing regexp: {error}") from None


# Each with its precedence; a higher one binds tighter, all group from the left.
OPERATORS: dict[str, tuple[int, Operator]] = {
    "??": (0, lambda left, right: right),
    "||": (20, _logical("||", True)),
    "&&": (21, _logical("&&", False)),
    "==": (40, _equal),
    "!=": (40, lambda left, right: not _equal(left, right)),
    ">": (40, _ordered(">", operator.gt)),
    ">=": (40, _ordered(">=", operator.ge)),
    "<": (40, _ordered("<", operator.lt)),
    "<=": (40, _ordered("<=", operator.le)),
    "=~": (40, _matches),
    "!~": (40, lambda left, right: not _matches(left, right)),
    "in": (40, _among),
    "^": (60, _numeric("^", lambda a, b: float(int(a) ^ int(b)))),
    "&": (60, _numeric("&", lambda a, b: float(int(a) & int(b)))),
    "|": (60, _numeric("|", lambda a, b: float(int(a) | int(b)))),
    "+": (120, _ordered("+", operator.add)),
    "-": (120, _numeric("-", operator.sub)),
    "*": (150, _numeric("*", operator.mul)),
    "/": (150, _numeric("/", _divided)),
    "%": (150, _numeric("%", _remainder)),
    "**": (200, _numeric("**", _power)),
}
# Whether the left value decides alone; then the right side is not looked at.
DECIDED: dict[str, Callable[[Any], bool]] = {
    "||": lambda left: left is True,
    "&&": lambda left: left is False,
    "??": lambda left: left is not None and left is not False,
}
