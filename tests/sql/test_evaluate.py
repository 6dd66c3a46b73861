"""What expressions mean: every operator over every pair of types, null, CASE, LIKE, IN, BETWEEN, arrows and indexes."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuiper_nb.catalog import Stream
from kuiper_nb.errors import RowFault
from kuiper_nb.sql.compiler import compile_select
from kuiper_nb.sql.evaluate import Evaluator, Frame
from kuiper_nb.sql.parser import parse_rule
from kuiper_nb.sql.plan import Options

FAULT = "fault"
MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
OF_KIND: dict[str, Any] = {
    "int": 7,
    "float": 2.5,
    "string": "abc",
    "bool": True,
    "null": None,
    "array": [1],
    "object": {"k": 1},
    "bytes": b"x",
    "datetime": MOMENT,
}
ARITHMETIC = ("+", "-", "*", "/", "%")
BITS = ("&", "|", "^")
EQUALITY = ("=", "!=")
ORDER = ("<", "<=", ">", ">=")
NUMBERS = {"int", "float"}
NOT_SCALAR = {"array", "object", "bytes"}


def value(expression: str, **row: Any) -> Any:
    """The value of *expression* over a row of a schemaless stream; FAULT where the row fails."""
    plan = compile_select(parse_rule(f"SELECT {expression} AS it FROM demo"), {"demo": Stream("demo")}, {}, Options())
    try:
        return Evaluator(plan.aliases).build(plan.fields[0].node)(Frame(row))
    except RowFault:
        return FAULT


def fault(expression: str, **row: Any) -> str:
    plan = compile_select(parse_rule(f"SELECT {expression} AS it FROM demo"), {"demo": Stream("demo")}, {}, Options())
    with pytest.raises(RowFault) as caught:
        Evaluator(plan.aliases).build(plan.fields[0].node)(Frame(row))
    return caught.value.message


# ---- pairs of types


def works(op: str, left: str, right: str) -> bool:
    """Whether *op* is defined for these kinds."""
    if left in NOT_SCALAR:
        return False
    if right == "null":
        return True
    if left == "datetime":
        return op in EQUALITY + ORDER and right in NUMBERS | {"datetime"}
    if left in NUMBERS:
        return right in NUMBERS and (op not in BITS or left == right == "int")
    if left == "string":
        return right == "string" and op in EQUALITY + ORDER
    return left == right == "bool" and op in EQUALITY + BITS


@pytest.mark.parametrize("op", ARITHMETIC + BITS + EQUALITY + ORDER)
def test_an_operator_takes_the_pairs_it_is_defined_for_and_no_others(op: str) -> None:
    for left, right in product(set(OF_KIND) - {"null"}, OF_KIND):
        found = value(f"l {op} r", l=OF_KIND[left], r=OF_KIND[right])
        assert (found is not FAULT) == works(op, left, right), f"{left} {op} {right}: {found!r}"


@pytest.mark.parametrize("op", ARITHMETIC)
def test_arithmetic_with_null_is_null(op: str) -> None:
    for kind in set(OF_KIND) - NOT_SCALAR:
        assert value(f"l {op} r", l=OF_KIND[kind], r=None) is None
    for right in OF_KIND.values():
        assert value(f"l {op} r", l=None, r=right) is None


@pytest.mark.parametrize("op", BITS + EQUALITY + ORDER)
def test_everything_else_with_null_is_false(op: str) -> None:
    for kind in set(OF_KIND) - NOT_SCALAR:
        assert value(f"l {op} r", l=OF_KIND[kind], r=None) is False
    for right in OF_KIND.values():
        assert value(f"l {op} r", l=None, r=right) is False


def test_an_absent_column_is_null() -> None:
    assert value("a + 1") is None
    assert value("a = a") is False


# ---- numbers


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("7 % 3", 1),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("7 / 2.0", 3.5),
        ("7.5 % 2", 1.5),
        ("-7.5 % 2", -1.5),
        ("1 + 0.5", 1.5),
        ("2 * 3", 6),
        ("6 & 3", 2),
        ("6 | 3", 7),
        ("6 ^ 3", 5),
        ("9223372036854775807 + 1", -(2**63)),
        ("-9223372036854775808 - 1", 2**63 - 1),
        ("9223372036854775807 * 2", -2),
        ("-9223372036854775808 / -1", -(2**63)),
        ("9007199254740993 = 9007199254740992.0", True),
        ("1 = 1.0", True),
    ],
)
def test_numbers_are_int64_and_float64(expression: str, expected: object) -> None:
    found = value(expression)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize("expression", ["1 / 0", "1 % 0", "1.5 / 0", "1.5 % 0.0", "0 / 0"])
def test_a_zero_divisor_is_a_fault(expression: str) -> None:
    assert fault(expression) == "divided by zero"


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_integers_wrap_and_divide_towards_zero(left: int, right: int) -> None:
    for op, exact in (("+", left + right), ("-", left - right), ("*", left * right)):
        assert (value(f"l {op} r", l=left, r=right) - exact) % 2**64 == 0
    if right:
        quotient, rest = value("l / r", l=left, r=right), value("l % r", l=left, r=right)
        assert (quotient * right + rest - left) % 2**64 == 0
        assert abs(rest) < abs(right)
        assert rest == 0 or (rest < 0) == (left < 0)


@given(st.one_of(st.integers(-100, 100), st.floats(-100, 100)), st.one_of(st.integers(-100, 100), st.floats(-100, 100)))
def test_numbers_compare_by_value(left: float, right: float) -> None:
    answers = [value(f"l {op} r", l=left, r=right) for op in ("<", "=", ">", "<=", "!=", ">=")]
    assert answers == [left < right, left == right, left > right, left <= right, left != right, left >= right]


# ---- texts, truth values, moments


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('"a" < "b"', True),
        ('"B" < "a"', True),
        ('"10" < "9"', True),
        ('"a" = "A"', False),
        ("TRUE = FALSE", False),
        ("TRUE ^ TRUE", False),
        ("TRUE & FALSE", False),
        ("TRUE | FALSE", True),
    ],
)
def test_texts_and_truth_values_compare(expression: str, expected: bool) -> None:
    assert value(expression) is expected


@pytest.mark.parametrize(
    ("right", "expected"),
    [(1704067200000, True), (1704067200000.0, True), ("2024-01-01T00:00:00Z", True), (MOMENT, True), (0, False)],
)
def test_a_moment_equals_its_milliseconds_and_its_text(right: object, expected: bool) -> None:
    assert value("l = r", l=MOMENT, r=right) is expected


# ---- AND and OR have two values


@pytest.mark.parametrize(
    ("left", "right", "conjunction", "disjunction"),
    [
        (True, True, True, True),
        (True, False, False, True),
        (False, True, False, True),
        (False, False, False, False),
        (None, True, False, False),
        (True, None, False, True),
        (None, None, False, False),
        (False, None, False, False),
    ],
)
def test_logic_knows_no_unknown(left: Any, right: Any, conjunction: bool, disjunction: bool) -> None:
    assert value("l AND r", l=left, r=right) is conjunction
    assert value("l OR r", l=left, r=right) is disjunction


def test_the_right_side_is_not_looked_at_when_the_left_decides() -> None:
    assert value("FALSE AND 1 / 0 = 1") is False
    assert value("TRUE OR 1 / 0 = 1") is True
    assert value("TRUE AND 1 / 0 = 1") is FAULT


@pytest.mark.parametrize("left", [1, "x", [1], {"k": 1}])
def test_logic_takes_truth_values_only(left: object) -> None:
    assert value("l AND TRUE", l=left) is FAULT


# ---- CASE


@pytest.mark.parametrize(("a", "expected"), [(1, "one"), (2, "two"), (3, "many"), (None, "many")])
def test_case_takes_the_first_branch_that_holds(a: object, expected: str) -> None:
    assert (
        value('CASE WHEN a = 1 THEN "one" WHEN a = 2 THEN "two" WHEN a = 2 THEN "x" ELSE "many" END', a=a) == expected
    )
    assert value('CASE a WHEN 1 THEN "one" WHEN 2 THEN "two" ELSE "many" END', a=a) == expected


def test_case_without_else_is_null() -> None:
    assert value("CASE WHEN a = 1 THEN 2 END", a=5) is None
    assert value("CASE a WHEN 1 THEN 2 END", a=5) is None


def test_case_looks_only_at_the_branches_it_needs() -> None:
    assert value("CASE WHEN a = 1 THEN 5 WHEN 1 / 0 = 1 THEN 6 ELSE 1 / 0 END", a=1) == 5


def test_a_condition_of_case_that_fails_fails_the_row() -> None:
    assert fault("CASE WHEN a > 1 THEN 2 END", a="x").startswith("evaluate case expression error: ")


# ---- LIKE


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("device1", "device_", True),
        ("device12", "device_", False),
        ("device12", "dev%", True),
        ("xdevice", "dev%", False),
        ("a.b", "a.b", True),
        ("a\nb", "a%b", False),
        ("100%", "100%", True),
        ("Device", "device", False),
        ("", "%", True),
        ("\\", "\\", True),
    ],
)
def test_like_compares_with_a_pattern(text: str, pattern: str, expected: bool) -> None:
    assert value("t LIKE p", t=text, p=pattern) is expected
    assert value("t NOT LIKE p", t=text, p=pattern) is (not expected)


@pytest.mark.parametrize(("text", "pattern"), [(1, "x"), ("x", 1), (None, "x"), ("x", None), ([1], "x")])
def test_like_compares_texts_only(text: object, pattern: object) -> None:
    assert value("t LIKE p", t=text, p=pattern) is FAULT


# ---- BETWEEN


@pytest.mark.parametrize(("a", "expected"), [(0, False), (1, True), (2.5, True), (3, True), (3.1, False)])
def test_between_has_both_bounds(a: float, expected: bool) -> None:
    assert value("a BETWEEN 1 AND 3", a=a) is expected
    assert value("a NOT BETWEEN 1 AND 3", a=a) is (not expected)


@pytest.mark.parametrize(("a", "low", "high"), [(None, 1, 2), (1, None, 2), (1, 0, None)])
def test_between_with_null_is_false_both_ways(a: object, low: object, high: object) -> None:
    assert value("a BETWEEN l AND h", a=a, l=low, h=high) is False
    assert value("a NOT BETWEEN l AND h", a=a, l=low, h=high) is False


@pytest.mark.parametrize("a", ["x", True, [1], {"k": 1}])
def test_between_of_what_does_not_compare_is_a_fault(a: object) -> None:
    assert value("a BETWEEN 1 AND 3", a=a) is FAULT


# ---- IN


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a IN (1, 2, 3)", True),
        ("a IN (4, 5)", False),
        ("a NOT IN (4, 5)", True),
        ("a NOT IN (1, 2)", False),
        ("a IN tags", True),
        ("a NOT IN tags", False),
        ("a IN o->k", True),
        ("nothing IN (1, 2)", False),
        ("nothing NOT IN (1, 2)", False),
        ("a IN (nothing, 2)", True),
        ("a IN nothing", False),
        ("a NOT IN nothing", True),
    ],
)
def test_in_looks_into_a_list_or_an_array(expression: str, expected: bool) -> None:
    assert value(expression, a=2, tags=[1, 2], o={"k": [2]}) is expected


def test_in_over_values_that_do_not_compare_is_a_fault() -> None:
    assert value('a IN ("x", 2)', a=2) is FAULT
    assert value('a IN (2, "x")', a=2) is True


# ---- objects and arrays


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("o->w", 1),
        ("o.w", 1),
        ("o->p->q", "deep"),
        ("o->missing", None),
        ("o->missing->more", None),
        ("v[0]", 10),
        ("v[-1]", 40),
        ("v[n]", 20),
        ("v[n + 1]", 30),
        ("v[1.9]", 20),
        ("v[1:3]", [20, 30]),
        ("v[:2]", [10, 20]),
        ("v[2:]", [30, 40]),
        ("v[:]", [10, 20, 30, 40]),
        ("v[-2:]", [30, 40]),
        ("v[1:-1]", [20, 30]),
        ("v[1:-3]", []),
        ("rows[1]->x", 2),
        ("nothing[0]", None),
        ("nothing[0:1]", None),
        ("nothing->x", None),
        ("n->x", None),
        ("s->x", None),
    ],
)
def test_members_elements_and_slices(expression: str, expected: object) -> None:
    row = {"o": {"w": 1, "p": {"q": "deep"}}, "v": [10, 20, 30, 40], "n": 1, "s": "text", "rows": [{"x": 1}, {"x": 2}]}
    assert value(expression, **row) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "v[4]",
        "v[-5]",
        "v[5:]",
        "v[0:5]",
        "v[n:0]",
        "v[-1:1]",
        "v[-1:-3]",
        "v[-4:0]",
        "o[0]",
        "s[0]",
        "v->x",
        "v[s]",
        "v[nothing]",
        "empty[:]",
        "empty[0]",
    ],
)
def test_what_lies_outside_is_a_fault(expression: str) -> None:
    assert value(expression, v=[10, 20, 30, 40], n=1, o={"w": 1}, s="text", empty=[]) is FAULT


@pytest.mark.parametrize("other", [1e300, float("-inf"), 2**62, datetime(1, 1, 1), datetime(9999, 12, 31, tzinfo=UTC)])
def test_a_moment_compares_with_any_number_and_with_moments_without_a_zone(other: Any) -> None:
    later = other in (1e300, 2**62, datetime(9999, 12, 31, tzinfo=UTC))
    assert value("t < n", t=MOMENT, n=other) is later
    assert value("t BETWEEN n AND n", t=MOMENT, n=other) is False


@pytest.mark.parametrize("at", [float("inf"), float("-inf"), float("nan"), 1e300])
@pytest.mark.parametrize("expression", ["v[n]", "v[n:]", "v[0:n]"])
def test_a_bound_beyond_all_numbers_is_a_fault(expression: str, at: float) -> None:
    assert value(expression, v=[10, 20], n=at) is FAULT


@pytest.mark.parametrize("at", ["s", "nothing", "o", "yes", "far"])
def test_an_index_that_is_no_number_is_a_fault_in_ekuipers_words(at: str) -> None:
    row = {"v": [10], "o": {"w": 1}, "s": "text", "yes": True, "far": float("inf")}
    assert {fault(f"v[{at}]", **row), fault(f"v[0:{at}]", **row)} == {"invalid evaluation result - <nil>"}


# ---- functions and aliases


def test_a_built_in_is_called_in_any_case_and_with_null_is_null() -> None:
    assert (value("ABS(a)", a=-2), value("abs(a)", a=None)) == (2, None)


def test_a_function_that_fails_says_which_it_was() -> None:
    assert fault("sqrt(a)", a="x").startswith("call func sqrt error: ")


@pytest.mark.parametrize(
    ("star", "whole"),
    [
        ("*", {"a": 1, "b": 2}),
        ("* EXCEPT(a)", {"b": 2}),
        ("* EXCEPT(a, nope)", {"b": 2}),
        ("* REPLACE(a + 1 AS a, b AS c)", {"a": 2, "b": 2, "c": 2}),
        ("* EXCEPT(a) REPLACE(b AS a)", {"b": 2, "a": 2}),
    ],
)
def test_a_star_as_an_argument_is_the_row_as_its_modifiers_leave_it(star: str, whole: dict[str, int]) -> None:
    assert value(f"collect({star})[0]", a=1, b=2) == whole


def test_an_aggregate_of_a_single_row_is_that_of_a_group_of_one() -> None:
    assert (value("sum(a)", a=5), value("count(*)", a=5)) == (5, 1)
