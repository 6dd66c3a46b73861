"""Durations as text."""

from __future__ import annotations

import pytest

from kuiper_nb.errors import RowFault
from kuiper_nb.sql.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1h30m", 5_400_000_000_000),
        ("-1.5s", -1_500_000_000),
        ("+250ms", 250_000_000),
        (".5us", 500),
        ("1.ns", 1),
        ("2µs", 2_000),
        ("1m1m", 120_000_000_000),
    ],
)
def test_a_duration_is_nanoseconds(text: str, expected: int) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        ("h", 'time: invalid duration "h"'),
        ("5", 'time: missing unit in duration "5"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1 h", 'time: unknown unit " h" in duration "1 h"'),
        ("2562048h", 'time: invalid duration "2562048h"'),
    ],
)
def test_what_is_no_duration_says_why(text: str, message: str) -> None:
    with pytest.raises(RowFault) as raised:
        parse_duration(text)
    assert raised.value.message == message
