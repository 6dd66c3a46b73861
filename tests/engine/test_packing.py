"""Rows that come a few at a time are packed into tables before their window is computed; what does not fit stays."""

from __future__ import annotations

from typing import Any

import pytest

from kuiper_nb import Session, VirtualClock
from kuiper_nb.engine import buffer
from kuiper_nb.engine.buffer import FrameSegment

START = 1_700_000_000_000
QUERY = "SELECT k, count(*) AS n, sum(v) AS s, max(v) AS m FROM demo GROUP BY k, {}"
WINDOWS = ("TUMBLINGWINDOW(ms, 500)", "HOPPINGWINDOW(ms, 500, 100)", "COUNTWINDOW(80, 40)")


def _pushed(window: str, rows: list[dict[str, Any]]) -> tuple[list[tuple[int, list[dict[str, Any]]]], Any]:
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule(QUERY.format(window))
        for number, row in enumerate(rows):
            session.push("demo", row, at=START + number * 2)
        session.advance(START + len(rows) * 2 + 1_000)
        return [(emit.at, emit.rows) for emit in rule.emits], rule.status


def _rows(odd: Any = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"k": f"key{n % 3}", "v": n / 4} for n in range(700)]
    if odd is not None:
        rows[300] = {"k": "key0", "v": odd}
    return rows


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("odd", [None, True, [1]], ids=["clean", "a truth value", "an array"])
def test_the_answer_is_that_of_the_evaluator(window: str, odd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    packed, _ = _pushed(window, _rows(odd))
    monkeypatch.setattr(buffer.Buffer, "pack", lambda *_: None)

    one_by_one, _ = _pushed(window, _rows(odd))

    assert packed == one_by_one


def test_many_rows_of_a_long_window_become_a_table_and_the_odd_one_stays_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kuiper_nb.engine.pipeline.MANY", 100)
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule(QUERY.format("TUMBLINGWINDOW(hh, 1)"))
        for number, row in enumerate(_rows(odd=True)):
            session.push("demo", row, at=START + number)
        kept = rule._pipeline.buffer.segments  # type: ignore[union-attr]

        assert [len(s.frames) for s in kept if isinstance(s, FrameSegment) and s.odd] == [1]
        assert sum(len(s) for s in kept if not isinstance(s, FrameSegment)) == 699
        assert rule.status.waiting == 700
