"""Values of SQL as protobuf messages, and back, by eKuiper's rules.

    string   string            int*, uint*, fixed*, enum   bigint        float, double   float       bool   boolean
    bytes    bytea             message                     struct        repeated        array       map    struct

A message is given as its fields one by one, in the order they are declared, or as one object with their names. A
wrapper (StringValue …) is what it wraps; Empty is nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from ..errors import RowFault
from ..sql.values import described
from .protocol import Parameter

Field = Any
"""A FieldDescriptor, of which protobuf has two classes that do not know each other."""

_F = FieldDescriptor
_WRAPPERS = {
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
}
EMPTY = "google.protobuf.Empty"
_TIMESTAMP, _DURATION = "google.protobuf.Timestamp", "google.protobuf.Duration"
_STRUCT, _VALUE, _LIST = (f"google.protobuf.{name}" for name in ("Struct", "Value", "ListValue"))
_WORDS = {
    _F.CPPTYPE_INT32: "bigint",
    _F.CPPTYPE_INT64: "bigint",
    _F.CPPTYPE_UINT32: "bigint",
    _F.CPPTYPE_UINT64: "bigint",
    _F.CPPTYPE_ENUM: "bigint",
    _F.CPPTYPE_DOUBLE: "float",
    _F.CPPTYPE_FLOAT: "float",
    _F.CPPTYPE_BOOL: "boolean",
    _F.CPPTYPE_STRING: "string",
    _F.CPPTYPE_MESSAGE: "struct",
}


def is_wrapper(descriptor: Descriptor) -> bool:
    """Whether it stands for the one value in it."""
    return descriptor.full_name in _WRAPPERS


def is_map(field: Field) -> bool:
    """Whether it is a `map<…>`."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def parameters(descriptor: Descriptor) -> tuple[Parameter, ...]:
    """The fields of a message, as the parameters of a function."""
    return tuple(Parameter(field.name, type_of(field)) for field in descriptor.fields)


def returns(descriptor: Descriptor) -> str:
    """What a function answers with such a message."""
    if descriptor.full_name == EMPTY:
        return "nothing"
    return type_of(descriptor.fields[0]) if is_wrapper(descriptor) else "struct"


def type_of(field: Field) -> str:
    """The type of a field, in SQL's words."""
    if is_map(field):
        return "struct"
    word = "bytea" if field.type == _F.TYPE_BYTES else _WORDS[field.cpp_type]
    if field.message_type is not None and is_wrapper(field.message_type):
        word = type_of(field.message_type.fields[0])
    return f"array({word})" if field.is_repeated else word


# ---- in


def message_of(descriptor: Descriptor, arguments: Sequence[Any]) -> Message:
    """The message for the arguments of a call. Raises RowFault."""
    made: Message = message_factory.GetMessageClass(descriptor)()
    fields = descriptor.fields
    if not arguments and fields:
        raise RowFault(f"require {len(fields)} parameters but none")
    if len(arguments) == 1 and _names_fields(descriptor, arguments[0]):
        _fill(made, arguments[0])
        return made
    if len(arguments) != len(fields):
        raise RowFault(f"require {len(fields)} parameters but only got {len(arguments)}")
    for field, value in zip(fields, arguments, strict=True):
        _set(made, field, value)
    return made


def _names_fields(descriptor: Descriptor, value: Any) -> bool:
    """Whether *value* is an object with at least one field of the message."""
    return isinstance(value, Mapping) and any(value.get(name) is not None for name in descriptor.fields_by_name)


def _fill(made: Message, value: Mapping[str, Any]) -> None:
    for field in made.DESCRIPTOR.fields:
        _set(made, field, value.get(field.name))


def _set(made: Message, field: Field, value: Any) -> None:
    if value is None:
        return
    if is_map(field):
        _set_map(made, field, value)
    elif field.is_repeated:
        if not isinstance(value, (list, tuple)):
            raise _misfit(field, value, "an array")
        for item in value:
            if field.message_type is not None:
                _fill_any(getattr(made, field.name).add(), field, item)
            else:
                getattr(made, field.name).append(_scalar(field, item))
    elif field.message_type is not None:
        inner = getattr(made, field.name)
        inner.SetInParent()
        _fill_any(inner, field, value)
    else:
        try:
            setattr(made, field.name, _scalar(field, value))
        except (ValueError, TypeError):
            raise _misfit(field, value, type_of(field)) from None


