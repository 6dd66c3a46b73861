"""Ctrl-C: it waits for the border of a micro-batch, but not for user code that does not end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest

from kuiper_nb import Rule, Session
from kuiper_nb.engine.interrupt import deferred

from ..conftest import START, rows

IN_TIME = 0.8
"""Seconds: half of one, and what a busy machine adds."""
PATIENCE = 20


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def spin() -> None:
    while True:
        pass


def wait() -> None:
    threading.Event().wait()


def interrupted(call: Callable[[], Any]) -> float:
    """Call it; the seconds it took to end in KeyboardInterrupt, from the signal that *call* causes."""
    before = monotonic()
    with pytest.raises(KeyboardInterrupt) as raised:
        call()
    assert type(raised.value) is KeyboardInterrupt
    return monotonic() - before


def rule_with(session: Session, goes_on: Callable[[], None]) -> Rule:
    """A rule whose function is interrupted at 3, and then *goes_on*."""

    def f(a: float) -> float:
        if a == 3:
            ctrl_c()
            goes_on()
        return a

    session.function(f)
    return session.rule("SELECT f(a) AS b FROM demo", id="hot")


@pytest.mark.parametrize("goes_on", [spin, wait])
def test_user_code_that_does_not_end_is_broken_off_and_its_rule_stops(
    session: Session, goes_on: Callable[[], None]
) -> None:
    rule = rule_with(session, goes_on)
    session.push("demo", {"a": 1})

    took = interrupted(lambda: session.push("demo", [{"a": 2}, {"a": 3}]))

    status = rule.status
    assert took < IN_TIME
    assert (status.state, status.rows_in, status.used + status.errored) == ("stopped", 3, 3)
    assert status.errored >= 1
    assert status.message.startswith("function f was broken off in test_interrupt.py, line ")
    assert [error.message for error in rule.errors] == [status.message]
    assert rows(rule) == [{"b": 1.0}]


def test_code_that_ends_ends_first_and_the_rule_runs_on(session: Session) -> None:
    rule = rule_with(session, lambda: None)

    interrupted(lambda: session.push("demo", [{"a": 3}, {"a": 4}]))
    session.push("demo", {"a": 5})

    assert rule.status.state == "running"
    assert [row["b"] for row in rows(rule)] == [3.0, 4.0, 5.0]


def test_the_session_goes_on_after_it(session: Session) -> None:
    rule = rule_with(session, spin)
    interrupted(lambda: session.push("demo", {"a": 3}))

    session.function(lambda a: -a, name="f")
    rule.start()
    session.push("demo", {"a": 3})

    assert rows(rule) == [{"b": -3.0}]


def test_waiting_for_a_source_that_waits_can_be_interrupted(session: Session) -> None:
    def waits() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        ctrl_c()
        wait()

    session.source(waits)
    session.sql('CREATE STREAM s () WITH (TYPE="waits")')
    rule = session.rule("SELECT n FROM s")

    assert interrupted(lambda: rule.wait(timeout=60)) < IN_TIME
    assert (rule.status.state, rows(rule), rule.errors[:]) == ("stopped", [{"n": 1}], [])


def test_opening_a_source_that_waits_can_be_interrupted(session: Session) -> None:
    class Waits:
        def open(self) -> None:
            ctrl_c()
            wait()

        def poll(self) -> None: ...

    session.source(Waits)
    session.sql('CREATE STREAM s () WITH (TYPE="Waits")')
    rule = session.rule("SELECT n FROM s", start=False)

    assert interrupted(rule.start) < IN_TIME
    assert (rule.status.state, rule.status.message) == ("stopped", "interrupted")


def test_a_push_that_waits_for_room_can_be_interrupted_and_leaves_nothing_half_pushed() -> None:
    go, entered = threading.Event(), threading.Event()

    def slow(rows: list[dict[str, Any]]) -> None:
        entered.set()
        assert go.wait(PATIENCE)

    with Session() as live:
        live.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        live.sink(slow)
        rule = live.rule("SELECT a FROM demo", options={"bufferLength": 2}, actions=[{"slow": {}}])
        live.push("demo", {"a": 0})
        assert entered.wait(PATIENCE)
        for n in (1, 2):
            live.push("demo", {"a": n})
        timer = threading.Timer(0.1, ctrl_c)
        timer.start()

        assert interrupted(lambda: live.push("demo", {"a": 3})) < IN_TIME
        timer.join()
        go.set()

        assert live.settle(PATIENCE)
        assert ([row["a"] for row in rows(rule)], rule.status.state) == ([0, 1, 2], "running")


@pytest.mark.parametrize("ends", [True, False])
def test_stop_can_be_interrupted_which_makes_short_work_of_it(ends: bool) -> None:
    go, entered = threading.Event(), threading.Event()

    def stuck(a: float) -> None:
        entered.set()
        while ends:
            pass
        assert go.wait(PATIENCE)

    with Session() as live:
        live.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        live.function(stuck)
        rule = live.rule("SELECT stuck(a) AS b FROM demo", id="hot")
        live.push("demo", {"a": 0})
        assert entered.wait(PATIENCE)
        timer = threading.Timer(0.1, ctrl_c)
        timer.start()

        assert interrupted(rule.stop) < IN_TIME
        timer.join()
        status = rule.status
        go.set()

        assert (status.state, status.rows_in, status.errored, rule.threaded) == ("stopped", 1, 1, False)
        how = "was broken off in" if ends else "did not return from"
        assert status.message.startswith(f"function stuck {how} test_interrupt.py, line ")
        rule.stop()
        assert rule.status.state == "stopped"


def test_a_second_ctrl_c_changes_nothing(session: Session) -> None:
    def twice() -> None:
        ctrl_c()
        spin()

    rule = rule_with(session, twice)

    assert interrupted(lambda: session.push("demo", {"a": 3})) < IN_TIME
    assert rule.status.state == "stopped"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_no_signal_is_late() -> None:
    for _ in range(20):
        with pytest.raises(KeyboardInterrupt), deferred():
            ctrl_c()

    assert [thread for thread in threading.enumerate() if thread.name == "interrupt" and thread.is_alive()] == []


def test_a_stop_from_another_thread_reaches_user_code_in_the_callers(session: Session) -> None:
    entered = threading.Event()

    def endless(a: float) -> None:
        entered.set()
        spin()

    session.function(endless)
    rule = session.rule("SELECT endless(a) AS b FROM demo", id="hot")

    def stops() -> None:
        assert entered.wait(PATIENCE)
        rule.stop(patience=0.4)

    thread = threading.Thread(target=stops)
    thread.start()
    session.push("demo", {"a": 1})
    thread.join(PATIENCE)

    assert rule.status.state == "stopped"
    assert rule.status.message.startswith("function endless was broken off")
    assert rule.now() == START
