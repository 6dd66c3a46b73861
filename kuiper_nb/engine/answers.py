"""What a user's function answered for a batch, as one Arrow column; a column holds values of one type only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from ..contracts import Answer, Failure
from ..functions.answered import held_column, held_values

_PLAIN: dict[type, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}
_NONE = type(None)


class NotUniform(Exception):
    """A function answered values that no column holds as they are: of several types, say."""


def uniform(name: str, answer: Answer, rows: int) -> tuple[pa.Array | pa.ChunkedArray, Mapping[int, Failure]]:
    """The values of *answer*, and which rows failed. Raises NotUniform; the evaluator can hold what a column cannot."""
    if isinstance(answer.values, (pa.Array, pa.ChunkedArray)):
        column = held_column(answer.values)
        if column is None:
            raise NotUniform(name)
        return column, answer.failures
    values = answer.values if isinstance(answer.values, list) else list(answer.values)
    failures = dict(answer.failures)
    kinds = set(map(type, values)) - {_NONE}
    if not kinds <= _PLAIN.keys():
        values = held_values(name, values, failures)
        kinds = set(map(type, values)) - {_NONE}
    simple = len(kinds) <= 1 and kinds <= _PLAIN.keys()  # one look at every value is enough
    if len(values) != rows or not (simple or _uniform(values)):
        raise NotUniform(name)
    try:
        return pa.array(values, _PLAIN.get(kinds.pop()) if kinds else pa.null()), failures
    except (pa.ArrowException, OverflowError, ValueError):  # integers beyond 64 bits, texts that are no Unicode
        raise NotUniform(name) from None


def _uniform(values: Iterable[Any]) -> bool:
    """Whether Arrow would keep every value as it is: one type, all objects with the same members in the same order."""
    there = [v for v in values if v is not None]
    kinds = set(map(type, there))
    if len(kinds) > 1:
        return False
    kind = kinds.pop() if kinds else _NONE
    if kind is list:
        return _uniform([inner for v in there for inner in v])
    if kind is dict:
        keys = list(there[0])
        return (
            all(list(v) == keys for v in there)
            and all(_uniform([v[key] for v in there]) for key in keys)
            and bool(keys)
        )
    if kind is datetime:
        return all(v.tzinfo is not None and not v.utcoffset() for v in there)
    return kind in _PLAIN or kind is _NONE
