"""The array functions."""

from __future__ import annotations

from typing import Any

import pytest

from kuiper_nb.sql.arrays import NilArray, Texts
from kuiper_nb.sql.syntax import Binary, Constant, Expr, Invoke, Name

from .calling import outcome

NO_ARRAY = "fault: first argument should be array of interface{}"
NO_SECOND = "fault: second argument should be array of interface{}"


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("array_create", (1, None, "x"), [1, "x"]),
        ("array_create", (None,), None),
        ("array_create", (), None),
        ("array_position", ([5.0, 7.0, 5.0], 5.0), 0),
        ("array_position", ([5.0], 6.0), -1),
        ("array_position", (None, 1), -1),
        ("array_position", ([1, None], None), 1),
        ("array_position", ("x", 1), NO_ARRAY),
        ("array_last_position", ([5.0, 7.0, 5.0], 5.0), 2),
        ("array_last_position", (None, 1), -1),
        ("array_contains", (["a"], "a"), True),
        ("array_contains", (None, "a"), False),
        ("array_contains_any", ([1, 2], [3, 2]), True),
        ("array_contains_any", ([1], [2]), False),
        ("array_contains_any", (None, None), False),
        ("array_contains_any", ([1], None), NO_SECOND),
        ("array_remove", ([1, 2, 1], 1), [2]),
        ("array_remove", ([1, None], None), [1]),
        ("array_remove", (None, 1), None),
    ],
)
def test_a_value_is_looked_for(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert outcome(name, *arguments) == expected


def test_one_equals_one_point_zero_but_not_true() -> None:
    assert outcome("array_contains", [1.0, 2.0], 2) is True
    assert outcome("array_contains", [True], 1) is False
    assert outcome("array_distinct", [1, True, 1.0]) == [1, True]


@pytest.mark.parametrize("name", ["array_contains", "array_position", "array_last_position", "array_remove"])
def test_nested_values_cannot_be_compared_with_their_like(name: str) -> None:
    assert outcome(name, [[1]], [1]) == "fault: [1] cannot be compared with [1]"


def test_nested_values_differ_from_plain_ones() -> None:
    assert outcome("array_position", [[1], {"k": 1}, 2], 2) == 2


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("array_intersect", ([1, 2, 3], [3, 2, 3, 9]), [3, 2]),
        ("array_intersect", ([1], [2]), []),
        ("array_intersect", (None, [2]), None),
        ("array_union", ([1, 2, 1], [2, 9]), [1, 2, 9]),
        ("array_union", (None, [2, 2]), [2]),
        ("array_union", (None, None), []),
        ("array_union", ([1], "x"), NO_SECOND),
        ("array_except", ([1, 2, 1, 3], [3]), [1, 2]),
        ("array_except", ([1, 1], None), [1]),
        ("array_except", (None, [1]), None),
        ("array_except", ([[1]], [2]), "fault: [1] cannot be compared"),
        ("array_distinct", ([2, 1, 2, None, None], ), [2, 1, None]),
        ("array_distinct", ([[1], [1]], ), [[1], [1]]),
    ],
)  # fmt: skip
def test_arrays_are_sets(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert outcome(name, *arguments) == expected


@pytest.mark.parametrize(
    ("array", "greatest", "least"),
    [
        ([1.0, None, 3.0], 3.0, 1.0),
        (["b", "a"], "b", "a"),
        ([2, 7.9], 7, 2),
        ([None], None, None),
        ([1.0, "1"], *["fault: requires float64 but found string(1)"] * 2),
        ([1.0, 2], *["fault: requires float64 but found int64(2)"] * 2),
        ([1, "x"], *["fault: requires int64 but found string(x)"] * 2),
        ([True], *["fault: found invalid arg bool(true)"] * 2),
        ({"k": 1}, NO_ARRAY, NO_ARRAY),
    ],
)
def test_the_first_element_says_what_is_compared(array: Any, greatest: Any, least: Any) -> None:
    assert (outcome("array_max", array), outcome("array_min", array)) == (greatest, least)


@pytest.mark.parametrize(
    ("container", "at", "expected"),
    [
        ([1, 2, 3], 0, 1),
        ([1, 2, 3], -3, 1),
        ([1, 2, 3], 2.0, 3),
        ([1, 2, 3], 3, "fault: index out of range"),
        ([1, 2, 3], -4, "fault: index out of range"),
        ([1, 2, 3], 1.5, "fault: cannot convert float64(1.5) to int"),
        ({"a": 1}, "a", 1),
        ({"a": 1}, "b", None),
        ({"a": 1}, 1, "fault: second argument should be string"),
        ("abc", 1, "fault: first argument should be []interface{} or map[string]interface{}"),
        ([], 0, None),
    ],
)
def test_an_element_is_taken(container: Any, at: Any, expected: Any) -> None:
    assert outcome("element_at", container, at) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("repeat", ("x", 3), ["x", "x", "x"]),
        ("repeat", ("x", 0), []),
        ("repeat", ("x", 2.0), "fault: second argument should be int"),
        ("repeat", ("x", -1), "fault: second argument should be between 0 and 10000000, found -1"),
        ("sequence", (1, 3), [1, 2, 3]),
        ("sequence", (3, 1), [3, 2, 1]),
        ("sequence", (2, 2), [2]),
        ("sequence", (1, 6, 2), [1, 3, 5]),
        ("sequence", (1, 2, -3), [1]),
        ("sequence", (1, 0, 1), []),
        ("sequence", (5, 1, 2), "fault: -1 elements from 5 to 1 by 2"),
        ("sequence", (1, 5, 0), "fault: invalid step: should not be zero"),
        ("sequence", (1.0, 3), "fault: first argument should be int"),
    ],
)
def test_arrays_are_made_from_ints(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert outcome(name, *arguments) == expected


@pytest.mark.parametrize("count", [Constant(3), Name(("n",)), Binary("+", Name(("n",)), Constant(1))])
def test_literals_columns_and_arithmetic_are_no_ints(count: Expr) -> None:
    written = (Name(("v",)), count)
    assert (
        outcome("repeat", "x", 3, written=written)
        == 'fault: second argument should be int: cast(…, "bigint") makes one'
    )


def test_a_cast_makes_an_int() -> None:
    written = (Name(("v",)), Invoke("CAST", (Name(("n",)), Constant("bigint"))))
    assert outcome("repeat", "x", 2, written=written) == ["x", "x"]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("array_cardinality", ([1, None, 2],), 2),
        ("array_cardinality", ([],), 0),
        ("array_cardinality", ("x",), NO_ARRAY),
        ("array_flatten", ([[1, [2]], 3, [None]],), [1, [2], 3, None]),
        ("array_concat", ([1], None, [2, None]), [1, 2, None]),
        ("array_concat", ([1], "x"), "fault: array elements should be array"),
        ("array_join", (["a", None, 1.5, ""], "-"), "a-1.5-"),
        ("array_join", (["a", None], "-", "?"), "a-?"),
        ("array_join", ([1000000.0, True], ","), "1000000,true"),
        ("array_join", ([[1]], ","), "fault: array elements should be string"),
        ("array_join", (["a"], 1), "fault: second argument should be string"),
        ("array_join", (["a"], ",", 1), "fault: third argument should be string"),
        ("array_sort", ([10.0, 9.0, 1.0],), [1.0, 10.0, 9.0]),
        ("array_sort", ([True, None, "a"],), [None, "a", True]),
        ("array_sort", ({"k": 1},), "fault: array elements should be array"),
        ("kvpair_array_to_obj", ([{"key": "a", "value": 1}, {"key": "b", "value": None}],), {"a": 1, "b": None}),
        ("kvpair_array_to_obj", ([{"key": "a"}],), "fault: array item should be key-value pair"),
        ("kvpair_array_to_obj", ([{"key": 1, "value": 1}],), "fault: array item should be key-value pair"),
        ("kvpair_array_to_obj", ([1],), "fault: array item should be map[string]interface{}"),
    ],
)
def test_arrays_are_reshaped(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert outcome(name, *arguments) == expected


def test_arrays_of_nothing_are_null_in_the_row_that_goes_out() -> None:
    assert isinstance(outcome("array_flatten", [[], []]), NilArray)
    assert isinstance(outcome("array_concat", [], None), NilArray)


def test_what_keys_answers_is_no_array_but_can_be_sorted() -> None:
    keys = Texts(["b", "a"])
    assert outcome("array_position", keys, "a") == NO_ARRAY
    assert isinstance(outcome("array_sort", keys), Texts)


def test_a_shuffled_array_has_the_same_elements() -> None:
    given = [1, 2, 3]
    assert sorted(outcome("array_shuffle", given)) == given


def test_a_function_is_mapped_nulls_included() -> None:
    assert outcome("array_map", "upper", ["a", None]) == ["A", ""]
    assert outcome("array_map", "cardinality", [[1], None]) == [1, 0]
    assert outcome("array_map", "isnull", [1, None]) == [False, True]
    assert outcome("array_map", "hour", [3_600_000]) == [1]


def test_an_element_that_fails_becomes_an_empty_object() -> None:
    assert outcome("array_map", "chr", ["A", "AB", None]) == [65, {}, {}]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nope", "unknown built-in function: nope."),
        ("UPPER", "unknown built-in function: UPPER."),
        ("sum", "first argument should be a scalar function."),
        ("substring", "validate substring arguments failed"),
        ("tstamp", "validate tstamp arguments failed"),
    ],
)
def test_only_functions_of_one_value_are_mapped(name: str, message: str) -> None:
    assert outcome("array_map", name, ["a"]) == f"fault: {message}"
