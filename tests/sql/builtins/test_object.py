"""The object functions."""

from __future__ import annotations

from typing import Any

import pytest

from .calling import checked, outcome

NO_OBJECT = "fault: the argument should be map[string]interface{}"
NO_PAIRS = "fault: each argument should be [][2]interface{}"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("keys", {"b": 1, "a": 2}, ["b", "a"]),
        ("keys", [1], NO_OBJECT),
        ("keys", {}, None),
        ("values", {"b": 1, "a": None}, [1, None]),
        ("values", "x", NO_OBJECT),
        ("items", {"a": {"c": 1}}, [["a", {"c": 1}]]),
        ("items", 1, "fault: first argument should be map[string]interface{}"),
        ("object_size", {"a": None}, 1),
        ("object_size", {}, 0),
        ("object_size", None, 0),
        ("object_size", [1], "fault: the first argument should be map[string]any, got [1]"),
        ("obj_to_kvpair_array", {"a": 1}, [{"key": "a", "value": 1}]),
        ("obj_to_kvpair_array", {}, None),
        ("zip", [["a", 1], None, ["b", [2]]], {"a": 1, "b": [2]}),
        ("zip", [["a"]], NO_PAIRS),
        ("zip", ["a"], NO_PAIRS),
        ("zip", {"a": 1}, NO_PAIRS),
        ("zip", [[1, 1]], "fault: the first element in the list item should be string"),
    ],
)
def test_an_object_is_taken_apart_and_made(name: str, value: Any, expected: Any) -> None:
    assert outcome(name, value) == expected


@pytest.mark.parametrize(
    ("keys", "values", "expected"),
    [
        (["a", "b"], [1, None], {"a": 1, "b": None}),
        (["a"], [1, 2], "fault: the length of the arguments should be same"),
        ([1], [1], "fault: first argument should be []string"),
        (["a"], 1, "fault: second argument should be []interface{}"),
        ("a", [1], "fault: first argument should be []string"),
        ([], [], None),
    ],
)
def test_an_object_is_made_of_two_arrays(keys: Any, values: Any, expected: Any) -> None:
    assert outcome("object", keys, values) == expected


def test_the_keys_of_an_object_are_no_array_of_keys() -> None:
    assert outcome("object", outcome("keys", {"a": 1}), [1]) == "fault: first argument should be []string"


def test_later_objects_win_and_nulls_are_skipped() -> None:
    assert outcome("object_concat", {"a": 1, "b": 1}, None, {"b": 2}) == {"a": 1, "b": 2}
    assert outcome("object_concat", {}, {}) == {}
    assert outcome("object_concat", {}, 5) == "fault: the argument should be map[string]interface{}, got 5"


def test_pairs_without_a_key_are_skipped() -> None:
    assert outcome("object_construct", "a", 1, None, 2, "c", None) == {"a": 1, "c": None}
    assert outcome("object_construct") == {}
    assert outcome("object_construct", 5, 1) == "fault: key 5 is not a string"


def test_object_construct_wants_pairs_whose_keys_are_texts() -> None:
    assert checked("object_construct", "a", 1) == ""
    assert checked("object_construct", None, 1) == ""
    assert checked("object_construct", "a") == "the args must be key value pairs"
    assert checked("object_construct", "a", 1, 2, 3) == "Expect string type for parameter 3."


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (({"a": 1, "b": 2}, "a"), {"b": 2}),
        (({"a": 1, "1": 2, "true": 3}, ["a", 1.0, True]), {}),
        (({"a": 1}, "a", "b"), "fault: the argument number should be 2, got 3"),
        (({"a": 1}, 1), "fault: the argument should be slice or string"),
        (({"a": 1}, [[1]]), "fault: cannot convert []interface {}([1]) to string"),
        (("x", "a"), "fault: the first argument should be map[string]interface{}, got x"),
        (({"a": 1}, []), None),
    ],
)
def test_keys_are_erased(arguments: tuple[Any, ...], expected: Any) -> None:
    assert outcome("erase", *arguments) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("a", "zz"), {"a": 1}),
        ((["a", 5, "b.c"],), {"a": 1, "b": {"c": 2}}),
        (("b.c", "b.d"), {"b": {"c": 2, "d": {"e": 3}}}),
        (("b", "b.c"), {"b": {"c": 2, "d": {"e": 3}}}),
        (("b.d.e",), {"b": {"d": {"e": 3}}}),
        (("a.x", "b.zz"), {}),
        (("b", 5), {"b": {"c": 2, "d": {"e": 3}}}),
        ((5,), {}),
    ],
)
def test_keys_are_picked(keys: tuple[Any, ...], expected: Any) -> None:
    given = {"a": 1, "b": {"c": 2, "d": {"e": 3}}}
    assert outcome("object_pick", given, *keys) == expected
    assert given == {"a": 1, "b": {"c": 2, "d": {"e": 3}}}


def test_nothing_is_picked_from_null_or_a_text() -> None:
    assert outcome("object_pick", None, "a") is None
    assert outcome("object_pick", "x", "a") == "fault: the first argument should be a map, got x"
