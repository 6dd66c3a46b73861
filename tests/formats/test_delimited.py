"""Delimited payloads: values between separators, read by position, written with or without a header."""

from __future__ import annotations

import pytest

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.errors import RowFault
from kuiper_nb.formats import get
from kuiper_nb.types import BIGINT, BOOLEAN, FLOAT, STRING, ArrayOf

TYPED = (Field("a", BIGINT), Field("b", FLOAT), Field("c", STRING), Field("d", BOOLEAN), Field("e", ArrayOf(BIGINT)))


def decoded(payload: str, *fields: Field, **options: str) -> object:
    return get("delimited").decoder(Stream("s", fields, options))(payload.encode())


def test_columns_without_a_schema_are_numbered_and_hold_texts():
    assert decoded("7,x y,") == [{"col0": "7", "col1": "x y", "col2": ""}]
    assert decoded("") == [{"col0": ""}]


def test_a_line_end_is_part_of_its_value():
    assert decoded("a,b\nc,d") == [{"col0": "a", "col1": "b\nc", "col2": "d"}]


def test_the_delimiter_may_be_longer_than_a_character():
    assert decoded("a::b::c:d", DELIMITER="::") == [{"col0": "a", "col1": "b", "col2": "c:d"}]


def test_declared_columns_are_taken_in_order_and_cast():
    rows = decoded("7;2;x;true;[1,2];more", *TYPED, DELIMITER=";")

    assert repr(rows) == "[{'a': 7, 'b': 2.0, 'c': 'x', 'd': True, 'e': [1, 2]}]"


def test_an_empty_value_is_null_where_a_text_is_not_declared():
    assert decoded(";;;;", *TYPED, DELIMITER=";") == [{"a": None, "b": None, "c": "", "d": None, "e": None}]
    assert decoded("7", *TYPED) == [{"a": 7}]


@pytest.mark.parametrize("value", ["x", "1.5", "1_000", "0x1F"])
def test_a_value_that_is_no_whole_number_fails_the_row(value: str):
    with pytest.raises(RowFault):
        decoded(value, *TYPED)


def test_the_source_may_name_the_columns():
    assert decoded("1,2,3", EXTRA='{"fields": ["x", "y"]}') == [{"x": "1", "y": "2"}]


def encoded(options: dict[str, object], *items: object) -> list[str]:
    encode = get("delimited").encoder(options)
    return [encode(item).decode() for item in items]  # type: ignore[arg-type]


def test_a_lone_row_keeps_the_columns_of_the_first():
    rows = {"b": 1.0, "a": "x", "c": True}, {"a": "y,z", "b": None, "d": 9}, {"c": [1.0, 2.0], "a": {"k": 1}, "b": 1.5}

    assert encoded({"delimiter": ";"}, *rows) == ["x;1;true", "y,z;;", "map[k:1];1.5;[1 2]"]
    assert encoded({"hasHeader": True}, *rows[:2]) == ["a,b,c\nx,1,true", "y,z,,"]
    assert encoded({"fields": ["c", "a"], "hasHeader": True}, rows[0]) == ["true,x"]


def test_a_list_has_the_sorted_columns_of_its_first_row():
    rows = [{"b": 1, "a": 1e21}, {"a": b"bytes"}]

    assert encoded({}, rows, [], [{}, {"z": 0.1}]) == ["1000000000000000000000,1\nbytes,", "", "\n0.1"]
    assert encoded({"hasHeader": True}, rows) == ["a,b\n1000000000000000000000,1\nbytes,"]
