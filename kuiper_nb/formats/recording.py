"""A recording's lines: one JSON object a payload, from which it comes back exactly, whatever its values are.

    {"recording": 1, "stream": "demo", "statement": "CREATE STREAM demo …", "start": 1700000000000}
    {"at": 1700000000250, "data": {"t": 20.5}, "meta": {"topic": "demo"}}
    {"at": 1700000000300, "bytes": "eyJ0IjoyMX0="}
    {"at": 1700000000310, "arrow": "/////…", "rows": 3, "typed": true, "more": true}
    {"end": 1700000005000}

*at* is the arrival in ms. "more" says that the next payload was read in the same micro-batch. "data" is a row or a list
of rows; what JSON has no form for stands in it as an object with one key that begins with $ (`{"$datetime": "…"}`).
"bytes" is base64, "arrow" the base64 of an Arrow IPC stream. The last line tells when the recording was stopped, with
`"ended": true` if the input had come to its end.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from ..contracts import Payload
from ..errors import ConnectorError

VERSION = 1


def line(entry: Mapping[str, Any]) -> bytes:
    """*entry* as a line of the file, line end included."""
    try:
        return (json.dumps(entry, ensure_ascii=False, separators=(", ", ": ")) + "\n").encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can hold
        return (json.dumps(entry) + "\n").encode()


def entry(payload: Payload, at: int, *, more: bool = False) -> dict[str, Any]:
    """The line of a payload that arrived *at* (ms). Raises ConnectorError for a value that no line can hold."""
    found: dict[str, Any] = {"at": at}
    data = payload.data
    if isinstance(data, (bytes, bytearray, memoryview)):
        found["bytes"] = _base64(bytes(data))
    elif isinstance(data, pa.Table):
        found |= {"arrow": _base64(_ipc(data)), "rows": data.num_rows}
    else:
        found["data"] = written(data)
    if payload.meta:
        found["meta"] = written(dict(payload.meta))
    if payload.typed:
        found["typed"] = True
    if more:
        found["more"] = True
    return found


def payload(found: Mapping[str, Any], shift: int = 0) -> Payload:
    """The payload of a line, its arrival moved by *shift* ms. Raises ValueError or KeyError for another."""
    data: Any
    if "bytes" in found:
        data = base64.b64decode(found["bytes"], validate=True)
    elif "arrow" in found:
        data = pa.ipc.open_stream(base64.b64decode(found["arrow"], validate=True)).read_all()
        data.validate(full=True)
    else:
        data = read(found["data"])
    return Payload(data, int(found["at"]) + shift, read(found.get("meta", {})), bool(found.get("typed", False)))


# ---- values


def written(value: Any) -> Any:
    """*value* in JSON's own kinds; `read` is the way back. Raises ConnectorError for a kind that has no form."""
    if value is None or isinstance(value, (str, bool)) or type(value) is int:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, dict):
        return _written_object(value)
    if isinstance(value, list):
        return [written(item) for item in value]
    for kind, key, form in _FORMS:
        if isinstance(value, kind):
            return {key: form(value)}
    hint = "numbers, texts, truth values, datetimes, bytes, lists, objects and Arrow can be recorded"
    raise ConnectorError(f"a {type(value).__name__} cannot be recorded", hint)


def read(value: Any) -> Any:
    """What was written."""
    if isinstance(value, list):
        return [read(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key in _READERS:
            return _READERS[key](inner)
    return {key: read(inner) for key, inner in value.items()}


def _written_object(value: dict[Any, Any]) -> Any:
    plain = all(isinstance(key, str) for key in value)
    if plain and not (len(value) == 1 and next(iter(value)).startswith("$")):
        return {key: written(inner) for key, inner in value.items()}
    return {"$object": [[written(key), written(inner)] for key, inner in value.items()]}


def _moment(value: datetime) -> Any:
    """ISO 8601; with the name of its zone where it has one, since an offset alone would lose it."""
    name = value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else None
    return value.isoformat() if name is None else [value.isoformat(), name]


def _moment_of(text: Any) -> datetime:
    if isinstance(text, str):
        return datetime.fromisoformat(text)
    moment, name = text
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(name))


def _numpy(value: Any) -> Any:
    return [value.dtype.str, written(value.item())]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


_FORMS: tuple[tuple[type | tuple[type, ...], str, Callable[[Any], Any]], ...] = (
    (np.generic, "$numpy", _numpy),
    (float, "$float", repr),
    (datetime, "$datetime", _moment),
    (date, "$date", date.isoformat),
    ((bytes, bytearray, memoryview), "$bytes", lambda value: _base64(bytes(value))),
    (tuple, "$tuple", lambda value: [written(item) for item in value]),
    (Decimal, "$decimal", str),
)
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "$float": float,
    "$datetime": _moment_of,
    "$date": date.fromisoformat,
    "$bytes": lambda text: base64.b64decode(text, validate=True),
    "$tuple": lambda items: tuple(read(item) for item in items),
    "$decimal": Decimal,
    "$numpy": lambda pair: np.dtype(pair[0]).type(read(pair[1])),
    "$object": lambda pairs: {read(key): read(inner) for key, inner in pairs},
}
