"""Python values as eKuiper sees them: the names of their Go types, their text, and the loose conversions.

Everything here is a rule of Go's `fmt` and of eKuiper's `cast` package, not of Python.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from ..errors import RowFault

Strictness = Literal["strict", "same kind", "all"]
"""How far a conversion goes: the type itself (and floats that are whole), any number for a number, or texts and truth
values as well."""

_LEAST, _MOST = -(2**63), 2**63 - 1
_INTEGER = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)"
)
_FLOAT = re.compile(r"[+-]?(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?", re.A)
_HEX_FLOAT = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.I | re.A)
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def go_type(value: Any) -> str:
    """The Go type that eKuiper names in its messages."""
    known = _GO_TYPES.get(type(value))
    if known is not None:
        return known
    for kind, name in _GO_KINDS:
        if isinstance(value, kind):
            return name
    return "[]interface {}"


_GO_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int64"),
    (float, "float64"),
    (str, "string"),
    (type(None), "<nil>"),
    (bytes, "[]uint8"),
    (bytearray, "[]uint8"),
    (datetime, "time.Time"),
    (dict, "map[string]interface {}"),
)
_GO_TYPES = dict(_GO_KINDS)


def float_text(value: float) -> str:
    """A float as Go's %v writes it: the shortest digits, with an exponent below 1e-4 and from 1e+06 on."""
    if 1e-4 <= value < 1e6 or -1e6 < value <= -1e-4:  # there Python writes it alike
        return float.__repr__(value).removesuffix(".0")
    if math.isnan(value):
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if str(value).startswith("-") else "0"
    sign = "-" if value < 0 else ""
    digits, exponent = _decimal(abs(value))
    if exponent < -4 or exponent >= 6:
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return sign + _plain(digits, exponent)


def plain_float_text(value: float) -> str:
    """A float as Go's 'f' format with the shortest digits writes it: never an exponent."""
    if not math.isfinite(value) or value == 0:
        return float_text(value)
    digits, exponent = _decimal(abs(value))
    return ("-" if value < 0 else "") + _plain(digits, exponent)


def _decimal(value: float) -> tuple[str, int]:
    """The shortest digits that read back as *value*, and the power of ten of the first one."""
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    exponent = (int(power) if power else 0) + len(whole) - 1
    stripped = digits.lstrip("0")
    exponent -= len(digits) - len(stripped)
    return stripped.rstrip("0") or "0", exponent


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    if len(digits) <= exponent + 1:
        return digits + "0" * (exponent + 1 - len(digits))
    return f"{digits[: exponent + 1]}.{digits[exponent + 1 :]}"


def text(value: Any) -> str:
    """A value as Go's %v writes it: `[1 a <nil>]`, `map[k:v]`, `true`, `1.5e+06`."""
    if type(value) is str:
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, (bytes, bytearray)):
        return "[" + " ".join(str(b) for b in value) + "]"
    if isinstance(value, datetime):
        return datetime_text(value)
    if isinstance(value, dict):
        return "map[" + " ".join(f"{k}:{text(value[k])}" for k in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(text(v) for v in value) + "]"
    return str(value)


def datetime_text(value: datetime) -> str:
    """A moment as Go's %v writes it: `2023-11-14 22:13:20 +0000 UTC`."""
    at = value if value.tzinfo else value.replace(tzinfo=UTC)
    fraction = f".{at.microsecond:06d}".rstrip("0") if at.microsecond else ""
    zone = at.strftime("%z") or "+0000"
    return f"{at:%Y-%m-%d %H:%M:%S}{fraction} {zone} {at.tzname() or 'UTC'}"


def described(value: Any) -> str:
    """`float64(1.5)`: how messages show an operand."""
    return f"{go_type(value)}({text(value)})"


def printed(value: Any) -> str:
    """What functions on texts make of any value: its text, '' for null."""
    return value if type(value) is str else "" if value is None else text(value)


def utf8(value: str) -> bytes:
    """The bytes of a text."""
    return value.encode("utf-8", "surrogatepass")


def bytes_text(data: bytes) -> str:
    """Bytes as text; each byte that is no UTF-8 becomes one U+FFFD, as in Go's JSON."""
    read = data.decode("utf-8", "surrogateescape")
    return read if read.isascii() else "".join("\ufffd" if "\udc80" <= c <= "\udcff" else c for c in read)


def truncated(value: float) -> int:
    """The integer part of a float; -2**63 for what int64 cannot hold, as Go has it on amd64."""
    if not -9.3e18 < value < 9.3e18:  # also false for NaN
        return _LEAST
    whole = int(value)
    return whole if _LEAST <= whole <= _MOST else _LEAST


def to_int(value: Any, how: Strictness = "same kind", kind: str = "int") -> int:
    """*value* as a 64-bit integer; *kind* is what the message calls it. Raises RowFault."""
    if type(value) is int:
        return value
    if type(value) is float and (how != "strict" or truncated(value) == value):
        return truncated(value)
    if how == "all":
        if value is None:
            return 0
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, str):
            read = parsed_int(value)
            if read is not None:
                return read
    raise _unconvertible(value, kind)


