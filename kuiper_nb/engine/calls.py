"""How a call is answered for a whole batch: by the user's function, or by the reference of a built-in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from ..contracts import Answer, Call, Failure
from ..errors import RowFault
from ..functions.call import RowCaller
from ..sql import resolved as r
from ..sql.builtins.answer import batch_answered
from ..types import unencoded
from . import hoist
from .answers import NotUniform, uniform

_HELD = frozenset((int, float, str, bool, bytes, type(None)))


def answered(
    call: hoist.Call, arguments: Sequence[Any], rows: int, caller: RowCaller
) -> tuple[pa.Array | pa.ChunkedArray, Mapping[int, Failure]]:
    """The column of answers, and which rows failed. *arguments* are Arrow columns. Raises NotUniform."""
    if isinstance(call, r.BuiltinCall):
        return _builtin(call, [python(column) for column in arguments], rows)
    try:
        function = caller.latest(call.name)
    except RowFault as fault:
        return pa.nulls(rows), {row: Failure(fault.message) for row in range(rows)}
    if not function.vectorized and not function.columnar:
        arguments = [python(column) for column in arguments]
    answer = function.call(Call(tuple(arguments), rows, caller.context(call)))
    try:
        return uniform(call.name, answer, rows)
    except NotUniform:
        if function.columnar:
            caller.keep(call, [python(column) for column in arguments], answer)
        raise


def _builtin(
    call: r.BuiltinCall, columns: list[Any], rows: int
) -> tuple[pa.Array | pa.ChunkedArray, Mapping[int, Failure]]:
    """Objects and arrays, which come in kinds that no column tells apart, are for the evaluator."""
    values, faults = batch_answered(call.entry, columns, rows)
    if not set(map(type, values)) <= _HELD:
        raise NotUniform(call.entry.name)
    return uniform(call.entry.name, Answer(values, {row: Failure(fault) for row, fault in faults.items()}), rows)


def python(column: Any) -> Any:
    """A column as Python values; numbers without nulls take the short way through NumPy."""
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        if column.null_count == 0 and (pa.types.is_float64(column.type) or pa.types.is_int64(column.type)):
            return column.to_numpy().tolist()
        return unencoded(column).to_pylist()
    return column
