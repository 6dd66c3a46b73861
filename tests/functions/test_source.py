"""Sources from Python cells: generators, async generators, classes and Arrow; paced, failing, swapped as they run."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import signal
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from kuiper_nb import KuiperError, Rule, Session
from kuiper_nb.contracts import EndOfStream
from kuiper_nb.errors import ConnectorError

from ..conftest import START, rows


def started(session: Session, options: str = "", sql: str = "SELECT * FROM s", **rule_options: Any) -> Rule:
    session.sql(f'CREATE STREAM s () WITH (TYPE="numbers"{options})', replace=True)
    return session.rule(sql, id="r", options=rule_options)


def test_a_generator_yields_rows_and_lists_of_rows(session: Session) -> None:
    def numbers() -> Iterator[Any]:
        yield {"n": 1}
        yield [{"n": 2}, {"n": 3}]
        yield b'{"n": 4}'

    session.source(numbers)
    rule = started(session)

    assert rule.wait() is True
    assert rows(rule) == [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]
    assert (rule.status.state, rule.status.message) == ("stopped", "done")


def test_arrow_keeps_its_types(session: Session) -> None:
    def numbers() -> Iterator[pa.Table]:
        yield pa.table({"n": [1, 2], "s": ["a", "b"]})
        yield pa.RecordBatch.from_pydict({"n": [3], "s": ["c"]})

    session.source(numbers)
    rule = started(session, sql="SELECT n / 2 AS half, s FROM s")

    assert rule.wait() is True
    assert rows(rule) == [{"half": 0, "s": "a"}, {"half": 1, "s": "b"}, {"half": 1, "s": "c"}]


def test_an_async_generator_is_a_source(session: Session) -> None:
    async def numbers() -> AsyncIterator[dict[str, int]]:
        for n in range(3):
            yield {"n": n}

    session.source(numbers)
    rule = started(session)

    assert rule.wait() is True
    assert rows(rule) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_an_async_generator_is_a_source_where_a_loop_runs_already_as_in_a_kernel(session: Session) -> None:
    left: list[str] = []

    async def numbers() -> AsyncIterator[dict[str, int]]:
        try:
            for n in range(3):
                await asyncio.sleep(0)
                print("number", n)
                yield {"n": n}
        finally:
            left.append("closed")

    async def cell() -> Rule:
        rule = started(session)
        assert rule.wait() is True
        return rule

    session.source(numbers)
    with ThreadPoolExecutor(1) as thread:
        rule = thread.submit(asyncio.run, cell()).result()

    assert rows(rule) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert [line.text for line in rule.log.lines() if line.kind == "print"] == ["number 0", "number 1", "number 2"]
    assert left == ["closed"]


def test_ctrl_c_ends_the_wait_for_an_async_generator_where_a_loop_runs_already(session: Session) -> None:
    left: list[str] = []

    async def numbers() -> AsyncIterator[dict[str, int]]:
        yield {"n": 0}
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            left.append("cancelled")

    async def cell() -> None:
        started(session).wait()

    session.source(numbers)
    with contextlib.closing(asyncio.new_event_loop()) as loop, pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(cell())

    assert left == ["cancelled"]


def test_a_class_with_open_poll_and_close_is_a_source(session: Session) -> None:
    calls: list[str] = []

    class Numbers:
        def __init__(self, last: int = 2) -> None:
            self.left = list(range(last))

        def open(self) -> None:
            calls.append("open")

        def poll(self) -> dict[str, int]:
            if not self.left:
                raise EndOfStream
            return {"n": self.left.pop(0)}

        def close(self) -> None:
            calls.append("close")

    session.source(Numbers, name="numbers")
    rule = started(session, ', LAST="3"')

    assert rule.wait() is True
    assert rows(rule) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert calls == ["open", "close"]


def test_an_interval_paces_a_source_on_the_clock_of_the_session(session: Session) -> None:
    def numbers() -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(3))

    session.source(numbers)
    rule = started(session, ', INTERVAL="250"')

    assert rule.wait() is True
    assert [(emit.at - START, emit.rows) for emit in rule.emits] == [
        (0, [{"n": 0}]),
        (250, [{"n": 1}]),
        (500, [{"n": 2}]),
    ]


def test_options_fill_the_parameters_by_name_and_type(session: Session) -> None:
    def numbers(first: int, factor: float = 2.0, label: str = "x", loud: bool = False) -> Iterator[dict[str, Any]]:
        yield {"n": first, "f": factor, "l": label, "b": loud}

    session.source(numbers)
    rule = started(session, ', FIRST="5", FACTOR="1.5", LOUD="true"')

    assert rule.wait() is True
    assert rows(rule) == [{"n": 5, "f": 1.5, "l": "x", "b": True}]


def test_an_option_that_is_missing_or_wrong_is_refused(session: Session) -> None:
    def numbers(first: int) -> Iterator[dict[str, int]]:
        yield {"n": first}

    session.source(numbers)

    with pytest.raises(KuiperError, match="needs the option first"):
        started(session)
    with pytest.raises(KuiperError, match='option first is a int, not "five"'):
        started(session, ', FIRST="five"')


def test_a_source_that_fails_stops_the_rule_with_its_line(session: Session) -> None:
    def numbers() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        raise ValueError("no more")

    session.source(numbers)
    rule = started(session)

    assert rule.wait() is True
    assert rows(rule) == [{"n": 1}]
    assert (rule.status.state, rule.status.message) == (
        "stopped by error",
        "source numbers failed: ValueError: no more",
    )
    lines, first = inspect.getsourcelines(numbers)
    raising = first + next(n for n, line in enumerate(lines) if "raise" in line)
    assert rule.errors[-1].where == f"{__file__}:{raising}"


def test_what_is_no_row_is_said_to_be_none(session: Session) -> None:
    def numbers() -> Iterator[Any]:
        yield 7

    session.source(numbers)
    rule = started(session)
    rule.wait()

    assert rule.status.message == "source numbers yielded a int"


def test_a_redefinition_takes_over_in_a_running_rule(session: Session) -> None:
    closed: list[int] = []

    def generation(number: int) -> Any:
        def numbers() -> Iterator[dict[str, int]]:
            try:
                while True:
                    yield {"n": number}
            finally:
                closed.append(number)

        return numbers

    session.source(generation(1))
    rule = started(session, ', INTERVAL="100"')
    session.advance(START + 150)
    session.source(generation(2))
    session.advance(START + 350)
    rule.stop()

    assert rows(rule) == [{"n": 1}, {"n": 1}, {"n": 2}, {"n": 2}]
    assert closed == [1, 2]


def test_a_restart_makes_the_generator_anew(session: Session) -> None:
    tries: list[int] = []

    def numbers() -> Iterator[dict[str, int]]:
        tries.append(len(tries))
        yield {"n": len(tries)}
        if len(tries) == 1:
            raise OSError("once")

    session.source(numbers)
    rule = started(session, restartStrategy={"attempts": 1, "delay": 0})
    rule.wait(timeout=600)

    assert rows(rule) == [{"n": 1}, {"n": 2}]
    assert (rule.status.state, rule.status.message) == ("stopped", "done")


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ('TYPE="memry", DATASOURCE="x"', "source type memry not found (did you mean memory?)"),
        ('TYPE="numbrs"', "source type numbrs not found (did you mean numbers?)"),
        ('TYPE="nope"', "source type nope not found (known: file, memory, simulator, system)"),
        ('TYPE="memory"', "stream t: memory needs a DATASOURCE, the topic"),
    ],
)
def test_a_stream_that_no_rule_can_read_yet_is_created_with_a_note(session: Session, options: str, note: str) -> None:
    session.source(lambda: iter(()), name="numbers")

    assert session.sql(f"CREATE STREAM t () WITH ({options})") == f"Stream t is created.\nnote: {note}"
    assert "t" in session.streams


def test_the_source_of_a_stream_may_be_defined_after_it(session: Session) -> None:
    session.sql('CREATE STREAM t () WITH (TYPE="later")')
    session.source(lambda: iter([{"n": 1}]), name="later")
    rule = session.rule("SELECT n FROM t", id="r")

    rule.wait()

    assert rows(rule) == [{"n": 1}]


def test_an_unknown_type_is_answered_with_the_nearest(session: Session) -> None:
    session.source(lambda: iter(()), name="numbers")
    session.sql('CREATE STREAM t () WITH (TYPE="numbrs")')

    with pytest.raises(ConnectorError) as caught:
        session.rule("SELECT * FROM t", id="r")
    assert (caught.value.message, caught.value.hint) == ("source type numbrs not found", "did you mean numbers?")


def test_the_name_of_a_built_in_source_is_taken(session: Session) -> None:
    with pytest.raises(KuiperError, match="memory is a built-in source"):
        session.source(lambda: iter(()), name="memory")


def test_two_rules_have_a_generator_each(session: Session) -> None:
    def numbers() -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(2))

    session.source(numbers)
    session.sql('CREATE STREAM s () WITH (TYPE="numbers")')
    made = [session.rule("SELECT n FROM s", id=f"r{n}") for n in range(2)]

    assert [rule.wait() for rule in made] == [True, True]
    assert [rows(rule) for rule in made] == [[{"n": 0}, {"n": 1}]] * 2


@pytest.mark.parametrize(
    "options", ['INTERVAL="abc"', 'INTERVAL="-5"', 'EXTRA="{\\"interval\\": -5}"', 'EXTRA="{\\"interval\\": true}"']
)
def test_an_interval_that_is_no_number_of_ms_is_refused_where_it_is_written(session: Session, options: str) -> None:
    session.source(lambda: iter([{"n": 1}]), name="numbers")

    with pytest.raises(ConnectorError, match="INTERVAL is a number of milliseconds, not "):
        session.sql(f'CREATE STREAM t () WITH (TYPE="numbers", {options})')
    assert "t" not in session.streams


def test_the_interval_of_a_simulator_is_refused_where_it_is_written(session: Session) -> None:
    with pytest.raises(ConnectorError, match="the simulator's interval is at least 1 ms, not -3"):
        session.sql('CREATE STREAM t () WITH (TYPE="simulator", EXTRA="{\\"interval\\": -3}")')


def test_a_source_that_exits_and_fails_to_close_stops_its_rule_and_nothing_else(session: Session) -> None:
    closed: list[int] = []

    class Numbers:
        def poll(self) -> Any:
            raise SystemExit(3)

        def close(self) -> None:
            closed.append(1)
            raise ValueError("stuck")

    session.source(Numbers, name="numbers")
    rule = started(session)
    rule.wait()

    assert "source numbers failed: SystemExit: 3" in rule.status.message
    rule.stop()
    assert closed == [1]


def test_an_item_of_a_yielded_list_that_is_no_row_fails_alone(session: Session) -> None:
    session.source(lambda: iter([[{"n": 1}, "x", {"n": 2}]]), name="numbers")
    rule = started(session)
    rule.wait()

    assert (rows(rule), [error.row for error in rule.errors]) == ([{"n": 1}, {"n": 2}], ["x"])
