"""STRICT_VALIDATION asks for every used column, in its type; DEFAULT stands in for an absent one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.errors import RowFault
from kuiper_nb.formats.coerce import coercion
from kuiper_nb.sql.arrays import NIL_ARRAY
from kuiper_nb.types import BIGINT, BOOLEAN, BYTEA, DATETIME, FLOAT, STRING, AnyType, ArrayOf, StructOf


def validated(row: dict[str, object], *fields: Field, columns: frozenset[str] | None = None, **options: str) -> object:
    stream = Stream("meter", fields, {"STRICT_VALIDATION": "true", **options})
    try:
        return coercion(stream, columns)(row)
    except RowFault as fault:
        return fault.message


def test_an_absent_column_fails_the_row():
    assert validated({}, Field("v", BIGINT)) == "error in preprocessor: field v is not found"


def test_an_absent_column_that_is_not_used_does_not_matter():
    fields = (Field("v", BIGINT), Field("w", BIGINT))

    assert validated({"v": 1}, *fields, columns=frozenset({"v"})) == {"v": 1}


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [
        (BIGINT, 7, 7),
        (BIGINT, "12", 12),
        (FLOAT, 1.5, 1.5),
        (FLOAT, "1.5", 1.5),
        (BOOLEAN, 1, True),
        (BOOLEAN, False, False),
        (STRING, "dflt", "dflt"),
        (STRING, 5, "5"),
    ],
)
def test_a_default_stands_in_for_an_absent_column(kind: AnyType, default: str | float, value: object):
    assert validated({}, Field("v", kind, default)) == {"v": value}


def test_a_default_that_is_none_fails_the_row():
    message = "error in preprocessor: field v type mismatch: cannot convert string(x) to BIGINT"

    assert validated({}, Field("v", BIGINT, "x")) == message


@pytest.mark.parametrize(
    ("kind", "name"), [(BIGINT, "int64"), (FLOAT, "float64"), (STRING, "string"), (BOOLEAN, "bool"), (BYTEA, "[]byte")]
)
def test_null_is_no_value_of_a_simple_column_not_even_with_a_default(kind: AnyType, name: str):
    message = f"error in preprocessor: field v type mismatch: cannot convert <nil>(<nil>) to {name}"

    assert validated({"v": None}, Field("v", kind, "1")) == message


def test_null_is_a_value_of_arrays_and_structs():
    fields = (Field("a", ArrayOf(BIGINT)), Field("s", StructOf((("w", BIGINT),))))

    assert validated({"a": None, "s": None}, *fields) == {"a": NIL_ARRAY, "s": None}


def test_null_is_no_element():
    message = "array element type mismatch: cannot convert <nil>(<nil>) to bool"

    assert (
        validated({"v": [None]}, Field("v", ArrayOf(BOOLEAN)))
        == f"error in preprocessor: field v type mismatch: {message}"
    )


def test_members_of_structs_must_be_there_too():
    field = Field("s", StructOf((("w", BIGINT), ("u", BIGINT))))

    assert validated({"s": {"w": 1}}, field) == "error in preprocessor: field s type mismatch: field u is not found"


def test_a_default_stands_in_for_an_absent_member():
    field = Field("s", StructOf((("w", BIGINT), ("u", BIGINT)), (("w", "7"),)))

    assert validated({"s": {"u": 1}}, field) == {"s": {"w": 7, "u": 1}}
    assert validated({"s": {"w": 3, "u": 1}}, field) == {"s": {"w": 3, "u": 1}}
    assert validated({"s": {"w": 3}}, field) == "error in preprocessor: field s type mismatch: field u is not found"


def test_datetime_becomes_a_moment():
    field, at = Field("v", DATETIME), datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)

    assert validated({"v": 1700000000000}, field) == {"v": at}
    assert validated({"v": "14/11/2023 22:13:20"}, field, TIMESTAMP_FORMAT="dd/MM/yyyy HH:mm:ss") == {"v": at}
    assert str(validated({"v": "junk"}, field)).startswith("error in preprocessor: field v type mismatch: ")
