"""The one law of a micro-batch engine: the answer does not depend on how the input was cut into batches.

A generated history is pushed row by row, by 7, by 64 and all at once, through rules with every kind of window and
aggregate at a time; what comes out, fails or is late must be the same, and at the same moments.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kuiper_nb import NotSupported, Rule, Session, VirtualClock

from ..generated import cases

START = 1_700_000_000_000
CUTS = (1, 7, 64, 10**9)
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)  # a history is small already, and shrinking one takes minutes

AGGREGATES = (
    "count(*) AS n, count(v) AS present, sum(v) AS total, avg(v) AS mean, min(v) AS least, max(v) AS most, "
    "collect(v) AS every, stddev(v) AS spread, var(v) AS variance, percentile_cont(v, 0.5) AS middle, "
    "last_value(v, TRUE) AS newest, window_start() AS start, window_end() AS finish"
)
WINDOWS = (
    "TUMBLINGWINDOW(ms, 100)",
    "HOPPINGWINDOW(ms, 200, 50)",
    "HOPPINGWINDOW(ms, 50, 120)",
    "COUNTWINDOW(4)",
    "COUNTWINDOW(6, 2)",
    "SLIDINGWINDOW(ms, 100)",
    "SLIDINGWINDOW(ms, 100) OVER (WHEN v > 2)",
    "SESSIONWINDOW(ms, 500, 80)",
    "STATEWINDOW(v > 2, v < 0)",
)
RULES = (
    "SELECT *, v * 2 AS double FROM demo WHERE v > 0",
    "SELECT v / k AS ratio, CASE WHEN v > 1 THEN k ELSE id END AS chosen FROM demo",
    *(f"SELECT {AGGREGATES} FROM demo GROUP BY {window}" for window in WINDOWS),
    *(f"SELECT k, {AGGREGATES} FROM demo GROUP BY k, {window}" for window in WINDOWS),
    *(f"SELECT id, v FROM demo WHERE v > 0 GROUP BY {window} ORDER BY v DESC, id LIMIT 3" for window in WINDOWS),
    *(f"SELECT k, sum(v) AS s FROM demo GROUP BY k, {w} HAVING count(*) > 1" for w in WINDOWS),
    *(f"SELECT sum(v) AS s FROM demo GROUP BY {w} FILTER (WHERE k = 1)" for w in WINDOWS if "OVER" not in w),
)


@dataclass(frozen=True)
class Event:
    """A row, and when it arrives (ms)."""

    at: int
    row: dict[str, Any]


# ---- histories


CLEAN = st.integers(-8, 24).map(lambda quarter: quarter / 4)
DIRTY = st.one_of(CLEAN, CLEAN, CLEAN, st.none(), st.sampled_from(["x", True, [1]]))


@st.composite
def histories(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> list[Event]:
    """Up to 70 rows; many arrive in the same ms, their times jump back and forth, some columns are missing."""
    size = draw(st.integers(1, 70))
    gaps = draw(st.lists(st.sampled_from([0, 0, 0, 0, 0, 5, 30, 60, 250]), min_size=size, max_size=size))
    drifts = draw(st.lists(st.sampled_from([0, 0, 1, 10, 45, -20, -90, -400]), min_size=size, max_size=size))
    steps = draw(st.lists(st.integers(0, 40), min_size=size, max_size=size))
    at, time, events = START, START, []
    for number in range(size):
        at += gaps[number]
        time += steps[number]
        row: dict[str, Any] = {"id": number, "ts": time + drifts[number], "k": draw(st.integers(0, 2))}
        if draw(st.integers(0, 9)):
            row["v"] = draw(values)
        events.append(Event(at, row))
    return events


def payloads(events: list[Event], most: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The history in pushes of at most so many rows; rows of one push arrive in one ms."""
    for at, run in groupby(events, key=lambda event: event.at):
        rows = [event.row for event in run]
        for first in range(0, len(rows), most):
            yield at, rows[first : first + most]


# ---- what a rule made of one


@dataclass
class Answer:
    windowed: bool
    emits: list[tuple[int, list[dict[str, Any]]]]
    errors: list[tuple[int, str, Any]]
    late: list[tuple[int, int, Any]]
    counts: tuple[int, ...]


def answer(rule: Rule) -> Answer:
    emits = [(emit.at, emit.rows) for emit in rule.emits]
    windowed = rule.plan.window is not None
    if not windowed:
        emits = [(at, [row]) for at, rows in emits for row in rows]
    status = rule.status
    return Answer(
        windowed,
        emits,
        [(error.at, error.message, error.row) for error in rule.errors],
        [(late.at, late.by, late.row) for late in rule.late],
        (status.rows_in, status.rows_out, status.used + status.waiting, status.filtered, status.late, status.errored),
    )


def same(left: Any, right: Any) -> bool:
    """Equality of whole values; floats to nine digits."""
    if isinstance(left, float) and isinstance(right, float):
        return left == right or math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


