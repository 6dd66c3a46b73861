"""Steps of a path: what they select from a value, given the root and themselves as `@`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...errors import RowFault
from ..values import go_type, text, truncated
from .operators import as_number, as_truth

Expression = Callable[[Any, Any], Any]  # of the root ($) and the current value (@)
Single = Callable[[Any, Any], Any]  # root, value → value; RowFault when there is none
Many = Callable[[Any, Any], Iterator[Any]]  # root, value → values

_FARTHEST = 2**31 - 1


def child(key: Expression) -> Single:
    """`.x` or `[x]`."""
    return lambda root, value: _child(key, root, value)


def _child(key: Expression, root: Any, value: Any) -> Any:
    if isinstance(value, list):
        index = _whole(key, root, value)
        if not 0 <= index < len(value):
            raise RowFault(f"index {index} out of bounds")
        return value[index]
    if isinstance(value, dict):
        name = text(_key(key, root, value))
        if name not in value:
            raise RowFault(f"unknown key {name}")
        return value[name]
    raise RowFault(
        f"unsupported value type {go_type(value)} for select, expected map[string]interface{{}} or []interface{{}}"
    )


def _key(key: Expression, root: Any, value: Any) -> Any:
    try:
        return key(root, value)
    except RowFault as fault:
        raise RowFault(f"could not select value, invalid key: {fault.message}") from None


def _whole(key: Expression, root: Any, value: Any) -> int:
    found = _key(key, root, value)
    number = as_number(found)
    if number is None:
        message = f"could not select value, invalid key: expected number but got {text(found)} ({go_type(found)})"
        raise RowFault(message)
    return truncated(number)


def script(expression: Expression) -> Single:
    """`(expression)`: its value over the value so far."""
    return expression


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def star(root: Any, value: Any) -> Iterator[Any]:
    """`*` or `[*]`."""
    return _children(value)


def descend(root: Any, value: Any) -> Iterator[Any]:
    """`..`: the value and everything below it."""
    yield value
    for below in _children(value):
        yield from descend(root, below)


def several(keys: list[Expression]) -> Many:
    """`[x, y]`; what is not there is left out."""

    def select(root: Any, value: Any) -> Iterator[Any]:
        for key in keys:
            try:
                yield _child(key, root, value)
            except RowFault:
                continue

    return select if keys else star


def where(condition: Expression) -> Many:
    """`[?(condition)]`; where the condition fails it does not hold."""

    def select(root: Any, value: Any) -> Iterator[Any]:
        for below in _children(value):
            try:
                holds = as_truth(condition(root, below))
            except RowFault:
                continue
            if holds:
                yield below

    return select


def between(bounds: list[Expression | None]) -> Many:
    """`[start:stop:step]`, stop exclusive; of arrays only. A start beyond the stop as written selects nothing."""
    defaults = (0, _FARTHEST, 1)

    def select(root: Any, value: Any) -> Iterator[Any]:
        if not isinstance(value, list):
            return
        try:
            given = [d if b is None else _whole(b, root, value) for b, d in zip(bounds, defaults, strict=True)]
        except RowFault:
            return
        start, stop, step = given
        if start > stop:
            return
        low, high = (max(n + len(value), 0) if n < 0 else min(n, len(value)) for n in (start, stop))
        yield from value[low:high][:: step or 1]

    return select
