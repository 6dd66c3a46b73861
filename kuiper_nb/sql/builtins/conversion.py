"""Functions that turn values into other types, other notations or, where they are null, into other values."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from ...errors import RowFault
from ...types import BIGINT, BOOLEAN, FLOAT, STRING, AnyType
from ..arrays import NilArray
from ..lowered import Lowered, call, cast
from ..syntax import Constant
from ..values import (
    from_base64,
    text,
    to_bool,
    to_bytes,
    to_datetime,
    to_float,
    to_int,
    to_string,
    truncated,
    utf8,
)
from .entry import Builtin
from .lowering import answer, surely, text_literal
from .radix import written

_LEAST_RUNE, _MOST_RUNE = -(2**31), 2**31 - 1
_HEXADECIMAL = re.compile(r"[+-]?[0-9a-fA-F]+")


def _cast(value: Any, target: Any) -> Any:
    """*value* as the type that *target* names."""
    try:
        match target:
            case "bigint":
                return to_int(value, "all")
            case "float":
                return to_float(value, "all")
            case "string":
                return to_string(value, "all")
            case "boolean":
                return to_bool(value, "all")
    except RowFault as fault:
        raise RowFault(f"not supported type conversion, got error {fault.message}") from None
    if target == "datetime":
        return to_datetime(value)
    if target == "bytea":
        return to_bytes(value)
    if not isinstance(target, str):
        raise RowFault("expect string type for type parameter")
    raise RowFault("unknow type, only support bigint, float, string, boolean and datetime")


def _code_point(value: Any) -> int:
    """A number as 32 bits, or the code of a text of one byte."""
    if type(value) is int:
        return (value - _LEAST_RUNE) % 2**32 + _LEAST_RUNE
    if type(value) is float:
        whole = truncated(value)
        return whole if _LEAST_RUNE <= whole <= _MOST_RUNE else _LEAST_RUNE
    if not isinstance(value, str):
        raise RowFault("Only bigint, float and string type can be convert to char type.")
    if len(utf8(value)) > 1:
        raise RowFault("Parameter length cannot larger than 1.")
    if not value:
        raise RowFault("An empty text has no character.")
    return ord(value)


def _encoded(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise RowFault("Only string type can be encoded.")
    return base64.b64encode(utf8(value)).decode("ascii")


def _decoded(value: Any, _: Any) -> bytes:
    if not isinstance(value, str):
        raise RowFault("Only string type can be decoded.")
    decoded = from_base64(value)
    if decoded is None:
        raise RowFault("fail to decode base64 string: illegal base64 data")
    return decoded


def _from_hexadecimal(value: Any) -> int:
    if not isinstance(value, str):
        raise RowFault(f"invalid input type: {text(value)} please input hex string")
    digits = value.removeprefix("0x")
    number = int(digits, 16) if _HEXADECIMAL.fullmatch(digits) else 2**63
    if not -(2**63) <= number < 2**63:
        raise RowFault(f"invalid hexadecimal value: {digits}")
    return number


def _to_hexadecimal(value: Any) -> str:
    number = to_int(value, "strict")
    return "0x" + ("-" if number < 0 else "") + written(abs(number), 16).lower()


def _truncated(value: Any, places: Any) -> float:
    """Despite its name it rounds, half away from zero; what int64 cannot hold becomes -2**63."""
    number = to_float(value)
    if type(places) is not int:
        raise RowFault("The 2nd parameter must be int value.")
    try:
        factor = 10.0**places
    except OverflowError:
        factor = math.inf
    scaled = number * factor
    whole = truncated(scaled + math.copysign(0.5, scaled))
    return whole / factor if factor else math.copysign(math.inf, whole) if whole else math.nan


def _first_value(*values: Any) -> Any:
    return next((v for v in values if v is not None), None)


def _bypassed(*values: Any) -> Any:
    if not values:
        raise RowFault("bypass needs an argument")
    return values[0]


_TYPES = ("bigint", "float", "string", "boolean", "datetime", "bytea")


def _check_cast(arguments: Sequence[Any]) -> str:
    target = arguments[1]
    if isinstance(target, Constant) and target.value not in _TYPES:
        return f"Expect one of following value for the 2nd parameter: {', '.join(_TYPES)}."
    return ""


def _check_code_point(arguments: Sequence[Any]) -> str:
    argument = arguments[0]
    refused = isinstance(argument, Constant) and isinstance(argument.value, (bool, float))
    return "Expect int type for parameter 1" if refused else ""


def _check_encoding(arguments: Sequence[Any]) -> str:
    encoding = arguments[1]
    if isinstance(encoding, Constant) and encoding.value != "base64":
        return "Only base64 is supported for the 2nd parameter."
    return ""


# --- lowerings ---------------------------------------------------------------------------------------------------


def _lower_cast(arguments: Sequence[Lowered]) -> Lowered | None:
    value, target = arguments[0], text_literal(arguments[1])
    if target == "bigint":
        return _to_bigint(value)
    if target == "float":
        return _to_double(value)
    if target == "string" and value.type in (BIGINT, BOOLEAN, STRING):
        return answer([value], value.sql if value.type == STRING else cast(value.sql, "VARCHAR"), STRING)
    if target == "boolean" and value.type == BOOLEAN:
        return value
    if target == "boolean" and value.type in (BIGINT, FLOAT):
        return answer([value], exp.paren(exp.NEQ(this=exp.paren(value.sql), expression=_zero())), BOOLEAN)
    return None


def _zero() -> exp.Expr:
    return exp.Literal.number(0)


def _to_bigint(value: Lowered) -> Lowered | None:
    if value.type == BIGINT:
        return value
    if value.type == BOOLEAN:
        return answer([value], cast(value.sql, "BIGINT"), BIGINT)
    if value.type == FLOAT:
        number = cast(value.sql, "DOUBLE")
        result = exp.TryCast(this=call("trunc", number), to=exp.DataType.build("BIGINT"))
        return answer([value], result, BIGINT, guard=_lost(number, result))
    if value.type == STRING:
        return _parsed(value, "BIGINT", BIGINT, r"-?(0|[1-9][0-9]{0,17})")
    return None


def _to_double(value: Lowered) -> Lowered | None:
    if value.type in (BIGINT, FLOAT, BOOLEAN):
        return answer([value], cast(value.sql, "DOUBLE"), FLOAT)
    if value.type == STRING:
        return _parsed(value, "DOUBLE", FLOAT, r"-?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?")
    return None


def _parsed(value: Lowered, kind: str, to: AnyType, pattern: str) -> Lowered:
    """A text read by DuckDB where it has the form that both read alike."""
    result = exp.TryCast(this=value.sql.copy(), to=exp.DataType.build(kind))
    other = surely(exp.Not(this=call("regexp_full_match", value.sql, pattern)))
    return answer([value], result, to, guard=other)


def _lost(value: exp.Expr, result: exp.Expr) -> exp.Expr:
    """True where *value* is not null, but became so."""
    there = exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))
    return exp.paren(exp.And(this=there, expression=exp.Is(this=result.copy(), expression=exp.Null())))


def _lower_first_value(arguments: Sequence[Lowered]) -> Lowered | None:
    if len({str(a.type) for a in arguments}) != 1:
        return None
    first, *others = (a.sql.copy() for a in arguments)
    chosen = exp.Coalesce(this=first, expressions=others)
    return answer(arguments, chosen, arguments[0].type, null=all(a.null for a in arguments))


def _lower_isnull(arguments: Sequence[Lowered]) -> Lowered | None:
    absent = exp.paren(exp.Is(this=exp.paren(arguments[0].sql), expression=exp.Null()))
    return answer(arguments, absent, BOOLEAN, null=False)


def _lower_bypassed(arguments: Sequence[Lowered]) -> Lowered | None:
    return arguments[0] if len(arguments) == 1 else None


def _lower_encoded(arguments: Sequence[Lowered]) -> Lowered | None:
    if arguments[0].type != STRING:
        return None
    return answer(arguments[:1], call("to_base64", call("encode", arguments[0].sql)), STRING)


BUILTINS: tuple[Builtin, ...] = (
    Builtin("bypass", _bypassed, (0, None), "its first argument", nulls="call", lower=_lower_bypassed),
    Builtin(
        "cast",
        _cast,
        (2, 2),
        'a value as another type: "bigint", "float", "string", "boolean", "datetime" or "bytea"',
        ("any", "string"),
        lower=_lower_cast,
        check=_check_cast,
    ),
    Builtin("chr", _code_point, (1, 1), "the code point of a number or character", check=_check_code_point),
    Builtin("coalesce", _first_value, (1, None), "the first argument not null", nulls="call", lower=_lower_first_value),
    Builtin("dec2hex", _to_hexadecimal, (1, 1), "an integer as 0x…", ("string",)),
    Builtin(
        "decode",
        _decoded,
        (2, 2),
        'the bytes that a text in "base64" stands for',
        ("string", "literal string"),
        check=_check_encoding,
    ),
    Builtin(
        "encode",
        _encoded,
        (2, 2),
        'a text in "base64"',
        ("string", "literal string"),
        check=_check_encoding,
        lower=_lower_encoded,
    ),
    Builtin("hex2dec", _from_hexadecimal, (1, 1), "the integer that hexadecimal digits stand for", ("string",)),
    Builtin(
        "isnull",
        lambda value: value is None or isinstance(value, NilArray),
        (1, 1),
        "whether a value is null",
        nulls="call",
        lower=_lower_isnull,
    ),
    Builtin("trunc", _truncated, (2, 2), "a number rounded to n decimals", ("number", "int")),
)
