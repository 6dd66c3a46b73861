"""What analytic functions remember from row to row, one machine at a time."""

from __future__ import annotations

from typing import Any

import pytest

from kuiper_nb.errors import RowFault
from kuiper_nb.sql.builtins import find
from kuiper_nb.sql.builtins.analytic import ChangedColumns, HadChanged, Machine, identical
from kuiper_nb.sql.resolved import Column
from kuiper_nb.sql.syntax import Constant, Node


def machine(name: str) -> Machine:
    entry = find(name)
    assert entry is not None
    made: Machine = entry.reference()
    return made


def answers(name: str, *rows: tuple[Any, ...], counts: tuple[bool, ...] = ()) -> list[Any]:
    """What the function answers to rows of arguments; *counts* is what WHEN says of each. Faults as their messages."""
    made, found = machine(name), []
    for number, arguments in enumerate(rows):
        try:
            found.append(made(arguments, counts[number] if counts else True))
        except RowFault as fault:
            found.append(fault.message)
    return found


def refusal(name: str, *arguments: Node) -> str:
    entry = find(name)
    assert entry is not None
    assert entry.check is not None
    return entry.check(arguments)


def column(*values: Any) -> list[tuple[Any, ...]]:
    return [(value,) for value in values]


# ---- lag


def test_lag_answers_the_value_of_the_row_before() -> None:
    assert answers("lag", *column(1, 2, 3)) == [None, 1, 2]


def test_lag_looks_as_many_rows_back_as_it_is_told_and_begins_with_the_default() -> None:
    assert answers("lag", *[(v, 2, 0) for v in (1, 2, 3, 4)]) == [0, 0, 1, 2]


def test_lag_passes_over_nulls_unless_it_is_told_not_to() -> None:
    assert answers("lag", *column(1, None, None, 2)) == [None, 1, 1, 1]
    assert answers("lag", *[(v, 1, 9, False) for v in (1, None, 2, 3)]) == [9, 1, None, 2]


def test_lag_by_more_rows_than_memory_holds_is_the_default() -> None:
    assert answers("lag", (1, 2**62, 7), (2, 2**62, 7)) == [7, 7]


def test_lag_of_no_rows_is_always_null() -> None:
    assert answers("lag", (1, 0, 7), (2, 0, 7)) == [None, None]


def test_lag_keeps_the_default_of_its_first_row() -> None:
    assert answers("lag", (1, 2, "a"), (2, 2, "b")) == ["a", "a"]


def test_lag_shows_a_row_that_does_not_count_what_it_would_have_got() -> None:
    assert answers("lag", *column(1, 2, 3, 4), counts=(True, False, True, True)) == [None, 1, 1, 3]


def test_lag_refuses_an_offset_that_is_negative_or_a_column() -> None:
    value = Column("v")
    assert refusal("lag", value, Constant(-1)) == "the index should not be a negative integer"
    assert refusal("lag", value, Column("n")) == "Expect int type for parameter 2."
    assert refusal("lag", value, Constant(1), Constant(0), Constant(True)) == ""
    assert refusal("lag") == "expect one to four args but got 0."


def test_lag_fails_on_an_offset_that_turns_out_wrong() -> None:
    assert answers("lag", (1, -1)) == ["the offset should not be negative but got -1"]
    assert answers("lag", (1, 1.5)) == ["cannot convert float64(1.5) to int"]
    assert answers("lag", (1, 1, 0, "x")) == ["fourth arg is not a bool but got x"]


# ---- latest


def test_latest_holds_the_last_value_that_was_not_null() -> None:
    assert answers("latest", *column(None, 1, None, 2)) == [None, 1, 1, 2]


def test_latest_falls_back_on_the_default_of_the_row_until_there_is_a_value() -> None:
    assert answers("latest", (None, "a"), (None, "b"), (1, "c"), (None, "d")) == ["a", "b", 1, 1]


