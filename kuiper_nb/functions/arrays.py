"""Whole columns for vectorised functions: as NumPy unless a parameter is annotated as Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import FunctionError
from ..types import unencoded
from .columns import as_numpy, of_numpy


class Shape(Enum):
    """How a function wants its columns."""

    LIST = "list"
    NUMPY = "numpy"
    ARROW = "arrow"


def shape_of(hints: Mapping[str, Any], parameters: Sequence[str]) -> Shape:
    """ARROW or NUMPY when a parameter is annotated so, else LIST (which a vectorised function reads as NumPy)."""
    for parameter in parameters:
        hint = hints.get(parameter)
        if hint in (pa.Array, pa.ChunkedArray):
            return Shape.ARROW
        if hint is np.ndarray or getattr(hint, "__origin__", None) is np.ndarray:
            return Shape.NUMPY
    return Shape.LIST


def given(column: Any, shape: Shape) -> Any:
    """A column (list, Arrow or NumPy) in *shape*. In NumPy a null among numbers is NaN, among anything else None."""
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        column = unencoded(column)
    if shape is Shape.ARROW:
        if isinstance(column, pa.ChunkedArray):
            return column.combine_chunks()
        return column if isinstance(column, pa.Array) else pa.array(column)
    if isinstance(column, pa.Array) and (numbers := as_numpy(column)) is not None:
        return numbers
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        return column.to_numpy() if isinstance(column, pa.ChunkedArray) else column.to_numpy(zero_copy_only=False)
    if isinstance(column, np.ndarray):
        return column
    kinds = {type(v) for v in column}
    if kinds <= {float, int, type(None)}:  # also nothing but nulls, as a row on its own may be
        if type(None) in kinds:
            return np.array([np.nan if v is None else v for v in column], np.float64)
        return np.array(column)
    if kinds == {bool}:
        return np.array(column)
    plain = np.empty(len(column), object)
    plain[:] = column
    return plain


def as_values(answer: Any, rows: int) -> list[Any]:
    """The values of a vectorised function's answer, NaN as null; FunctionError when they are not one per row."""
    array = as_arrow(answer, rows)
    values: list[Any] = array.to_pylist()
    return values


def as_arrow(answer: Any, rows: int) -> pa.Array | pa.ChunkedArray:
    """The answer as Arrow, NaN as null; FunctionError when it is not one value per row."""
    if isinstance(answer, (pa.Array, pa.ChunkedArray)):
        array = answer
    elif isinstance(answer, np.ndarray) and answer.ndim == 1:
        made = of_numpy(answer, nan_is_null=True)
        array = pa.array(answer, from_pandas=True) if made is None else made
    elif hasattr(answer, "to_numpy"):
        array = pa.array(answer.to_numpy(), from_pandas=True)
    elif isinstance(answer, (list, tuple)):
        array = pa.array(answer)
    else:
        raise FunctionError(f"a vectorised function answers one array, not a {type(answer).__name__}")
    if len(array) != rows:
        raise FunctionError(f"it answered {len(array)} values for {rows} rows")
    return array
