"""What a REST service answers, read: JSON as it is, or as the types of a schema, each fault with its place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any, NoReturn

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from . import messages
from .messages import EMPTY, Field
from .protocol import CallFailed, Reply

_MOST_TOLD = 200
_F = FieldDescriptor
_EXACT = 2**53


def refused(reply: Reply) -> CallFailed | None:
    """The failure that a status tells of, in eKuiper's words; None for 200 to 299."""
    if 200 <= reply.status < 300:
        return None
    said = reply.body[:_MOST_TOLD].decode("utf-8", "replace")
    message = f"http executor fails to err http return code: {reply.status} and error message {said}"
    kind: Any = "auth" if reply.status in (401, 403) else "status"
    return CallFailed(kind, message, status=reply.status, after=_after(reply.headers.get("retry-after", "")))


def _after(text: str) -> float | None:
    """Seconds to wait, of a Retry-After in seconds or as a date."""
    if text.isascii() and text.isdigit():
        return float(text)
    if not text:
        return None
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((at - datetime.now(UTC)).total_seconds(), 0.0) if at.tzinfo is not None else None


def text_of(reply: Reply) -> str:
    """The body as text, in the charset it names. Raises CallFailed."""
    charset = "utf-8"
    for part in reply.headers.get("content-type", "").split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "charset" and value:
            charset = value.strip('"')
    try:
        return reply.body.decode(charset)
    except (LookupError, UnicodeDecodeError):
        raise CallFailed("garbage", f"the answer is no {charset}") from None


def kind_of(reply: Reply) -> str:
    """Its content type, without parameters."""
    return reply.headers.get("content-type", "").split(";")[0].strip().lower()