def to_float(value: Any, how: Strictness = "same kind") -> float:
    """*value* as a float. Raises RowFault."""
    if type(value) is float:
        return value
    if type(value) is int and how != "strict":
        return float(value)
    if how == "all":
        if value is None:
            return 0.0
        if isinstance(value, bool):
            return float(value)
        if isinstance(value, str):
            read = parsed_float(value)
            if read is not None:
                return read
    raise _unconvertible(value, "float64")


def to_string(value: Any, how: Strictness = "same kind") -> str:
    """*value* as a text; numbers in full, never with an exponent. Raises RowFault."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return bytes_text(bytes(value))
    if how == "all":
        if value is None:
            return ""
        if isinstance(value, float):
            return plain_float_text(value)
        if isinstance(value, (bool, int, datetime)):
            return text(value)
    raise _unconvertible(value, "string")


def to_bool(value: Any, how: Strictness = "same kind") -> bool:
    """*value* as a truth value. Raises RowFault."""
    if isinstance(value, bool):
        return value
    if how == "all":
        if value is None:
            return False
        if isinstance(value, (int, float)):
            return value != 0
        if isinstance(value, str):
            if value in _TRUE or value in _FALSE:
                return value in _TRUE
            raise RowFault(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    raise _unconvertible(value, "bool")


def to_bytes(value: Any) -> bytes:
    """*value* as bytes; a text is base64. Raises RowFault."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, str):
        decoded = from_base64(value)
        if decoded is None:
            raise RowFault(f"illegal string {value}, must be base64 encoded string")
        return decoded
    raise _unconvertible(value, "bytea")


def to_datetime(value: Any) -> datetime:
    """*value* as a moment in UTC: a number is milliseconds since 1970, a text is read by the built-in date formats.

    Raises RowFault.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return _EPOCH + timedelta(milliseconds=to_int(value))
        except OverflowError:
            raise RowFault(f"{text(value)} ms is outside the years 1 to 9999") from None
    if isinstance(value, str):
        from .timeformat import parse

        return parse(value, None)
    raise RowFault(f"unsupported type to convert to timestamp {text(value)}")


def parsed_int(literal: str) -> int | None:
    """An integer as Go source writes it: `12`, `-0x1F`, `0b101`, `017` (octal), `1_000`; None for anything else."""
    if not _INTEGER.fullmatch(literal):
        return None
    digits = literal.replace("_", "").lower()
    unsigned = digits.lstrip("+-")
    octal = len(unsigned) > 1 and unsigned[0] == "0" and unsigned[1].isdigit()
    value = int(digits, 8 if octal else 0)
    return value if _LEAST <= value <= _MOST else None


def parsed_float(literal: str) -> float | None:
    """A float as Go reads it: decimal, hexadecimal with a `p` exponent, `inf`, `NaN`; None for anything else."""
    if _INFINITE.fullmatch(literal):
        return float(literal)
    if literal.lower() == "nan" and literal.isascii():
        return float("nan")
    try:
        if _FLOAT.fullmatch(literal):
            value = float(literal.replace("_", ""))
            return None if value in (float("inf"), float("-inf")) else value
        return float.fromhex(literal) if _HEX_FLOAT.fullmatch(literal) else None
    except OverflowError:
        return None


def from_base64(encoded: str) -> bytes | None:
    """The bytes that padded base64 stands for, line breaks ignored; None when it is none."""
    try:
        return base64.b64decode(encoded.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return None


def _unconvertible(value: Any, kind: str) -> RowFault:
    return RowFault(f"cannot convert {described(value)} to {kind}")
