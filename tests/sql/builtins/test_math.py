"""The mathematical functions: values, refused types, and that DuckDB agrees."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from kuiper_nb.sql.lowered import Lowered
from kuiper_nb.sql.lowered import call as sql_call
from kuiper_nb.types import BIGINT, FLOAT

from .agreement import call, differences, entry

FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 0.49999999999999994, 1e-10, 123.456, -7.0, 1e10, 1e15]
FLOATS += [4503599627370497.0, 1e300, -1e300, 710.0, 5e-324, math.pi, math.inf, -math.inf, math.nan, 9.3e18]
NUMBERS: list[float | None] = [*FLOATS, None]
INTEGERS: list[int | None] = [0, 1, -1, 2, -7, 100, 255, 9007199254740993, 2**63 - 1, -(2**63), None]
OF_ONE = (
    "abs acos asin atan ceil ceiling cos cosh cot degrees exp floor ln log radians round sign sin sinh sqrt tan tanh"
)


@pytest.mark.parametrize("name", OF_ONE.split())
def test_duckdb_agrees_on_functions_of_one_number(name: str) -> None:
    assert differences(name, (FLOAT,), [(x,) for x in NUMBERS]) == []
    assert differences(name, (BIGINT,), [(x,) for x in INTEGERS]) == []


@pytest.mark.parametrize("name", ["atan2", "log", "mod", "pow", "power"])
def test_duckdb_agrees_on_functions_of_two_numbers(name: str) -> None:
    assert differences(name, (FLOAT, FLOAT), list(itertools.product(NUMBERS, NUMBERS))) == []
    assert differences(name, (BIGINT, FLOAT), list(itertools.product(INTEGERS, NUMBERS))) == []


@pytest.mark.parametrize("name", ["bitand", "bitor", "bitxor"])
def test_duckdb_agrees_on_bits(name: str) -> None:
    assert differences(name, (BIGINT, BIGINT), list(itertools.product(INTEGERS, INTEGERS))) == []


def test_duckdb_agrees_on_flipped_bits() -> None:
    assert differences("bitnot", (BIGINT,), [(x,) for x in INTEGERS]) == []


@pytest.mark.parametrize("places", [0, 2, 15])
def test_duckdb_agrees_on_rounding_to_a_number_of_places(places: int) -> None:
    assert differences("round", (FLOAT,), [(x,) for x in NUMBERS], places) == []


def test_pi_takes_nothing_and_is_never_null() -> None:
    lower = entry("pi").lower

    assert lower is not None
    assert lower([]) == Lowered(sql_call("pi"), FLOAT, null=False)
    assert call("pi") == math.pi


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((2.5,), 3.0),
        ((-2.5,), -3.0),
        ((7,), 7.0),
        ((3.14159, 3.0), 3.142),
        ((3.14159, 2.9), 3.14),
        ((31415.9, -3.0), 31000.0),
        ((1.8e306, 2), 1.8e306),
        ((0.0, 400), 0.0),
    ],
)
def test_round_goes_away_from_zero_and_truncates_the_number_of_places(arguments: Any, expected: float) -> None:
    assert call("round", *arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("255", 10, 16), "FF"),
        ((255.0, 10, 16), "FF"),
        ((3.7, 10, 16), "3"),
        (("-17", 10, -18), "-H"),
        (("-17", 10, 18), "2D3FGB0B9CG4BD1H"),
        (("+18aZ", 7, 36), "1"),
        (("18446744073709551615", -10, 16), "7FFFFFFFFFFFFFFF"),
        (("  FF ", 16, 10), "255"),
        (("-", 10, 2), "0"),
        (("12", 1, 8), None),
        (("12", 10, 37), None),
        (
            ("99999999999999999999", 10, 16),
            'fault: strconv.ParseUint: parsing "99999999999999999999": value out of range',
        ),
    ],
)
def test_conv_reads_the_longest_number_and_writes_it_in_another_base(arguments: Any, expected: str | None) -> None:
    assert call("conv", *arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("abs", ("12",), "only float64 & int type are supported"),
        ("abs", (True,), "only float64 & int type are supported"),
        ("ceil", ({"k": 1.0},), "cannot convert map[string]interface {}(map[k:1]) to float64"),
        ("cot", (0.0,), "out-of-range error"),
        ("sqrt", (-1,), "The argument must be a positive number but got -1"),
        ("ln", (-0.5,), "The argument must be a positive number but got -0.5"),
        ("bitand", (1, 2.5), "Expect int type for the second operand but got 2.5"),
        ("bitnot", ("x",), "Expect int type for operand but got x"),
        ("mod", (7.0, "2"), "cannot convert string(2) to float64"),
        ("round", (1.0, "2"), "The second argument must be an integer: cannot convert string(2) to int"),
    ],
)
def test_what_is_no_fitting_number_fails_the_row(name: str, arguments: Any, message: str) -> None:
    assert call(name, *arguments) == f"fault: {message}"


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("power", (0.0, -1.0), math.inf),
        ("power", (-0.0, -3.0), -math.inf),
        ("power", (-10.0, 1001.0), -math.inf),
        ("exp", (710.0,), math.inf),
        ("exp", (-800.0,), 0.0),
        ("cosh", (800.0,), math.inf),
        ("sinh", (-800.0,), -math.inf),
        ("ln", (0.0,), -math.inf),
        ("log", (1.0, 8.0), math.inf),
        ("acos", (2.0,), None),
        ("sin", (math.inf,), None),
        ("ceil", (math.inf,), math.inf),
        ("abs", (-(2**63),), -(2**63)),
        ("abs", (-9007199254740993,), 9007199254740993),
    ],
)
def test_the_ends_of_a_domain_are_those_of_ieee_arithmetic(name: str, arguments: Any, expected: float | None) -> None:
    assert call(name, *arguments) == expected


@pytest.mark.parametrize(("name", "arguments"), [("mod", (1.0, 0.0)), ("power", (-8.0, 0.5)), ("round", (1.0, -400))])
def test_not_a_number_is_a_result_like_any_other(name: str, arguments: Any) -> None:
    assert math.isnan(call(name, *arguments))


def test_rand_is_a_fraction() -> None:
    assert 0 <= call("rand") < 1
