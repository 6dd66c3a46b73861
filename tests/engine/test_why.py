"""The one reason why nothing comes out of a rule."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from kuiper_nb import Rule, Session, VirtualClock


@pytest.fixture
def session() -> Iterator[Session]:
    """A session at 0, where times are easy to read."""
    with Session(clock=VirtualClock(0)) as opened:
        opened.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        opened.sql('CREATE STREAM walk () WITH (TYPE="memory", DATASOURCE="walk", TIMESTAMP="ts")')
        yield opened


def event_time(session: Session, query: str, late: str = "1s") -> Rule:
    return session.rule(query, id="hot", options={"isEventTime": True, "lateTolerance": late})


WINDOW = "SELECT count(*) AS c FROM walk GROUP BY TUMBLINGWINDOW(ss, 10)"


def test_no_row_has_arrived(session: Session) -> None:
    rule = session.rule("SELECT t FROM demo")

    assert rule.why() == (
        'No row has arrived: nothing was pushed since the rule started. kuiper.push("demo", …) would.'
    )


def test_what_was_pushed_just_now_has_arrived() -> None:
    with Session() as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule("SELECT t FROM demo WHERE t > 1")
        for _ in range(20):
            session.push("demo", {"t": 1})

        assert rule.why() == "WHERE removed all 20 rows: t > 1."


def test_a_function_that_does_not_return_is_named_with_its_line() -> None:
    entered, over = threading.Event(), threading.Event()

    def endless(t: float) -> float:
        entered.set()
        over.wait()
        return t

    with Session() as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        session.function(endless)
        rule = session.rule("SELECT endless(t) AS t FROM demo")
        session.push("demo", {"t": 1})
        entered.wait()
        why = rule.why()
        over.set()

    line = endless.__code__.co_firstlineno + 2
    assert why == f"Rule rule1 is at work on the first rows: function endless has not returned, in {__file__}:{line}."


def test_the_source_delivers_later(session: Session) -> None:
    session.configure("source", "simulator", {"default": {"data": [{"a": 1}], "interval": 90_000}})
    session.sql('CREATE STREAM sim () WITH (TYPE="simulator")')
    rule = session.rule("SELECT count(*) AS c FROM sim WHERE a > 5 GROUP BY COUNTWINDOW(2)", start=False)

    assert rule.why() == "Rule rule1 has never been started; %kuiper start rule1 runs it."
    rule.start()
    assert rule.why() == "No row has arrived: sim (simulator) has delivered nothing since the rule started."


def test_the_source_delivers_nothing(session: Session) -> None:
    @session.source
    def silent() -> Iterator[None]:
        while True:
            yield None

    session.sql('CREATE STREAM silent () WITH (TYPE="silent", INTERVAL="4000")')
    rule = session.rule("SELECT * FROM silent")
    session.advance(9_000)

    assert rule.why() == "No row has arrived yet: silent (silent) delivers the next one in 3 s."


def test_an_input_without_rows_has_ended(session: Session) -> None:
    session.stream("frame", pa.table({"a": pa.array([], pa.int64())}))
    rule = session.rule("SELECT * FROM frame")
    rule.wait()

    assert rule.why() == "No row has arrived: its input had no row, from frame (frame frame)."


def test_where_removed_every_row(session: Session) -> None:
    rule = session.rule("SELECT t FROM demo WHERE t > 40 AND t < 50")
    session.push("demo", [{"t": n % 40} for n in range(120)])

    assert rule.why() == "WHERE removed all 120 rows: (t > 40) AND (t < 50)."


def test_where_removed_what_did_not_fail(session: Session) -> None:
    rule = session.rule("SELECT t FROM demo WHERE t > 40")
    session.push("demo", [{"t": 1}, {"t": "x"}, {"t": 2}])

    assert rule.why() == "WHERE removed 2 of 3 rows (1 failed): t > 40."


def test_a_filter_of_the_window_removed_every_row(session: Session) -> None:
    rule = event_time(session, WINDOW.replace("10)", "10) FILTER(WHERE n > 1)"))
    session.push("walk", [{"ts": 1, "n": 0}, {"ts": 20_000, "n": 0}])

    assert rule.why() == "FILTER removed all 2 rows: n > 1."


def test_every_row_failed(session: Session) -> None:
    @session.function
    def inverse(x: float) -> float:
        return 1 / x

    rule = session.rule("SELECT inverse(t) AS i FROM demo")
    session.push("demo", [{"t": 0}, {"t": 0}])

    assert rule.why(lambda where: Path(where).name.split(":")[0]).startswith("All 2 rows failed. The first: ")
    assert "division by zero" in rule.why()
    assert rule.why(lambda where: "cell [3], line 2").endswith(" (cell [3], line 2)")


def test_every_payload_failed_to_decode(session: Session) -> None:
    rule = session.rule("SELECT t FROM demo")
    session.push("demo", b"no json")

    assert rule.why().startswith("The only row failed. The first: ")


def test_late_rows_would_have_been_kept_by_a_tolerance(session: Session) -> None:
    rule = event_time(session, WINDOW)
    session.push("walk", {"ts": 60_000})
    for n in range(57):
        session.push("walk", {"ts": 60_000 - 3_900 + 10 * n})

    assert rule.why() == (
        "57 of 58 rows came too late, behind the newest ts by more than 1 s. "
        "A tolerance of 4 s would have kept them: --late 4s (lateTolerance)."
    )

    kept = event_time(session, WINDOW, late="4s")
    session.push("walk", {"ts": 60_000})
    session.push("walk", {"ts": 60_000 - 3_900})
    assert kept.status.late == 0


def test_no_row_is_past_the_end_of_the_window(session: Session) -> None:
    rule = event_time(session, WINDOW)
    session.push("walk", {"ts": 500})
    session.push("walk", {"ts": 8_500})

    assert rule.why() == (
        "No row is past the end of the window yet: 2 rows wait, the window ends at ts = 10,000 ms, the newest row is "
        "of 8,500 ms. A row of 11,000 ms or later must come (1 s after it, for lateTolerance): 2.5 s are missing."
    )
    session.push("walk", {"ts": 10_999})
    assert not rule.emits
    session.push("walk", {"ts": 11_000})
    assert rule.why() == "Rule hot has sent 1 row in 1 emit."


def test_the_first_row_of_all_waits_for_its_window_too(session: Session) -> None:
    rule = event_time(session, WINDOW, late="0s")
    session.push("walk", {"ts": 1_700_000_003_500})

    assert "the window ends at ts = 2023-11-14 22:13:30.000 UTC" in rule.why()
    assert "6.5 s are missing" in rule.why()


def test_without_a_window_a_row_waits_for_the_watermark(session: Session) -> None:
    rule = event_time(session, "SELECT n FROM walk")
    session.push("walk", {"ts": 100, "n": 1})

    assert rule.why() == (
        "1 row waits until the watermark, 1 s behind the newest ts (100 ms), has passed: a row of a later ts must come."
    )


def test_a_timestamp_does_not_count_in_processing_time(session: Session) -> None:
    rule = session.rule(WINDOW)
    session.push("walk", [{"ts": 0}, {"ts": 99_000}], at=2_800)

    assert rule.why() == (
        "walk has TIMESTAMP=ts, but the rule is in processing time: 2 rows wait, and the window ends by the clock, in "
        "7.2 s. With --event-time (isEventTime) the rows' own time ends it."
    )


def test_a_window_of_the_clock_has_not_ended(session: Session) -> None:
    rule = session.rule("SELECT count(*) AS c FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)")
    session.push("demo", {"t": 1}, at=9_500)

    assert rule.why() == "The window has not ended yet: 1 row waits, and the window ends by the clock, in 500 ms."
    rule.stop()
    assert rule.why() == (
        "1 row waits in a window that had not ended when the rule stopped; stop never sends an open window."
    )


def test_a_count_window_is_not_full(session: Session) -> None:
    rule = session.rule("SELECT count(*) AS c FROM demo GROUP BY COUNTWINDOW(5)")
    session.push("demo", [{"t": 1}, {"t": 2}])

    assert rule.why() == "COUNTWINDOW(5) is not full: 2 rows wait, 3 are missing."


@pytest.mark.parametrize("window", ["TUMBLINGWINDOW(ss, 10)", "HOPPINGWINDOW(ss, 30, 10)"])
def test_having_removed_every_group(session: Session, window: str) -> None:
    rule = session.rule(f"SELECT count(*) AS c FROM demo GROUP BY t, {window} HAVING count(*) > 100")
    session.push("demo", [{"t": 1}, {"t": 2}], at=5_000)
    session.advance(12_000)

    assert rule.why() == "HAVING removed every group, of 2 rows that went through: count(*) > 100."


def test_where_after_the_window_removed_every_row(session: Session) -> None:
    rule = event_time(session, WINDOW.replace("GROUP", "WHERE n > 3 GROUP"), late="0s")
    session.push("walk", [{"ts": 0, "n": 1}, {"ts": 12_000, "n": 1}])

    assert rule.why() == "WHERE removed every row, of 1 row that went through: n > 3."


BOTH = "SELECT count(*) AS c FROM walk WHERE n > 3 GROUP BY {}TUMBLINGWINDOW(ss, 10) HAVING count(*) > 1000"


@pytest.mark.parametrize("many", [1, 500])
@pytest.mark.parametrize("group", ["", "n, "])
def test_of_a_where_after_the_window_and_having_where_removed_every_row(
    session: Session, group: str, many: int
) -> None:
    rule = event_time(session, BOTH.format(group), late="0s")
    session.push("walk", [{"ts": 0, "n": 1}] * many + [{"ts": 12_000, "n": 9}])

    rows = "1 row" if many == 1 else "500 rows"
    assert rule.why() == f"WHERE removed every row, of {rows} that went through: n > 3."


@pytest.mark.parametrize("many", [1, 500])
@pytest.mark.parametrize("group", ["", "n, "])
def test_of_a_where_after_the_window_and_having_having_removed_what_where_had_left(
    session: Session, group: str, many: int
) -> None:
    rule = event_time(session, BOTH.format(group), late="0s")
    session.push("walk", [{"ts": 0, "n": 1}] * many + [{"ts": 1, "n": 4}, {"ts": 12_000, "n": 1}])

    rows = f"{many + 1} rows"
    removed = "HAVING removed every group that WHERE had left"
    assert rule.why() == f"{removed}, of {rows} that went through: count(*) > 1000."


def test_of_a_where_after_the_window_and_having_without_groups_having_removed_the_rows(session: Session) -> None:
    query = "SELECT n FROM walk WHERE n > 3 GROUP BY TUMBLINGWINDOW(ss, 10) HAVING count(*) > 5"
    rule = event_time(session, query, late="0s")
    session.push("walk", [{"ts": 0, "n": 4}, {"ts": 12_000, "n": 1}])

    assert rule.why() == "HAVING removed every row that WHERE had left, of 1 row that went through: count(*) > 5."


def test_windows_failed_as_a_whole(session: Session) -> None:
    rule = session.rule("SELECT sum(t) AS s FROM demo GROUP BY COUNTWINDOW(2)")
    session.push("demo", [{"t": 1}, {"t": "x"}])

    assert rule.why().startswith("The window that has ended failed as a whole. The first: ")


def test_a_rule_that_failed_says_with_what(session: Session) -> None:
    @session.source
    def broken() -> Iterator[dict[str, Any]]:
        yield {"n": 1}
        raise OSError("the cable is out")

    session.sql('CREATE STREAM broken () WITH (TYPE="broken")')
    rule = session.rule("SELECT n FROM broken WHERE n > 5", id="hot")
    rule.wait()

    assert rule.why() == "Rule hot was stopped by an error: source broken failed: OSError: the cable is out"


def test_a_rule_that_waits_for_its_restart_says_so(session: Session) -> None:
    def shaky() -> Iterator[dict[str, int]]:
        raise OSError("no answer")
        yield {}

    session.source(shaky)
    session.sql('CREATE STREAM s () WITH (TYPE="shaky")')
    rule = session.rule("SELECT n FROM s", id="r", options={"restartStrategy": {"attempts": 2, "delay": 5000}})
    rule.step()

    told = "Rule r waits to start again: restart 1 of 2 in 5 s, after source shaky failed: OSError: no answer"
    assert rule.why() == told


@pytest.mark.parametrize("many", [False, True])
def test_rows_that_no_window_has_seen_are_no_rows_that_having_removed(session: Session, many: bool) -> None:
    query = "SELECT max(t) AS m FROM demo GROUP BY HOPPINGWINDOW(ss, 10, 5) HAVING max(t) > 90"
    rule = session.rule(query)
    now = session.clock.now()
    session.advance(now + 5_000)
    session.push("demo", [{"t": 1}] * (500 if many else 1), at=now + 6_000)

    assert rule.why().startswith("The window has not ended yet: ")
    session.advance(now + 10_000)
    assert rule.why().startswith("HAVING removed every group")


def test_limit_0_lets_nothing_out(session: Session) -> None:
    rule = session.rule("SELECT t FROM demo LIMIT 0")
    session.push("demo", {"t": 1})

    assert rule.why() == "LIMIT 0 lets nothing out."


def test_a_rule_that_sends_says_so(session: Session) -> None:
    rule = session.rule("SELECT t + 1 AS u FROM demo")
    session.push("demo", [{"t": 1}, {"t": "x"}])

    assert rule.why() == "Rule rule1 has sent 1 row in 1 emit. Of 2 rows in, 1 failed."


@pytest.mark.parametrize("seed", range(30))
def test_there_is_always_an_answer(session: Session, seed: int) -> None:
    """Whatever happens to a rule, `why` says something, and does not fail."""
    queries = [
        "SELECT n FROM walk WHERE n > 2",
        WINDOW,
        "SELECT n FROM walk GROUP BY n, HOPPINGWINDOW(ss, 20, 5) HAVING count(*) > 2",
        "SELECT lag(n) AS l FROM walk WHERE n < 0",
        "SELECT n FROM walk GROUP BY COUNTWINDOW(3, 2) LIMIT 0",
    ]
    options = {"isEventTime": seed % 2 == 0 and seed % 5 != 4, "lateTolerance": seed % 3 * 500}
    rule = session.rule(queries[seed % 5], options=options)
    for n in range(seed):
        session.push("walk", {"ts": n * 7919 % 15_000, "n": "x" if n % 7 == 6 else n % 5}, at=n * 900)
        assert rule.why()
    rule.stop()

    assert rule.why()
