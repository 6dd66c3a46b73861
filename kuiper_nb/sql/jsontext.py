"""JSON as functions read and write it: keys sorted, HTML characters escaped, all numbers floats."""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import datetime
from typing import Any

from ..errors import RowFault
from .arrays import NilArray
from .timeformat import rfc3339
from .values import float_text, plain_float_text

_ESCAPED = {c: json.dumps(chr(c)) [1:-1] for c in range(32)} | {
    ord('"'): '\\"', ord("\\"): "\\\\", ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026",
    0x2028: "\\u2028", 0x2029: "\\u2029",
}  # fmt: skip
_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(value: Any) -> str:
    """The value as JSON: bytes as base64, datetimes as RFC 3339; RowFault for NaN and infinities."""
    if value is None or isinstance(value, NilArray):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + _SURROGATE.sub("\ufffd", value).translate(_ESCAPED) + '"'
    if isinstance(value, (bytes, bytearray)):
        return f'"{base64.b64encode(value).decode()}"'
    if isinstance(value, datetime):
        return f'"{rfc3339(value)}"'
    if isinstance(value, dict):
        return "{" + ",".join(f"{dumps(str(k))}:{dumps(value[k])}" for k in sorted(value)) + "}"
    return "[" + ",".join(dumps(item) for item in value) + "]"


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise RowFault(f"json: unsupported value: {float_text(value)}")
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return plain_float_text(value)
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{exponent[0]}{exponent[1:].lstrip('0')}"


def loads(document: str) -> Any:
    """The value of a JSON text; RowFault when it is none, or a number is too large for a float."""
    try:
        value = json.loads(document, parse_int=_float, parse_float=_float, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise RowFault(str(error)) from None
    return _paired(value) if "\\u" in document else value


def _float(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise ValueError(f"json: cannot unmarshal number {literal} into Go value of type float64")
    return value


def _refused(literal: str) -> Any:
    raise ValueError(f"invalid character {literal[0]!r} looking for beginning of value")


def _paired(value: Any) -> Any:
    """The value with U+FFFD for every half of a surrogate pair, which is no character."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_paired(item) for item in value]
    return {_paired(k): _paired(v) for k, v in value.items()} if isinstance(value, dict) else value
