"""Columns as payloads: what goes in comes out, and what is no payload is refused."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from kuiper_nb.plugins.codec import Unreadable, packed, unpacked


def there_and_back(columns: list[Any], rows: int, *, arrow: bool = True) -> tuple[str, list[Any]]:
    codec, payload = packed(columns, rows, arrow=arrow)
    found = unpacked(codec, payload, len(columns), rows)
    return codec, [column if isinstance(column, list) else column.to_pylist() for column in found]


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, None],
        [1.5, None],
        ["a", "ä", None],
        [True, False],
        [b"x", None],
        [[1, 2], [], None],
        [["a"]],
        [None, None],
    ],
    ids=str,
)
def test_columns_of_one_type_travel_as_arrow(values: list[Any]):
    assert there_and_back([values], len(values)) == ("arrow", [values])


@pytest.mark.parametrize(
    "values",
    [
        [1, 1.5],
        [1, True],
        ["a", b"a"],
        [{"a": 1}, {"b": 2}],
        [2**70],
        [datetime(2026, 1, 1, tzinfo=UTC)],
        [[1, "a"]],
        [{"$bytes": "x"}],
        ["\ud800"],
    ],
    ids=str,
)
def test_values_that_no_column_holds_as_they_are_travel_as_json(values: list[Any]):
    assert there_and_back([values], len(values)) == ("json", [values])


def test_a_peer_that_knows_no_arrow_gets_json():
    assert there_and_back([pa.array([1, None]), [math.inf, b"x"]], 2, arrow=False) == (
        "json",
        [[1, None], [math.inf, b"x"]],
    )


def test_text_encoded_as_a_dictionary_travels_as_text():
    assert there_and_back([pa.chunked_array([pa.array(["a", "b", "a"]).dictionary_encode()])], 3)[1] == [
        ["a", "b", "a"]
    ]


@pytest.mark.parametrize("rows", [2, 4])
@pytest.mark.parametrize("arrow", [True, False])
def test_other_rows_than_announced_are_refused(rows: int, arrow: bool):
    codec, payload = packed([[1, 2, 3]], 3, arrow=arrow)

    with pytest.raises(Unreadable, match=f"3 values for {rows} rows"):
        unpacked(codec, payload, 1, rows)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[1]", b"nope", b'[[{"$bytes": 3}]]', b"[" * 100_000, b'[[{"$datetime": "x"}]]']
)
def test_what_is_no_json_of_columns_is_refused(text: bytes):
    with pytest.raises(Unreadable):
        unpacked("json", [text], 1, 1)


def streamed(batches: list[pa.RecordBatch], schema: pa.Schema, end: bytes = b"") -> bytes:
    """As a writer of another language may do it, with its own *end*, or none."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()[:-8] + end


END = b"\xff\xff\xff\xff\0\0\0\0"


@pytest.mark.parametrize("end", [b"", END, b"\0\0\0\0"])
@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2]),
        pa.array(["a", "b"]).dictionary_encode(),
        pa.ListArray.from_arrays([0, 1, 2], pa.array(["a", "b"]).dictionary_encode()),
    ],
    ids=lambda column: str(column.type),
)
def test_streams_of_any_writer_are_read(column: pa.Array, end: bytes):
    batch = pa.record_batch({"any": column})

    for _ in range(2):  # what is kept of the first does not mislead the second
        (found,) = unpacked("arrow", [streamed([batch], batch.schema, end)], 1, 2)
        assert found.to_pylist() == column.to_pylist()


@pytest.mark.parametrize("batches", [0, 2])
def test_streams_of_more_or_less_than_a_batch_are_refused(batches: int):
    batch = pa.record_batch({"any": [1, 2]})

    with pytest.raises(Unreadable):
        unpacked("arrow", [streamed([batch] * batches, batch.schema, END)], 1, 2)


def test_no_mutated_arrow_kills_or_deceives():
    """10,000 streams with up to eight changed, lost or doubled bytes; accepted ones are valid and of the right size."""
    chance = random.Random(20261126)
    columns = [pa.array([f"text {n}" if n % 3 else None for n in range(64)]), pa.array([[n, n + 1] for n in range(64)])]
    _, (payload,) = packed(columns, 64)
    for _ in range(10_000):
        mutated = bytearray(payload)
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(mutated))
            change = chance.randrange(4)
            if change == 0:
                del mutated[place:]
            elif change == 1:
                mutated[place:place] = mutated[place : place + 8]
            else:
                mutated[place] = chance.randrange(256)
            if not mutated:
                break
        try:
            found = unpacked("arrow", [bytes(mutated)], 2, 64)
        except Unreadable:
            continue
        for column in found:
            column.validate(full=True)
            assert len(column) == 64
            column.to_pylist() if column.type in (pa.string(), pa.list_(pa.int64())) else None
