"""What user code prints, logs or warns goes to its rule's log, and only that."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kuiper_nb import Rule, Session, VirtualClock

from ..conftest import START

PATIENCE = 20


@pytest.fixture(params=["virtual", "real"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session with the stream demo: under a virtual clock user code runs in the caller's thread, else not."""
    clock = VirtualClock(START) if request.param == "virtual" else None
    with Session(clock=clock) as opened:
        opened.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        yield opened


def printed(rule: Rule) -> list[str]:
    return [line.text for line in rule.log.lines() if line.kind == "print"]


def after_a_row(session: Session, f: Callable[[Any], Any]) -> Rule:
    session.function(f, name="f")
    rule = session.rule("SELECT f(a) AS b FROM demo")
    session.push("demo", {"a": 1})
    assert session.settle(PATIENCE)
    return rule


def test_what_a_function_prints_is_in_the_log_of_its_rule(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    def loud(a: float) -> float:
        print("got", a)
        print("and complains", file=sys.stderr)
        return a

    rule = after_a_row(session, loud)

    assert printed(rule) == ["got 1.0", "and complains"]
    assert capsys.readouterr() == ("", "")


def test_the_caller_still_prints_where_it_did(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    after_a_row(session, print)

    print("here I am")

    assert capsys.readouterr().out == "here I am\n"


def test_logging_of_user_code_goes_there_too_whatever_holds_the_stream(session: Session) -> None:
    stream, logger = io.StringIO(), logging.getLogger("plant")
    with contextlib.redirect_stderr(stream):
        handler = logging.StreamHandler()
        logger.addHandler(handler)
        logger.propagate = False
        try:
            rule = after_a_row(session, lambda a: logger.warning("%s is hot", a))
            logger.warning("from outside")
        finally:
            logger.removeHandler(handler)

    assert printed(rule) == ["1.0 is hot"]
    assert stream.getvalue() == "from outside\n"


def test_every_line_says_where_it_comes_from(session: Session) -> None:
    def two(a: float) -> float:
        print("one")
        json.dump(2, sys.stdout)
        return a

    rule = after_a_row(session, two)

    first = two.__code__.co_firstlineno
    assert [line.where for line in rule.log.lines() if line.kind == "print"] == [
        f"{__file__}:{first + 1}",
        f"{__file__}:{first + 2}",
    ]
    assert f"test_output.py, line {first + 1}: one" in rule.logs()[1]


def test_aggregates_sources_and_sinks_are_heard_as_well(session: Session) -> None:
    def largest(values: list[float]) -> float:
        print("aggregate")
        return max(values)

    def ticks() -> Iterator[dict[str, int]]:
        print("source")
        yield {"n": 1}

    def out(rows: list[dict[str, Any]]) -> None:
        print("sink", rows)

    session.aggregate(largest)
    session.source(ticks)
    session.sink(out)
    session.sql('CREATE STREAM s () WITH (TYPE="ticks")')

    rule = session.rule("SELECT largest(n) AS n FROM s GROUP BY COUNTWINDOW(1)", actions=[{"out": {}}])
    rule.wait(timeout=PATIENCE)

    assert printed(rule) == ["source", "aggregate", "sink [{'n': 1.0}]"]


def test_a_source_with_open_and_close_is_heard_in_both(session: Session) -> None:
    class Door:
        def open(self) -> None:
            print("opens")

        def poll(self) -> dict[str, int]:
            return {"n": 1}

        def close(self) -> None:
            print("closes")

    session.source(Door)
    session.sql('CREATE STREAM s () WITH (TYPE="Door")')
    rule = session.rule("SELECT n FROM s")

    rule.stop()

    assert printed(rule) == ["opens", "closes"]


def test_two_rules_do_not_hear_each_other(session: Session) -> None:
    session.function(lambda a: print("hello", a), name="f")
    first = session.rule("SELECT f(a) AS b FROM demo WHERE a = 1")
    second = session.rule("SELECT f(a) AS b FROM demo WHERE a = 2")

    session.push("demo", [{"a": 1}, {"a": 2}])
    assert session.settle(PATIENCE)

    assert (printed(first), printed(second)) == (["hello 1.0"], ["hello 2.0"])


def test_a_rule_that_is_driven_by_a_sink_of_another_prints_into_its_own_log() -> None:
    with Session(clock=VirtualClock(START)) as session:
        for name in ("demo", "next"):
            session.sql(f'CREATE STREAM {name} () WITH (TYPE="memory", DATASOURCE="{name}")')

        def on(rows: list[dict[str, Any]]) -> None:
            print("before")
            session.push("next", rows)
            print("after")

        session.sink(on)
        session.function(lambda a: print("in between"), name="f")
        first = session.rule("SELECT a FROM demo", actions=[{"on": {}}])
        second = session.rule("SELECT f(a) AS b FROM next")

        session.push("demo", {"a": 1})

        assert (printed(first), printed(second)) == (["before", "after"], ["in between"])


def test_a_redirection_of_user_code_itself_holds(session: Session) -> None:
    found = io.StringIO()

    def quiet(a: float) -> float:
        with contextlib.redirect_stdout(found):
            print("for me")
        print("for all")
        return a

    rule = after_a_row(session, quiet)

    assert (found.getvalue(), printed(rule)) == ("for me\n", ["for all"])


def test_a_capture_around_the_caller_gets_nothing_of_a_rule(session: Session) -> None:
    session.function(lambda a: print("mine"), name="f")
    rule = session.rule("SELECT f(a) AS b FROM demo")
    captured = io.StringIO()

    with contextlib.redirect_stdout(captured):
        session.push("demo", {"a": 1})
        assert session.settle(PATIENCE)
        print("caller's")

    assert (captured.getvalue(), printed(rule)) == ("caller's\n", ["mine"])


def test_without_a_running_rule_the_streams_are_what_they_were() -> None:
    before = sys.stdout, sys.stderr
    with Session() as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        after_a_row(session, print)

    assert (sys.stdout, sys.stderr) == before


def test_a_routed_stream_is_otherwise_the_stream_behind_it(session: Session) -> None:
    found: list[Any] = []

    def looks(a: float) -> float:
        found.extend([sys.stdout.encoding, sys.stdout.isatty(), threading.current_thread().name])
        sys.stdout.writelines(["a\n", "b\n"])
        sys.stdout.flush()
        return a

    rule = after_a_row(session, looks)

    assert found[:2] == [sys.stdout.encoding, sys.stdout.isatty()]
    assert printed(rule) == ["a", "b"]


SCRIPT = """
import logging, warnings
from kuiper_nb import Session

def f(a):
    print("printed")
    logging.getLogger("plant").warning("logged")
    warnings.warn("worn out")
    return a

with Session() as session:
    session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
    session.function(f)
    rule = session.rule("SELECT f(a) AS b FROM demo")
    session.push("demo", {"a": 1})
    session.settle()
    print([line.text for line in rule.log.lines()][1:4])
"""


def test_in_a_script_too_user_code_is_heard_in_the_log_alone() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == "['printed', 'logged', '<string>:8: UserWarning: worn out']\n"
    assert done.stderr == ""


PRINTING = """
import threading
from kuiper_nb import Session

working, go_on = threading.Event(), threading.Event()

def f(a):
    working.set()
    return go_on.wait(60)

class Slow:
    def __str__(self):
        go_on.set()
        rule.stop()
        self.many = [bytes(size) for size in range(500) for _ in range(9)]  # what was freed is written over
        return "a thing that is slow to print"

with Session() as session:
    session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
    session.function(f)
    rule = session.rule("SELECT f(a) AS b FROM demo")
    session.push("demo", {"a": 1})
    assert working.wait(60)
    print(Slow(), "and its end")
"""


def test_a_print_that_lasts_longer_than_a_rule_ends_well() -> None:
    """`print` only borrows its stream, which a rule takes back at the end of its step."""
    done = subprocess.run([sys.executable, "-c", PRINTING], capture_output=True, text=True, check=False, timeout=120)

    assert (done.returncode, done.stdout, done.stderr) == (0, "a thing that is slow to print and its end\n", "")


CAPTURING = """
import contextlib, io, sys, threading
from kuiper_nb.functions.output import route, unroute

over = threading.Event()

def works_for_a_rule():
    while not over.is_set():
        unroute(route(None))

sys.setswitchinterval(1e-6)
rule = threading.Thread(target=works_for_a_rule, daemon=True)
rule.start()
for _ in range(5_000):
    with contextlib.redirect_stdout(io.StringIO()) as caught:
        print("caught")
    assert caught.getvalue() == "caught\\n"
over.set()
rule.join()
print("still there")
"""


def test_captures_that_end_while_rules_work_give_the_stream_back() -> None:
    done = subprocess.run([sys.executable, "-c", CAPTURING], capture_output=True, text=True, check=False, timeout=120)

    assert (done.returncode, done.stdout, done.stderr) == (0, "still there\n", "")
