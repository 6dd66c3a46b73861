"""The json format, both ways, with eKuiper's numbers, leniency and words."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from ..catalog import Stream
from ..contracts import Row
from ..errors import RowFault
from ..sql.values import float_text
from . import Decode, Encode
from .coerce import coercion, extra, json_type, pruning
from .lenient import loads, may_be_deep, row_object

_WHOLE_UP_TO = 1e21
_PLAIN_FROM = 1e-6


def decoder(
    stream: Stream, columns: frozenset[str] | None = None, properties: Mapping[str, Any] | None = None
) -> Decode:
    """Decodes an object, or an array of objects, as rows of *stream*.

    The standard library reads what is clean; what it refuses, or what does not fit, is read again exactly, and that
    reading decides and says why.
    """
    settings = extra(stream) if properties is None else properties
    exact = coercion(stream, columns, settings)
    quick, scan = _quick(stream, columns, settings, exact)

    def decode(payload: bytes) -> list[Row]:
        text = payload.decode("utf-8", "replace")
        if _plain(text) and not may_be_deep(payload):
            try:
                return [quick(row) for row in _rows(scan(text))]
            except (ValueError, RecursionError, RowFault):
                pass
        return [exact(row) for row in _rows(loads(text))]

    return decode


def encoder(options: Mapping[str, Any]) -> Encode:
    """Encodes a row as an object, a list of rows as an array, keys sorted."""

    def encode(item: Row | list[Row]) -> bytes:
        return dumps(item).encode("utf-8", "replace")

    return encode


def dumps(value: Any) -> str:
    """A value as eKuiper writes it in JSON: keys sorted, whole floats without a point, bytes as base64.

    Raises RowFault for NaN and infinities.
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode_basestring(str(k))}:{dumps(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([dumps(item) for item in value]) + "]"
    return _other(value)


def number_text(value: float) -> str:
    """A float as JSON: shortest digits, no exponent from 1e-6 up to 1e21; RowFault when it is not finite."""
    if value - value != 0:
        raise RowFault(f"json: unsupported value: {float_text(value)}")
    size = abs(value)
    if value == int(value) and size < 1e15:
        return "-0" if value == 0 and str(value).startswith("-") else str(int(value))
    if _PLAIN_FROM <= size < _WHOLE_UP_TO:
        return format(Decimal(repr(float(value))), "f").removesuffix(".0")
    return repr(float(value)).replace("e-0", "e-")


def _other(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f'"{base64.b64encode(value).decode()}"'
    if isinstance(value, datetime):
        from ..sql.timeformat import rfc3339

        return f'"{rfc3339(value)}"'
    if hasattr(value, "tolist"):
        return dumps(value.tolist())
    raise RowFault(f"json: unsupported type: {type(value).__name__}")


def _plain(text: str) -> bool:
    """Whether the standard library reads the text as eKuiper does, if it reads it at all."""
    return "-0" not in text and "\\ud" not in text and "\\uD" not in text


def _quick(
    stream: Stream, columns: frozenset[str] | None, settings: Mapping[str, Any], exact: Callable[[Row], Row]
) -> tuple[Callable[[Row], Row], Callable[[str], Any]]:
    """What decodes a row of a clean text, and what reads such a text.

    Where every number is a float anyway, the reader makes them so and a row need only be pruned.
    """
    if stream.typed:
        return exact, json.JSONDecoder(strict=False, object_pairs_hook=_single_keys, parse_constant=_no_constant).decode
    if settings.get("useInt64ForWholeNumber"):
        return exact, json.JSONDecoder(strict=False, parse_float=_pointed, parse_constant=_no_constant).decode
    prune = pruning(columns, settings.get("colAliasMapping") or {})
    return prune, json.JSONDecoder(strict=False, parse_int=float, parse_constant=_no_constant).decode


def _single_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return row_object(pairs)


def _pointed(text: str) -> float:
    if "." not in text:
        raise ValueError(text)
    return float(text)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _rows(value: Any) -> list[Row]:
    if type(value) is dict or isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise RowFault("only map[string]interface{} and []map[string]interface{} is supported")
    for row in value:
        if not isinstance(row, dict):
            raise RowFault(f"value doesn't contain object; it contains {json_type(row)}")
    return value
