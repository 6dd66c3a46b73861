"""What types the columns of a batch surely have: from an Arrow schema, or by looking at the values of dicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
from .pushed import Pushed

Typing = tuple[tuple[str, AnyType], ...]
Mask = npt.NDArray[np.bool_]

_KINDS: dict[type, tuple[AnyType, pa.DataType]] = {
    int: (BIGINT, pa.int64()),
    float: (FLOAT, pa.float64()),
    str: (STRING, pa.string()),
    bool: (BOOLEAN, pa.bool_()),
}


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
            values = _fitting(rows, name)
        else:
            values = [row.get(name) for row in rows]
        kinds = set(map(type, values)) - {type(None)}
        if len(kinds) > 1:
            kind, wrong = _majority(values)
            misfits = wrong if misfits is None else misfits | wrong
            values = [v if type(v) is kind else None for v in values]
            kinds = {kind}
        if not kinds:
            arrays.append(pa.nulls(len(values)))
            typing.append((name, NULL))
            continue
        known = _KINDS.get(kinds.pop())
        if known is None:
            return None
        try:
            arrays.append(pa.array(values, known[1]))
        except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
            return None
        typing.append((name, known[0]))
        if known[0] == FLOAT:
            nan = np.isnan(arrays[-1].to_numpy(zero_copy_only=False)) if arrays[-1].null_count == 0 else _nan(values)
            misfits = misfits if not nan.any() else nan if misfits is None else misfits | nan
    table = filled(pa.table(arrays, names=list(names)), len(rows))
    return table, tuple(typing) or typing_of(table), misfits


def _nan(values: Sequence[Any]) -> Mask:
    return np.array([type(v) is float and math.isnan(v) for v in values])


def _fitting(rows: Pushed, name: str) -> list[Any]:
    """A column as decoding will make it; null in rows that must be decoded one by one."""
    values = rows.values(name)
    if rows.misfits is not None:
        values = [None if wrong else v for v, wrong in zip(values, rows.misfits.tolist(), strict=True)]
    if rows.widens(name) and int in set(map(type, values)):
        try:
            return [float(v) if type(v) is int else v for v in values]
        except OverflowError:
            return values
    return values


def _majority(values: Sequence[Any]) -> tuple[type, Mask]:
    """The type most values have, and which values have another (null has none)."""
    kinds = list(map(type, values))
    counted = {kind: kinds.count(kind) for kind in set(kinds) - {type(None)}}
    most = max(counted, key=lambda kind: counted[kind])
    return most, np.array([kind is not most and kind is not type(None) for kind in kinds])
