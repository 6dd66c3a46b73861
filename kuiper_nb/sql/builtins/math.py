"""Mathematical functions. Nearly all answer a float, for integers too; NaN and infinity fail in the sink, not here."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from sqlglot import exp

from ...errors import RowFault
from ...types import BIGINT, FLOAT
from ..lowered import Lowered, call, cast
from ..values import printed, text, to_float, to_int
from .entry import Builtin
from .lowering import Lowering, answer, double, infinite, whole_literal
from .radix import converted

_DEGREES, _RADIANS = 180 / math.pi, math.pi / 180
_LEAST = -(2**63)


def _absolute(value: Any) -> int | float:
    """Exact for integers; -2**63 has no positive counterpart and stays."""
    if type(value) is int:
        return value if value == _LEAST else abs(value)
    if type(value) is float:
        return abs(value)
    raise RowFault("only float64 & int type are supported")


def _whole(function: Callable[[float], int], value: Any) -> float:
    """ceil or floor of any float, infinite ones too; a float."""
    x = to_float(value)
    return math.copysign(float(function(x)), x) if math.isfinite(x) else x


def _quiet(function: Callable[..., float], *numbers: float) -> float:
    """A function of C's math library as Go has it: NaN outside its domain, where Python raises."""
    try:
        return function(*numbers)
    except ValueError:
        return math.nan


def _or_null(function: Callable[..., float]) -> Callable[..., float | None]:
    """The SQL function that is null where *function* is NaN."""

    def reference(*values: Any) -> float | None:
        result = _quiet(function, *(to_float(v) for v in values))
        return None if math.isnan(result) else result

    return reference


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(math.inf, x)


def _cosh(x: float) -> float:
    try:
        return math.cosh(x)
    except OverflowError:
        return math.inf


def _cotangent(value: Any) -> float | None:
    x = to_float(value)
    if x == 0:
        raise RowFault("out-of-range error")
    result = 1 / _quiet(math.tan, x)
    return None if math.isnan(result) else result


def _root(value: Any) -> float:
    result = _quiet(math.sqrt, to_float(value))
    return _positive(result, value)


def _positive(result: float, *values: Any) -> float:
    if math.isnan(result):
        raise RowFault(f"The argument must be a positive number but got {', '.join(text(v) for v in values)}")
    return result


def _ln(x: float) -> float:
    return -math.inf if x == 0 else _quiet(math.log, x)


def _natural_logarithm(value: Any) -> float:
    return _positive(_ln(to_float(value)), value)


def _logarithm(value: Any, power: Any = None) -> float:
    """log(x) has base 10; log(base, x)."""
    x = to_float(value)
    if power is None:
        return _positive(-math.inf if x == 0 else _quiet(math.log10, x), value)
    return _positive(_divided(_ln(to_float(power)), _ln(x)), value, power)


def _divided(dividend: float, divisor: float) -> float:
    """IEEE division, which Python refuses by zero."""
    if divisor != 0:
        return dividend / divisor
    if dividend == 0 or math.isnan(dividend):
        return math.nan
    return math.copysign(math.inf, dividend) * math.copysign(1.0, divisor)


def _modulo(dividend: Any, divisor: Any) -> float:
    """The sign is the dividend's; NaN for a divisor of 0."""
    return _quiet(math.fmod, to_float(dividend), to_float(divisor))


def _raised(base: float, exponent: float) -> float:
    """IEEE pow: infinite where Python raises."""
    odd = math.fmod(exponent, 2) in (1.0, -1.0) if math.isfinite(exponent) else False
    signed = -math.inf if odd and math.copysign(1.0, base) < 0 else math.inf
    if base == 0 and exponent < 0:
        return signed
    try:
        return _quiet(math.pow, base, exponent)
    except OverflowError:
        return signed


def _power(base: Any, exponent: Any) -> float:
    return _raised(to_float(base), to_float(exponent))


def _rounded_whole(x: float) -> float:
    """Half away from zero, exactly."""
    if not math.isfinite(x):
        return x
    whole = float(math.trunc(x))
    away = whole + math.copysign(1.0, x) if abs(x - whole) >= 0.5 else whole
    return math.copysign(away, x)


def _rounded(value: Any, places: Any = 0) -> float:
    try:
        digits = to_int(places)
    except RowFault as fault:
        raise RowFault(f"The second argument must be an integer: {fault.message}") from None
    x = to_float(value)
    factor = _raised(10.0, float(digits))
    scaled = x * factor
    if math.isfinite(x) and (math.isinf(scaled) or math.isinf(factor)):
        return _rounded_exactly(x, digits)
    return _divided(_rounded_whole(scaled), factor)


