"""String functions. They take any value, as the text Go prints for it; positions count bytes, lengths characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from ...errors import RowFault
from ...types import BIGINT, BOOLEAN, STRING
from ..lowered import Lowered, call
from ..syntax import Constant
from ..values import bytes_text, printed, to_float, to_int, utf8
from .entry import Builtin
from .locales import localized
from .lowering import Lowering, answer, beyond_ascii, surely, text_literal, textual, whole_literal
from .radix import SPACE
from .string_pattern import PATTERNS

_LONGEST = 1 << 26  # characters of padding: more would only exhaust the memory


def _concatenated(*values: Any) -> str:
    return "".join(map(printed, values))


def _index(value: Any, part: Any) -> int:
    """The byte at which *part* begins, -1 when it does not occur or one of them is null."""
    if value is None or part is None:
        return -1
    return utf8(printed(value)).find(utf8(printed(part)))


def _length(value: Any) -> int:
    """Characters of a text, items of an array or object."""
    return len(value) if isinstance(value, (list, dict)) else len(printed(value))


def _upper_character(character: str) -> str:
    """Go maps characters one to one: ß has no capital letter, and neither has a ligature."""
    for mapped in (character.upper(), character.title()):
        if len(mapped) == 1:
            return mapped
    return character


def _upper(value: Any) -> str:
    subject = printed(value)
    return subject.upper() if subject.isascii() else "".join(map(_upper_character, subject))


def _lower(value: Any) -> str:
    subject = printed(value)
    # one by one: Python would look at the neighbours of Σ, and make two characters of İ
    return subject.lower() if subject.isascii() else "".join(c.lower()[0] for c in subject)


def _spaces(count: Any) -> str:
    number = to_int(count, "strict")
    if number < 0:
        raise RowFault("strings: negative Repeat count")
    if number > _LONGEST:
        raise RowFault("strings: Repeat output length overflow")
    return " " * number


def _substring(value: Any, start: Any, end: Any = None) -> str:
    """Bytes from *start* to before *end*."""
    data = utf8(printed(value))
    first = to_int(start, "strict")
    if first < 0:
        raise RowFault("start index must be a positive number")
    last = len(data) if end is None else to_int(end, "strict")
    if last < 0:
        raise RowFault("end index must be a positive number")
    if end is not None and first > last:
        raise RowFault("start index must be smaller than end index")
    return bytes_text(data[first:last])


def _split_value(value: Any, separator: Any, index: Any) -> str:
    subject, mark = printed(value), printed(separator)
    parts = subject.split(mark) if mark else list(subject)
    number = to_int(index, "strict")
    if not -len(parts) <= number < len(parts):
        raise RowFault(f"{number} out of index array (size = {len(parts)})")
    return parts[number]


def _format(value: Any, places: Any, locale: Any = None, *_: Any) -> str:
    """A number with exactly *places* decimals; what is no number counts as 0, as in eKuiper."""
    number = to_float(value) if type(value) in (int, float) else 0.0
    digits = to_int(places, "strict")
    if digits < 0:
        raise RowFault("the decimal places must greater or equal than 0")
    plain = f"{number:.{digits}f}".replace("inf", "+Inf").replace("-+", "-").replace("nan", "NaN")
    return plain if locale is None else localized(plain, printed(locale))


def _check_substring(arguments: Sequence[Any]) -> str:
    bounds = [a.value if isinstance(a, Constant) and type(a.value) is int else None for a in arguments[1:]]
    if bounds[0] is not None and bounds[0] < 0:
        return "The start index should not be a negative integer."
    if len(bounds) == 2 and bounds[0] is not None and bounds[1] is not None and bounds[1] < bounds[0]:
        return "The end index should be larger than start index."
    return ""


def _check_split(arguments: Sequence[Any]) -> str:
    index = arguments[2]
    negative = isinstance(index, Constant) and type(index.value) is int and index.value < 0
    return "The index should not be a negative integer." if negative else ""


def _check_format(arguments: Sequence[Any]) -> str:
    if len(arguments) != 3 or (isinstance(arguments[2], Constant) and isinstance(arguments[2].value, str)):
        return ""
    return "Expect string type for parameter 3"


# --- lowerings ---------------------------------------------------------------------------------------------------


def _texts(arguments: Sequence[Lowered]) -> list[exp.Expr] | None:
    subjects = [textual(a) for a in arguments]
    return None if any(s is None for s in subjects) else [s for s in subjects if s is not None]


def _lower_concat(arguments: Sequence[Lowered]) -> Lowered | None:
    subjects = _texts(arguments)
    return None if subjects is None else answer(arguments, call("concat", *subjects), STRING, null=False)


def _predicate(name: str) -> Lowering:
    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        subjects = _texts(arguments)
        return None if subjects is None else answer(arguments, surely(call(name, *subjects)), BOOLEAN, null=False)

    return lower


def _count(name: str) -> Lowering:
    """A number about a text, 0 for null."""

    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        subject = textual(arguments[0])
        if subject is None:
            return None
        counted = exp.Coalesce(this=call(name, subject), expressions=[exp.Literal.number(0)])
        return answer(arguments, counted, BIGINT, null=False)

    return lower


def _lower_index(arguments: Sequence[Lowered]) -> Lowered | None:
    subjects = _texts(arguments)
    if subjects is None:
        return None
    at = call("nullif", call("instr", *subjects), 0)
    before = call("strlen", call("left", subjects[0], exp.Sub(this=at, expression=exp.Literal.number(1))))
    return answer(
        arguments, exp.Coalesce(this=before, expressions=[exp.Neg(this=exp.Literal.number(1))]), BIGINT, null=False
    )


def _case(name: str) -> Lowering:
    """upper and lower: exact for ASCII."""

    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        subject = textual(arguments[0])
        if subject is None:
            return None
        return answer(arguments, call(name, subject), STRING, guard=beyond_ascii(subject))

    return lower


def _stripped(name: str) -> Lowering:
    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        subject = textual(arguments[0])
        return None if subject is None else answer(arguments, call(name, subject, SPACE), STRING)

    return lower


def _padded(left: bool) -> Lowering:
    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        subject, count = textual(arguments[0]), whole_literal(arguments[1])
        if subject is None or count is None or not 0 <= count <= 1000:
            return None
        spaces = exp.Literal.string(" " * count)
        first, second = (spaces, subject) if left else (subject, spaces)
        return answer(arguments[:1], exp.paren(exp.DPipe(this=first, expression=second)), STRING)

    return lower


def _lower_substring(arguments: Sequence[Lowered]) -> Lowered | None:
    subject, bounds = textual(arguments[0]), [whole_literal(a) for a in arguments[1:]]
    if subject is None or any(b is None or not 0 <= b < 2**31 for b in bounds):
        return None
    start = bounds[0] or 0
    length = [] if len(bounds) == 1 else [(bounds[1] or 0) - start]
    if length and length[0] < 0:
        return None
    result = call("substr", subject, start + 1, *length)
    return answer(arguments[:1], result, STRING, guard=beyond_ascii(subject))


def _lower_split(arguments: Sequence[Lowered]) -> Lowered | None:
    subject, mark, index = textual(arguments[0]), text_literal(arguments[1]), whole_literal(arguments[2])
    if subject is None or not mark or index is None or not 0 <= index < 2**31:
        return None
    parts = call("str_split", subject, mark)
    short = surely(exp.LTE(this=call("len", parts), expression=exp.Literal.number(index)))
    return answer(arguments[:1], call("list_extract", parts, index + 1), STRING, guard=short)


def _text(name: str, reference: Callable[[Any], Any], help: str, lower: Lowering | None = None) -> Builtin:
    return Builtin(name, reference, (1, 1), help, ("string",), lower=lower)


BUILTINS: tuple[Builtin, ...] = (
    Builtin(
        "concat",
        _concatenated,
        (1, None),
        "the texts of all arguments in one; null counts as ''",
        ("string",),
        "call",
        lower=_lower_concat,
    ),
    Builtin(
        "endswith",
        lambda value, part: printed(value).endswith(printed(part)),
        (2, 2),
        "whether a text ends with another",
        ("string",),
        "false",
        lower=_predicate("suffix"),
    ),
    Builtin(
        "format",
        _format,
        (2, None),
        "a number with n decimals, in the manner of a locale such as de_DE",
        ("number", "literal int", "any"),
        check=_check_format,
    ),
    Builtin(
        "indexof",
        _index,
        (2, 2),
        "the byte at which one text begins in another, -1 when it does not",
        ("string",),
        "call",
        lower=_lower_index,
    ),
    Builtin(
        "length",
        _length,
        (1, 1),
        "characters of a text, items of an array or object",
        nulls="zero",
        lower=_count("length"),
    ),
    _text("lower", _lower, "a text in small letters", _case("lower")),
    Builtin(
        "lpad",
        lambda value, count: _spaces(count) + printed(value),
        (2, 2),
        "a text with n spaces before it",
        ("string", "int"),
        lower=_padded(left=True),
    ),
    _text("ltrim", lambda value: printed(value).lstrip(SPACE), "a text without leading space", _stripped("ltrim")),
    Builtin(
        "numbytes",
        lambda value: len(utf8(printed(value))),
        (1, 1),
        "bytes of a text",
        ("string",),
        "zero",
        lower=_count("strlen"),
    ),
    *PATTERNS,
    _text("reverse", lambda value: printed(value)[::-1], "a text from back to front"),
    Builtin(
        "rpad",
        lambda value, count: printed(value) + _spaces(count),
        (2, 2),
        "a text with n spaces after it",
        ("string", "int"),
        lower=_padded(left=False),
    ),
    _text("rtrim", lambda value: printed(value).rstrip(SPACE), "a text without trailing space", _stripped("rtrim")),
    Builtin(
        "split_value",
        _split_value,
        (3, 3),
        "the i-th part, from 0, of a text cut at a separator",
        ("string", "string", "int"),
        check=_check_split,
        lower=_lower_split,
    ),
    Builtin(
        "startswith",
        lambda value, part: printed(value).startswith(printed(part)),
        (2, 2),
        "whether a text begins with another",
        ("string",),
        "false",
        lower=_predicate("starts_with"),
    ),
    Builtin(
        "substring",
        _substring,
        (2, 3),
        "the bytes of a text from start to before end",
        ("string", "int"),
        check=_check_substring,
        lower=_lower_substring,
    ),
    _text("trim", lambda value: printed(value).strip(SPACE), "a text without space around it", _stripped("trim")),
    _text("upper", _upper, "a text in capital letters", _case("upper")),
)
