"""Recorded input on the clock: as far apart as it was recorded, or so many times faster."""

from __future__ import annotations

import pandas as pd
import pytest

from kuiper_nb import KuiperError, Session, VirtualClock

START = 1_700_000_000_000
RECORDED = pd.DataFrame({"ts": [5_000, 6_000, 5_500, 8_000], "n": [1, 2, 3, 4]})


@pytest.mark.parametrize(("speed", "delays"), [(1, [0, 1000, 3000]), (2, [0, 500, 1500]), (0, [0])])
def test_rows_come_as_far_apart_as_they_were_recorded(speed: int, delays: list[int]) -> None:
    with Session(clock=VirtualClock(START)) as session:
        session.stream("recorded", RECORDED, timestamp="ts")
        rule = session.rule("SELECT n FROM recorded", options={"speed": speed})

        rule.wait()

        assert [emit.at - START for emit in rule.emits] == delays
        assert [row["n"] for emit in rule.emits for row in emit.rows] == [1, 2, 3, 4]


def test_a_recording_without_a_timestamp_has_no_speed() -> None:
    with Session(clock=VirtualClock(START)) as session:
        session.stream("recorded", RECORDED)

        with pytest.raises(KuiperError, match="has no TIMESTAMP to replay by"):
            session.rule("SELECT n FROM recorded", options={"speed": 2})


def test_what_is_pushed_has_no_speed() -> None:
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", TIMESTAMP="ts")')

        with pytest.raises(KuiperError, match="is no recording"):
            session.rule("SELECT n FROM demo", options={"speed": 2})
