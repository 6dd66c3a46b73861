"""Nothing is lost unseen: after every step each row is used, filtered, late, failed, or still waiting."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuiper_nb import Rule, Session, VirtualClock

from ..generated import cases

START = 1_700_000_000_000
RULES = (
    "SELECT v / k AS q FROM demo WHERE v > 1",
    "SELECT sum(v) AS s FROM demo WHERE v / k > 0 GROUP BY TUMBLINGWINDOW(ms, 100)",
    "SELECT k, sum(v) AS s FROM demo GROUP BY k, HOPPINGWINDOW(ms, 100, 30) FILTER (WHERE v > 1)",
    "SELECT sum(v) AS s FROM demo GROUP BY HOPPINGWINDOW(ms, 30, 100)",
)
COUNTED = ("SELECT sum(v) AS s FROM demo GROUP BY COUNTWINDOW(5, 2)",)

VALUES = st.one_of(st.integers(-2, 8), st.integers(-2, 8), st.none(), st.just("x"))
ROWS = st.fixed_dictionaries(
    {"k": st.integers(0, 2)}, optional={"v": VALUES, "ts": st.one_of(st.integers(START, START + 900), st.just("never"))}
)
PAYLOADS = st.one_of(
    st.lists(ROWS, max_size=12), st.sampled_from([b"{", b"[1]", b'{"v": 3, "k": 1, "ts": 1700000000500}'])
)
HISTORIES = st.lists(st.tuples(st.integers(0, 120), PAYLOADS), max_size=12)


def balance(rule: Rule) -> tuple[int, int]:
    """Rows that came in, and rows that are accounted for."""
    s = rule.status
    return s.rows_in, s.used + s.filtered + s.late + s.errored + s.waiting


@settings(max_examples=cases(60))
@given(HISTORIES, st.booleans())
def test_every_row_is_accounted_for_after_every_step(history: list[tuple[int, Any]], event_time: bool) -> None:
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", TIMESTAMP="ts")')
        texts = RULES if event_time else RULES + COUNTED
        options = {"isEventTime": event_time, "lateTolerance": 50}
        rules = [session.rule(text, options=options) for text in texts]
        at = START
        for gap, payload in history:
            at += gap
            session.push("demo", payload, at=at)
            for rule in rules:
                came, known = balance(rule)
                assert came == known, rule.plan.text
                assert (rule.status.late, rule.status.rows_out) == (
                    len(rule.late),
                    sum(len(emit.rows) for emit in rule.emits),
                )
                assert rule.status.errored + rule.status.window_errors == rule.status.errors == len(rule.errors)
                assert rule.status.state == "running"


@pytest.mark.parametrize("text", RULES)
def test_at_the_end_of_bounded_input_nothing_waits(text: str) -> None:
    with Session(clock=VirtualClock(START)) as session:
        data = [{"k": n % 3, "v": n % 5, "ts": START + n * 7} for n in range(200)]

        def numbers() -> Any:
            yield from data

        session.source(numbers)
        session.sql('CREATE STREAM demo () WITH (TYPE="numbers", TIMESTAMP="ts")')
        rule = session.rule(text, id="r", options={"isEventTime": True})

        assert rule.wait() is True
        assert (rule.status.rows_in, rule.status.waiting) == (200, 0)
        assert balance(rule) == (200, 200)