def answers(
    events: list[Event], most: int, rules: tuple[str, ...], options: dict[str, Any], arrow: bool
) -> list[Answer]:
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", TIMESTAMP="ts")')
        running = [session.rule(text, options=options) for text in rules]
        for at, rows in payloads(events, most):
            session.push("demo", table(rows) if arrow else rows, at=at)
        session.advance(events[-1].at + 1000)
        return [answer(rule) for rule in running]


def table(rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([("id", pa.int64()), ("ts", pa.int64()), ("k", pa.int64()), ("v", pa.float64())])
    return pa.Table.from_pylist(rows, schema=schema)


def supported(event_time: bool) -> tuple[str, ...]:
    """The rules whose windows are here already, and that have a meaning in this time."""
    found = []
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", TIMESTAMP="ts")')
        for text in RULES:
            if event_time and "COUNTWINDOW" in text:
                continue
            try:
                session.rule(text, id="probe", options={"isEventTime": event_time}, start=False)
            except NotSupported:
                continue
            found.append(text)
    return tuple(found)


PROCESSING_TIME, EVENT_TIME = supported(event_time=False), supported(event_time=True)


def some(rules: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Seven of the rules."""
    return st.permutations(rules).map(lambda shuffled: tuple(shuffled[:7]))


def obeys_the_law(events: list[Event], rules: tuple[str, ...], options: dict[str, Any], arrow: bool = False) -> None:
    expected = answers(events, CUTS[0], rules, options, arrow)
    for most in CUTS[1:]:
        found = answers(events, most, rules, options, arrow)
        for text, one, other in zip(rules, expected, found, strict=True):
            for part in ("emits", "errors", "late", "counts"):
                left, right = getattr(one, part), getattr(other, part)
                assert same(left, right), f"{text}\n{part}, row by row: {left}\n{part}, by {most}: {right}"


def test_every_kind_of_window_that_is_here_is_held_to_the_law() -> None:
    for window in ("TUMBLINGWINDOW", "HOPPINGWINDOW"):
        assert any(window in text for text in PROCESSING_TIME)
        assert any(window in text for text in EVENT_TIME)
    assert any("COUNTWINDOW" in text for text in PROCESSING_TIME)


@settings(phases=UNSHRUNK, max_examples=cases(25))
@given(histories(CLEAN), some(PROCESSING_TIME))
def test_processing_time_obeys_the_law(events: list[Event], rules: tuple[str, ...]) -> None:
    obeys_the_law(events, rules, {})


@settings(phases=UNSHRUNK, max_examples=cases(20))
@given(histories(DIRTY), some(PROCESSING_TIME))
def test_rows_that_fail_obey_the_law(events: list[Event], rules: tuple[str, ...]) -> None:
    obeys_the_law(events, rules, {})


@settings(phases=UNSHRUNK, max_examples=cases(25))
@given(histories(CLEAN), some(EVENT_TIME), st.sampled_from([0, 20, 1000]))
def test_event_time_obeys_the_law(events: list[Event], rules: tuple[str, ...], tolerance: int) -> None:
    obeys_the_law(events, rules, {"isEventTime": True, "lateTolerance": tolerance})


@settings(phases=UNSHRUNK, max_examples=cases(20))
@given(histories(DIRTY), some(EVENT_TIME), st.sampled_from([0, 20]))
def test_event_time_obeys_the_law_when_rows_fail(events: list[Event], rules: tuple[str, ...], tolerance: int) -> None:
    obeys_the_law(events, rules, {"isEventTime": True, "lateTolerance": tolerance})


@settings(phases=UNSHRUNK, max_examples=cases(20))
@given(histories(CLEAN), some(EVENT_TIME), st.booleans())
def test_arrow_obeys_the_law(events: list[Event], rules: tuple[str, ...], event_time: bool) -> None:
    obeys_the_law(events, rules, {"isEventTime": event_time, "lateTolerance": 20}, arrow=True)


@settings(phases=UNSHRUNK, max_examples=cases(20))
@given(histories(CLEAN), some(EVENT_TIME))
def test_a_history_played_twice_gives_the_same_twice(events: list[Event], rules: tuple[str, ...]) -> None:
    options = {"isEventTime": True, "lateTolerance": 20}

    assert answers(events, 7, rules, options, arrow=False) == answers(events, 7, rules, options, arrow=False)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1500])
@pytest.mark.parametrize("arrow", [False, True], ids=["dicts", "arrow"])
def test_long_batches_obey_the_law(size: int, arrow: bool) -> None:
    events = [Event(START + n // 100 * 10, {"id": n, "ts": START + n, "k": n % 3, "v": n % 7 / 4}) for n in range(size)]
    rules = (RULES[0], RULES[2])
    expected = answers(events, 1, rules, {"isEventTime": True}, arrow)

    for most in (64, 10**9):
        found = answers(events, most, rules, {"isEventTime": True}, arrow)
        assert all(same(vars(one), vars(other)) for one, other in zip(expected, found, strict=True))
