"""On the real clock every rule has a thread: pushes are enqueued, a full buffer pushes back, stop returns."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from kuiper_nb import KuiperError, Session
from kuiper_nb.contracts import EndOfStream
from kuiper_nb.functions.guard import Stopped

from ..conftest import rows

PATIENCE = 20
"""Seconds after which a test gives up; none of them waits that long."""


@pytest.fixture
def live() -> Iterator[Session]:
    with Session() as opened:
        opened.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        yield opened


def test_a_rule_has_a_thread_of_its_own(live: Session) -> None:
    threads: set[str] = set()
    live.sink(lambda rows: threads.add(threading.current_thread().name), name="note")
    live.rule("SELECT a FROM demo", id="hot", actions=[{"note": {}}])

    live.push("demo", {"a": 1})

    assert live.settle(timeout=PATIENCE) is True
    assert threads == {"rule hot"}


def test_settle_returns_when_all_that_was_pushed_has_passed(live: Session) -> None:
    rule = live.rule("SELECT a FROM demo", id="r")

    for a in range(500):
        live.push("demo", {"a": a})

    assert live.settle(timeout=PATIENCE) is True
    assert [row["a"] for row in rows(rule)] == list(range(500))


class Door:
    """A source without a row that takes its time to close."""

    closing = threading.Event()
    go = threading.Event()

    def open(self) -> None:
        self.closing.clear()
        self.go.clear()

    def poll(self) -> None:
        raise EndOfStream

    def close(self) -> None:
        self.closing.set()
        self.go.wait(PATIENCE)


def test_who_waits_for_the_end_waits_until_all_is_closed_and_said(live: Session) -> None:
    live.source(Door, name="door")
    live.sql('CREATE STREAM opened () WITH (TYPE="door")')
    rule = live.rule("SELECT a FROM opened", id="r")
    assert Door.closing.wait(PATIENCE)
    waiting = threading.Thread(target=rule.wait)
    waiting.start()
    waiting.join(0.2)
    early = not waiting.is_alive()

    Door.go.set()
    waiting.join(PATIENCE)

    assert not early
    assert rule.logs()[-1].endswith("stopped: done")


def test_a_full_buffer_holds_the_pusher_back_until_the_rule_has_caught_up(live: Session) -> None:
    go = threading.Event()
    entered = threading.Event()

    def slow(rows: list[dict[str, Any]]) -> None:
        entered.set()
        assert go.wait(PATIENCE)

    live.sink(slow)
    rule = live.rule("SELECT a FROM demo", id="r", options={"bufferLength": 4}, actions=[{"slow": {}}])
    pushed: list[int] = []

    def pusher() -> None:
        for a in range(20):
            live.push("demo", {"a": a})
            pushed.append(a)

    thread = threading.Thread(target=pusher)
    thread.start()
    assert entered.wait(PATIENCE)
    thread.join(0.2)
    held_back = thread.is_alive()
    waiting = rule.backlog
    go.set()
    thread.join(PATIENCE)

    assert live.settle(timeout=PATIENCE) is True
    assert (held_back, waiting <= 4) == (True, True)
    assert [row["a"] for row in rows(rule)] == list(range(20))


def test_stop_returns_and_the_thread_is_gone(live: Session) -> None:
    rule = live.rule("SELECT a FROM demo", id="gone")

    rule.stop()

    assert rule.status.state == "stopped"
    assert "rule gone" not in [thread.name for thread in threading.enumerate()]


def test_starts_and_stops_of_several_threads_come_one_after_the_other(live: Session) -> None:
    """A button of a view and a cell may ask at once."""
    rule = live.rule("SELECT a FROM demo", id="hot")
    wrong: list[Exception] = []

    def asks(seed: int) -> None:
        asked = Random(seed)
        for _ in range(150):
            try:
                asked.choice([rule.start, rule.stop])()
            except Exception as error:
                wrong.append(error)

    askers = [threading.Thread(target=asks, args=(seed,)) for seed in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(PATIENCE)

    assert wrong == []
    rule.start()
    live.push("demo", {"a": 1})
    assert rule.wait(PATIENCE, emits=1)
    rule.stop()
    assert "rule hot" not in [thread.name for thread in threading.enumerate()]


def test_rules_may_be_dropped_while_functions_are_defined(live: Session) -> None:
    over = threading.Event()
    wrong: list[Exception] = []

    def defines() -> None:
        while not over.is_set():
            try:
                live.function(lambda a: a, name="f")
            except Exception as error:
                wrong.append(error)

    definer = threading.Thread(target=defines)
    definer.start()
    for n in range(100):
        live.rule("SELECT a FROM demo", id=f"r{n % 20}")
    for rule in list(live.rules.values()):
        rule.drop()
    over.set()
    definer.join(PATIENCE)

    assert wrong == []
    assert live.rules == {}


def test_waiting_ends_with_its_timeout(live: Session) -> None:
    rule = live.rule("SELECT a FROM demo", id="r")

    assert rule.wait(timeout=0.05) is False


def test_waiting_for_emits_ends_when_they_are_there(live: Session) -> None:
    rule = live.rule("SELECT count(*) AS n FROM demo GROUP BY TUMBLINGWINDOW(ms, 20)", id="r")

    assert rule.wait(timeout=PATIENCE, emits=2) is True
    assert len(rule.emits) >= 2


def test_a_bounded_source_is_waited_for_to_its_end(live: Session) -> None:
    def ten() -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(10))

    live.source(ten)
    live.sql('CREATE STREAM s () WITH (TYPE="ten")')
    rule = live.rule("SELECT n FROM s", id="r")

    assert rule.wait(timeout=PATIENCE) is True
    assert [row["n"] for row in rows(rule)] == list(range(10))
    assert (rule.status.state, rule.status.mode) == ("stopped", "live")


def test_a_push_into_the_past_or_an_advance_is_refused(live: Session) -> None:
    with pytest.raises(KuiperError, match="needs a virtual clock"):
        live.push("demo", {"a": 1}, at=5)
    with pytest.raises(KuiperError, match="the real clock moves by itself"):
        live.advance(5)


def test_closing_the_session_ends_every_thread() -> None:
    with Session() as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        for number in range(3):
            session.rule("SELECT a FROM demo", id=f"closing{number}")

    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("rule closing")] == []


def test_a_rule_that_fails_inside_stops_with_its_error_and_not_the_process(live: Session) -> None:
    def broken() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        raise ValueError("no more")

    live.source(broken)
    live.sql('CREATE STREAM s () WITH (TYPE="broken")')
    rule = live.rule("SELECT n FROM s", id="r")

    assert rule.wait(timeout=PATIENCE) is True
    assert (rule.status.state, rule.status.message) == ("stopped by error", "source broken failed: ValueError: no more")
    assert rows(rule) == [{"n": 1}]


def test_batches_of_one_step_share_the_window_that_is_over_by_then() -> None:
    class Hand:
        virtual = False
        at = 1_000

        def now(self) -> int:
            return self.at

    hand = Hand()
    with Session(clock=hand) as session:
        session.sql('CREATE STREAM plant () WITH (TYPE="memory", DATASOURCE="plant/+")')
        rule = session.rule("SELECT count(*) AS c FROM plant GROUP BY TUMBLINGWINDOW(ms, 10)", start=False)
        rule.start(by_hand=True)
        hand.at = 1_002
        for topic in ("plant/a", "plant/b"):  # of different topics, so they are batches of their own
            session.push(topic, {"n": 1})
        hand.at = 1_030

        rule.step()

        assert rule.emits[0].rows == [{"c": 2}]


def test_what_a_rule_whose_step_does_not_end_has_not_read_is_read_after_the_next_start(live: Session) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(a: float) -> float:
        entered.set()
        assert leave.wait(PATIENCE)
        return a

    live.function(slow)
    rule = live.rule("SELECT slow(a) AS b FROM demo", id="stuck")
    live.push("demo", {"a": 1})
    entered.wait(PATIENCE)
    live.push("demo", {"a": 2})
    threads = [thread for thread in threading.enumerate() if thread.name == "rule stuck"]

    rule.stop(patience=0)
    stopped = rule.status
    leave.set()
    rule.start()

    assert live.settle(timeout=PATIENCE) is True
    assert (stopped.state, stopped.unread, stopped.errored) == ("stopped", 1, 1)
    assert rows(rule) == [{"b": 2.0}]
    assert (rule.status.rows_in, rule.status.used, rule.status.errored) == (2, 1, 1)
    threads[0].join(PATIENCE)
    assert [thread.name for thread in threading.enumerate()].count("rule stuck") == 1


def test_batches_behind_one_whose_step_is_left_behind_are_counted(live: Session) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(a: float) -> float:
        entered.set()
        assert leave.wait(PATIENCE)
        return a

    live.function(slow)
    rule = live.rule("SELECT slow(a) AS b FROM demo", id="stuck", start=False)
    rule.start(by_hand=True)
    live.push("demo", [{"a": 1}])
    live.push("demo", b'{"a": 2}')
    live.push("demo", [{"a": 3}, {"a": 4}])
    ended: list[type[BaseException]] = []

    def step() -> None:
        try:
            rule.step()
        except Stopped as error:
            ended.append(type(error))

    stepping = threading.Thread(target=step)
    stepping.start()
    entered.wait(PATIENCE)

    rule.stop(patience=0)
    stopped = rule.status
    leave.set()
    stepping.join(PATIENCE)

    assert (stopped.state, stopped.rows_in, stopped.errored, ended) == ("stopped", 4, 4, [Stopped])
    assert (rule.status.rows_in, rule.status.errored, rows(rule)) == (4, 4, [])


def test_what_a_dropped_rule_holds_is_closed_although_its_step_does_not_end(live: Session) -> None:
    entered, leave, closed = threading.Event(), threading.Event(), threading.Event()

    def slow(a: float) -> float:
        entered.set()
        assert leave.wait(PATIENCE)
        return a

    def endless() -> Iterator[dict[str, int]]:
        try:
            while True:
                yield {"a": 1}
        finally:
            closed.set()

    live.function(slow)
    live.source(endless)
    live.sql('CREATE STREAM flood () WITH (TYPE="endless")')
    rule = live.rule("SELECT slow(a) AS b FROM flood", id="stuck")
    entered.wait(PATIENCE)

    rule.drop(patience=0)

    assert closed.wait(PATIENCE)
    leave.set()


def test_a_source_that_is_stuck_itself_is_closed_when_it_gets_on(live: Session) -> None:
    entered, leave, closed = threading.Event(), threading.Event(), threading.Event()

    def stuck() -> Iterator[dict[str, int]]:
        try:
            entered.set()
            assert leave.wait(PATIENCE)
            yield {"a": 1}
        finally:
            closed.set()

    live.source(stuck)
    live.sql('CREATE STREAM s () WITH (TYPE="stuck")')
    rule = live.rule("SELECT a FROM s", id="stuck")
    entered.wait(PATIENCE)

    rule.drop(patience=0)
    held = closed.is_set()
    leave.set()

    assert (held, closed.wait(PATIENCE), rows(rule)) == (False, True, [])
