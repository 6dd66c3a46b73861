"""What types the columns of a batch surely have: from an Arrow schema, or by looking at the values of dicts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..contracts import Row
from ..types import (
    BIGINT,
    BOOLEAN,
    DATETIME,
    FLOAT,
    NULL,
    STRING,
    AnyType,
    ArrayOf,
    StructOf,
    from_arrow,
    to_arrow,
)
from .batch import FILLER, filled
from .hoist import HIDDEN
from .pushed import Kinds, Pushed, of_kinds

Typing = tuple[tuple[str, AnyType], ...]
Mask = npt.NDArray[np.bool_]

_KINDS: dict[type, tuple[AnyType, pa.DataType]] = {
    int: (BIGINT, pa.int64()),
    float: (FLOAT, pa.float64()),
    str: (STRING, pa.string()),
    bool: (BOOLEAN, pa.bool_()),
}
_NONE = type(None)
_NUMBERS: Kinds = frozenset((int, float))


def typing_of(table: pa.Table) -> Typing:
    """The columns of *table*, which holds types of ours only."""
    return tuple((field.name, from_arrow(field.type) or NULL) for field in table.schema)


def columns_of(typing: Typing) -> list[str]:
    """The names that rows have."""
    return [name for name, _ in typing if name != FILLER and not name.startswith(HIDDEN)]


def fed(kind: AnyType) -> pa.DataType:
    """The Arrow type in which DuckDB is given values of a type: moments in microseconds, which is all they may have."""
    if kind == DATETIME:
        return pa.timestamp("us", tz="UTC")
    if isinstance(kind, ArrayOf):
        return pa.list_(fed(kind.item))
    if isinstance(kind, StructOf):
        return pa.struct([(name, fed(inner)) for name, inner in kind.fields])
    return to_arrow(kind)


def columnised(rows: Sequence[Row], names: Sequence[str]) -> tuple[pa.Table, Typing, Mask | None] | None:
    """The columns *names* of *rows* as Arrow, their types, and which rows do not fit them (None: all do).

    A column takes the type that most of its values have; int and float are not the same type. None when a column holds
    mostly what has no plain column type: objects, arrays, bytes.
    """
    arrays: list[pa.Array] = []
    typing: list[tuple[str, AnyType]] = []
    misfits = rows.misfits if isinstance(rows, Pushed) else None
    for name in names:
        if isinstance(rows, Pushed):
            found = _column(*_decoded(rows, name), rows.widens(name))
        else:
            values = [row.get(name) for row in rows]
            found = _column(values, frozenset(map(type, values)) - {_NONE}, False)
        if found is None:
            return None
        array, kind, wrong = found
        arrays.append(array)
        typing.append((name, kind))
        for mask in (wrong, _not_finite(array)):
            misfits = mask if misfits is None else misfits if mask is None else misfits | mask
    table = filled(pa.table(arrays, names=list(names)), len(rows))
    return table, tuple(typing) or typing_of(table), misfits


def not_finite(rows: Sequence[Row], names: Iterable[str] | None) -> Mask | None:
    """Which rows hold NaN or an infinity in one of the columns *names*, None for all; None when no row does."""
    found: Mask | None = None
    for name in _names(rows) if names is None else names:
        values = rows.values(name) if isinstance(rows, Pushed) else [row.get(name) for row in rows]
        if not _adds_up(values):
            odd = np.fromiter((type(v) is float and not math.isfinite(v) for v in values), bool, len(values))
            if odd.any():
                found = odd if found is None else found | odd
    return found


def _adds_up(values: list[Any]) -> bool:
    """Whether the sum of *values*, or that there is no float among them, shows that all of them are finite."""
    try:
        return math.isfinite(sum(values))
    except (TypeError, OverflowError):  # texts, nulls, huge integers
        return float not in map(type, values)


def _names(rows: Sequence[Row]) -> Iterable[str]:
    """The names of all columns."""
    raw = rows.raw if isinstance(rows, Pushed) else rows
    keys = raw[0].keys()
    return keys if all(map(keys.__eq__, map(dict.keys, raw))) else set(chain.from_iterable(raw))


def _decoded(rows: Pushed, name: str) -> tuple[list[Any], Kinds]:
    """A column, null in rows that must be decoded one by one, and the types of its values."""
    values = rows.values(name)
    if rows.misfits is None:
        return values, rows.kinds(name)
    values = _without(values, rows.misfits)
    return values, frozenset(map(type, values)) - {_NONE}


def _column(values: list[Any], kinds: Kinds, widens: bool) -> tuple[pa.Array, AnyType, Mask | None] | None:
    """*values* of types *kinds* as Arrow of the type most of them have, and which have another, if any.

    With *widens* integers stand for floats. None where there is no Arrow.
    """
    if not kinds:
        return pa.nulls(len(values)), NULL, None
    numbers = _NUMBERS if widens else frozenset()
    most = next(iter(kinds)) if len(kinds) == 1 else _most(values, kinds, numbers)
    same = numbers if most in numbers else frozenset((most,))
    wrong = None
    if not kinds <= same:
        wrong = of_kinds(values, kinds - same)
        values = _without(values, wrong)
    known = _KINDS.get(float if most in numbers else most)
    if known is None:
        return None
    try:
        return _exactly(values, known[1]), known[0], wrong
    except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
        return None


def _exactly(values: list[Any], kind: pa.DataType) -> pa.Array:
    """*values* as Arrow; integers beyond 2**53 that stand for floats are rounded, which Arrow refuses to do."""
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, OverflowError):
        if kind != pa.float64():
            raise
        return pa.array([None if value is None else _rounded(value) for value in values], kind)


def _rounded(value: float) -> float:
    """A number as decoding makes it a float."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _most(values: list[Any], kinds: Kinds, numbers: Kinds) -> type:
    """The type most values have (null has none); *numbers* count as one."""
    every = list(map(type, values))
    counted = {kind: every.count(kind) for kind in kinds}
    together = sum(count for kind, count in counted.items() if kind in numbers)
    return max(counted, key=lambda kind: together if kind in numbers else counted[kind])


def _without(values: list[Any], places: Mask) -> list[Any]:
    """*values* with null at *places*."""
    values = values.copy()
    for place in np.flatnonzero(places).tolist():
        values[place] = None
    return values


def _not_finite(array: pa.Array) -> Mask | None:
    """Where a column of floats is NaN or infinite, which has no JSON form; None when it is nowhere."""
    if array.type != pa.float64():
        return None
    odd = ~np.isfinite(array.to_numpy(zero_copy_only=False))
    if array.null_count:
        odd &= array.is_valid().to_numpy(zero_copy_only=False)
    return odd if odd.any() else None
