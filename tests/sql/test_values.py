"""Values as Go prints, names and converts them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from kuiper_nb.errors import RowFault
from kuiper_nb.sql import values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e6, "1e+06"),
        (123456.0, "123456"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-0.0, "-0"),
        (math.nan, "NaN"),
        (-math.inf, "-Inf"),
        ({"b": None, "a": [1, True]}, "map[a:[1 true] b:<nil>]"),
        (b"\x00\xff", "[0 255]"),
        (datetime(2023, 11, 14, 22, 13, 20, 120000, UTC), "2023-11-14 22:13:20.12 +0000 UTC"),
    ],
)
def test_a_value_has_the_text_go_prints(value: Any, text: str) -> None:
    assert values.text(value) == text


@pytest.mark.parametrize(
    ("literal", "number"),
    [("12", 12), ("-0b101", -5), ("0o17", 15), ("017", 15), ("0x_ff", 255), ("0", 0), ("1_0", 10)]
    + [(wrong, None) for wrong in ("", " 1", "1.0", "1__0", "08", "１", "9223372036854775808", "_1", "1e3")],
)
def test_integers_are_read_as_in_go_source(literal: str, number: int | None) -> None:
    assert values.parsed_int(literal) == number


@pytest.mark.parametrize(
    ("literal", "number"),
    [
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1e3", -1000.0),
        ("1_0.5", 10.5),
        ("+Infinity", math.inf),
        ("0x1p4", 16.0),
    ]
    + [(wrong, None) for wrong in ("", " 1", "1e400", "0x10", "1__0", "e5", "0x1p9999", "+nan", ".")],
)
def test_floats_are_read_as_in_go(literal: str, number: float | None) -> None:
    assert values.parsed_float(literal) == number


def test_only_whole_floats_are_strictly_integers() -> None:
    assert values.to_int(3.0, "strict") == 3
    with pytest.raises(RowFault, match=r"^cannot convert float64\(3\.5\) to int64$"):
        values.to_int(3.5, "strict", "int64")


def test_floats_beyond_64_bits_become_the_least_integer() -> None:
    assert [values.truncated(x) for x in (1e19, -1e19, math.nan, math.inf, 2.0**63)] == [-(2**63)] * 5


def test_numbers_are_no_texts_unless_all_is_converted() -> None:
    assert values.to_string(1e6, "all") == "1000000"
    with pytest.raises(RowFault, match=r"^cannot convert float64\(1e\+06\) to string$"):
        values.to_string(1e6)


def test_every_byte_that_is_no_text_is_replaced() -> None:
    assert values.bytes_text(b"\xe6\x97a\xff") == "\ufffd\ufffda\ufffd"
    assert values.bytes_text("日".encode()) == "日"