def test_latest_does_not_take_a_row_that_does_not_count() -> None:
    assert answers("latest", *column(1, 2), counts=(True, False)) == [1, 1]


# ---- changes


def test_changed_col_answers_only_values_that_differ_from_the_last() -> None:
    assert answers("changed_col", *[(True, v) for v in (1, 1, 2, None, 2, 1)]) == [1, None, 2, None, None, 1]


def test_changed_col_can_take_null_for_a_value_but_not_for_the_first_change() -> None:
    assert answers("changed_col", *[(False, v) for v in (None, 1, None, 1)]) == [None, 1, None, 1]


def test_changed_col_tells_an_integer_from_a_float() -> None:
    assert answers("changed_col", (True, 1), (True, 1.0), (True, 1.0)) == [1, 1.0, None]


def test_changed_col_neither_answers_nor_saves_a_row_that_does_not_count() -> None:
    assert answers("changed_col", (True, 1), (True, 2), (True, 2), counts=(True, False, True)) == [1, None, 2]


def test_changed_col_wants_a_truth_value_first() -> None:
    assert answers("changed_col", (1, 1), (None, 1)) == [
        "first arg is not a bool but got 1",
        "first arg is not a bool but got <nil>",
    ]


def test_had_changed_saves_every_value_even_after_one_that_changed() -> None:
    rows = [(True, 1, 1), (True, 2, 2), (True, 2, 2), (True, 2, None), (True, 2, 3)]
    assert answers("had_changed", *rows) == [True, True, False, False, True]


def test_had_changed_takes_null_for_a_value_when_it_is_told_to() -> None:
    assert answers("had_changed", (False, 1), (False, None), (False, None), (False, 1)) == [True, True, False, True]


def test_had_changed_is_false_for_a_row_that_does_not_count() -> None:
    assert answers("had_changed", (True, 1), (True, 2), (True, 2), counts=(True, False, True)) == [True, False, True]


def test_had_changed_of_whole_rows_ignores_columns_that_are_null() -> None:
    made = HadChanged(frozenset({1}))
    rows = [{"a": 1, "b": 1}, {"a": 1, "b": None}, {"b": 1}, {"a": 1, "b": 2}]
    assert [made((True, row), True) for row in rows] == [True, False, False, True]


def test_had_changed_of_whole_rows_sees_a_column_come_and_go() -> None:
    made = HadChanged(frozenset({1}))
    rows = [{"a": 1}, {"a": 1, "b": None}, {"a": 1}]
    assert [made((False, row), True) for row in rows] == [True, True, True]


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (True, 1, False),
        (None, None, True),
        ({"a": [1, {"b": 2.0}]}, {"a": [1, {"b": 2.0}]}, True),
        ({"a": [1, {"b": 2.0}]}, {"a": [1, {"b": 2}]}, False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ([1, 2], [1], False),
        (float("nan"), float("nan"), False),
    ],
)
def test_identical_means_of_one_type_all_the_way_down(left: Any, right: Any, equal: bool) -> None:
    assert identical(left, right) is equal


# ---- accumulators


def test_accumulators_grow_from_row_to_row_and_answer_floats() -> None:
    rows = column(3, 1, -2, 4.5)
    assert answers("acc_sum", *rows) == [3.0, 4.0, 2.0, 6.5]
    assert answers("acc_avg", *rows) == [3.0, 2.0, 2 / 3, 1.625]
    assert answers("acc_min", *rows) == [3.0, 1.0, -2.0, -2.0]
    assert answers("acc_max", *rows) == [3.0, 3.0, 3.0, 4.5]
    assert answers("acc_count", *rows) == [1, 2, 3, 4]


def test_accumulators_differ_on_null() -> None:
    rows = column(None, 1, None)
    assert answers("acc_sum", *rows) == [0.0, 1.0, 1.0]
    assert answers("acc_count", *rows) == [0, 1, 1]
    for name in ("acc_avg", "acc_min", "acc_max"):
        assert answers(name, *rows) == ["the value should be number", 1.0, "the value should be number"]


