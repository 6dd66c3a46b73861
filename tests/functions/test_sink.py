"""Sinks from Python cells: rows, Arrow or encoded payloads, by the annotation of their first parameter."""

from __future__ import annotations

import inspect
from typing import Any

import pyarrow as pa
import pytest

from kuiper_nb import KuiperError, Session
from kuiper_nb.errors import FunctionError


def test_a_sink_gets_the_rows_of_one_emit(session: Session) -> None:
    got: list[list[dict[str, Any]]] = []
    session.sink(got.append, name="keep")
    session.rule("SELECT a FROM demo GROUP BY COUNTWINDOW(2)", id="r", actions=[{"keep": {}}])

    session.push("demo", [{"a": n} for n in range(4)])

    assert got == [[{"a": 0.0}, {"a": 1.0}], [{"a": 2.0}, {"a": 3.0}]]


def test_a_sink_annotated_so_gets_arrow(session: Session) -> None:
    got: list[pa.Table] = []

    @session.sink
    def tables(table: pa.Table) -> None:
        got.append(table)

    session.rule("SELECT a FROM demo", id="r", actions=[{"tables": {}}])
    session.push("demo", [{"a": 1}, {"a": 2}])

    assert [table.to_pydict() for table in got] == [{"a": [1.0, 2.0]}]


def test_a_sink_annotated_so_gets_the_payload_of_a_byte_sink(session: Session) -> None:
    got: list[bytes] = []

    @session.sink
    def wire(payload: bytes) -> None:
        got.append(payload)

    session.rule("SELECT a, b FROM demo", id="list", actions=[{"wire": {"fields": ["a"]}}])
    session.rule("SELECT b FROM demo", id="single", actions=[{"wire": {"sendSingle": True}}])
    session.push("demo", {"a": 1, "b": 2})

    assert got == [b'[{"a":1}]', b'{"b":2}']


def test_properties_fill_the_further_parameters(session: Session) -> None:
    got: list[tuple[str, int, list[dict[str, Any]]]] = []

    @session.sink
    def labelled(rows: list[dict[str, Any]], label: str, times: int = 1) -> None:
        got.append((label, times, rows))

    session.rule("SELECT a FROM demo", id="r", actions=[{"labelled": {"label": "hot", "times": 3}}])
    session.push("demo", {"a": 1})

    assert got == [("hot", 3, [{"a": 1.0}])]


def test_common_properties_work_on_every_sink(session: Session) -> None:
    got: list[Any] = []
    session.sink(got.append, name="keep")
    session.rule("SELECT a, b FROM demo GROUP BY COUNTWINDOW(2)", id="r", actions=[{"keep": {"fields": ["b"]}}])

    session.push("demo", [{"a": 1, "b": 2}, {"a": 3, "b": 4}])

    assert got == [[{"b": 2.0}, {"b": 4.0}]]


def test_a_missing_property_is_refused_when_the_rule_starts(session: Session) -> None:
    session.sink(lambda rows, label: None, name="labelled")

    with pytest.raises(KuiperError, match="needs the option label"):
        session.rule("SELECT a FROM demo", id="r", actions=[{"labelled": {}}])
    assert dict(session.rules) == {}


def test_a_failure_says_where_it_happened_and_the_rule_goes_on(session: Session) -> None:
    got: list[Any] = []

    def fussy(rows: list[dict[str, Any]]) -> None:
        if rows[0]["a"] == 1:
            raise ValueError("not one")
        got.append(rows)

    session.sink(fussy)
    rule = session.rule("SELECT a FROM demo", id="r", actions=[{"fussy": {}}])
    session.push("demo", {"a": 1})
    session.push("demo", {"a": 2})

    lines, first = inspect.getsourcelines(fussy)
    raising = first + next(n for n, line in enumerate(lines) if "raise" in line)
    assert [(e.message, e.where) for e in rule.errors] == [
        ("sink fussy failed: ValueError: not one", f"{__file__}:{raising}")
    ]
    assert got == [[{"a": 2.0}]]


def test_a_running_rule_uses_a_redefinition_at_once(session: Session) -> None:
    got: list[str] = []
    session.sink(lambda rows: got.append("first"), name="keep")
    session.rule("SELECT a FROM demo", id="r", actions=[{"keep": {}}])
    session.push("demo", {"a": 1})

    session.sink(lambda rows: got.append("second"), name="keep")
    session.push("demo", {"a": 1})

    assert got == ["first", "second"]


def test_a_sink_takes_an_emit(session: Session) -> None:
    with pytest.raises(FunctionError, match="takes no emit"):
        session.sink(lambda: None, name="empty")


def test_the_name_of_a_built_in_sink_is_taken(session: Session) -> None:
    with pytest.raises(KuiperError, match="log is a built-in sink"):
        session.sink(lambda rows: None, name="log")


def test_a_sink_that_would_only_make_a_coroutine_is_refused(session: Session) -> None:
    async def later(rows: list[Any]) -> None: ...

    def many(rows: list[Any]) -> Any:
        yield rows

    for f in (later, many):
        with pytest.raises(FunctionError, match="is a coroutine or generator"):
            session.sink(f)


def test_a_sink_that_exits_fails_its_emit(session: Session) -> None:
    def leave(rows: list[Any]) -> None:
        raise SystemExit(3)

    session.sink(leave)
    rule = session.rule("SELECT a FROM demo", id="r", actions=[{"leave": {}}])
    session.push("demo", {"a": 1})

    assert "sink leave failed: SystemExit: 3" in rule.errors[0].message


@pytest.mark.parametrize(
    ("properties", "message", "hint"),
    [
        ({"label": "x", "tmies": 2}, "sink labelled has no property tmies", "did you mean times?"),
        ({"label": "x", "sendSingel": True}, "sink labelled has no property sendSingel", "did you mean sendSingle?"),
        ({"label": "x", "colour": "red"}, "sink labelled has no property colour", "it takes label, times"),
        ({"label": "x", "bufferLength": -1}, "invalid bufferLength -1", "bufferLength is a whole number from 0 on"),
        ({"label": "x", "batchSize": float("inf")}, "invalid batchSize +Inf", "batchSize is a whole number from 0 on"),
    ],
)
def test_a_property_that_means_nothing_is_refused(
    session: Session, properties: dict[str, Any], message: str, hint: str
) -> None:
    session.sink(lambda rows, label, times=1: None, name="labelled")

    with pytest.raises(KuiperError) as caught:
        session.rule("SELECT a FROM demo", id="r", actions=[{"labelled": properties}])

    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert dict(session.rules) == {}


def test_a_buffer_length_that_is_no_number_is_refused(session: Session) -> None:
    session.sink(lambda rows: None, name="keep")

    with pytest.raises(KuiperError, match="'bufferLength' expected type 'int', got unconvertible type 'string'"):
        session.rule("SELECT a FROM demo", id="r", actions=[{"keep": {"bufferLength": "many"}}])


def test_a_sink_that_takes_any_property_gets_them_all(session: Session) -> None:
    got: list[dict[str, Any]] = []
    session.sink(lambda rows, **rest: got.append(rest), name="open")
    session.rule("SELECT a FROM demo", id="r", actions=[{"open": {"colour": "red", "resourceId": "x"}}])

    session.push("demo", {"a": 1})

    assert got == [{"colour": "red"}]
