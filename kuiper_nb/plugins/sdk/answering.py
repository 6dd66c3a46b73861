"""A call, answered: columns in, a column and failures out. It needs Arrow, and is loaded when hello has been said."""

from __future__ import annotations

from typing import Any

from ...contracts import Call
from ...functions.columns import as_python
from ..codec import packed, unpacked
from ..wire import Message
from .symbols import Symbols


def answered(symbols: Symbols, message: Message, rows: int) -> tuple[dict[str, Any], Any]:
    """The fields and the payload of the answer. Raises what concerns the whole batch."""
    symbol = symbols.functions.get(message["symbol"])
    if symbol is None:
        raise ValueError(f"there is no function {message['symbol']}")
    columns = unpacked(message["codec"], message.payload, message["columns"], rows)
    if not symbol.native.vectorized:
        columns = [column if isinstance(column, list) else as_python(column) for column in columns]
    answer = symbol.answer(Call(tuple(columns), rows, message.get("context", {})))
    codec, payload = packed([answer.values], rows)
    fields: dict[str, Any] = {"codec": codec}
    if answer.failures:
        fields["failures"] = [[row, failure.message, failure.where] for row, failure in answer.failures.items()]
    return fields, payload
