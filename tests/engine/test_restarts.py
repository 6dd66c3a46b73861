"""After an error a rule starts again as its restartStrategy says, on the session's clock; what was pushed stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kuiper_nb import KuiperError, Rule, Session
from kuiper_nb.sql.restart import RestartStrategy

from ..conftest import START, rows

PATIENCE = 20


def shaky(session: Session, failures: int, **strategy: Any) -> tuple[Rule, list[int]]:
    """A rule over a source that fails so many times and then delivers a row; and when it was opened."""
    opened: list[int] = []

    def source() -> Iterator[dict[str, int]]:
        opened.append(session.clock.now() - START)
        if len(opened) <= failures:
            raise OSError(f"try {len(opened)}")
        yield {"n": len(opened)}

    session.source(source, name="shaky")
    session.sql('CREATE STREAM s () WITH (TYPE="shaky")', replace=True)
    rule = session.rule("SELECT n FROM s", id="r", options={"restartStrategy": strategy})
    session.advance(START)
    return rule, opened


def balanced(rule: Rule) -> bool:
    s = rule.status
    return s.rows_in == s.used + s.filtered + s.late + s.errored + s.waiting


# ---- the strategy


def test_the_defaults_are_ekuipers() -> None:
    assert RestartStrategy.of(None) == RestartStrategy.of({}) == RestartStrategy(0, 1000, 2.0, 30_000, 0.1)


@pytest.mark.parametrize(
    ("strategy", "delays"),
    [
        ({}, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]),
        ({"delay": 100, "multiplier": 1}, [100, 100, 100]),
        ({"delay": 100, "multiplier": 0}, [100, 100, 100]),
        ({"delay": 100, "multiplier": 1.5}, [100, 150, 225, 338]),
        ({"delay": 500, "multiplier": 10, "maxDelay": 600}, [500, 600, 600]),
        ({"delay": 0}, [0, 0]),
    ],
)
def test_every_delay_is_a_multiple_of_the_one_before(strategy: dict[str, Any], delays: list[int]) -> None:
    made = RestartStrategy.of(strategy)

    assert [made.delay_before(n, 0) for n in range(len(delays))] == delays


def test_the_jitter_is_a_part_of_the_delay_either_way() -> None:
    made = RestartStrategy.of({"jitterFactor": 0.25})

    assert [made.delay_before(0, jitter) for jitter in (-1, 0, 1)] == [750, 1000, 1250]
    assert made.delay_before(10_000, 0) == 30_000


@pytest.mark.parametrize(
    ("strategy", "message", "hint"),
    [
        (5, "option restartStrategy is an object, not 5", '{"restartStrategy": {"attempts": 3, "delay": 1000}}'),
        ({"attempt": 1}, "there is no option restartStrategy.attempt", "did you mean attempts?"),
        ({"delay": -1}, "option restartStrategy.delay is a whole number of ms from 0 on, not -1", "1000 is a second"),
        (
            {"delay": "1s"},
            "option restartStrategy.delay is a whole number of ms from 0 on, not '1s'",
            "1000 is a second",
        ),
        (
            {"jitterFactor": 2},
            "option restartStrategy.jitterFactor is a number from 0 to 1, not 2",
            "0.1 is a tenth more or less",
        ),
        (
            {"multiplier": float("nan")},
            "option restartStrategy.multiplier is a number from 0 on, not nan",
            "2 doubles the delay every time, 1 leaves it",
        ),
    ],
)
def test_a_strategy_that_means_nothing_is_refused(session: Session, strategy: Any, message: str, hint: str) -> None:
    with pytest.raises(KuiperError) as caught:
        session.rule("SELECT a FROM demo", options={"restartStrategy": strategy})

    assert (caught.value.message, caught.value.hint) == (message, hint)


# ---- on the virtual clock


def test_restarts_are_timers_of_the_virtual_clock(session: Session) -> None:
    rule, opened = shaky(session, 3, attempts=3)

    assert rule.wait(timeout=60) is True
    assert opened == [0, 1000, 3000, 7000]
    assert (rows(rule), rule.status.attempt) == ([{"n": 4}], 3)


def test_the_status_says_which_restart_it_waits_for(session: Session) -> None:
    rule, _ = shaky(session, 2, attempts=2, delay=500)
    session.advance(START + 100)
    waiting = rule.status
    session.advance(START + 500)
    again = rule.status

    assert (waiting.state, waiting.attempt) == ("starting", 1)
    assert waiting.message == "restart 1 of 2 in 0.5 s, after source shaky failed: OSError: try 1"
    assert (again.state, again.attempt) == ("starting", 2)
    assert again.message == "restart 2 of 2 in 1 s, after source shaky failed: OSError: try 2"


def test_when_all_attempts_are_used_up_the_rule_stays_stopped(session: Session) -> None:
    rule, opened = shaky(session, 9, attempts=2, delay=10, multiplier=1)

    session.advance(START + 60_000)

    assert opened == [0, 10, 20]
    assert (rule.status.state, rule.status.message) == (
        "stopped by error",
        "source shaky failed: OSError: try 3",
    )
    assert len(rule.errors) == 3


def test_the_count_begins_anew_when_the_rule_is_started_by_hand(session: Session) -> None:
    rule, opened = shaky(session, 3, attempts=1, delay=10)
    session.advance(START + 100)

    rule.start()
    session.advance(START + 100)
    session.advance(START + 200)

    assert opened == [0, 10, 100, 110]
    assert (rows(rule), rule.status.attempt) == ([{"n": 4}], 1)


def test_a_rule_that_waits_for_its_restart_can_be_stopped(session: Session) -> None:
    rule, opened = shaky(session, 1, attempts=1)
    session.advance(START + 1)

    rule.stop()
    session.advance(START + 60_000)

    assert (opened, rule.status.state, rule.status.attempt, rule.due()) == ([0], "stopped", 0, None)


def test_a_sink_that_cannot_be_opened_again_is_one_more_attempt(session: Session) -> None:
    rule, _ = shaky(session, 1, attempts=3, delay=10, multiplier=1)
    session.advance(START + 1)
    definitions = session.sources
    taken = definitions["shaky"]
    session.sources.drop("shaky")
    session.advance(START + 15)
    missing = rule.status.message
    session.source(taken.make, name="shaky")
    session.advance(START + 60)

    assert missing == "restart 2 of 3 in 0.01 s, after source type shaky not found"
    assert rows(rule) == [{"n": 2}]


# ---- what was pushed


def test_rows_pushed_while_a_rule_waits_for_its_restart_are_read_then(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = session.rule("SELECT a FROM demo", id="r", options={"restartStrategy": {"attempts": 1}})
    with monkeypatch.context() as patched:
        patched.setattr("kuiper_nb.engine.pipeline.Pipeline._pass", lambda *_: 1 / 0)
        session.push("demo", [{"a": 1}, {"a": 2}])
    session.push("demo", {"a": 3}, at=START + 500)
    held = (rule.status.state, rule.backlog)
    session.advance(START + 1000)

    assert held == ("starting", 1)
    assert rows(rule) == [{"a": 3}]
    assert (rule.status.rows_in, rule.status.used, rule.status.errored) == (3, 1, 2)
    assert rule.status.message == "restart 1 of 1"


def test_rows_that_wait_in_a_window_when_the_rule_breaks_are_accounted_for(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"restartStrategy": {"attempts": 1, "delay": 100}}
    rule = session.rule("SELECT count(*) AS n FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)", id="r", options=options)
    session.push("demo", [{"a": 1}, {"a": 2}], at=START + 1)
    with monkeypatch.context() as patched:
        patched.setattr("kuiper_nb.engine.pipeline.Pipeline._enter", lambda *_: 1 / 0)
        session.push("demo", [{"a": 3}])
    broken = rule.status
    session.push("demo", [{"a": 4}])
    session.advance(START + 200)

    assert (broken.rows_in, broken.errored, broken.waiting) == (3, 3, 0)
    assert (rule.status.rows_in, rule.status.waiting, balanced(rule)) == (4, 1, True)


def test_batches_behind_the_one_that_breaks_a_step_off_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    with Session() as live:
        live.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = live.rule("SELECT a FROM demo", id="r", start=False)
        rule.start(by_hand=True)
        monkeypatch.setattr("kuiper_nb.engine.pipeline.Pipeline._pass", lambda *_: 1 / 0)
        live.push("demo", [{"a": 1}])
        live.push("demo", b'{"a": 2}')
        live.push("demo", [{"a": 3}])

        with pytest.raises(ZeroDivisionError):
            rule.step()
        rule.failed(ZeroDivisionError("broken"))

        assert (rule.status.rows_in, rule.status.errored) == (3, 3)


def test_what_a_stop_left_unread_is_read_after_the_next_start() -> None:
    with Session() as live:
        live.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = live.rule("SELECT a FROM demo", id="r", start=False)
        rule.start(by_hand=True)
        for a in range(3):
            live.push("demo", {"a": a})

        rule.stop()
        stopped = rule.status
        live.push("demo", {"a": 99})  # nobody listens
        rule.start(by_hand=True)
        live.push("demo", {"a": 3})
        rule.step()

        assert (stopped.state, stopped.unread) == ("stopped", 3)
        assert stopped.message == "3 pushed batches wait for the next start"
        assert [row["a"] for row in rows(rule)] == [0, 1, 2, 3]
        assert (rule.status.unread, rule.status.rows_in) == (0, 4)


def test_rows_that_waited_in_a_window_when_the_rule_was_stopped_are_accounted_for(session: Session) -> None:
    rule = session.rule("SELECT count(*) AS n FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)", id="r")
    session.push("demo", [{"a": 1}, {"a": 2}])
    rule.stop()
    stopped = rule.status

    rule.start()
    session.push("demo", [{"a": 3}])

    assert (stopped.waiting, balanced(rule)) == (2, True)
    assert (rule.status.rows_in, rule.status.waiting) == (3, 1)


# ---- on the real clock


def test_a_rule_starts_again_in_its_own_thread_and_a_stop_does_not_wait_for_that() -> None:
    with Session() as live:
        failed = threading.Event()
        tries: list[int] = []

        def source() -> Iterator[dict[str, int]]:
            tries.append(1)
            if len(tries) < 3:
                raise OSError("not yet")
            failed.set()
            yield {"n": len(tries)}

        live.source(source, name="shaky")
        live.sql('CREATE STREAM s () WITH (TYPE="shaky")')
        quick = live.rule("SELECT n FROM s", id="q", options={"restartStrategy": {"attempts": 5, "delay": 1}})

        assert quick.wait(timeout=PATIENCE) is True
        assert (rows(quick), quick.status.attempt) == ([{"n": 3}], 2)


def test_a_stop_during_a_long_delay_ends_the_thread_at_once() -> None:
    with Session() as live:

        def source() -> Iterator[dict[str, int]]:
            raise OSError("never")
            yield {}

        live.source(source, name="never")
        live.sql('CREATE STREAM s () WITH (TYPE="never")')
        options = {"restartStrategy": {"attempts": 5, "delay": 3_600_000, "maxDelay": 3_600_000}}
        rule = live.rule("SELECT n FROM s", id="slow", options=options)
        reached = threading.Event()
        while rule.status.state != "starting" or not rule.status.attempt:
            reached.wait(0.001)

        rule.stop()

        assert rule.status.state == "stopped"
        assert "rule slow" not in [thread.name for thread in threading.enumerate()]
