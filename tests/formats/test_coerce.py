"""Rows that were never bytes: dicts, NumPy values in them, rows that keep their types, and their event time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.errors import ConnectorError, RowFault
from kuiper_nb.formats.coerce import coercion, timestamps
from kuiper_nb.types import BIGINT, DATETIME, FLOAT, STRING, AnyType, ArrayOf


def test_a_dict_is_json_so_its_numbers_are_floats():
    row = coercion(Stream("s"))({"a": 3, "b": [1, {"c": 2}], "d": True, "e": b"x"})

    assert repr(row) == "{'a': 3.0, 'b': [1.0, {'c': 2.0}], 'd': True, 'e': b'x'}"


def test_an_integer_beyond_all_floats_is_infinite():
    assert coercion(Stream("s"))({"a": 10**400, "b": -(10**400)}) == {"a": float("inf"), "b": float("-inf")}


def test_numpy_values_are_those_they_hold():
    stream = Stream("s", (Field("a", BIGINT), Field("b", FLOAT), Field("c", ArrayOf(FLOAT))))

    row = coercion(stream)({"a": np.int32(3), "b": np.float32(0.5), "c": np.array([1, 2])})

    assert repr(row) == "{'a': 3, 'b': 0.5, 'c': [1.0, 2.0]}"


@pytest.mark.parametrize("kind", [FLOAT, DATETIME, STRING, None])
@pytest.mark.parametrize("missing", [pd.NaT, pd.NA, np.datetime64("NaT")])
def test_a_missing_value_of_pandas_is_null(kind: AnyType | None, missing: object):
    stream = Stream("s", (Field("v", kind),) if kind else ())

    assert coercion(stream)({"v": missing}) == {"v": None}


def test_a_decimal_is_a_number():
    assert coercion(Stream("s"))({"v": Decimal("1.5")}) == {"v": 1.5}


@pytest.mark.parametrize("fields", [(), (Field("v", DATETIME),)])
@pytest.mark.parametrize("given", [datetime(2024, 1, 1), date(2024, 1, 1), np.datetime64("2024-01-01")])
def test_a_moment_without_a_zone_is_one_in_utc(fields: tuple[Field, ...], given: object):
    assert coercion(Stream("s", fields))({"v": given}) == {"v": datetime(2024, 1, 1, tzinfo=UTC)}


def test_a_float_is_no_bigint_even_if_it_is_whole():
    with pytest.raises(RowFault, match=r'unparsed tail left after parsing int64 form "3.0": ".0"'):
        coercion(Stream("s", (Field("a", BIGINT),)))({"a": 3.0})


def test_rows_that_are_typed_are_only_pruned():
    at = datetime(2024, 1, 1, tzinfo=UTC)

    assert coercion(Stream("s"), frozenset({"a"}), typed=True)({"a": 3, "b": 4}) == {"a": 3}
    assert coercion(Stream("s", (Field("a", DATETIME),)), typed=True)({"a": at, "b": 4}) == {"a": at}


def test_extra_must_be_an_object():
    with pytest.raises(ConnectorError, match="EXTRA of s is not a JSON object"):
        coercion(Stream("s", (), {"EXTRA": "[1]"}))


def event_time(value: object, pattern: str = "") -> object:
    options = {"TIMESTAMP": "at"} | ({"TIMESTAMP_FORMAT": pattern} if pattern else {})
    try:
        return timestamps(Stream("s", (), options))({"a": 1.0, "at": value})
    except RowFault as fault:
        return fault.message


@pytest.mark.parametrize(
    "value", [1700000000000, 1700000000000.9, "2023-11-14T22:13:20Z", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)]
)
def test_event_time_is_milliseconds_whatever_it_is_written_as(value: object):
    assert event_time(value) == 1700000000000


def test_event_time_is_read_by_its_format_or_else_the_usual_forms():
    assert event_time("14.11.2023 22:13:20", "dd.MM.yyyy HH:mm:ss") == 1700000000000
    assert event_time("2023-11-14T22:13:20Z", "dd.MM.yyyy HH:mm:ss") == 1700000000000
    assert event_time(1700000000000, "dd.MM.yyyy HH:mm:ss") == 1700000000000


def test_a_row_without_its_timestamp_has_no_event_time():
    with pytest.raises(RowFault, match=r"cannot find timestamp field at in tuple map\[a:1\]"):
        timestamps(Stream("s", (), {"TIMESTAMP": "at"}))({"a": 1.0})


@pytest.mark.parametrize("value", [None, True, "soon", [1]])
def test_what_is_no_moment_is_no_event_time(value: object):
    assert str(event_time(value)).startswith("cannot convert timestamp field at to timestamp with error ")
