from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuiper_nb.testing.difference import Outgoing, compared, plain, same

ROWS = st.lists(st.fixed_dictionaries({"a": st.integers(0, 2)}), max_size=6)


def kinds(expected: list[Any], came: list[Any]) -> list[tuple[str, Any]]:
    lines = compared([Outgoing(row) for row in expected], [Outgoing(row, 0) for row in came])
    return [(line.kind, line.out.row) for line in lines]


def test_what_was_left_out_and_put_in_is_found() -> None:
    a, b, c, d = ({"n": n} for n in "abcd")

    assert kinds([a, b, c], [a, c, d]) == [("same", a), ("missing", b), ("same", c), ("unexpected", d)]


def test_rows_that_differ_stand_side_by_side_with_their_columns() -> None:
    lines = compared([Outgoing({"k": 1, "v": 2, "w": 3}, 10)], [Outgoing({"k": 1, "v": 9, "x": 3}, 20)])

    assert [(line.kind, line.columns, line.moment) for line in lines] == [
        ("missing", ("v", "w", "x"), True),
        ("unexpected", ("v", "w", "x"), True),
    ]


@given(ROWS, ROWS)
def test_both_lists_are_there_in_their_order(expected: list[Any], came: list[Any]) -> None:
    found = kinds(expected, came)

    assert [row for kind, row in found if kind != "unexpected"] == expected
    assert [row for kind, row in found if kind != "missing"] == came
    assert (expected == came) == all(kind == "same" for kind, _ in found)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (0.1 + 0.2, 0.3, True),
        (True, 1, False),
        (None, 0, False),
        ([1, {"a": None}], [1.0, {"a": None}], True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ("1", 1, False),
    ],
)
def test_values_are_equal_as_in_json(left: Any, right: Any, equal: bool) -> None:
    assert same(left, right) is equal


def test_moments_and_bytes_are_texts() -> None:
    assert plain({"t": datetime(2024, 1, 1, tzinfo=UTC), "b": [b"\x00"]}) == {
        "t": "2024-01-01T00:00:00Z",
        "b": ["AA=="],
    }


def test_long_lists_are_held_against_each_other_place_by_place() -> None:
    many = [{"n": n} for n in range(2_000)]

    assert all(kind == "same" for kind, _ in kinds(many, many))
