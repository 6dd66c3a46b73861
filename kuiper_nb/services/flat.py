"""The short way for messages of plain fields: straight from the arguments to the JSON, without a message in between.

It takes what is certain to come out the same, and answers None for the rest, which goes the long way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

_F = FieldDescriptor
_LEFT_OUT: Any = object()
_WHOLE = {
    _F.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    _F.CPPTYPE_UINT32: (0, 2**32 - 1),
    _F.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    _F.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_LONG = (_F.CPPTYPE_INT64, _F.CPPTYPE_UINT64)

Flat = Callable[[Sequence[Any]], dict[str, Any] | None]


def flat(descriptor: Descriptor) -> Flat | None:
    """What makes the JSON of such a message of its fields, one by one; None where the message is not that simple."""
    fields = descriptor.fields
    if not fields or descriptor.full_name.startswith("google.protobuf."):
        return None
    makers = [_maker(field) for field in fields]
    if any(maker is None for maker in makers):
        return None
    pairs = [(field.json_name, maker) for field, maker in zip(fields, makers, strict=True) if maker is not None]

    def value(arguments: Sequence[Any]) -> dict[str, Any] | None:
        if len(arguments) != len(pairs):
            return None
        found = {}
        for (name, make), argument in zip(pairs, arguments, strict=True):
            made = make(argument)
            if made is None:
                return None
            if made is not _LEFT_OUT:
                found[name] = made
        return found

    return value


def _maker(field: Any) -> Callable[[Any], Any] | None:
    """What makes the JSON of one value: None for what goes the long way, _LEFT_OUT for zero and null."""
    if field.message_type is not None or field.is_repeated or field.has_presence or field.enum_type is not None:
        return None
    if field.cpp_type == _F.CPPTYPE_STRING and field.type != _F.TYPE_BYTES:
        return lambda v: v or _LEFT_OUT if type(v) is str else _LEFT_OUT if v is None else None
    if field.cpp_type == _F.CPPTYPE_DOUBLE:
        return _double
    if field.cpp_type == _F.CPPTYPE_BOOL:
        return lambda v: v or _LEFT_OUT if type(v) is bool else _LEFT_OUT if v is None else None
    if field.cpp_type in _WHOLE:
        return _whole(*_WHOLE[field.cpp_type], field.cpp_type in _LONG)
    return None


def _double(value: Any) -> Any:
    if type(value) is float:
        return (value or _LEFT_OUT) if isfinite(value) and str(value) != "-0.0" else None
    return _LEFT_OUT if value is None else None


def _whole(least: int, most: int, long: bool) -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        if value is None:
            return _LEFT_OUT
        if type(value) is not int or not least <= value <= most:
            return None
        return (str(value) if long else value) if value else _LEFT_OUT

    return make
