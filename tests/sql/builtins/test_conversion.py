"""The conversion functions: values, refused arguments, and that DuckDB agrees."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from kuiper_nb.sql.syntax import Constant, Name
from kuiper_nb.types import BIGINT, BOOLEAN, FLOAT, STRING, AnyType

from .agreement import call, differences, entry

TEXTS: list[Any] = [
    "",
    "a",
    "12",
    "-5",
    "1.5",
    "0x1f",
    " 7",
    "1e3",
    "inf",
    "99999999999999999999",
    "007",
    "+3",
    "日本",
    None,
]
FLOATS: list[Any] = [0.0, -0.0, 1.9, -1.9, 1e18, 9.3e18, -9.3e18, math.inf, math.nan, None]
INTEGERS: list[Any] = [0, -7, 2**63 - 1, -(2**63), 9007199254740993, None]
TRUTHS: list[Any] = [True, False, None]


@pytest.mark.parametrize(
    ("target", "kind", "values"),
    [
        ("bigint", STRING, TEXTS),
        ("bigint", FLOAT, FLOATS),
        ("bigint", BIGINT, INTEGERS),
        ("bigint", BOOLEAN, TRUTHS),
        ("float", STRING, TEXTS),
        ("float", FLOAT, FLOATS),
        ("float", BIGINT, INTEGERS),
        ("float", BOOLEAN, TRUTHS),
        ("string", STRING, TEXTS),
        ("string", BIGINT, INTEGERS),
        ("string", BOOLEAN, TRUTHS),
        ("boolean", FLOAT, FLOATS),
        ("boolean", BIGINT, INTEGERS),
        ("boolean", BOOLEAN, TRUTHS),
    ],
)
def test_duckdb_agrees_on_casts(target: str, kind: AnyType, values: list[Any]) -> None:
    assert differences("cast", (kind,), [(x,) for x in values], target) == []


def test_duckdb_agrees_on_null_and_base64() -> None:
    assert differences("coalesce", (STRING, STRING), list(itertools.product(TEXTS, TEXTS))) == []
    assert differences("isnull", (STRING,), [(x,) for x in TEXTS]) == []
    assert differences("bypass", (FLOAT,), [(x,) for x in FLOATS]) == []
    assert differences("encode", (STRING,), [(x,) for x in TEXTS], "base64") == []


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [
        ("0x1F", "bigint", 31),
        ("010", "bigint", 8),
        ("1_000", "bigint", 1000),
        (-3.7, "bigint", -3),
        (1e19, "bigint", -(2**63)),
        (True, "bigint", 1),
        ("1.5", "bigint", "fault: not supported type conversion, got error cannot convert string(1.5) to int"),
        ([1.0], "bigint", "fault: not supported type conversion, got error cannot convert []interface {}([1]) to int"),
        ("-Inf", "float", -math.inf),
        ("0x1p-2", "float", 0.25),
        ("1e400", "float", "fault: not supported type conversion, got error cannot convert string(1e400) to float64"),
        (1.7e12, "string", "1700000000000"),
        (b"\xffhi", "string", "\ufffdhi"),
        ({"a": 1.0}, "string", None),
        ("T", "boolean", True),
        (0.0, "boolean", False),
        ("aGk=", "bytea", b"hi"),
        ("x", "bytea", "fault: illegal string x, must be base64 encoded string"),
        (1700000000123.0, "datetime", datetime(2023, 11, 14, 22, 13, 20, 123000, UTC)),
        (True, "datetime", "fault: unsupported type to convert to timestamp true"),
        ("5", "BIGINT", "fault: unknow type, only support bigint, float, string, boolean and datetime"),
        ("5", 1.0, "fault: expect string type for type parameter"),
        ("5", None, None),
    ],
)
def test_cast_converts_as_go_does(value: Any, target: Any, expected: Any) -> None:
    if isinstance(value, dict):
        expected = (
            "fault: not supported type conversion, got error cannot convert map[string]interface {}(map[a:1]) to string"
        )

    assert call("cast", value, target) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (65, 65),
        (4294967361, 65),
        (97.9, 97),
        (1e12, -(2**31)),
        ("A", 65),
        ("é", "fault: Parameter length cannot larger than 1."),
        ("", "fault: An empty text has no character."),
        (True, "fault: Only bigint, float and string type can be convert to char type."),
    ],
)
def test_chr_is_a_code_point_of_32_bits(value: Any, expected: Any) -> None:
    assert call("chr", value) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1.239, 2), 1.24),
        ((-0.5, 0), -1.0),
        ((2.5, 0), 3.0),
        ((1234.5, -2), 1200.0),
        ((1e20, 0), -(2.0**63)),
        ((1.5, 2.0), "fault: The 2nd parameter must be int value."),
        (("1.5", 2), "fault: cannot convert string(1.5) to float64"),
    ],
)
def test_trunc_rounds_half_away_from_zero(arguments: Any, expected: Any) -> None:
    assert call("trunc", *arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("hex2dec", ("0x10",), 16),
        ("hex2dec", ("ff",), 255),
        ("hex2dec", ("zz",), "fault: invalid hexadecimal value: zz"),
        ("hex2dec", (16.0,), "fault: invalid input type: 16 please input hex string"),
        ("dec2hex", (255.0,), "0xff"),
        ("dec2hex", (-16,), "0x-10"),
        ("dec2hex", ("16",), "fault: cannot convert string(16) to int"),
        ("decode", ("aGVsbG8=", "base64"), b"hello"),
        ("decode", ("?", "base64"), "fault: fail to decode base64 string: illegal base64 data"),
        ("encode", (5.0, "base64"), "fault: Only string type can be encoded."),
        ("coalesce", (None, [], 1), []),
        ("isnull", ([],), False),
        ("bypass", (1, 2), 1),
        ("bypass", (), "fault: bypass needs an argument"),
    ],
)
def test_notations_and_nulls(name: str, arguments: Any, expected: Any) -> None:
    assert call(name, *arguments) == expected


@pytest.mark.parametrize(
    ("name", "argument", "complaint"),
    [
        ("cast", (Name(("v",)), Constant("bigint")), ""),
        ("cast", (Name(("v",)), Name(("t",))), ""),
        (
            "cast",
            (Name(("v",)), Constant("int")),
            "Expect one of following value for the 2nd parameter: bigint, float, string, boolean, datetime, bytea.",
        ),
        ("chr", (Constant("A"),), ""),
        ("chr", (Constant(1.5),), "Expect int type for parameter 1"),
        ("chr", (Constant(True),), "Expect int type for parameter 1"),
        ("encode", (Name(("v",)), Constant("hex")), "Only base64 is supported for the 2nd parameter."),
        ("decode", (Name(("v",)), Constant("base64")), ""),
    ],
)
def test_impossible_literals_are_refused_when_the_rule_is_compiled(name: str, argument: Any, complaint: str) -> None:
    check = entry(name).check

    assert check is not None
    assert check(argument) == complaint
