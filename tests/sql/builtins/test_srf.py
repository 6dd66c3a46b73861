"""Set-returning functions: how an array becomes rows."""

from __future__ import annotations

from typing import Any

import pytest

from kuiper_nb.errors import RowFault
from kuiper_nb.sql.builtins.srf import expanded

from .calling import outcome


def test_every_element_becomes_a_row_with_the_other_columns_beside_it() -> None:
    assert expanded({"x": [1, "b", None], "id": 7}, "x") == [
        {"x": 1, "id": 7},
        {"x": "b", "id": 7},
        {"x": None, "id": 7},
    ]


def test_the_keys_of_an_object_become_columns_and_win() -> None:
    assert expanded({"id": 7, "x": [{"k": 1, "id": 8}, {"x": 2}]}, "x") == [{"id": 8, "k": 1}, {"id": 7, "x": 2}]


def test_an_array_inside_the_array_stays_one() -> None:
    assert expanded({"x": [[1, 2], []]}, "x") == [{"x": [1, 2]}, {"x": []}]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "can't find the result from the x function"),
        ({"x": None}, "can't find the result from the x function"),
        ({"x": "text"}, "the argument for the x function should be array"),
        ({"x": {"k": 1}}, "the argument for the x function should be array"),
    ],
)
def test_without_an_array_the_row_fails(row: dict[str, Any], message: str) -> None:
    with pytest.raises(RowFault) as caught:
        expanded(row, "x")
    assert caught.value.message == message


def test_extract_makes_one_row_of_an_object() -> None:
    assert outcome("extract", {"a": 1}) == [{"a": 1}]
    assert outcome("extract", [1]) == "fault: extract should use map"


def test_nothing_to_unnest_is_null() -> None:
    assert [outcome("unnest", v) for v in (None, [], {})] == [None, None, None]
