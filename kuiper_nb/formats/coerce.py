"""How a row of JSON values becomes a row of a stream: declared columns pruned and cast, the rest as floats.

There is one decoding rule, and it is this one. A value that does not fit is a RowFault; nothing is rounded or parsed
silently. A key that is absent stays absent, a null stays null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ..catalog import Field, Stream
from ..contracts import Row
from ..errors import ConnectorError, RowFault
from ..sql.values import float_text, from_base64, text, to_bool, utf8
from ..types import BIGINT, BOOLEAN, BYTEA, DATETIME, FLOAT, STRING, AnyType, ArrayOf, StructOf
from .lenient import Doubled, Literal

Convert = Callable[[Any], Any]

_LEAST, _MOST = -(2**63), 2**63 - 1
_AS_IS = frozenset((float, str, bool, type(None)))  # what a schemaless stream takes for what it is
_INT_DIGITS = re.compile(r"-?[0-9]+")


def extra(stream: Stream) -> dict[str, Any]:
    """The source properties in the stream's EXTRA option; ConnectorError when it is no JSON object."""
    text = stream.options.get("EXTRA", "")
    if not text:
        return {}
    try:
        properties = json.loads(text)
    except ValueError:
        properties = None
    if not isinstance(properties, dict):
        raise ConnectorError(f"EXTRA of {stream.name} is not a JSON object: {text}")
    return properties


def coercion(
    stream: Stream,
    columns: frozenset[str] | None = None,
    properties: Mapping[str, Any] | None = None,
    *,
    typed: bool = False,
) -> Callable[[Row], Row]:
    """What turns one row of JSON values into a row of *stream*; it raises RowFault where the row does not fit.

    *columns* are those a rule uses, None for all; nothing else is looked at. *properties* are the source's (EXTRA when
    None). Rows that are *typed* keep the types of their values and are only pruned and validated.
    """
    from .strict import validation

    settings = extra(stream) if properties is None else properties
    names = settings.get("colAliasMapping") or {}
    fields = tuple(
        f for f in stream.fields if columns is None or names.get(f.name, f.name) in columns or f.name in columns
    )
    if typed:
        decode = pruning(frozenset(f.name for f in fields) if stream.typed else columns, names)
    elif stream.typed:
        decode = declared(fields, names)
    else:
        decode = schemaless(columns, names, bool(settings.get("useInt64ForWholeNumber")))
    if not (stream.typed and stream.strict):
        return decode
    validate = validation(fields, stream.options.get("TIMESTAMP_FORMAT") or None)
    return lambda row: validate(decode(row))


LATEST = 2**53
"""Beyond this, ms since the epoch, is no time but a slip: nanoseconds, an infinity."""


def timestamps(stream: Stream) -> Callable[[Row], int]:
    """What reads a row's event time, ms since the epoch, from the TIMESTAMP column; RowFault when it cannot."""
    column = stream.timestamp
    pattern = stream.options.get("TIMESTAMP_FORMAT", "")

    def event_time(row: Row) -> int:
        value = row.get(column)
        if type(value) is int and abs(value) < LATEST:
            return value
        if column not in row:
            raise RowFault(f"cannot find timestamp field {column} in tuple {text(row)}")
        try:
            return _milliseconds(value, pattern)
        except RowFault as fault:
            cause = f"cannot convert timestamp field {column} to timestamp with error {fault.message}"
            raise RowFault(cause) from None

    return event_time


def _milliseconds(value: Any, pattern: str) -> int:
    from ..sql.timeformat import to_millis

    if type(value) in (int, float):
        if not abs(value) < LATEST:  # NaN is not either
            raise RowFault(f"{text(value)} ms is no time: it lies beyond the year 280000")
        return int(value)
    return to_millis(value, pattern=pattern)


def keep(value: Any) -> Any:
    """The value as it is."""
    return value


def pruning(used: frozenset[str] | None, names: Mapping[str, str]) -> Callable[[Row], Row]:
    """Keeps the used columns under their names; values are left alone."""
    if used is None and not names:
        return keep

    def prune(row: Row) -> Row:
        renamed = {names.get(key, key): value for key, value in row.items()}
        return renamed if used is None else {key: value for key, value in renamed.items() if key in used}

    return prune


def schemaless(used: frozenset[str] | None, names: Mapping[str, str], whole: bool) -> Callable[[Row], Row]:
    """Keeps the used columns, all numbers in them as floats; with *whole*, integers stay integers."""
    number = _whole_or_float if whole else _float
    if used is None or names:
        prune = pruning(used, names)
        return lambda row: {k: v if type(v) in _AS_IS else _deep(v, number) for k, v in prune(row).items()}
    return lambda row: {k: v if type(v) in _AS_IS else _deep(v, number) for k, v in row.items() if k in used}


def schemaless_rows(used: frozenset[str] | None) -> Callable[[Iterable[Row]], list[Row]]:
    """`schemaless` of many rows, none of them renamed, in less time."""
    if used is None:
        return lambda rows: [{k: v if type(v) in _AS_IS else _deep(v, _float) for k, v in row.items()} for row in rows]
    return lambda rows: [
        {k: v if type(v) in _AS_IS else _deep(v, _float) for k, v in row.items() if k in used} for row in rows
    ]


