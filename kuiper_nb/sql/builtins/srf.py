"""Set-returning functions: one row in, as many out as their array has elements."""

from __future__ import annotations

from typing import Any

from ...contracts import Row
from ...errors import RowFault
from .entry import Builtin


def _unnest(value: Any) -> Any:
    return value


def _extract(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        raise RowFault("extract should use map")
    return [value]


def expanded(row: Row, name: str) -> list[Row]:
    """*row* once for every element of its array *name*; the keys of an element that is an object become columns.

    Raises RowFault when there is no such array.
    """
    if row.get(name) is None:
        raise RowFault(f"can't find the result from the {name} function")
    elements = row[name]
    if not isinstance(elements, list):
        raise RowFault(f"the argument for the {name} function should be array")
    rest = {key: value for key, value in row.items() if key != name}
    return [rest | element if isinstance(element, dict) else {**row, name: element} for element in elements]


BUILTINS: tuple[Builtin, ...] = (
    Builtin("unnest", _unnest, (1, 1), "A row for every element of an array", kind="set"),
    Builtin("extract", _extract, (1, 1), "The keys of an object as columns", kind="set"),
)
