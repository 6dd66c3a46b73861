"""Stop returns in time: endless user code is broken off, what cannot be broken off is left behind and harmless."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from time import monotonic
from typing import Any

import pytest

from kuiper_nb import Rule, Session
from kuiper_nb.connectors.nop import NopSink
from kuiper_nb.engine.halt import closed

from ..conftest import rows

PATIENCE = 20
IN_TIME = 2.6
"""Seconds: two, and what a busy machine adds."""


class Trap:
    """User code that does not return: *spins* in Python, or *waits* in C until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.let_go = threading.Event()
        self.left = threading.Event()

    def spin(self, *_: Any) -> None:
        self.entered.set()
        while True:
            pass

    def swallow(self, *_: Any) -> None:
        self.entered.set()
        while not self.let_go.is_set():
            with contextlib.suppress(BaseException):
                while not self.let_go.is_set():
                    pass

    def wait(self, *_: Any) -> str:
        self.entered.set()
        try:
            assert self.let_go.wait(PATIENCE)
        finally:
            self.left.set()
        return "too late"


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.let_go.set()


@pytest.fixture
def live() -> Iterator[Session]:
    with Session() as opened:
        opened.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        yield opened


def stopped(rule: Rule) -> float:
    """Stop it; the seconds that took."""
    before = monotonic()
    rule.stop()
    return monotonic() - before


def threads_of(rule: Rule) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == f"rule {rule.id}"]


def caught(live: Session, trap: Trap, f: Callable[..., Any]) -> Rule:
    """A rule whose function f is in *trap*."""
    live.function(f, name="f")
    rule = live.rule("SELECT f(a) AS b FROM demo", id="hot")
    live.push("demo", {"a": 1})
    assert trap.entered.wait(PATIENCE)
    return rule


def test_an_endless_loop_in_a_function_is_broken_off_and_named(live: Session, trap: Trap) -> None:
    rule = caught(live, trap, trap.spin)

    assert stopped(rule) < IN_TIME

    status = rule.status
    assert (status.state, threads_of(rule)) == ("stopped", [])
    assert status.message.startswith("function f was broken off in test_halt.py, line ")
    assert (status.rows_in, status.errored, [error.message for error in rule.errors]) == (1, 1, [status.message])
    assert rule.logs()[-1].endswith(f"stopped: {status.message}")


@pytest.mark.parametrize("many", [False, True])
def test_so_it_is_in_an_aggregate_and_in_a_batch(live: Session, trap: Trap, many: bool) -> None:
    live.aggregate(trap.spin, name="g")
    rule = live.rule("SELECT g(a) AS b FROM demo GROUP BY COUNTWINDOW(1)", id="hot")
    live.push("demo", [{"a": n} for n in range(500 if many else 1)])
    assert trap.entered.wait(PATIENCE)

    assert stopped(rule) < IN_TIME
    assert (rule.status.state, threads_of(rule)) == ("stopped", [])


def test_an_endless_sink_is_broken_off(live: Session, trap: Trap) -> None:
    live.sink(lambda rows: trap.spin(), name="out")
    rule = live.rule("SELECT a FROM demo", id="hot", actions=[{"out": {}}])
    live.push("demo", {"a": 1})
    assert trap.entered.wait(PATIENCE)

    assert stopped(rule) < IN_TIME
    assert (rule.status.state, threads_of(rule)) == ("stopped", [])


def test_a_source_that_waits_in_python_has_nothing_to_finish_and_its_finally_runs(live: Session, trap: Trap) -> None:
    def waits() -> Iterator[dict[str, int]]:
        try:
            yield {"n": 1}
            trap.spin()
        finally:
            trap.left.set()

    live.source(waits)
    live.sql('CREATE STREAM s () WITH (TYPE="waits")')
    rule = live.rule("SELECT n FROM s", id="hot")
    assert trap.entered.wait(PATIENCE)

    assert stopped(rule) < 1
    assert (rule.status.state, rule.status.message, rule.errors[:]) == ("stopped", "", [])
    assert (trap.left.is_set(), rows(rule), threads_of(rule)) == (True, [{"n": 1}], [])


def test_an_asynchronous_source_that_waits_for_a_message_is_cancelled(live: Session, trap: Trap) -> None:
    async def waits() -> AsyncIterator[dict[str, int]]:
        yield {"n": 1}
        trap.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            trap.left.set()

    live.source(waits)
    live.sql('CREATE STREAM s () WITH (TYPE="waits")')
    rule = live.rule("SELECT n FROM s", id="hot")
    assert trap.entered.wait(PATIENCE)

    assert stopped(rule) < 1
    assert (rule.status.state, rule.errors[:], trap.left.is_set()) == ("stopped", [], True)
    assert threads_of(rule) == []


def test_a_source_whose_end_is_endless_is_closed_in_time(live: Session, trap: Trap) -> None:
    def leaves_slowly() -> Iterator[dict[str, int]]:
        try:
            while True:
                yield {"n": 1}
        finally:
            trap.spin()

    live.source(leaves_slowly)
    live.sql('CREATE STREAM s () WITH (TYPE="leaves_slowly", INTERVAL="1000")')
    rule = live.rule("SELECT n FROM s", id="hot")
    assert rule.wait(PATIENCE, emits=1)

    assert stopped(rule) < IN_TIME
    assert (rule.status.state, threads_of(rule)) == ("stopped", [])