def json_of(reply: Reply, whole: Callable[[str], Any]) -> Any:
    """The JSON of an answer; *whole* reads its whole numbers. Raises CallFailed."""
    try:
        return json.loads(text_of(reply), parse_constant=_no_number, parse_int=whole, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise CallFailed("garbage", f"the answer is no JSON: {why}", place="$") from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    found = float(text)
    if found in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is beyond all floats")
    return found


def schemaless_number(text: str) -> float | int:
    """A float, as all numbers of JSON are to eKuiper, unless that would lose digits."""
    found = int(text) if len(text) < 400 else 0
    return float(found) if -_EXACT <= found <= _EXACT and len(text) < 400 else _too_long(text, found)


def _too_long(text: str, found: int) -> int:
    if len(text) >= 400:
        raise ValueError("a number of hundreds of digits")
    return found


def plain(reply: Reply) -> Any:
    """An answer without a schema: its JSON, or None where there is no body. Raises CallFailed."""
    if (failed := refused(reply)) is not None:
        raise failed
    if not reply.body.strip():
        return None
    try:
        return json_of(reply, schemaless_number)
    except CallFailed:
        if kind_of(reply) != "text/plain":
            raise
        return text_of(reply)


def typed(reply: Reply, descriptor: Descriptor, part: str = "") -> Any:
    """An answer that is a message; of *part* alone where the rule says so. Raises CallFailed."""
    if (failed := refused(reply)) is not None:
        raise failed
    if descriptor.full_name == EMPTY:
        return None
    kind, wrapped = kind_of(reply), messages.is_wrapper(descriptor)
    if kind == "text/plain" and wrapped:
        return _wrapped(descriptor.fields[0], text_of(reply))
    if kind not in ("application/json", "text/plain", "") and not kind.endswith("+json"):
        raise CallFailed("garbage", f"unsupported resposne content type {kind}")
    found = json_of(reply, int)
    if part:
        return {part: _value(descriptor.fields_by_name[part], found, f"$.{part}")}
    return typed_value(descriptor, found)


def typed_value(descriptor: Descriptor, found: Any) -> Any:
    """A value that came without types, as a message has them. Raises CallFailed."""
    if descriptor.full_name == EMPTY:
        return None
    if messages.is_wrapper(descriptor):
        return _value(descriptor.fields[0], found, "$")
    return _object(descriptor, found, "$")


def _wrapped(field: Field, text: str) -> Any:
    """A text that stands for a value."""
    if field.cpp_type == _F.CPPTYPE_STRING and field.type != _F.TYPE_BYTES:
        return text
    return _value(field, json_of(Reply(200, (text.encode(),)), int), "$")


def _object(descriptor: Descriptor, value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _misfit(place, "STRUCT", value)
    found = {}
    for name, other, plain, field in _fields(descriptor):
        key = name if name in value else other
        if key in value:
            item = value[key]
            fits = type(item) is plain and (type(item) is not int or _has_room(item))
            found[name] = item if fits else _value(field, item, f"{place}.{key}")
    return found


@lru_cache(maxsize=1000)
def _fields(descriptor: Descriptor) -> list[tuple[str, str, type | None, Field]]:
    """Of each field its two names, and the type of JSON that is its value as it is."""
    return [(field.name, field.json_name, _plain(field), field) for field in descriptor.fields]


def _plain(field: Field) -> type | None:
    if field.is_repeated or field.message_type is not None or field.type == _F.TYPE_BYTES:
        return None
    return _TYPES.get(field.cpp_type)


_TYPES = {
    **dict.fromkeys((_F.CPPTYPE_INT32, _F.CPPTYPE_INT64, _F.CPPTYPE_UINT32, _F.CPPTYPE_UINT64), int),
    **dict.fromkeys((_F.CPPTYPE_DOUBLE, _F.CPPTYPE_FLOAT), float),
    _F.CPPTYPE_BOOL: bool,
    _F.CPPTYPE_STRING: str,
}


def _value(field: Field, value: Any, place: str) -> Any:
    if value is None:
        return None
    if messages.is_map(field):
        if not isinstance(value, Mapping):
            raise _misfit(place, "STRUCT", value)
        inner = field.message_type.fields_by_name["value"]
        return {str(key): _one(inner, item, f"{place}.{key}") for key, item in value.items()}
    if field.is_repeated:
        if not isinstance(value, list):
            raise _misfit(place, "ARRAY", value)
        return [_one(field, item, f"{place}[{number}]") for number, item in enumerate(value)]
    return _one(field, value, place)


def _one(field: Field, value: Any, place: str) -> Any:
    if value is None:
        return None
    if field.message_type is not None:
        if messages.is_wrapper(field.message_type):
            return _one(field.message_type.fields[0], value, place)
        if field.message_type.full_name.startswith("google.protobuf."):
            return value
        return _object(field.message_type, value, place)
    kind = type(value)
    if field.enum_type is not None and kind is str and value in field.enum_type.values_by_name:
        return int(field.enum_type.values_by_name[value].number)
    match field.cpp_type:
        case _F.CPPTYPE_STRING if field.type == _F.TYPE_BYTES and kind is bytes:
            return value
        case _F.CPPTYPE_STRING if field.type == _F.TYPE_BYTES and kind is str:
            return _bytes(value, place)
        case _F.CPPTYPE_STRING if kind is str and field.type != _F.TYPE_BYTES:
            return value
        case _F.CPPTYPE_BOOL if kind is bool:
            return value
        case _F.CPPTYPE_DOUBLE | _F.CPPTYPE_FLOAT if kind in (int, float):
            return float(value)
        case _F.CPPTYPE_INT32 | _F.CPPTYPE_INT64 | _F.CPPTYPE_UINT32 | _F.CPPTYPE_UINT64 | _F.CPPTYPE_ENUM:
            number = kind is int or (kind is float and isfinite(value))  # cut to a whole one, as eKuiper does
            as_text = kind is str and field.cpp_type in _LONG and _is_whole(value)  # as protobuf writes 64 bits
            if (number or as_text) and _has_room(whole := int(value)):
                return whole
    raise _misfit(place, _NAMES[field.cpp_type], value)


_LONG = (_F.CPPTYPE_INT64, _F.CPPTYPE_UINT64)
_NAMES = {
    **dict.fromkeys((_F.CPPTYPE_INT32, _F.CPPTYPE_INT64, _F.CPPTYPE_UINT32, _F.CPPTYPE_UINT64), "BIGINT"),
    _F.CPPTYPE_ENUM: "BIGINT",
    _F.CPPTYPE_DOUBLE: "DOUBLE",
    _F.CPPTYPE_FLOAT: "DOUBLE",
    _F.CPPTYPE_BOOL: "BOOLEAN",
    _F.CPPTYPE_STRING: "STRING",
}


def _has_room(value: int) -> bool:
    """Whether it is one of 64 bits, with a sign or without."""
    return -(2**63) <= value < 2**64


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) <= 20


def _bytes(text: str, place: str) -> bytes:
    import base64
    import binascii

    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _misfit(place, "BYTEA in base64", text) from None


def _misfit(place: str, wanted: str, value: Any) -> CallFailed:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    message = f"{place}: expected {wanted}, got {shown[:80]}"
    return CallFailed("garbage", message, place=place)
