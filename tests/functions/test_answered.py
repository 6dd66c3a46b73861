"""What a function may answer, all the way down; what user code raises is an error of its row, whatever it is."""

from __future__ import annotations

import decimal
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kuiper_nb import Session

from ..conftest import rows


def cyclic() -> list[Any]:
    itself: list[Any] = []
    itself.append(itself)
    return itself


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ([decimal.Decimal(1)], "a Decimal"),
        ({"a": ({1},)}, "a set"),
        ({1: "a"}, "a dict with a key that is a int"),
        (cyclic(), "nested deeper than 100 levels"),
        (2**63, "an integer beyond 64 bits"),
        ([2**64], "an integer beyond 64 bits"),
        ("\ud800", "a text with a lone surrogate"),
        ({"\ud800": 1}, "a text with a lone surrogate"),
    ],
    ids=["decimal", "set", "key", "cyclic", "int", "nested int", "text", "text key"],
)
def test_a_nested_value_that_no_row_can_hold_fails_its_row(session: Session, answer: object, cause: str) -> None:
    session.function(lambda a: answer if a == 1 else a, name="odd")
    rule = session.rule("SELECT odd(a) AS b FROM demo", id="r")

    session.push("demo", [{"a": 1}, {"a": 2}])

    assert rows(rule) == [{"b": 2.0}]
    assert cause in rule.errors[0].message
    assert "which no row can hold" in rule.errors[0].message


def test_the_nulls_of_pandas_are_null(session: Session) -> None:
    session.function(lambda: pd.NaT, name="not_a_time")
    session.function(lambda: [pd.NA, 1], name="holes")
    rule = session.rule("SELECT not_a_time() AS a, holes() AS b FROM demo", id="r")

    session.push("demo", {"a": 1})

    assert rows(rule) == [{"b": [None, 1]}]


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), StopIteration(), Unspeakable()], ids=repr)
def test_whatever_a_function_raises_is_an_error_of_its_row(session: Session, error: BaseException) -> None:
    def odd(a: Any) -> Any:
        if a == 1:
            raise error
        return a

    session.function(odd)
    rule = session.rule("SELECT odd(a) AS b FROM demo", id="r")

    session.push("demo", [{"a": 1}, {"a": 2}])

    assert rows(rule) == [{"b": 2.0}]
    assert type(error).__name__ in rule.errors[0].message


def test_an_interrupt_goes_on(session: Session) -> None:
    def stop() -> Any:
        raise KeyboardInterrupt

    session.function(stop)
    session.rule("SELECT stop() AS b FROM demo", id="r")

    with pytest.raises(KeyboardInterrupt):
        session.push("demo", {"a": 1})


def test_a_wrong_type_is_an_error_that_names_what_was_promised(session: Session) -> None:
    def whole(a: Any) -> int | None:
        return a  # type: ignore[no-any-return]

    session.function(whole)
    rule = session.rule("SELECT whole(a) AS b FROM demo", id="r")

    session.push("demo", [{"a": 1}, {"a": "x"}, {"a": True}, {"a": None}, {"a": 1.5}])

    assert rows(rule) == [{"b": 1}, {}]
    assert rule.errors[0].message.endswith("whole error: it is annotated to return int, but returned string(x)")
    assert len(rule.errors) == 3


def test_an_integer_fits_a_float(session: Session) -> None:
    def number() -> float:
        return 3

    session.function(number)
    rule = session.rule("SELECT number() AS b FROM demo", id="r")
    session.push("demo", {"a": 1})

    assert repr(rows(rule)) == "[{'b': 3.0}]"


def test_a_function_of_c_without_a_signature_takes_any_arguments(session: Session) -> None:
    session.function(max, name="most")
    rule = session.rule("SELECT most(a, 7, 1) AS b FROM demo", id="r")
    session.push("demo", {"a": 1})

    assert rows(rule) == [{"b": 7}]


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize(
    "answer",
    [
        datetime(2023, 11, 14),
        date(2023, 11, 14),
        np.datetime64("2023-11-14T00:00:00", "us"),
        pd.Timestamp("2023-11-14"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_moment_without_a_zone_is_one_in_utc(session: Session, answer: object, count: int) -> None:
    session.function(lambda a: answer, name="moment")
    rule = session.rule("SELECT moment(a) AS t FROM demo")

    session.push("demo", [{"a": 1}] * count)

    assert rows(rule) == [{"t": datetime(2023, 11, 14, tzinfo=UTC)}] * count
