"""Columns of plain values to and from Arrow without what pyarrow does first: it imports pandas, if that is there.

That takes a quarter of a second, which a process that is to answer at once has not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

_NUMBERS = {pa.float64(): np.dtype(np.float64), pa.int64(): np.dtype(np.int64)}
_KINDS = {dtype: kind for kind, dtype in _NUMBERS.items()}


def as_numpy(column: pa.Array) -> np.ndarray | None:
    """The numbers of *column*, not copied; None for another type, or with nulls."""
    dtype = _NUMBERS.get(column.type)
    if dtype is None or column.null_count:
        return None
    return np.frombuffer(column.buffers()[1] or b"", dtype)[column.offset : column.offset + len(column)]


def of_numpy(values: np.ndarray, *, nan_is_null: bool = False) -> pa.Array | None:
    """*values* as Arrow, not copied; None for what are no floats or integers of 64 bits."""
    kind = _KINDS.get(values.dtype)
    if kind is None or values.ndim != 1 or not values.dtype.isnative:
        return None
    values = np.ascontiguousarray(values)
    missing = np.isnan(values) if nan_is_null and kind == pa.float64() else None
    valid = None if missing is None or not missing.any() else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(values)])


def of_values(values: Sequence[Any], kind: type) -> pa.Array | None:
    """*values*, all of them of *kind* or None, as Arrow; None where this way does not lead there."""
    if kind is float or kind is int:
        if None in values:
            return None
        try:
            return of_numpy(np.array(values, np.float64 if kind is float else np.int64))
        except OverflowError:
            return None
    if kind is str:
        builder = pa.lib.StringBuilder()
        try:
            builder.append_values(values)
        except (UnicodeError, pa.ArrowException):
            return None
        return builder.finish()
    return None


def as_python(column: pa.Array) -> list[Any]:
    """The values of *column*; numbers without nulls take the short way."""
    numbers = as_numpy(column)
    found: list[Any] = column.to_pylist() if numbers is None else numbers.tolist()
    return found
