"""How the reference of a built-in function is asked: nulls first, and every failure as the fault of its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import RowFault
from .entry import Builtin

_ON_NULL = {"nil": None, "false": False, "zero": 0, "call": None}


def answering(entry: Builtin) -> Callable[[Sequence[Any]], Any]:
    """A function from the arguments of a call, the scope first where it is wanted, to its value.

    An aggregate's arguments are lists. It raises RowFault, whatever the reference raises.
    """
    reference, name, checks, on_null = entry.reference, entry.name, entry.nulls != "call", _ON_NULL[entry.nulls]
    aggregate = entry.kind == "aggregate"

    def answer(values: Sequence[Any]) -> Any:
        if checks:
            for value in values:
                if value is None or (not value and isinstance(value, (list, dict))):
                    return None if aggregate else on_null
        try:
            return reference(*values)
        except RowFault as fault:
            raise RowFault(f"call func {name} error: {fault.message}") from None
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise RowFault(f"call func {name} error: {error}") from error

    return answer


def batch_answered(entry: Builtin, columns: Sequence[Sequence[Any]], rows: int) -> tuple[list[Any], dict[int, str]]:
    """The values of a whole batch, None in rows that fail, and the messages of those; a sequence per argument."""
    answer = answering(entry)
    values: list[Any] = []
    faults: dict[int, str] = {}
    for row, arguments in enumerate(zip(*columns, strict=True) if columns else [()] * rows):
        try:
            values.append(answer(arguments))
        except RowFault as fault:
            values.append(None)
            faults[row] = fault.message
    return values, faults