def _rounded_exactly(x: float, digits: int) -> float:
    """For what overflows when scaled. A float has no digits beyond the 1,074th."""
    factor = 10 ** min(digits, 1100)
    scaled = abs(Fraction(x)) * factor
    return math.copysign(float(Fraction(math.floor(scaled + Fraction(1, 2)), factor)), x)


def _signum(value: Any) -> int:
    x = to_float(value)
    return (x > 0) - (x < 0)


def _bits(operation: Callable[[int, int], int]) -> Callable[[Any, Any], int]:
    def reference(left: Any, right: Any) -> int:
        return operation(_operand(left, "the first operand"), _operand(right, "the second operand"))

    return reference


def _operand(value: Any, which: str) -> int:
    try:
        return to_int(value, "strict")
    except RowFault:
        raise RowFault(f"Expect int type for {which} but got {text(value)}") from None


def _converted(value: Any, old: int, new: int) -> str | None:
    return converted(printed(value), old, new)


# --- lowerings ---------------------------------------------------------------------------------------------------


def _as_is(name: str) -> Lowering:
    """A DuckDB function of floats that agrees on infinities and NaN, too."""

    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        numbers = [double(a) for a in arguments]
        if any(n is None for n in numbers):
            return None
        return answer(arguments, call(name, *(n for n in numbers if n is not None)), FLOAT)

    return lower


def _finite(make: Callable[..., exp.Expr]) -> Lowering:
    """A DuckDB expression of floats that is to be trusted where it is finite."""

    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        numbers = [double(a) for a in arguments]
        if any(n is None for n in numbers):
            return None
        result = make(*numbers)
        return answer(arguments, result, FLOAT, guard=infinite(result))

    return lower


def _named(name: str) -> Lowering:
    return _finite(lambda *numbers: call(name, *numbers))


def _scaled(factor: float) -> Lowering:
    return _finite(lambda x: exp.paren(exp.Mul(this=x, expression=cast(exp.Literal.number(repr(factor)), "DOUBLE"))))


def _lower_absolute(arguments: Sequence[Lowered]) -> Lowered | None:
    if arguments[0].type != BIGINT:
        return _as_is("abs")(arguments)
    x = cast(arguments[0].sql, "BIGINT")
    least = cast(exp.Literal.string(str(_LEAST)), "BIGINT")  # abs() of it would abort the query
    positive = call("abs", call("nullif", x, least))
    return answer(arguments, exp.Coalesce(this=positive, expressions=[x.copy()]), BIGINT)


def _lower_logarithm(arguments: Sequence[Lowered]) -> Lowered | None:
    if len(arguments) == 1:
        return _named("log10")(arguments)
    return _finite(lambda b, x: exp.paren(exp.Div(this=call("ln", x), expression=call("ln", b))))(arguments)


_lower_modulo = _finite(lambda x, y: exp.paren(exp.Mod(this=x, expression=y)))  # DuckDB's fmod is floored


def _lower_rounded(arguments: Sequence[Lowered]) -> Lowered | None:
    if len(arguments) == 1:
        return _as_is("round")(arguments)
    places = whole_literal(arguments[1])
    if places is None or not 0 <= places <= 15:
        return None
    factor = cast(exp.Literal.number(repr(10.0**places)), "DOUBLE")

    def rounded(x: exp.Expr) -> exp.Expr:
        return exp.paren(exp.Div(this=call("round", exp.Mul(this=x, expression=factor)), expression=factor.copy()))

    return _finite(rounded)(arguments[:1])


def _lower_signum(arguments: Sequence[Lowered]) -> Lowered | None:
    x = double(arguments[0])
    if x is None:
        return None
    sign = cast(call("sign", x), "BIGINT")
    return answer(arguments, sign, BIGINT, guard=infinite(x))


def _lower_bits(make: Callable[..., exp.Expr]) -> Lowering:
    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        if any(a.type != BIGINT for a in arguments):
            return None
        return answer(arguments, exp.paren(make(*(cast(a.sql, "BIGINT") for a in arguments))), BIGINT)

    return lower


def _one(name: str, reference: Callable[..., Any], help: str, lower: Lowering | None = None) -> Builtin:
    return Builtin(name, reference, (1, 1), help, ("number",), lower=lower)


