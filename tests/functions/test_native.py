"""Functions from Python cells: values, whole arrays and groups; failures with their place; hot swap by generation."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from kuiper_nb import KuiperError, Rule, Session
from kuiper_nb.contracts import Call
from kuiper_nb.errors import FunctionError
from kuiper_nb.functions.native import native

from ..conftest import rows


def line_of(f: Any, text: str) -> str:
    """file:line of the first line of *f* that holds *text*."""
    lines, first = inspect.getsourcelines(f)
    return f"{__file__}:{first + next(n for n, line in enumerate(lines) if text in line)}"


def pushed(session: Session, rule: Rule, *payload: dict[str, Any]) -> list[dict[str, Any]]:
    session.push("demo", list(payload))
    return rows(rule)


# ---- values


@pytest.mark.parametrize("vectorized", [False, True])
def test_a_moment_of_pandas_is_one_of_python(session: Session, vectorized: bool) -> None:
    moment = pd.Timestamp("2026-11-27T10:00:00.123456789")
    f = (lambda a: np.array([moment.to_datetime64()] * len(a))) if vectorized else lambda a: moment
    session.function(f, name="moment", vectorized=vectorized)
    rule = session.rule("SELECT moment(a) AS m FROM demo")

    (row,) = pushed(session, rule, {"a": 1})

    assert row == {"m": datetime(2026, 11, 27, 10, 0, 0, 123456, UTC)}
    assert type(row["m"]) is datetime


def test_a_function_takes_values_and_answers_one(session: Session) -> None:
    @session.function
    def fahrenheit(c: float) -> float:
        return c * 9 / 5 + 32

    rule = session.rule("SELECT fahrenheit(t) AS f FROM demo WHERE fahrenheit(t) > 50", id="r")

    assert pushed(session, rule, {"t": 0}, {"t": 100}) == [{"f": 212.0}]
    assert fahrenheit(100) == 212


def test_a_decorator_may_give_another_name(session: Session) -> None:
    @session.function(name="twice")
    def f(a: Any) -> Any:
        return a * 2

    rule = session.rule("SELECT twice(a) AS b, twice(twice(a)) AS c FROM demo", id="r")

    assert pushed(session, rule, {"a": 1}, {"a": "x"}) == [{"b": 2.0, "c": 4.0}, {"b": "xx", "c": "xxxx"}]


def test_arguments_with_defaults_and_any_number_of_them(session: Session) -> None:
    session.function(lambda a, b=10: a + b, name="plus")
    session.function(lambda *values: len(values), name="how_many")
    rule = session.rule(
        "SELECT plus(a) AS x, plus(a, 1) AS y, how_many() AS n, how_many(a, a, a) AS m FROM demo", id="r"
    )

    assert pushed(session, rule, {"a": 1}) == [{"x": 11.0, "y": 2.0, "n": 0, "m": 3}]


def test_a_null_argument_reaches_the_function_and_a_none_is_null(session: Session) -> None:
    session.function(lambda a: "none" if a is None else None, name="nothing")
    rule = session.rule("SELECT nothing(a) AS b FROM demo", id="r")

    assert pushed(session, rule, {"a": None}, {}, {"a": 1}) == [{"b": "none"}, {"b": "none"}, {}]


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (3, 3),
        (2.5, 2.5),
        ("x", "x"),
        (True, True),
        (b"x", b"x"),
        ([1, 2], [1, 2]),
        ((1, 2), [1, 2]),
        ({"a": 1}, {"a": 1}),
        (np.float64(2.5), 2.5),
        (np.int32(3), 3),
        (np.array([1, 2]), [1, 2]),
        (pa.scalar("x"), "x"),
    ],
)
def test_an_answer_becomes_a_value_that_a_row_may_hold(session: Session, answer: object, value: object) -> None:
    session.function(lambda: answer, name="answer_it")
    rule = session.rule("SELECT answer_it() AS b FROM demo", id="r")

    (row,) = pushed(session, rule, {"a": 1})

    assert (type(row["b"]), row["b"]) == (type(value), value)


def test_an_answer_that_no_row_can_hold_fails_its_row(session: Session) -> None:
    session.function(lambda a: {1, 2} if a == 1 else a, name="odd")
    rule = session.rule("SELECT odd(a) AS b FROM demo", id="r")

    assert pushed(session, rule, {"a": 1}, {"a": 2}) == [{"b": 2.0}]
    assert "returned a set, which no row can hold" in rule.errors[0].message


def test_annotations_convert_what_fits_and_fail_what_does_not(session: Session) -> None:
    @session.function
    def whole(n: int) -> str:
        return f"{n!r}"

    rule = session.rule("SELECT whole(a) AS b FROM demo", id="r")

    assert pushed(session, rule, {"a": 3.0}, {"a": 3.5}, {"a": "3"}) == [{"b": "3"}]
    assert [error.row for error in rule.errors] == [{"a": 3.5}, {"a": "3"}]


# ---- failures


def test_a_failure_names_the_function_the_cause_and_the_line(session: Session) -> None:
    def risky(a: float) -> float:
        if a < 0:
            raise ValueError("below zero")
        return a

    session.function(risky)
    rule = session.rule("SELECT risky(a) AS b FROM demo", id="r")

    assert pushed(session, rule, {"a": 1}, {"a": -1}, {"a": 2}) == [{"b": 1.0}, {"b": 2.0}]
    (error,) = rule.errors
    assert (error.row, error.where) == ({"a": -1.0}, line_of(risky, "raise ValueError"))
    assert "call func risky error: ValueError: below zero" in error.message


def test_a_case_keeps_rows_from_a_function_that_would_fail(session: Session) -> None:
    seen: list[float] = []

    @session.function
    def root(a: float) -> float:
        seen.append(a)
        return float(a**0.5)

    rule = session.rule("SELECT CASE WHEN a >= 0 THEN root(a) ELSE -1 END AS b FROM demo", id="r")

    assert pushed(session, rule, {"a": 4}, {"a": -4}) == [{"b": 2.0}, {"b": -1}]
    assert seen == [4.0]


# ---- whole arrays


def test_a_vectorised_function_gets_numpy(session: Session) -> None:
    kinds: set[type] = set()

    def double(a: Any) -> Any:
        kinds.add(type(a))
        return a * 2

    session.function(double, vectorized=True)
    rule = session.rule("SELECT double(a) AS b FROM demo", id="r")

    assert pushed(session, rule, {"a": 1}, {"a": 2}) == [{"b": 2.0}, {"b": 4.0}]
    assert kinds == {np.ndarray}


def test_a_vectorised_function_annotated_so_gets_arrow(session: Session) -> None:
    def loud(s: pa.Array) -> pa.Array:
        return pc.utf8_upper(s)

    session.function(loud, vectorized=True)
    rule = session.rule("SELECT loud(s) AS b FROM demo", id="r")

    assert pushed(session, rule, {"s": "a"}, {"s": "b"}) == [{"b": "A"}, {"b": "B"}]


def test_a_null_among_numbers_is_nan_and_nan_is_null_again(session: Session) -> None:
    session.function(lambda a: a + 1, name="next_of", vectorized=True)
    rule = session.rule("SELECT next_of(a) AS b FROM demo", id="r")

    assert pushed(session, rule, {"a": 1}, {"a": None}, {"a": 3}) == [{"b": 2.0}, {}, {"b": 4.0}]


def test_rows_that_make_a_vectorised_function_fail_are_found() -> None:
    def picky(a: np.ndarray) -> np.ndarray:
        if (a < 0).any():
            raise ValueError("negative")
        return a * 10

    answer = native(picky, vectorized=True).call(Call(([1.0, -2.0, 3.0, 4.0, -5.0],), 5))

    assert list(answer.values) == [10.0, None, 30.0, 40.0, None]
    assert {row: failure.where for row, failure in answer.failures.items()} == dict.fromkeys(
        (1, 4), line_of(picky, "raise ValueError")
    )


def test_the_wrong_number_of_answers_is_a_failure(session: Session) -> None:
    session.function(lambda a: np.array([1, 2, 3]), name="three", vectorized=True)
    rule = session.rule("SELECT three(a) AS b FROM demo", id="r")

    assert pushed(session, rule, {"a": 1}) == []
    assert "3 values for 1 row" in rule.errors[0].message


def test_a_sum_is_no_answer_for_any_row_of_a_batch() -> None:
    answer = native(lambda a: np.array([a.sum()]), name="total", vectorized=True).call(Call(([1.0, 2.0, 3.0],), 3))

    assert list(answer.values) == [None, None, None]
    assert {failure.message for failure in answer.failures.values()} == {
        "call func total error: FunctionError: it answered 1 values for 3 rows"
    }


# ---- groups


def test_an_aggregate_gets_a_list_per_argument(session: Session) -> None:
    @session.aggregate
    def weighted(v: list[float], w: list[float]) -> float:
        return sum(a * b for a, b in zip(v, w, strict=True)) / sum(w)

    rule = session.rule("SELECT k, weighted(v, w) AS m FROM demo GROUP BY k, COUNTWINDOW(3)", id="r")

    found = pushed(session, rule, {"k": 1, "v": 1, "w": 1}, {"k": 2, "v": 5, "w": 1}, {"k": 1, "v": 3, "w": 3})

    assert found == [{"k": 1.0, "m": 2.5}, {"k": 2.0, "m": 5.0}]


def test_an_aggregate_sees_nulls_and_may_ask_for_numpy(session: Session) -> None:
    session.aggregate(list, name="gathered")

    def spread(v: np.ndarray) -> float:
        return float(v.max() - v.min())

    session.aggregate(spread)
    rule = session.rule("SELECT gathered(v) AS g, spread(w) AS s FROM demo GROUP BY COUNTWINDOW(2)", id="r")

    assert pushed(session, rule, {"v": 1, "w": 1}, {"w": 4}) == [{"g": [1.0, None], "s": 3.0}]


def test_an_aggregate_that_fails_fails_its_window(session: Session) -> None:
    def fussy(v: list[float]) -> float:
        return v[0] / 0

    session.aggregate(fussy)
    rule = session.rule("SELECT fussy(v) AS g FROM demo GROUP BY COUNTWINDOW(2)", id="r")

    assert pushed(session, rule, {"v": 1}, {"v": 2}) == []
    (error,) = rule.errors
    assert error.where == line_of(fussy, "/ 0")
    assert rule.status.window_errors == 1


# ---- hot swap


def test_a_running_rule_uses_a_redefinition_at_its_next_batch(session: Session) -> None:
    session.function(lambda a: a + 1, name="step_of")
    rule = session.rule("SELECT step_of(a) AS b FROM demo", id="r")
    session.push("demo", {"a": 1})

    session.function(lambda a: a + 100, name="step_of")
    session.push("demo", {"a": 1})

    assert rows(rule) == [{"b": 2.0}, {"b": 101.0}]
    assert rule.status.generations == {"step_of": 2}
    assert session.functions["step_of"].generation == 2


# ---- refusals


@pytest.mark.parametrize("name", ["abs", "SUM", "window_start", "has space", "_x", "9a", "größe"])
def test_a_name_that_sql_knows_or_cannot_call_is_refused(session: Session, name: str) -> None:
    with pytest.raises(KuiperError):
        session.function(lambda a: a, name=name)


def test_what_sql_cannot_call_is_refused(session: Session) -> None:
    async def later(a: float) -> float:
        return a

    def many(a: float) -> Any:
        yield a

    def named(a: float, *, b: float) -> float:
        return a + b

    for f in (later, many, named, 7):
        with pytest.raises(FunctionError):
            session.function(f)  # type: ignore[arg-type]


def test_the_number_of_arguments_is_checked_when_the_rule_is_made(session: Session) -> None:
    session.function(lambda a, b=1: a, name="f")

    with pytest.raises(KuiperError, match="validate function f error: Expect 1 to 2 arguments but found 3"):
        session.rule("SELECT f(1, 2, 3) FROM demo", id="r")


def test_a_description_is_that_of_the_function(session: Session) -> None:
    def documented(a: float) -> float:
        """What it is for."""
        return a

    session.function(documented)
    found = session.functions["documented"]

    assert (found.help, found.parameters, found.returns, found.kind) == ("What it is for.", ("a",), float, "native")


# ---- what a vectorised function says it returns


def vectorised(returns: Any, answer: Any) -> Any:
    def f(a: Any) -> Any:
        return answer(a)

    f.__annotations__["return"] = returns
    return f


@pytest.mark.parametrize("copies", [1, 60])
@pytest.mark.parametrize(
    ("returns", "answer", "value"),
    [
        (float, lambda a: np.asarray(a).astype(np.int64), 2.0),
        (int, lambda a: np.asarray(a) * 1.0, 2),
        (list[int], lambda a: [2.0] * len(a), 2),
        (npt.NDArray[np.float64], lambda a: np.asarray(a).astype(np.int64), 2.0),
        (npt.NDArray[np.int64], np.asarray, 2),
        (str, lambda a: pa.array(["x"] * len(a)), "x"),
        (bool, lambda a: np.asarray(a) > 1, True),
        (pa.Array, lambda a: pa.array(["x"] * len(a)), "x"),
        (np.ndarray, np.asarray, 2.0),
        (float | None, lambda a: [None] * len(a), None),
    ],
)
def test_a_vectorised_answer_is_what_its_annotation_says(
    session: Session, copies: int, returns: Any, answer: Any, value: Any
) -> None:
    session.function(vectorised(returns, answer), name="f", vectorized=True)
    rule = session.rule("SELECT f(a) AS b, a FROM demo", id="r")

    session.push("demo", [{"a": 2}] * copies)

    assert (rows(rule), len(rule.errors)) == ([{"a": 2.0} | ({} if value is None else {"b": value})] * copies, 0)
    assert {type(row.get("b")) for row in rows(rule)} == {type(value)}


@pytest.mark.parametrize("copies", [1, 30])
def test_a_vectorised_answer_that_is_not_what_its_annotation_says_fails_its_rows_alone(
    session: Session, copies: int
) -> None:
    session.function(vectorised(int, lambda a: np.asarray(a) / 2), name="half", vectorized=True)
    rule = session.rule("SELECT half(a) AS b FROM demo", id="r")

    session.push("demo", [{"a": 4}, {"a": 5}] * copies)

    assert rows(rule) == [{"b": 2}] * copies
    assert {error.message.rpartition("err:")[2] for error in rule.errors} == {
        "call func half error: it is annotated to return int, but returned float64(2.5)"
    }
    assert len(rule.errors) == copies


# ---- redefined while rules use it


@pytest.mark.parametrize(
    ("redefined", "message"),
    [
        (lambda a, b: a, "f takes 2 arguments now, but with 1 it is called by rules hot, cold"),
        (lambda: 1, "f takes 0 arguments now, but with 1 it is called by rules hot, cold"),
        (lambda a, b, *rest: a, "f takes at least 2 arguments now, but with 1 it is called by rules hot, cold"),
        (lambda a, b, c=1: a, "f takes 2 to 3 arguments now, but with 1 it is called by rules hot, cold"),
    ],
)
def test_a_redefinition_that_running_rules_cannot_call_is_refused_and_names_them(
    session: Session, redefined: Any, message: str
) -> None:
    session.function(lambda a: a + 1, name="f")
    hot, *_ = [session.rule("SELECT f(a) AS b FROM demo WHERE f(a) > 0", id=id) for id in ("hot", "cold")]

    with pytest.raises(FunctionError) as caught:
        session.function(redefined, name="f")
    session.push("demo", {"a": 1})

    assert caught.value.message == message
    assert caught.value.hint == "give what is new a default, or drop hot first"
    assert (rows(hot), hot.status.generations) == ([{"b": 2.0}], {"f": 1})


def test_a_redefinition_with_a_default_goes_on(session: Session) -> None:
    session.function(lambda a: a + 1, name="f")
    rule = session.rule("SELECT f(a) AS b FROM demo", id="r")

    session.function(lambda a, b=10: a + b, name="f")
    session.push("demo", {"a": 1})

    assert rows(rule) == [{"b": 11.0}]


def test_a_function_that_becomes_an_aggregate_under_a_running_rule_is_refused(session: Session) -> None:
    session.function(lambda a: a, name="f")
    session.rule("SELECT f(a) AS b FROM demo", id="r")

    with pytest.raises(FunctionError, match="f is an aggregate now, but as no aggregate it is called by rule r"):
        session.aggregate(lambda a: a[0], name="f")


def test_a_rule_that_does_not_run_holds_no_redefinition_up(session: Session) -> None:
    session.function(lambda a: a, name="f")
    rule = session.rule("SELECT f(a) AS b FROM demo", id="r")
    rule.stop()

    session.function(lambda a, b: a, name="f")

    assert session.functions["f"].generation == 2
