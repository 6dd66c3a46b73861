"""Functions that answer elsewhere are asked once for all rows of a batch, by the evaluator too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kuiper_nb import Session, VirtualClock
from kuiper_nb.contracts import Answer, Call, Failure, Function


class Elsewhere:
    """A function that keeps what it is asked. It fails for negative numbers."""

    def __init__(self, name: str, make: Any) -> None:
        self.asked: list[list[tuple[Any, ...]]] = []
        self._make = make
        self.function = Function(name, "external", self._call, self._one, (0, None), columnar=True, owner="far away")

    def _call(self, call: Call) -> Answer:
        columns = [c if isinstance(c, list) else c.to_pylist() for c in call.arguments]
        rows = list(zip(*columns, strict=True))
        self.asked.append(rows)
        failures = {n: Failure("no") for n, row in enumerate(rows) if isinstance(row[0], (int, float)) and row[0] < 0}
        return Answer([None if n in failures else self._make(*row) for n, row in enumerate(rows)], failures)

    def _one(self, *arguments: Any) -> Any:
        raise AssertionError("row by row")


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(clock=VirtualClock(0)) as made:
        made.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", FORMAT="json")')
        yield made


def pushed(session: Session, select: str, rows: list[dict[str, Any]]) -> tuple[list[Any], list[str]]:
    rule = session.rule(select, id="r")
    session.push("demo", rows)
    return [row for emit in rule.emits for row in emit.rows], [error.message for error in rule.errors]


def test_objects_are_asked_about_together(session: Session) -> None:
    far = Elsewhere("far", lambda o: o["n"])
    session._add(far.function)

    rows, _ = pushed(session, "SELECT far(o) AS f FROM demo", [{"o": {"n": n}} for n in range(9)])

    assert rows == [{"f": float(n)} for n in range(9)]
    assert [len(batch) for batch in far.asked] == [9]


def test_the_whole_row_is_an_object(session: Session) -> None:
    far = Elsewhere("far", len)
    session._add(far.function)

    assert pushed(session, "SELECT far(*) AS f FROM demo", [{"a": 1}, {"a": 1, "b": 2}])[0] == [{"f": 1}, {"f": 2}]
    assert [len(batch) for batch in far.asked] == [2]


def test_one_that_depends_on_another_is_asked_after_it(session: Session) -> None:
    inner, outer = Elsewhere("first_one", lambda o: {"n": o["n"] + 1}), Elsewhere("second_one", lambda o: o["n"] * 10)
    session._add(inner.function)
    session._add(outer.function)

    rows, _ = pushed(session, "SELECT second_one(first_one(o)) AS f FROM demo", [{"o": {"n": n}} for n in range(5)])

    assert rows == [{"f": (n + 1) * 10.0} for n in range(5)]
    assert ([len(b) for b in inner.asked], [len(b) for b in outer.asked]) == ([5], [5])


def test_only_rows_that_get_there_are_asked_about(session: Session) -> None:
    far = Elsewhere("far", lambda o: o["n"])
    session._add(far.function)
    select = "SELECT CASE WHEN o->n > 1 THEN far(o) ELSE 0 END AS f FROM demo WHERE o->n < 4"

    rows, _ = pushed(session, select, [{"o": {"n": n}} for n in range(6)])

    assert rows == [{"f": 0}, {"f": 0}, {"f": 2}, {"f": 3}]
    assert far.asked == [[({"n": 2.0},), ({"n": 3.0},)]]


def test_a_row_that_fails_does_so_alone(session: Session) -> None:
    far = Elsewhere("far", lambda n, o: n)
    session._add(far.function)

    rows, errors = pushed(session, "SELECT far(n, o) AS f FROM demo", [{"n": n, "o": {}} for n in (1, -1, 2)])

    assert rows == [{"f": 1}, {"f": 2}]
    assert len(errors) == 1
    assert "no" in errors[0]
    assert [len(batch) for batch in far.asked] == [3]


def test_answers_of_several_types_are_not_asked_for_again(session: Session) -> None:
    far = Elsewhere("far", lambda n: n if n % 2 else str(n))
    session._add(far.function)

    rows, _ = pushed(session, "SELECT far(n) AS f FROM demo", [{"n": n} for n in range(9)])

    assert rows == [{"f": float(n) if n % 2 else str(float(n))} for n in range(9)]
    assert [len(batch) for batch in far.asked] == [9]


def test_a_native_function_is_called_once_a_row_all_the_same(session: Session) -> None:
    far, called = Elsewhere("far", lambda o: o["n"]), []
    session._add(far.function)

    @session.function
    def near(o: Any) -> Any:
        called.append(o["n"])
        return o

    rows, _ = pushed(session, "SELECT far(near(o)) AS f FROM demo", [{"o": {"n": n}} for n in range(4)])

    assert rows == [{"f": float(n)} for n in range(4)]
    assert called == [0.0, 1.0, 2.0, 3.0]


def test_rows_that_want_into_a_window_are_asked_about_together(session: Session) -> None:
    far = Elsewhere("far", lambda o: o["n"])
    session._add(far.function)
    window = "TUMBLINGWINDOW(ss, 10) FILTER(WHERE far(o) > 2)"
    rule = session.rule(f"SELECT count(*) AS c FROM demo WHERE far(o) < 7 GROUP BY {window}", id="r")

    session.push("demo", [{"o": {"n": n}} for n in range(9)])
    session.advance(10_000)

    assert [row for emit in rule.emits for row in emit.rows] == [{"c": 4}]
    assert [len(batch) for batch in far.asked] == [9, 6]


def test_groups_of_a_window_are_asked_about_together(session: Session) -> None:
    far = Elsewhere("far", lambda values: sum(v["n"] for v in values))
    session._add(far.function)
    rule = session.rule("SELECT k, far(collect(o)) AS f FROM demo GROUP BY k, TUMBLINGWINDOW(ss, 10)", id="r")

    session.push("demo", [{"k": n % 3, "o": {"n": n}} for n in range(9)])
    session.advance(10_000)

    assert [row for emit in rule.emits for row in emit.rows] == [{"k": k, "f": 9.0 + 3 * k} for k in range(3)]
    assert [len(batch) for batch in far.asked] == [3]


def test_beside_analytic_functions_rows_are_asked_about_together(session: Session) -> None:
    far = Elsewhere("far", lambda o: None if o is None else o["n"])
    session._add(far.function)
    select = "SELECT far(lag(o)) AS f, lag(o->n) AS before FROM demo WHERE o->n > 0"

    rows, _ = pushed(session, select, [{"o": {"n": n}} for n in range(4)])

    assert rows == [{"f": float(n), "before": float(n)} for n in range(3)]
    assert [len(batch) for batch in far.asked] == [3]


def test_a_row_whose_analytic_call_fails_does_so_alone(session: Session) -> None:
    far = Elsewhere("far", lambda o: o["n"])
    session._add(far.function)

    rows, errors = pushed(session, "SELECT far(o) AS f, acc_sum(v) AS s FROM demo", [
        {"o": {"n": 1}, "v": 1}, {"o": {"n": 2}, "v": "x"}, {"o": {"n": 3}, "v": 2}
    ])  # fmt: skip

    assert rows == [{"f": 1, "s": 1}, {"f": 3, "s": 3}]
    assert len(errors) == 1
    assert [len(batch) for batch in far.asked] == [2]


def test_what_must_be_evaluated_once_is(session: Session) -> None:
    far = Elsewhere("far", lambda o: o["n"])
    session._add(far.function)
    select = 'SELECT changed_cols("", true, n) AS c, far(o) AS f, last_hit_count() AS h FROM demo WHERE n > 0'

    rows, _ = pushed(session, select, [{"o": {"n": n}, "n": n // 2} for n in range(2, 6)])

    assert rows == [
        {"c": {"n": 1}, "f": 2, "h": 0},
        {"c": None, "f": 3, "h": 1},
        {"c": {"n": 2}, "f": 4, "h": 2},
        {"c": None, "f": 5, "h": 3},
    ]


def test_answers_that_differ_for_equal_calls_go_to_their_rows(session: Session) -> None:
    made = iter(range(9))
    far = Elsewhere("far", lambda a: {"n": next(made)})
    session._add(far.function)

    rows, _ = pushed(session, "SELECT far(a)->n AS f FROM demo", [{"a": "x"}] * 5)

    assert rows == [{"f": n} for n in range(5)]
    assert [len(batch) for batch in far.asked] == [5]


def test_with_an_argument_that_is_another_every_time_each_row_asks_once(session: Session) -> None:
    far = Elsewhere("far", lambda text: {"length": len(text)})
    session._add(far.function)

    rows, _ = pushed(session, "SELECT far(newuuid())->length AS f FROM demo", [{"a": n} for n in range(3)])

    assert rows == [{"f": 36}] * 3
    assert sum(map(len, far.asked)) == 3