def _two(name: str, reference: Callable[..., Any], help: str, lower: Lowering | None = None) -> Builtin:
    return Builtin(name, reference, (2, 2), help, ("number",), lower=lower)


def _bitwise(name: str, reference: Callable[..., Any], help: str, lower: Lowering, count: int = 2) -> Builtin:
    return Builtin(name, reference, (count, count), help, ("int",), lower=lower)


BUILTINS: tuple[Builtin, ...] = (
    _one("abs", _absolute, "absolute value; keeps integers", _lower_absolute),
    _one("acos", _or_null(math.acos), "arc cosine in radians; null outside -1..1", _named("acos")),
    _one("asin", _or_null(math.asin), "arc sine in radians; null outside -1..1", _named("asin")),
    _one("atan", _or_null(math.atan), "arc tangent in radians", _named("atan")),
    _two("atan2", _or_null(math.atan2), "angle of the point (x, y), given y and x", _named("atan2")),
    _bitwise(
        "bitand",
        _bits(lambda a, b: a & b),
        "bits set in both integers",
        _lower_bits(lambda a, b: exp.BitwiseAnd(this=a, expression=b)),
    ),
    _bitwise(
        "bitor",
        _bits(lambda a, b: a | b),
        "bits set in either integer",
        _lower_bits(lambda a, b: exp.BitwiseOr(this=a, expression=b)),
    ),
    _bitwise(
        "bitxor",
        _bits(lambda a, b: a ^ b),
        "bits set in one of two integers",
        _lower_bits(lambda a, b: call("xor", a, b)),
    ),
    _bitwise(
        "bitnot",
        lambda a: ~_operand(a, "operand"),
        "the bits of an integer, flipped",
        _lower_bits(lambda a: exp.BitwiseNot(this=a)),
        1,
    ),
    _one("ceil", lambda x: _whole(math.ceil, x), "the least whole number not below", _as_is("ceil")),
    _one("ceiling", lambda x: _whole(math.ceil, x), "the least whole number not below", _as_is("ceil")),
    Builtin(
        "conv",
        _converted,
        (3, 3),
        "a number's digits from one base (2..36) to another; a negative base means signed",
        ("any", "literal int", "literal int"),
    ),
    _one("cos", _or_null(math.cos), "cosine of radians", _named("cos")),
    _one("cosh", _or_null(_cosh), "hyperbolic cosine", _named("cosh")),
    _one("cot", _cotangent, "cotangent of radians; fails for 0", _named("cot")),
    _one("degrees", _or_null(lambda x: x * _DEGREES), "radians as degrees", _scaled(_DEGREES)),
    _one("exp", _or_null(_exp), "e to the power x", _named("exp")),
    _one("floor", lambda x: _whole(math.floor, x), "the greatest whole number not above", _as_is("floor")),
    _one("ln", _natural_logarithm, "natural logarithm; fails below 0", _named("ln")),
    Builtin(
        "log", _logarithm, (1, 2), "logarithm to base 10, or log(base, x)", ("number", "any"), lower=_lower_logarithm
    ),
    _two("mod", _modulo, "remainder of a division, with the sign of the dividend", _lower_modulo),
    Builtin("pi", lambda: math.pi, (0, 0), "π", lower=lambda _: Lowered(call("pi"), FLOAT, null=False)),
    _two("pow", _power, "x to the power y", _named("pow")),
    _two("power", _power, "x to the power y", _named("pow")),
    _one("radians", _or_null(lambda x: x * _RADIANS), "degrees as radians", _scaled(_RADIANS)),
    Builtin("rand", random.random, (0, 0), "a random number from 0 to 1", steady=False),
    Builtin(
        "round",
        _rounded,
        (1, 2),
        "x rounded half away from zero, to n decimal places",
        ("number", "number"),
        lower=_lower_rounded,
    ),
    _one("sign", _signum, "-1, 0 or 1", _lower_signum),
    _one("sin", _or_null(math.sin), "sine of radians", _named("sin")),
    _one("sinh", _or_null(_sinh), "hyperbolic sine", _named("sinh")),
    _one("sqrt", _root, "square root; fails below 0", _named("sqrt")),
    _one("tan", _or_null(math.tan), "tangent of radians", _named("tan")),
    _one("tanh", _or_null(math.tanh), "hyperbolic tangent", _named("tanh")),
)