@pytest.mark.parametrize("name", ["wait", "swallow"])
def test_what_cannot_be_broken_off_is_named_and_left_behind(live: Session, trap: Trap, name: str) -> None:
    rule = caught(live, trap, getattr(trap, name))

    assert stopped(rule) < IN_TIME

    status = rule.status
    assert status.state == "stopped"
    assert status.message.startswith("function f did not return from test_halt.py, line ")
    assert status.message.endswith("; its thread is left behind")
    assert (status.rows_in, status.errored) == (1, 1)


def test_nothing_comes_of_a_step_that_was_left_behind(live: Session, trap: Trap) -> None:
    sent: list[Any] = []
    live.sink(sent.append, name="out")
    live.function(trap.wait, name="f")
    rule = live.rule("SELECT f(a) AS b FROM demo", id="hot", actions=[{"out": {}}])
    live.push("demo", {"a": 1})
    assert trap.entered.wait(PATIENCE)
    lost = next(thread for thread in threading.enumerate() if thread.name == "rule hot")
    rule.stop(patience=0.2)

    live.function(lambda a: a + 1, name="f")
    rule.start()
    live.push("demo", {"a": 1})
    assert live.settle(PATIENCE)
    trap.let_go.set()
    lost.join(PATIENCE)
    live.push("demo", {"a": 2})
    assert live.settle(PATIENCE)

    assert sent == [[{"b": 2.0}], [{"b": 3.0}]]
    assert [row["b"] for row in rows(rule)] == [2.0, 3.0]
    assert (rule.status.state, rule.status.rows_in, rule.status.errored) == ("running", 3, 1)
    assert threads_of(rule) == ["rule hot"]


def test_a_rule_can_be_dropped_and_replaced_while_its_code_is_stuck(live: Session, trap: Trap) -> None:
    caught(live, trap, trap.wait).drop(patience=0.2)

    live.function(lambda a: "fine", name="f")
    rule = live.rule("SELECT f(a) AS b FROM demo", id="hot")
    live.push("demo", {"a": 1})

    assert live.settle(PATIENCE)
    assert rows(rule) == [{"b": "fine"}]


def test_a_source_that_is_stuck_while_it_is_opened_again_does_not_hold_the_stop_up(live: Session, trap: Trap) -> None:
    opened: list[int] = []

    def shaky() -> Iterator[dict[str, int]]:
        opened.append(1)
        if len(opened) > 1:
            trap.spin()
        raise OSError("not yet")
        yield {}

    live.source(shaky)
    live.sql('CREATE STREAM s () WITH (TYPE="shaky")')
    rule = live.rule("SELECT n FROM s", id="hot", options={"restartStrategy": {"attempts": 5, "delay": 1}})
    assert trap.entered.wait(PATIENCE)

    assert stopped(rule) < 1
    assert (rule.status.state, rule.status.attempt, rule.due(), threads_of(rule)) == ("stopped", 0, None, [])


def test_code_that_was_broken_off_is_not_a_failure_to_start_again_from(live: Session, trap: Trap) -> None:
    live.function(trap.spin, name="f")
    options = {"restartStrategy": {"attempts": 5, "delay": 1}}
    rule = live.rule("SELECT f(a) AS b FROM demo", id="hot", options=options)
    live.push("demo", {"a": 1})
    assert trap.entered.wait(PATIENCE)

    rule.stop(patience=1.0)

    assert (rule.status.state, rule.status.attempt, threads_of(rule)) == ("stopped", 0, [])


def test_settle_keeps_its_time_while_a_step_does_not_end(live: Session, trap: Trap) -> None:
    caught(live, trap, trap.wait)

    assert live.settle(timeout=0.05) is False


def test_a_session_with_many_stuck_rules_closes_in_the_time_of_one(trap: Trap) -> None:
    session = Session()
    session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
    session.function(trap.wait, name="f")
    for number in range(5):
        session.rule("SELECT f(a) AS b FROM demo", id=f"stuck{number}")
    session.push("demo", {"a": 1})
    assert trap.entered.wait(PATIENCE)
    before = monotonic()

    session.close()

    assert monotonic() - before < 2 * IN_TIME
    assert dict(session.rules) == {}


def test_a_step_that_returns_in_time_is_not_broken_off(live: Session, trap: Trap) -> None:
    rule = caught(live, trap, trap.wait)
    threading.Timer(0.2, trap.let_go.set).start()

    rule.stop()

    assert (rule.status.message, rows(rule), rule.errors[:]) == ("", [{"b": "too late"}], [])


def test_one_that_fails_to_close_is_noted_and_the_others_are_closed_all_the_same() -> None:
    done: list[str] = []
    notes: list[str] = []

    class Jammed(NopSink):
        def close(self) -> None:
            raise OSError("jammed")

    class Good(NopSink):
        def close(self) -> None:
            done.append("closed")

    closed([Jammed(None), None, Good(None)], notes.append)

    assert (done, notes) == (["closed"], ["closing Jammed failed: OSError: jammed"])


def test_stop_from_its_own_sink_ends_the_rule(live: Session) -> None:
    def last(rows: list[dict[str, Any]]) -> None:
        live.rules["hot"].stop()

    live.sink(last)
    rule = live.rule("SELECT a FROM demo", id="hot", actions=[{"last": {}}])

    live.push("demo", {"a": 1})

    assert rule.wait(PATIENCE)
    assert rule.status.state == "stopped"
