"""Time that leaps: a clock at 0 or seconds read as milliseconds cost one row its place, not the rule its life."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuiper_nb import Emit, Rule, Session, VirtualClock

from ..conftest import START, rows
from ..generated import cases

FAR = START + 10**11
"""Three years on: a hundred million windows of a second."""

KEYED = "SELECT k, count(*) AS n, window_start() AS s FROM timed GROUP BY k, "
SILENT = (
    KEYED + "TUMBLINGWINDOW(ss, 1)",
    "SELECT count(*) AS n FROM timed WHERE k = 1 GROUP BY TUMBLINGWINDOW(ss, 1)",
    "SELECT count(*) AS n FROM timed GROUP BY TUMBLINGWINDOW(ss, 1) HAVING count(*) > 0",
    "SELECT count(*) AS n FROM timed GROUP BY TUMBLINGWINDOW(ss, 1) HAVING n > 0",
    "SELECT * FROM timed GROUP BY HOPPINGWINDOW(ss, 1, 1) HAVING avg(k) > 0",
)


@pytest.fixture
def timed(session: Session) -> Session:
    session.sql('CREATE STREAM timed () WITH (TYPE="memory", DATASOURCE="timed", TIMESTAMP="ts")')
    return session


def event_time(session: Session, text: str) -> Rule:
    return session.rule(text, id="r", options={"isEventTime": True, "lateTolerance": 0})


def pushed(session: Session, *times: int, copies: int = 1) -> None:
    session.push("timed", [{"k": 1, "ts": time} for time in times for _ in range(copies)])


def balanced(rule: Rule) -> bool:
    s = rule.status
    return s.rows_in == s.used + s.filtered + s.late + s.errored + s.waiting


@pytest.mark.parametrize("text", SILENT)
@pytest.mark.parametrize("copies", [1, 100])
def test_a_leap_sends_what_waited_and_goes_on(timed: Session, text: str, copies: int) -> None:
    rule = event_time(timed, text)

    pushed(timed, 500, copies=copies)
    pushed(timed, START, START + 1500, copies=copies)
    pushed(timed, FAR, FAR + 1000, copies=copies)

    assert (rule.status.state, rule.status.waiting) == ("running", copies)
    assert (rule.status.used, balanced(rule)) == (copies * 4, True)
    assert sum(row.get("n", 1) for row in rows(rule)) == copies * 4


def test_the_windows_beyond_a_leap_are_those_that_there_would_have_been(timed: Session) -> None:
    rule = event_time(timed, KEYED + "TUMBLINGWINDOW(ss, 7)")

    pushed(timed, 500, START, START + 7000)

    assert [(row["s"] - 500) % 7000 for row in rows(rule)] == [0, 6500]
    assert rows(rule)[1]["s"] <= START < rows(rule)[1]["s"] + 7000


def test_at_the_end_of_the_input_a_leap_is_passed_over_too(session: Session) -> None:
    def clock_at_zero() -> Any:
        yield from ({"k": 1, "ts": ts} for ts in (0, 100, START, FAR))

    session.source(clock_at_zero)
    session.sql('CREATE STREAM timed () WITH (TYPE="clock_at_zero", TIMESTAMP="ts")')
    options = {"isEventTime": True, "lateTolerance": 10**15}
    rule = session.rule(KEYED + "TUMBLINGWINDOW(ss, 1)", options=options)

    assert rule.wait() is True
    assert [row["n"] for row in rows(rule)] == [2, 1, 1]
    assert (rule.status.message, rule.status.waiting) == ("done", 0)


@pytest.mark.parametrize("copies", [1, 100])
def test_where_every_empty_window_has_to_be_sent_what_waited_goes_out_before_the_error(
    timed: Session, copies: int
) -> None:
    rule = event_time(timed, "SELECT count(*) AS n FROM timed GROUP BY TUMBLINGWINDOW(ss, 1)")

    pushed(timed, 500, 700, copies=copies)
    pushed(timed, START, copies=copies)

    assert [row for row in rows(rule) if row] == [{"n": copies * 2}]
    assert (rule.status.state, rule.status.used, rule.status.waiting) == ("stopped by error", copies * 2, copies)
    assert rule.status.message.startswith("time leapt over 1,541,152,485 windows at once, from 1000 to")
    assert balanced(rule)


def test_a_condition_that_may_change_its_mind_is_asked_for_every_window(timed: Session) -> None:
    timed.function(lambda n: 0, name="never")
    having = "HAVING never(count(*)) = 1"
    rule = event_time(timed, f"SELECT count(*) AS n FROM timed GROUP BY TUMBLINGWINDOW(ss, 1) {having}")

    pushed(timed, 500, START)

    assert rule.status.state == "stopped by error"


def test_time_beyond_all_measure_is_one_error_at_most(timed: Session) -> None:
    rule = event_time(timed, KEYED + "HOPPINGWINDOW(ms, 3, 2)")

    pushed(timed, -(2**62), 0, 2**62)

    assert (rule.status.waiting, balanced(rule)) == (1, True)


def test_a_clock_without_rows_has_nothing_to_do(session: Session) -> None:
    rule = session.rule("SELECT k, count(*) AS n FROM demo GROUP BY k, TUMBLINGWINDOW(ms, 1)", id="r")

    session.advance(FAR)
    idle = rule.due()
    session.push("demo", {"k": 1})

    assert (idle, rule.due()) == (None, FAR + 1)
    session.advance(FAR + 10)
    assert [emit.at for emit in rule.emits] == [FAR + 1]


def test_waiting_for_what_an_empty_stream_never_sends_ends(session: Session) -> None:
    rule = session.rule("SELECT k, count(*) AS n FROM demo GROUP BY k, TUMBLINGWINDOW(ss, 1)", id="r")

    assert rule.wait(emits=1) is False


LAWFUL = (
    "SELECT k, count(*) AS n, window_start() AS s, window_end() AS e FROM timed GROUP BY k, TUMBLINGWINDOW(ms, 300)",
    "SELECT k, ts, window_start() AS s FROM timed WHERE k > 0 GROUP BY HOPPINGWINDOW(ms, 500, 200)",
    "SELECT count(*) AS n, window_end() AS e FROM timed GROUP BY HOPPINGWINDOW(ms, 100, 300) HAVING count(*) > 1",
)
OFFSETS = st.lists(st.lists(st.integers(0, 9000), min_size=1, max_size=60), max_size=6)


@settings(max_examples=cases(25))
@given(OFFSETS, st.sampled_from(LAWFUL), st.booleans())
def test_passing_over_empty_windows_changes_nothing_that_is_sent(
    history: list[list[int]], text: str, event_time: bool
) -> None:
    def sent(few: int) -> tuple[list[Emit], int, int]:
        with pytest.MonkeyPatch.context() as patched, Session(clock=VirtualClock(START)) as session:
            patched.setattr("kuiper_nb.engine.leap._FEW", few)
            session.sql('CREATE STREAM timed () WITH (TYPE="memory", DATASOURCE="timed", TIMESTAMP="ts")')
            rule = session.rule(text, options={"isEventTime": event_time, "lateTolerance": 700})
            for number, offsets in enumerate(history):
                rows = [{"k": offset % 3, "ts": START + offset} for offset in offsets]
                session.push("timed", rows, at=START + 1700 * number)
            session.advance(START + 15_000)
            return list(rule.emits), rule.status.used, rule.status.waiting

    assert sent(0) == sent(10**9)
