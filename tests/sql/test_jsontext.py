"""JSON as functions read and write it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuiper_nb.errors import RowFault
from kuiper_nb.sql.arrays import NIL_ARRAY
from kuiper_nb.sql.jsontext import dumps, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert loads(dumps(value)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1.5e-7, "1.5e-7"),
        (1e-6, "0.000001"),
        (5, "5"),
        ("\t\x01\b<&>\u2028\"\\", '"\\t\\u0001\\b\\u003c\\u0026\\u003e\\u2028\\"\\\\"'),
        (b"hi", '"aGk="'),
        (datetime(2024, 3, 5, 8, 5, 7, 8000, tzinfo=UTC), '"2024-03-05T08:05:07.008Z"'),
        ({"b": [], "a": {}}, '{"a":{},"b":[]}'),
        (NIL_ARRAY, "null"),
    ],
)  # fmt: skip
def test_values_are_written(value: Any, expected: str) -> None:
    assert dumps(value) == expected


def test_numbers_that_are_none_are_a_fault() -> None:
    with pytest.raises(RowFault, match=r"json: unsupported value: \+Inf"):
        dumps([float("inf")])


def test_half_a_surrogate_pair_is_no_character() -> None:
    assert loads(r'{"\ud800": ["\ud83d\ude00", "\udc00"]}') == {"\ufffd": ["😀", "\ufffd"]}


@pytest.mark.parametrize("document", ["", "nul", "[1,]", "01", "Infinity", '"\t"', "1 2", "1e400", "[" * 100_000])
def test_what_is_no_json_is_a_fault(document: str) -> None:
    with pytest.raises(RowFault):
        loads(document)
