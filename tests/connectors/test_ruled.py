"""Lines that are all written like the first: read without parsing, or left to whoever parses."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kuiper_nb.connectors.ruled import Ruled

from .test_file_source import hold_together

SCHEMA = pa.schema([("n", pa.int64()), ("s", pa.string()), ("x", pa.float64())])
LINE = b'{"n": 1, "s": "a", "x": 0.5}'


def table(*lines: bytes) -> pa.Table | None:
    ruled = Ruled.of(lines[0])
    return ruled.table(b"".join(line + b"\n" for line in lines), SCHEMA) if ruled is not None else None


def test_lines_alike_become_columns():
    read = table(LINE, '{"n": -12345678901, "s": "é, {x}:", "x": -3e2}'.encode(), b'{"n": 0, "s": "", "x": 7}')

    assert read is not None
    assert read.schema == SCHEMA
    assert read.to_pylist() == [
        {"n": 1, "s": "a", "x": 0.5},
        {"n": -12345678901, "s": "é, {x}:", "x": -300.0},
        {"n": 0, "s": "", "x": 7.0},
    ]


@pytest.mark.parametrize(
    "line",
    [
        b'{"n":1, "s": "a", "x": 0.5}',
        b'{"n": 1, "s": "a", "y": 0.5}',
        b'{"s": "a", "n": 1, "x": 0.5}',
        b'{"n": 1, "s": "a", "x": 0.5, "y": 1}',
        b'{"n": 1, "s": "a"}',
        b'{"n": 1, "s": "a", "x": 0.5}}',
        b'{"n": 1, "s": "a", "x": 0.5} {"n": 1, "s": "a", "x": 0.5}',
        b'{"n": 1, "s": "\\"", "x": 0.5}',
        b'{"n": 1.0, "s": "a", "x": 0.5}',
        b'{"n": 0x10, "s": "a", "x": 0.5}',
        b'{"n": 9223372036854775808, "s": "a", "x": 0.5}',
        b'{"n": null, "s": "a", "x": 0.5}',
        b'{"n": "1", "s": "a", "x": 0.5}',
        b'{"n": 1, "s": 2, "x": 0.5}',
        b'{"n": 1, "s": null, "x": 0.5}',
        b'{"n": 1, "s": "a", "x": }',
        b'{"n": 1, "s": "a", "x": NaN}',
        b'{"n": 1, "s": "a", "x": Infinity}',
        b'{"n": 1, "s": "a", "x": 1e999}',
        b'{"n": 1, "s": "a", "x": 1 2}',
        b'{"n": 1, "s": "a", "x"}',
        b"",
        b'"""""""""',
    ],
)
def test_a_line_that_differs_is_left_to_others(line: bytes):
    assert table(LINE, line) is None
    assert table(LINE, line, LINE) is None


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b'{"n": 1', b'{"n": 1,}', b'{"n": true}', b'{"n": {}}', b'{"n": 1, "n": 2}', b'{"": 1}']
)
def test_not_every_line_is_a_ruler(line: bytes):
    assert Ruled.of(line) is None


def test_quotes_that_belong_to_the_line_before_are_not_taken_for_the_next():
    assert table(b'{"n": 1, "s": "a", "x": 0.5, "t": "', b'", "n": 1, "s": "a", "x": 0.5, "t": "b"}') is None
    assert table(LINE, b'{"n": 1, "s": "a", "x": 0.5}, "', b'{n": 1, "s": "a", "x": 0.5}') is None


ODD = [
    "0x1F",
    "nan",
    "inf",
    "NaN",
    "1e999",
    "+1",
    "-",
    "null",
    "true",
    "1}",
    "{",
    "1,2",
    " 5",
    "5 ",
    "",
    '"1"',
    '1, "n": 3',
]
LARGE = ["9223372036854775807", "9223372036854775808", "1" * 30]
NUMBERS = st.sampled_from(
    ["0", "-0", "1", "-7", "007", "1.", ".5", "2.50", "-0.0", "1e3", "1E-3", *ODD, *LARGE],
)
TEXTS = st.sampled_from(["", "a", "é", "\\n", '\\"', '"', ", ", '", "s": "', "\t", "\u2028", "null", "}", "\\ud800"])
FORMS = [
    '{"n": %(n)s, "s": "%(s)s", "x": %(x)s}',
    '{"s":"%(s)s","x":%(x)s,"n":%(n)s}',
    '{ "x":%(x)s,"z":"%(s)s" , "n":%(n)s }\r',
]
ROWS = st.lists(st.tuples(st.one_of(NUMBERS, st.just("5")), TEXTS, st.one_of(NUMBERS, st.just("5"))), max_size=6)


@given(
    values=ROWS,
    form=st.sampled_from(FORMS),
    typed=st.booleans(),
    columns=st.sampled_from([None, frozenset({"n"}), frozenset({"x", "s"})]),
)
@example(values=[("1", "a", "2"), ("1", "a", "0x1F")], form=FORMS[0], typed=True, columns=None)
def test_lines_mean_together_what_they_mean_one_by_one(tmp_path_factory, values, form: str, typed: bool, columns):
    lines = [form % {"n": n, "s": text, "x": x} for n, text, x in values]
    hold_together(tmp_path_factory.mktemp("ruled") / "data.json", lines, typed, columns)


@given(rows=st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.text(), st.floats(allow_nan=False)), min_size=1))
def test_what_json_writes_is_read_back(rows: list[tuple[int, str, float]]):
    lines = [json.dumps({"n": n, "s": s, "x": x}, ensure_ascii=False).encode("utf-8", "replace") for n, s, x in rows]
    if any(b"\\" in line or b"Infinity" in line for line in lines):
        return

    read = table(*lines)

    assert read is not None
    assert repr(read.to_pylist()) == repr([json.loads(line) for line in lines])
