"""Windows over folded rows answer what windows over rows do; the rows come back where the evaluator must say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from kuiper_nb import Session, VirtualClock
from kuiper_nb.engine import folded, spanstage
from kuiper_nb.engine.buffer import Buffer, TableSegment

from ..generated import cases
from .arms import START, Case, hold_together
from .strategies import window_cases

QUERY = "SELECT k, count(*) AS n, sum(v) AS s, avg(v) AS m, stddev(v) AS d, max(t) AS t, w FROM demo GROUP BY k, {}"
ODD = {"k": "odd", "v": 1.5, "w": [1]}
WINDOWS = ("TUMBLINGWINDOW(ms, 1000)", "HOPPINGWINDOW(ms, 1000, 250)", "COUNTWINDOW(90, 30)", "COUNTWINDOW(90)")


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch is folded at once, and its rows go to disk."""
    monkeypatch.setattr(spanstage, "FOLD_ROWS", 1)
    monkeypatch.setattr(spanstage, "SPILL_BYTES", 0)
    monkeypatch.setattr(spanstage, "OVERLAPS", 1)


def _rows(first: int, size: int) -> pa.Table:
    numbers = np.arange(first, first + size)
    columns = {
        "k": pa.array([f"key{n % 5}" for n in numbers.tolist()]),
        "v": pa.array(numbers % 7 / 2),
        "w": pa.array(numbers),
        "t": pa.array([None if n % 3 else f"text {n % 11:02}" for n in numbers.tolist()]),
    }
    return pa.table(columns)


def _pushed(window: str, extra: dict[int, object] | None = None, size: int = 60) -> list[tuple[int, list[object]]]:
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule(QUERY.format(window))
        for number in range(12):
            session.push("demo", _rows(number * size, size), at=START + 100 + number * 170)
            if extra and number in extra:
                session.push("demo", extra[number])
        session.advance(START + 5_000)
        assert not rule.errors
        return [(emit.at, [tuple(row.items()) for row in emit.rows]) for emit in rule.emits]


def _close(left: object, right: object) -> bool:
    return left == pytest.approx(right, rel=1e-9) if isinstance(left, float) else left == right


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    "extra", [None, {3: {"k": "odd", "v": 1.5, "w": [1]}}], ids=["clean", "with a row that fits none"]
)
def test_folded_windows_answer_what_rows_do(
    window: str, extra: dict[int, object] | None, request: pytest.FixtureRequest
) -> None:
    plain = _pushed(window, extra)
    request.getfixturevalue("eager")

    parts = _pushed(window, extra)

    assert [at for at, _ in parts] == [at for at, _ in plain]
    for (_, rows), (_, others) in zip(plain, parts, strict=True):
        assert len(rows) == len(others)
        for row, other in zip(rows, others, strict=True):
            assert [name for name, _ in row] == [name for name, _ in other]
            assert all(_close(a, b) for (_, a), (_, b) in zip(row, other, strict=True)), (row, other)


@pytest.mark.usefixtures("eager")
def test_what_is_folded_stays_small_and_its_rows_are_counted_on() -> None:
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule(QUERY.format("TUMBLINGWINDOW(hh, 1)"))
        for number in range(20):
            session.push("demo", _rows(number * 500, 500), at=START + 1 + number)
        buffer = rule._pipeline.buffer  # type: ignore[union-attr]

        assert rule.status.waiting == 10_000
        assert buffer.folded is not None
        assert buffer.folded.size == 100
        assert sum(segment.size for segment in buffer.tables) == 0


def test_a_window_is_not_folded_because_the_one_before_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spanstage, "FOLD_ROWS", 500)
    rows = pa.table({"ts": START + 100 + np.arange(1_000), "k": ["a"] * 1_000})
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", TIMESTAMP="ts")')
        sql = "SELECT k, count(*) AS n FROM demo GROUP BY k, TUMBLINGWINDOW(ss, 1)"
        rule = session.rule(sql, options={"isEventTime": True, "lateTolerance": 0})
        buffer = rule._pipeline.buffer  # type: ignore[union-attr]
        for first in range(0, 900, 300):
            session.push("demo", rows.slice(first, 300))
        long = buffer.folded
        session.push("demo", rows.slice(900))

        assert long is not None
        assert rule.emits[0].rows == [{"k": "a", "n": 900}]
        assert len(buffer) == 100
        assert buffer.folded is None


@pytest.mark.parametrize(
    ("window", "counted"), [("HOPPINGWINDOW(ms, 200, 50)", 492), ("HOPPINGWINDOW(ms, 600, 200)", 365)]
)
def test_windows_that_end_where_no_folded_row_is_are_empty(window: str, counted: int) -> None:
    times = np.concatenate([np.arange(60), np.arange(1_000, 1_060)])
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", TIMESTAMP="ts")')
        sql = f"SELECT k, count(*) AS n FROM demo GROUP BY k, {window}"
        rule = session.rule(sql, options={"isEventTime": True, "lateTolerance": 1_000})
        for part in (times, *(np.array([time]) for time in (1_600, 1_700, 1_800, 3_000))):
            session.push("demo", pa.table({"ts": START + part, "k": ["a"] * len(part)}))

        assert (rule.status.state, rule.errors[:]) == ("running", [])
        assert sum(row["n"] for emit in rule.emits for row in emit.rows) == counted


@pytest.mark.usefixtures("eager")
def test_rows_that_make_nearly_as_many_groups_are_not_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folded, "_FEW", 10)
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule("SELECT w, count(*) AS n FROM demo GROUP BY w, TUMBLINGWINDOW(ss, 1)")
        for number in range(4):
            session.push("demo", _rows(number * 100, 100), at=START + 1 + number)
        assert rule._pipeline.buffer.folded is None  # type: ignore[union-attr]
        session.advance(START + 2_000)

        assert [len(emit.rows) for emit in rule.emits] == [400]


@pytest.mark.usefixtures("eager")
def test_a_sum_beyond_64_bits_is_found_in_parts_too() -> None:
    big = pa.table({"v": pa.array([2**62] * 60), "k": pa.array(["a"] * 60)})
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule("SELECT k, sum(v) AS s FROM demo GROUP BY k, TUMBLINGWINDOW(ss, 1)")
        for number in range(2):
            session.push("demo", big, at=START + 1 + number)
        session.advance(START + 1_000)

        assert rule.emits[0].rows == [{"k": "a", "s": 0}]  # 120 times 2**62, in 64 bits, as Go wraps


@pytest.mark.usefixtures("eager")
def test_rows_stay_in_memory_where_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)

    assert _pushed(WINDOWS[0], {3: ODD})


def test_a_spilled_segment_answers_the_rows_it_was_given() -> None:
    buffer, keys = Buffer(), np.arange(100, dtype=np.int64)
    segment = TableSegment.of(keys, _rows(0, 100), keys + 1, keys + 2)
    segment.folded = True
    buffer.add_table(segment)

    buffer.spill(0)
    buffer.trim(10)
    table, found, arrivals, numbers = segment.within(20, 30)

    assert segment.size == 0
    assert (table.column("w").to_pylist(), found.tolist()) == (list(range(20, 30)), list(range(20, 30)))
    assert (arrivals.tolist(), numbers.tolist(), len(segment)) == (list(range(21, 31)), list(range(22, 32)), 90)
    buffer.close()


@settings(
    max_examples=cases(80),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(case=window_cases())
@pytest.mark.usefixtures("eager")
def test_folded_windows_mean_the_same_as_the_evaluator(case: Case) -> None:
    hold_together(case)
