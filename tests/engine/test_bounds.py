"""A rule that ends although its input goes on."""

from __future__ import annotations

import pytest

from kuiper_nb import Session
from kuiper_nb.engine.bounds import Bounds

TICKS = 'CREATE STREAM ticks () WITH (TYPE="simulator", EXTRA="{\\"data\\": [{\\"n\\": 1}], \\"interval\\": 100}")'


@pytest.mark.parametrize(
    ("bounds", "emits", "reason"),
    [(Bounds(rows=3), 3, "3 rows"), (Bounds(emits=1), 1, "1 emit"), (Bounds(ms=450), 5, "0.45 s")],
)
def test_a_rule_stops_at_its_bound(session: Session, bounds: Bounds, emits: int, reason: str) -> None:
    session.sql(TICKS)
    rule = session.rule("SELECT n FROM ticks", start=False)
    rule.bounds = bounds

    rule.start()
    rule.wait(timeout=60)

    assert (len(rule.emits), rule.status.state, rule.status.message) == (emits, "stopped", reason)


def test_a_simulator_without_end_is_unbounded_and_memory_is_pushed(session: Session) -> None:
    session.sql(TICKS)

    inputs = [session.rule(f"SELECT n FROM {s}", start=False).input for s in ("ticks", "demo")]

    assert inputs == ["unbounded", "pushed"]