def declared(fields: tuple[Field, ...], names: Mapping[str, str]) -> Callable[[Row], Row]:
    """Keeps the declared columns, cast to their types, and every null, as eKuiper does."""
    columns = {f.name: converter(f.type, f.name) for f in fields}
    columns |= {key: columns[alias] for key, alias in names.items() if alias in columns}
    return _object(columns, names)


def converter(kind: AnyType, name: str) -> Convert:
    """What casts a JSON value to *kind*; *name* is the column in messages. It is never given a null."""
    if isinstance(kind, ArrayOf):
        return _array(kind, name)
    if isinstance(kind, StructOf):
        return _struct(kind, name)
    simple = _SIMPLE[kind]
    return lambda value: simple(value, name)


def int64(text: str) -> int:
    """The 64-bit integer a JSON number's text stands for; RowFault when it has a fraction, an exponent or no room."""
    digits = _INT_DIGITS.match(text)
    if digits is None:
        raise RowFault(f"cannot parse int64 from {quoted(text)}")
    tail = text[digits.end() :]
    if tail and len(digits.group()) > 18:
        raise RowFault(f"strconv.ParseInt: parsing {quoted(text)}: invalid syntax")
    if tail:
        raise RowFault(f"unparsed tail left after parsing int64 form {quoted(text)}: {quoted(tail)}")
    return in_range(int(text))


def in_range(value: int) -> int:
    """The integer itself when it has room in 64 bits."""
    if not _LEAST <= value <= _MOST:
        raise RowFault(f'strconv.ParseInt: parsing "{value}": value out of range')
    return value


def quoted(text: str) -> str:
    """A text in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def _object(columns: Mapping[str, Convert], names: Mapping[str, str]) -> Callable[[Row], Row]:
    def decode(row: Row) -> Row:
        if isinstance(row, Doubled):
            for key, value in row.shadowed:
                decode({key: value})
        decoded: Row = {}
        for key, value in row.items():
            if value is None:
                decoded[names.get(key, key)] = None
            elif key in columns:
                decoded[names.get(key, key)] = columns[key](value)
        return decoded

    return decode


def _array(kind: ArrayOf, name: str) -> Convert:
    item = converter(kind.item, "array")

    def cast(value: Any) -> Any:
        items = _plain(value)
        if not isinstance(items, (list, tuple)):
            raise _wrong(value, name, "array")
        return [None if i is None else item(i) for i in items]

    return cast


def _struct(kind: StructOf, name: str) -> Convert:
    members = _object({member: converter(t, member) for member, t in kind.fields}, {})

    def cast(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _wrong(value, name, "struct")
        return members(value)

    return cast


def _bigint(value: Any, name: str) -> Any:
    if type(value) is int:
        return in_range(value)
    if isinstance(value, Literal):
        return int64(value.text)
    if isinstance(value, float):
        return int64(repr(float(value)))
    return _unwrapped(_bigint, value, name, "bigint")


def _floating(value: Any, name: str) -> Any:
    if type(value) is float:
        return value
    if _is_number(value):
        return _float(value)
    return _unwrapped(_floating, value, name, "float")


def _string(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return value
    if _is_number(value):
        return float_text(_float(value))
    return _unwrapped(_string, value, name, "string")


def _boolean(value: Any, name: str) -> Any:
    if isinstance(value, (int, float, str)):
        return to_bool(value, "all")
    return _unwrapped(_boolean, value, name, "boolean")


def _datetime(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return value
    if _is_number(value):
        return _float(value)
    if isinstance(value, datetime) and _plain(value) is value:
        return value
    return _unwrapped(_datetime, value, name, "datetime")


def _bytea(value: Any, name: str) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        decoded = from_base64(value)
        return utf8(value) if decoded is None else decoded
    raise _wrong(value, name, "bytea")


_SIMPLE: dict[AnyType, Callable[[Any, str], Any]] = {
    BIGINT: _bigint,
    FLOAT: _floating,
    STRING: _string,
    BOOLEAN: _boolean,
    DATETIME: _datetime,
    BYTEA: _bytea,
}


def _deep(value: Any, number: Callable[[Any], Any]) -> Any:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, dict):
        return {key: _deep(item, number) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_deep(item, number) for item in value]
    plain = _plain(value)
    return value if plain is value else _deep(plain, number)


def _float(value: Any) -> Any:
    if type(value) is float:
        return value
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _whole_or_float(value: Any) -> Any:
    if isinstance(value, Literal):
        return float(value) if "." in value.text else int64(value.text)
    return in_range(value) if isinstance(value, int) else float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _unwrapped(cast: Callable[[Any, str], Any], value: Any, name: str, wanted: str) -> Any:
    """*value* cast after all, where there is a plain value in it; the pandas words for null are null."""
    plain = _plain(value)
    if plain is value:
        raise _wrong(value, name, wanted)
    return None if plain is None else cast(plain, name)


def _plain(value: Any) -> Any:
    """The Python value inside a NumPy one or a Decimal; a date is a moment in UTC, a missing value of pandas null."""
    if type(value).__name__ in ("NaTType", "NAType"):  # pandas is not imported for them
        return None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.tolist() if hasattr(value, "tolist") and not isinstance(value, memoryview) else value


def _wrong(value: Any, name: str, wanted: str) -> RowFault:
    return RowFault(f"{name} has wrong type:{json_type(value)}, expect:{wanted}")


def json_type(value: Any) -> str:
    """What a value is called in JSON: object, array, string, number, true, false or null."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, (list, tuple)):
        return "array"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else type(value).__name__