def _set_map(made: Message, field: Field, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise _misfit(field, value, "a struct")
    kind, held = field.message_type.fields_by_name["value"], getattr(made, field.name)
    key_kind = field.message_type.fields_by_name["key"]
    for key, item in value.items():
        read = _key(key_kind, key)
        if kind.message_type is not None:
            _fill_any(held[read], kind, item)
        elif item is not None:
            held[read] = _scalar(kind, item)


def _key(field: Field, key: str) -> Any:
    """A key of an object is a text, whatever the map has."""
    if field.cpp_type == _F.CPPTYPE_STRING:
        return key
    if field.cpp_type == _F.CPPTYPE_BOOL:
        return key == "true"
    try:
        return int(key)
    except ValueError:
        raise _misfit(field, key, "a whole number") from None


def _fill_any(inner: Message, field: Field, value: Any) -> None:
    name = inner.DESCRIPTOR.full_name
    if name in _WRAPPERS:
        _set(inner, inner.DESCRIPTOR.fields[0], value)
    elif name in (_TIMESTAMP, _DURATION):
        _fill_time(inner, field, value)
    elif name in (_STRUCT, _LIST, _VALUE):
        _fill_plain(inner, value)
    elif isinstance(value, Mapping):
        _fill(inner, value)
    elif value is not None:
        raise _misfit(field, value, "a struct")


def _fill_time(inner: Message, field: Field, value: Any) -> None:
    if isinstance(value, datetime) and inner.DESCRIPTOR.full_name == _TIMESTAMP:
        moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
        seconds, nanos = (
            since // timedelta(seconds=1),
            (since % timedelta(seconds=1)) // timedelta(microseconds=1) * 1000,
        )
        inner.seconds, inner.nanos = seconds, nanos  # type: ignore[attr-defined]
    elif isinstance(value, int) and not isinstance(value, bool):  # ms, as everywhere in SQL
        inner.seconds, inner.nanos = value // 1000, value % 1000 * 1_000_000  # type: ignore[attr-defined]
    elif isinstance(value, Mapping):
        _fill(inner, value)
    else:
        raise _misfit(field, value, "a datetime")


def _fill_plain(inner: Message, value: Any) -> None:
    """google.protobuf.Struct and its parts, which hold any JSON."""
    from google.protobuf import json_format

    try:
        json_format.ParseDict(value, inner)
    except json_format.ParseError as error:
        raise RowFault(f"{inner.DESCRIPTOR.name}: {error}") from None


def _scalar(field: Field, value: Any) -> Any:
    """A value of the same kind; a text is no number, and of half a number the whole is taken, as eKuiper does."""
    kind = type(value)
    if field.enum_type is not None:
        return _enum(field, field.enum_type, value)
    match field.cpp_type:
        case _F.CPPTYPE_STRING if field.type == _F.TYPE_BYTES:
            return _bytes(field, value)
        case _F.CPPTYPE_STRING if kind is str:
            return value
        case _F.CPPTYPE_STRING if kind is bytes:
            return _text_of(field, value)
        case _F.CPPTYPE_BOOL if kind is bool:
            return value
        case _F.CPPTYPE_DOUBLE | _F.CPPTYPE_FLOAT if kind in (int, float):
            return float(value)
        case _F.CPPTYPE_INT32 | _F.CPPTYPE_INT64 | _F.CPPTYPE_UINT32 | _F.CPPTYPE_UINT64:
            if kind is int or (kind is float and isfinite(value)):
                return int(value)
    raise _misfit(field, value, type_of(field))


def _enum(field: Field, enum: Any, value: Any) -> int:
    if isinstance(value, str) and value in enum.values_by_name:
        return int(enum.values_by_name[value].number)
    if type(value) is int or (type(value) is float and isfinite(value)):
        return int(value)
    raise _misfit(field, value, f"one of {', '.join(list(enum.values_by_name)[:8])}, or its number")


def _bytes(field: Field, value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise RowFault(f"{field.name}: illegal string {value[:40]}, must be base64 encoded string") from None
    raise _misfit(field, value, "bytea")


def _text_of(field: Field, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise _misfit(field, value, "a string, or bytea that is UTF-8") from None


def _misfit(field: Field, value: Any, wanted: str) -> RowFault:
    return RowFault(f"{field.name}: expected {wanted}, got {described(value)}")


# ---- out


def value_of(message: Message) -> Any:
    """What SQL gets: an object by the names of the fields, what a wrapper wraps, None for Empty."""
    descriptor = message.DESCRIPTOR
    name = descriptor.full_name
    if name == EMPTY:
        return None
    if name in _SPECIAL:
        return _SPECIAL[name](message)
    found: dict[str, Any] = {}
    for field in descriptor.fields:
        if field.has_presence and not message.HasField(field.name):
            if field.containing_oneof is None or _is_optional(field):
                found[field.name] = None
            continue
        found[field.name] = _field_value(field, getattr(message, field.name))
    return found


def _is_optional(field: Field) -> bool:
    """Whether its oneof is only how `optional` is said."""
    oneof = field.containing_oneof
    return oneof is not None and len(oneof.fields) == 1 and oneof.name == f"_{field.name}"


def _field_value(field: Field, value: Any) -> Any:
    if is_map(field):
        inner = field.message_type.fields_by_name["value"]
        return {_text(key): _one(inner, item) for key, item in value.items()}
    if field.is_repeated:
        return [_one(field, item) for item in value]
    return _one(field, value)


def _text(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _one(field: Field, value: Any) -> Any:
    return value_of(value) if field.message_type is not None else value


def _moment(message: Any) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)


def _plain(message: Message) -> Any:
    from google.protobuf import json_format

    return json_format.MessageToDict(message)


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_WRAPPERS, lambda message: message.value),
    _TIMESTAMP: _moment,
    _DURATION: lambda message: message.seconds * 1000 + message.nanos // 1_000_000,
    **dict.fromkeys((_STRUCT, _VALUE, _LIST), _plain),
}
