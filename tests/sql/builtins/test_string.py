"""The string functions: values, refused arguments, and that DuckDB agrees."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from kuiper_nb.sql.builtins.entry import Builtin
from kuiper_nb.sql.builtins.string import BUILTINS
from kuiper_nb.sql.builtins.string_pattern import rewrite
from kuiper_nb.sql.syntax import Constant, Name
from kuiper_nb.types import BIGINT, BOOLEAN, STRING

from .agreement import call, differences, entry

TEXTS: list[str | None] = [
    "",
    "a",
    "Abc",
    "  pad \t",
    "ÄÖü ß",
    "日本語",
    "a\tb\nc",
    "\u2003x\xa0",
    "\x1fx\x1f",
    "a/b/c",
]
TEXTS += ["e\u0301x", "🤦🏼‍♂️", "12", "-5", None]
INTEGERS: list[int | None] = [0, -7, 9007199254740993, None]


@pytest.mark.parametrize("name", ["length", "lower", "ltrim", "numbytes", "rtrim", "trim", "upper"])
def test_duckdb_agrees_on_functions_of_one_text(name: str) -> None:
    assert differences(name, (STRING,), [(x,) for x in TEXTS]) == []
    assert differences(name, (BIGINT,), [(x,) for x in INTEGERS]) == []
    assert differences(name, (BOOLEAN,), [(True,), (False,), (None,)]) == []


@pytest.mark.parametrize("name", ["concat", "endswith", "startswith", "indexof"])
def test_duckdb_agrees_on_functions_of_two_texts(name: str) -> None:
    assert differences(name, (STRING, STRING), list(itertools.product(TEXTS, TEXTS))) == []
    assert differences(name, (STRING, BIGINT), list(itertools.product(TEXTS, INTEGERS))) == []


@pytest.mark.parametrize(
    ("name", "literals"),
    [
        ("lpad", (3,)),
        ("rpad", (0,)),
        ("substring", (1,)),
        ("substring", (1, 3)),
        ("substring", (2, 2)),
        ("split_value", ("/", 1)),
    ],
)
def test_duckdb_agrees_where_the_other_arguments_are_literals(name: str, literals: tuple[Any, ...]) -> None:
    assert differences(name, (STRING,), [(x,) for x in TEXTS], *literals) == []


@pytest.mark.parametrize(
    "pattern", ["^[a-z]+$", "a.b", "(?i)(A)bc", r"\s", "日", "", "x*", r"\pL", "[[:digit:]]", "a|b"]
)
def test_duckdb_agrees_on_patterns(pattern: str) -> None:
    rows = [(x,) for x in TEXTS]

    assert differences("regexp_matches", (STRING,), rows, pattern) == []
    assert differences("regexp_substr", (STRING,), rows, pattern) == []
    assert differences("regexp_replace", (STRING,), rows, pattern, r"<$0$1>\1$$") == []


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("upper", ("straße ı ﬁ éà ǆ ᾳ",), "STRAßE I ﬁ ÉÀ Ǆ ᾼ"),
        ("lower", ("ΟΣ İ",), "οσ i"),
        ("upper", (1234567.0,), "1.234567E+06"),
        ("upper", (b"hi",), "[104 105]"),
        ("upper", ([1.0, "b", None],), "[1 B <NIL>]"),
        ("concat", ("a", None, 1e6, True), "a1e+06true"),
        ("indexof", ("日本a", "a"), 6),
        ("indexof", (None, "a"), -1),
        ("length", ("日本",), 2),
        ("length", ([1, 2, 3],), 3),
        ("length", (None,), 0),
        ("numbytes", ("日本",), 6),
        ("startswith", ("ab", None), False),
        ("lpad", ("a", 2.0), "  a"),
        ("lpad", ("a", 2.5), "fault: cannot convert float64(2.5) to int"),
        ("rpad", ("a", -1), "fault: strings: negative Repeat count"),
        ("reverse", (12.5,), "5.21"),
        ("trim", ("\u2003\x85x\x1f ",), "x\x1f"),
        ("substring", ("abcdef", 3, 99), "def"),
        ("substring", ("abcdef", 7), ""),
        ("substring", ("日本", 1, 3), "\ufffd\ufffd"),
        ("substring", ("abc", 3, 1), "fault: start index must be smaller than end index"),
        ("substring", ("abc", -1), "fault: start index must be a positive number"),
        ("substring", ("abc", 1, -1), "fault: end index must be a positive number"),
        ("split_value", ("a/b/c", "/", -1), "c"),
        ("split_value", ("日本", "", 1), "本"),
        ("split_value", ("", "", 0), "fault: 0 out of index array (size = 0)"),
        ("split_value", ("a/b", "/", -3), "fault: -3 out of index array (size = 2)"),
        ("split_value", ("a/b", "/", 1.5), "fault: cannot convert float64(1.5) to int"),
    ],
)
def test_any_value_is_taken_as_the_text_go_prints(name: str, arguments: Any, expected: Any) -> None:
    assert call(name, *arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((12332.123456, 4), "12332.1235"),
        ((0.5, 0), "0"),
        ((-0.5, 0), "-0"),
        (("x", 2), "0.00"),
        ((float("inf"), 2), "+Inf"),
        ((1.0, -1), "fault: the decimal places must greater or equal than 0"),
        ((1234567.891, 2, "en_US"), "1,234,567.89"),
        ((1234567.891, 2, "hi_IN"), "12,34,567.89"),
        ((12332.2, 0, "ar_DZ"), "12.332"),
        ((-123456.7899, 2, "de_CH"), "-123’456.79"),
        ((12332.2, 2, "fr_FR"), "12\u00a0332,20"),
        ((12332.2, 2, "ar_IN"), "١٢٬٣٣٢٫٢٠"),
        ((999, 1, "de_DE"), "999,0"),
        ((1.5, 1, "nowhere"), "fault: not support for the specific locale:nowhere"),
    ],
)
def test_format_writes_a_number_as_in_a_region(arguments: Any, expected: str) -> None:
    assert call("format", *arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("joe@host", "([a-z]+)@([a-z]+)", "$2 at $1"), "host at joe"),
        (("ab", "(?P<first>a)(b)", "${2}${first}$3$missing"), "ba"),
        (("ab", "(a)", "$1x"), "b"),
        (("a.b", r"\.", r"\1$$"), r"a\1$b"),
        (("x", "(", ""), "fault: error parsing regexp: missing closing ): `(`"),
        (("x", "*", ""), "fault: error parsing regexp: missing argument to repetition operator: `*`"),
    ],
)
def test_regexp_replace_takes_templates_of_go(arguments: Any, expected: str) -> None:
    assert call("regexp_replace", *arguments) == expected


def test_regexp_substr_finds_the_leftmost_match() -> None:
    assert call("regexp_substr", "xx ab abc\n", "ab|abc") == "ab"
    assert call("regexp_substr", "xx", "y") == ""
    assert call("regexp_substr", "line\nend", "(?i)END$") == "end"


def test_groups_are_counted_past_escapes_classes_and_groups_that_do_not_capture() -> None:
    assert rewrite(r"\((?:[(]|[]()])(?i)(?P<last>x)\Q(\E", "${last}$2") == r"\1"


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("substring", (Name(("v",)), Constant(-1)), "The start index should not be a negative integer."),
        ("substring", (Name(("v",)), Constant(3), Constant(1)), "The end index should be larger than start index."),
        ("substring", (Name(("v",)), Constant(3), Name(("e",))), ""),
        ("split_value", (Name(("v",)), Constant("/"), Constant(-1)), "The index should not be a negative integer."),
        ("split_value", (Name(("v",)), Constant("/"), Constant(1)), ""),
        ("format", (Name(("v",)), Constant(1), Constant(2)), "Expect string type for parameter 3"),
        ("format", (Name(("v",)), Constant(1), Constant("de_DE")), ""),
    ],
)
def test_impossible_literals_are_refused_when_the_rule_is_compiled(name: str, arguments: Any, complaint: str) -> None:
    check = entry(name).check

    assert check is not None
    assert check(arguments) == complaint


@pytest.mark.parametrize("builtin", BUILTINS, ids=lambda b: b.name)
def test_a_lowering_declines_types_it_does_not_know(builtin: Builtin) -> None:
    from sqlglot import exp

    from kuiper_nb.sql.lowered import Lowered
    from kuiper_nb.types import ArrayOf

    column = Lowered(exp.column("c0"), ArrayOf(BIGINT))

    assert builtin.lower is None or builtin.lower([column] * max(builtin.arity[0], 1)) is None
