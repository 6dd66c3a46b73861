"""The system source tells how busy this machine is, one flat row every interval."""

from __future__ import annotations

from typing import Any

import pytest

from kuiper_nb import KuiperError, Session, VirtualClock
from kuiper_nb.catalog import Stream
from kuiper_nb.connectors import Site, source
from kuiper_nb.connectors.system import COLUMNS, process_memory
from kuiper_nb.errors import ConnectorError

from .draining import StandingClock


def machine(clock: StandingClock, **options: str) -> Any:
    made = source(Stream("m", (), {"TYPE": "system", **options}), {}, Site(clock))
    made.open()
    return made


def test_a_row_comes_after_every_interval():
    clock = StandingClock(1000)
    made = machine(clock, INTERVAL="200")

    early, clock.at = made.poll(), 1200
    first, again = made.poll(), made.poll()

    assert (early, first.at, again, made.due()) == (None, 1200, None, 1400)


def test_moments_that_were_slept_through_are_left_out():
    clock = StandingClock(0)
    made = machine(clock)

    clock.at = 10_500
    row = made.poll()

    assert (row.at, made.poll(), made.due()) == (10_500, None, 11_000)


def test_a_row_is_flat_and_has_the_columns_that_are_documented():
    clock = StandingClock(0)
    made = machine(clock)

    clock.at = 1000
    row = made.poll().data

    assert tuple(row) == COLUMNS
    assert row["ts"] == 1000
    assert all(0 <= row[name] <= 100 for name in ("cpu", "memory", "swap", "disk"))
    assert all(isinstance(value, (int, float)) for value in row.values())


def test_a_rule_reads_it_without_a_declared_column():
    with Session(clock=VirtualClock(0)) as session:
        session.sql('CREATE STREAM machine () WITH (TYPE="system", INTERVAL="500")')
        rule = session.rule("SELECT ts, cpu >= 0 AS busy FROM machine")

        session.advance(1000)

        assert [e.rows for e in rule.emits] == [[{"ts": 500, "busy": True}], [{"ts": 1000, "busy": True}]]


@pytest.mark.parametrize("given", ["0", "-5", "1s", "", "1.5"])
def test_an_interval_that_is_none_is_refused(given: str):
    with pytest.raises(ConnectorError, match="stream m: interval is a whole number of ms"):
        machine(StandingClock(), INTERVAL=given)


def test_other_streams_know_no_interval():
    with Session(clock=VirtualClock(0)) as session, pytest.raises(KuiperError, match="unknown option INTERVAL"):
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", INTERVAL="5")')


def test_the_memory_of_the_process_is_told_in_bytes():
    assert process_memory() > 1_000_000
