"""A rule's log: the newest lines, not too many a second, and what happened to the rule."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from kuiper_nb import KuiperError, Session
from kuiper_nb.engine.log import KEPT, MOST, LogLine, RuleLog

from ..conftest import START


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> int:
        return self.at


def written(log: RuleLog, text: str) -> None:
    log.printed("stdout", text, lambda: "")


def texts(log: RuleLog) -> list[str]:
    return [line.text for line in log.lines()]


def test_a_line_is_taken_when_it_is_whole_and_shown_before() -> None:
    log = RuleLog(Clock())

    written(log, "half")
    shown = texts(log)
    written(log, " and half\nnext")

    assert shown == ["half"]
    assert texts(log) == ["half and half", "next"]
    assert (log.total, len(log.since(0)[0])) == (1, 1)


def test_what_comes_too_fast_is_counted() -> None:
    clock = Clock()
    log = RuleLog(clock)
    for n in range(MOST + 3212):
        written(log, f"{n}\n")
    counted = texts(log)[-1]

    clock.at += 1000
    written(log, "calm again\n")

    assert counted == "… 3,212 more lines"
    assert texts(log)[-3:] == [str(MOST - 1), "… 3,212 more lines", "calm again"]
    assert log.total == MOST + 3213


def test_a_flood_of_prints_does_not_drown_what_happens_to_the_rule() -> None:
    log = RuleLog(Clock())
    written(log, "x\n" * 10 * MOST)

    log.note("stopped")

    assert "stopped" in texts(log)


def test_only_the_newest_lines_are_kept() -> None:
    clock = Clock()
    log = RuleLog(clock)

    for n in range(KEPT + 10):
        clock.at += 1000
        written(log, f"{n}\n")

    assert (len(log.lines()), texts(log)[0], log.total) == (KEPT, "10", KEPT + 10)


def test_who_follows_gets_every_line_once() -> None:
    log = RuleLog(Clock())
    written(log, "a\nb\n")
    first, seen = log.since(0)
    written(log, "c\n")
    second, seen = log.since(seen)

    assert [[line.text for line in lines] for lines in (first, second, log.since(seen)[0])] == [["a", "b"], ["c"], []]


def test_of_a_progress_bar_the_last_state_stays() -> None:
    log = RuleLog(Clock())
    for percent in range(100):
        written(log, f"\r{percent} % " + "#" * percent)

    written(log, "\rdone\n")

    assert texts(log) == ["done"]


def test_a_line_without_end_does_not_grow_without_end() -> None:
    log = RuleLog(Clock())
    for _ in range(100):
        written(log, "x" * 1000)

    assert len(texts(log)[0]) < 10_000


def test_a_line_begins_with_its_time_and_place() -> None:
    assert str(LogLine(1_704_067_200_007, "print", "hello", "/home/me/gauge.py:12")) == (
        "2024-01-01 00:00:00.007 gauge.py, line 12: hello"
    )


def test_the_log_tells_the_life_of_a_rule(session: Session) -> None:
    session.function(lambda a: a, name="f")
    rule = session.rule("SELECT f(a) AS b FROM demo")
    session.push("demo", {"a": 1})
    session.function(lambda a: a + 1, name="f")
    session.push("demo", {"a": 1})
    rule.stop()
    rule.start()

    assert texts(rule.log) == ["started", "function f: generation 2 is in use", "stopped", "started"]
    assert rule.status.log_lines == 4
    assert rule.logs()[0] == "2018-11-02 09:54:46.000 started"


def test_a_failure_and_a_restart_are_in_the_log(session: Session) -> None:
    def broken() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        raise ValueError("no more")

    session.source(broken)
    session.sql('CREATE STREAM s () WITH (TYPE="broken")')
    rule = session.rule("SELECT n FROM s", options={"restartStrategy": {"attempts": 1}})
    rule.wait()

    message = "source broken failed: ValueError: no more"
    assert texts(rule.log) == [
        "started",
        f"starting: restart 1 of 1 in 1 s, after {message}",
        "restart 1 of 1",
        f"stopped by error: {message}",
    ]


def test_a_rule_that_cannot_start_says_so_in_its_log(session: Session) -> None:
    class Locked:
        def open(self) -> None:
            raise OSError("locked")

        def poll(self) -> None: ...

    session.source(Locked)
    session.sql('CREATE STREAM s () WITH (TYPE="Locked")')
    rule = session.rule("SELECT n FROM s", start=False)

    with pytest.raises(KuiperError):
        rule.start()

    assert texts(rule.log) == ["stopped by error: source Locked failed: OSError: locked"]


def test_what_the_log_sink_writes_is_there_and_with_its_logger_as_before(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    rule = session.rule("SELECT a FROM demo", id="hot", actions=[{"log": {}}])

    with caplog.at_level(logging.INFO, "kuiper_nb.rule.hot"):
        session.push("demo", {"a": 1})

    assert texts(rule.log) == ["started", 'sink result for rule hot: [{"a":1}]']
    assert caplog.messages == ['sink result for rule hot: [{"a":1}]']


def test_a_redefined_sink_and_source_are_in_the_log(session: Session) -> None:
    def forever() -> Iterator[dict[str, int]]:
        while True:
            yield {"n": 1}

    session.source(forever)
    session.sink(lambda rows: None, name="out")
    session.sql('CREATE STREAM s () WITH (TYPE="forever", INTERVAL="1000")')
    rule = session.rule("SELECT n FROM s", actions=[{"out": {}}])
    session.advance(START + 1000)

    session.source(forever)
    session.sink(lambda rows: None, name="out")
    session.advance(START + 2000)

    assert texts(rule.log) == ["started", "source forever: generation 2 is in use", "sink out: generation 2 is in use"]
