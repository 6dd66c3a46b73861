"""What types the columns of a batch surely have: from an Arrow schema, or by looking at the values of dicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..contracts import Row
from ..types import BIGINT, BOOLEAN, FLOAT, NULL, STRING, AnyType, from_arrow

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


def columnised(rows: Sequence[Row], names: Sequence[str]) -> tuple[pa.Table, Typing, Mask | None] | None:
    """The columns *names* of *rows* as Arrow, their types, and which rows do not fit them (None: all do).

    A column takes the type that most of its values have; int and float are not the same type. None when a column holds
    mostly what has no plain column type: objects, arrays, bytes.
    """
    arrays, typing, misfits = [], [], None
    for name in names:
        values = [row.get(name) for row in rows]
        kinds = set(map(type, values))
        kinds.discard(type(None))
        if len(kinds) > 1:
            kind, wrong = _majority(values)
            misfits = wrong if misfits is None else misfits | wrong
            values = [v if type(v) is kind else None for v in values]
        elif kinds:
            kind = kinds.pop()
        else:
            arrays.append(pa.nulls(len(values)))
            typing.append((name, NULL))
            continue
        if kind not in _KINDS:
            return None
        ours, arrow = _KINDS[kind]
        try:
            arrays.append(pa.array(values, arrow))
        except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
            return None
        typing.append((name, ours))
    return pa.table(arrays, names=list(names)), tuple(typing), misfits


def _majority(values: Sequence[Any]) -> tuple[type, Mask]:
    """The type most values have, and which values have another (null has none)."""
    kinds = list(map(type, values))
    counted = {kind: kinds.count(kind) for kind in set(kinds) - {type(None)}}
    most = max(counted, key=lambda kind: counted[kind])
    return most, np.array([kind is not most and kind is not type(None) for kind in kinds])
