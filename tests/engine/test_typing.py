"""What columns dicts become: the type most values have, and which rows have another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.engine.pushed import Pushed, Pushing
from kuiper_nb.engine.typing import columnised
from kuiper_nb.formats.coerce import coercion
from kuiper_nb.types import BIGINT, BOOLEAN, FLOAT, NULL, STRING, AnyType


def pushed(values: list[Any], *fields: Field, faults: list[str] | None = None) -> Pushed:
    stream = Stream("s", fields, {})
    pushing = Pushing(stream, None, {}, coercion(stream))
    return pushing.rows(
        [{"a": v} for v in values], lambda message, row: faults.append(message) if faults is not None else None
    )


def column(rows: Any) -> tuple[list[Any], AnyType, list[bool]]:
    found = columnised(rows, ["a"])
    assert found is not None
    table, typing, misfits = found
    return (
        table.column("a").to_pylist(),
        typing[0][1],
        (np.zeros(len(rows), bool) if misfits is None else misfits).tolist(),
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1.5, None], FLOAT), (["a", "b"], STRING), ([True, None, False], BOOLEAN), ([None, None], NULL)],
)
def test_values_of_one_type_are_a_column_of_it(values: list[Any], kind: AnyType):
    assert column(pushed(values)) == (values, kind, [False] * len(values))
    assert column([{"a": v} for v in values]) == (values, kind, [False] * len(values))


def test_integers_of_a_schemaless_stream_are_floats():
    values, kind, misfits = column(pushed([1, 2.5, 2**53 + 1, None]))

    assert repr(values) == repr([1.0, 2.5, float(2**53 + 1), None])
    assert (kind, misfits) == (FLOAT, [False] * 4)


def test_an_integer_too_large_for_a_float_is_what_decoding_makes_of_it():
    for rows in (pushed([1.5, 10**400, -(10**400)]), pushed([1.5, 10**400, -(10**400)], Field("a", FLOAT))):
        assert column(rows)[0] == [1.5, math.inf, -math.inf] == [row["a"] for row in rows]


def test_integers_stay_apart_from_floats_where_values_have_types():
    assert column([{"a": 1}, {"a": 2.5}, {"a": 3}]) == ([1, None, 3], BIGINT, [False, True, False])


def test_a_truth_value_among_numbers_is_no_number():
    assert column(pushed([1.5, True, 2])) == ([1.5, None, 2.0], FLOAT, [False, True, False])
    assert column(pushed([1, True, 2])) == ([1.0, None, 2.0], FLOAT, [False, True, False])


def test_a_text_that_looks_like_a_number_is_no_number():
    assert column(pushed([1.5, "12", 2.5])) == ([1.5, None, 2.5], FLOAT, [False, True, False])


def test_integers_and_floats_together_may_outnumber_texts():
    assert column(pushed([1, 2.5, "a", "b", 3])) == (
        [1.0, 2.5, None, None, 3.0],
        FLOAT,
        [False, False, True, True, False],
    )


def test_what_is_not_finite_is_for_the_evaluator_and_null_is_not():
    assert column(pushed([math.nan, None, 1.0]))[2] == [True, False, False]
    assert column(pushed([math.nan, 1.0, math.inf, 10**400]))[2] == [True, False, True, True]


@pytest.mark.parametrize("odd", [[1], {"k": 1}, b"x", "\ud800"])
def test_what_has_no_plain_column_is_none(odd: Any):
    assert columnised(pushed([odd]), ["a"]) is None


def test_absent_is_null_in_a_column():
    rows = Pushed([{"a": 1.0}, {"b": 1}], list, None, None)

    assert column(rows) == ([1.0, None], FLOAT, [False, False])


def test_rows_of_a_typed_stream_that_do_not_fit_are_decoded_one_by_one():
    faults: list[str] = []

    rows = pushed([1, "x", 2**63, 2.0, None, 3.5], Field("a", BIGINT), faults=faults)

    assert [fault.partition(" ")[0] for fault in faults] == ["a", "strconv.ParseInt:", "unparsed", "unparsed"]
    assert list(rows) == [{"a": 1}, {"a": None}]
    assert column(rows) == ([1, None], BIGINT, [False, False])


def test_a_typed_column_of_floats_takes_integers():
    assert column(pushed([1, 2.5, None], Field("a", FLOAT))) == ([1.0, 2.5, None], FLOAT, [False] * 3)


def test_decoding_many_rows_is_decoding_each():
    raw = [{"a": v, "b": 1} for v in (1, 1.5, "x", None, True, [1, {"k": 2}], 2**70)]
    stream = Stream("s", (), {})
    for used in (None, frozenset({"a"})):
        decode = coercion(stream, used)
        rows = Pushing(stream, used, {}, decode).rows(list(raw), lambda message, row: None)
        assert repr(list(rows)) == repr([decode(row) for row in raw]) == repr([rows[i] for i in range(len(raw))])