@pytest.mark.parametrize("name", ["acc_sum", "acc_avg", "acc_min", "acc_max"])
def test_accumulators_refuse_what_is_no_number_and_go_on(name: str) -> None:
    fault = "the value should be number"
    assert answers(name, *column(1, "2", True, [1], 1)) == [1.0, fault, fault, fault, 2.0 if name == "acc_sum" else 1.0]


def test_acc_count_counts_values_of_any_type() -> None:
    assert answers("acc_count", *column(1, "x", True, [], {})) == [1, 2, 3, 4, 5]


def test_accumulators_answer_zero_before_a_row_counts() -> None:
    for name in ("acc_sum", "acc_avg", "acc_min", "acc_max"):
        assert answers(name, *column(5, 7), counts=(False, True)) == [0.0, 7.0]
    assert answers("acc_count", *column(5, 7), counts=(False, True)) == [0, 1]


def test_the_least_and_the_greatest_may_be_beyond_64_bits() -> None:
    assert answers("acc_min", *column(1e19, 2e19)) == [1e19, 1e19]
    assert answers("acc_max", *column(-2e19, -1e19)) == [-2e19, -1e19]


def test_an_accumulation_runs_from_its_begin_through_its_reset() -> None:
    values = (1, 2, 4, 2, 3, 7, 5, 2)
    rows = [(v, v == 2, v == 7) for v in values]
    assert answers("acc_count", *rows) == [0, 1, 2, 3, 4, 5, 0, 1]
    assert answers("acc_sum", *rows) == [0.0, 2.0, 6.0, 8.0, 11.0, 18.0, 0.0, 2.0]


def test_a_row_may_both_begin_and_reset() -> None:
    assert answers("acc_sum", (1, True, True), (2, False, False), (3, True, False)) == [1.0, 0.0, 3.0]


def test_begin_and_reset_are_heard_from_rows_that_do_not_count() -> None:
    rows = [(1, True, False), (2, False, False), (3, False, True), (4, False, False)]
    assert answers("acc_sum", *rows, counts=(False, True, False, True)) == [0.0, 2.0, 2.0, 0.0]


def test_begin_and_reset_must_be_truth_values() -> None:
    rows = [(1, True, None), (2, "x", False), (3, True, False)]
    assert answers("acc_sum", *rows) == ["onReset should be boolean", "onBegin should be boolean", 3.0]


def test_accumulators_take_one_argument_or_three() -> None:
    assert refusal("acc_sum", Column("v")) == ""
    assert refusal("acc_sum", Column("v"), Column("b")) == "Expect 1/3 arguments but got 2."


# ---- changed_cols


def test_changed_cols_answers_the_columns_that_changed_under_a_prefix() -> None:
    made = ChangedColumns()
    rows = [{"a": 1, "b": "x"}, {"a": 1, "b": "x"}, {"a": 2, "b": None}, {"a": 2, "b": "y"}]
    assert [made("c_", True, row.items()) for row in rows] == [{"c_a": 1, "c_b": "x"}, {}, {"c_a": 2}, {"c_b": "y"}]


def test_changed_cols_can_take_null_for_a_value() -> None:
    made = ChangedColumns()
    assert [made("", False, [("a", v)]) for v in (None, 1, None)] == [{}, {"a": 1}, {"a": None}]


@pytest.mark.parametrize(
    ("prefix", "ignore_null", "columns", "message"),
    [
        (1, True, [("a", 1)], "first arg is not a string but got 1"),
        ("c_", None, [("a", 1)], "second arg is not a bool but got <nil>"),
        ("c_", True, [], "expect more than two args but got 2"),
    ],
)
def test_changed_cols_says_what_is_wrong(prefix: Any, ignore_null: Any, columns: Any, message: str) -> None:
    with pytest.raises(RowFault) as caught:
        ChangedColumns()(prefix, ignore_null, columns)
    assert caught.value.message == message
