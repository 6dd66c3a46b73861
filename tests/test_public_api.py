"""The names and shapes that scripts and notebooks rely on."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping

import pandas as pd
import pyarrow as pa
import pytest

import kuiper_nb as kuiper
from kuiper_nb import Emit, KuiperError, Rule, Session, VirtualClock
from kuiper_nb.engine.emits import Late, RowError

START = 1541152486000
DEMO = 'CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", FORMAT="JSON")'


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(clock=VirtualClock(START)) as opened:
        opened.sql(DEMO)
        yield opened


def parameters(method: object) -> list[str]:
    return [p for p in inspect.signature(method).parameters if p != "self"]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(set(kuiper.__all__) - {"plugins", "rules", "session"}))
def test_every_public_name_is_there(name: str) -> None:
    assert callable(getattr(kuiper, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'tumbling'"):
        _ = kuiper.tumbling


@pytest.mark.parametrize(
    ("method", "least"),
    [
        (Session.sql, ["text", "replace"]),
        (Session.rule, ["sql", "id", "options", "actions", "keep"]),
        (Session.push, ["topic", "data", "at"]),
        (Session.advance, ["to"]),
        (Session.settle, ["timeout"]),
        (Session.stream, ["name", "data", "timestamp"]),
        (Session.configure, ["what", "name", "sections"]),
        (Session.function, ["f", "name", "vectorized"]),
        (Session.aggregate, ["f", "name"]),
        (Session.drop, ["kind", "name"]),
        (Rule.wait, ["timeout", "emits"]),
    ],
)
def test_methods_take_the_parameters_that_are_promised(method: object, least: list[str]) -> None:
    assert [p for p in parameters(method) if p in least] == least


def test_a_session_takes_the_clock_by_name_and_is_a_context_manager() -> None:
    with Session(clock=VirtualClock(START)) as session:
        assert session.clock.now() == START
        rule = None
        session.sql(DEMO)
        rule = session.rule("SELECT * FROM demo", id="r")

    assert rule.status.state == "stopped"


def test_a_push_answers_in_the_moment_it_names(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo", id="r")

    session.push("demo", {"a": 1}, at=START + 13)

    assert list(rule.emits) == [Emit(START + 13, [{"a": 1}])]
    assert (rule.emits[0].at, rule.emits[0].rows) == (START + 13, [{"a": 1.0}])


@pytest.mark.parametrize(
    "payload",
    [
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        b'[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]',
        pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        pa.table({"a": [1, 2], "b": ["x", "y"]}),
    ],
    ids=["dicts", "bytes", "pandas", "arrow"],
)
def test_a_payload_may_be_dicts_bytes_a_frame_or_arrow(session: Session, payload: object) -> None:
    rule = session.rule("SELECT * FROM demo", id="r")

    session.push("demo", payload)

    assert [row for emit in rule.emits for row in emit.rows] == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_what_cannot_be_pushed_is_refused(session: Session) -> None:
    with pytest.raises(KuiperError, match="a float cannot be pushed"):
        session.push("demo", 3.5)


def test_results_are_tables_as_well(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo", id="r")
    session.push("demo", [{"a": 1}, {"a": 2}])

    assert rule.arrow().to_pydict() == {"a": [1.0, 2.0]}
    assert rule.df().equals(pd.DataFrame({"a": [1.0, 2.0]}))


def test_a_rule_without_output_is_an_empty_table(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo", id="r")

    assert rule.arrow().num_rows == 0
    assert rule.df().empty


def test_errors_are_values_with_message_row_and_moment(session: Session) -> None:
    rule = session.rule("SELECT a / b AS c FROM demo", id="r")

    session.push("demo", {"a": 1, "b": 0})

    (error,) = rule.errors
    assert isinstance(error, RowError)
    assert (error.row, error.at) == ({"a": 1.0, "b": 0.0}, START)
    assert "divided by zero" in error.message


def test_late_rows_say_when_they_came_and_how_late_they_were(session: Session) -> None:
    session.sql('CREATE STREAM timed () WITH (TYPE="memory", DATASOURCE="timed", TIMESTAMP="ts")')
    rule = session.rule(
        "SELECT ts FROM timed GROUP BY TUMBLINGWINDOW(ss, 1)",
        id="r",
        options={"isEventTime": True, "lateTolerance": "1s"},
    )

    session.push("timed", [{"ts": START + 5000}, {"ts": START + 1000}])

    assert list(rule.late) == [Late({"ts": START + 1000}, START, 3000)]


def test_a_status_is_a_snapshot(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo WHERE a > 1", id="r")
    before = rule.status

    session.push("demo", [{"a": 1}, {"a": 2}])

    assert (before.rows_in, before.rows_out) == (0, 0)
    after = rule.status
    assert (after.id, after.state, after.mode) == ("r", "running", "virtual")
    assert (after.rows_in, after.rows_out, after.filtered, after.used) == (2, 1, 1, 1)
    with pytest.raises(AttributeError):
        after.rows_in = 7  # type: ignore[misc]


def test_what_is_defined_stands_in_mappings(session: Session) -> None:
    session.function(abs_of, name="abs_of")
    rule = session.rule("SELECT a FROM demo", id="r")

    assert session.rules["r"] is rule
    assert list(session.streams) == ["demo"]
    assert isinstance(session.tables, Mapping) or session.tables == {}
    assert list(session.functions) == ["abs_of"]


def abs_of(x: float) -> float:
    return abs(x)


def test_statements_other_than_select_answer_the_result_of_the_last(session: Session) -> None:
    answer = session.sql('CREATE STREAM second () WITH (DATASOURCE="x", TYPE="memory"); SHOW STREAMS;')

    assert answer == ["demo", "second"]


def test_a_select_is_no_statement_of_a_session(session: Session) -> None:
    with pytest.raises(KuiperError, match="a SELECT is a rule"):
        session.sql("SELECT * FROM demo")


def test_a_dataframe_is_a_stream_that_ends(session: Session) -> None:
    session.stream(
        "rides", pd.DataFrame({"ts": [START, START + 500, START + 1500], "km": [1.0, 2.0, 4.0]}), timestamp="ts"
    )
    rule = session.rule(
        "SELECT sum(km) AS km FROM rides GROUP BY TUMBLINGWINDOW(ss, 1)", id="r", options={"isEventTime": True}
    )

    assert rule.wait() is True
    assert [emit.rows for emit in rule.emits] == [[{"km": 3.0}], [{"km": 4.0}]]
    assert (rule.status.state, rule.status.message) == ("stopped", "done")


def test_the_newest_rows_are_kept_and_the_rest_counted(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo", id="r", keep=2)

    for a in range(5):
        session.push("demo", {"a": a})

    assert [emit.rows for emit in rule.emits] == [[{"a": 3}], [{"a": 4}]]
    assert rule.emits.dropped == 3


def test_an_unlucky_statement_shows_its_place(session: Session) -> None:
    with pytest.raises(KuiperError) as caught:
        session.rule("SELECT a FORM demo")

    error = caught.value
    assert (error.line, error.column, error.statement) == (1, 10, "SELECT a FORM demo")
    assert error.caret() == "SELECT a FORM demo\n         ^"
    assert error.hint != ""


def test_an_action_may_be_any_number_of_sinks(session: Session) -> None:
    got: list[list[dict[str, object]]] = []
    session.sink(got.append, name="keep")
    session.rule("SELECT a FROM demo", id="first", actions=[{"keep": {}}, {"memory": {"topic": "out"}}, {"nop": None}])
    session.sql('CREATE STREAM out () WITH (TYPE="memory", DATASOURCE="out")')
    second = session.rule("SELECT a FROM out", id="second")

    session.push("demo", {"a": 1})

    assert got == [[{"a": 1.0}]]
    assert [emit.rows for emit in second.emits] == [[{"a": 1.0}]]


def test_connectors_are_configured_by_section(session: Session) -> None:
    session.configure("source", "simulator", {"default": {"interval": 10, "loop": False, "data": [{"n": 1}, {"n": 2}]}})
    session.sql('CREATE STREAM sim () WITH (TYPE="simulator")')
    rule = session.rule("SELECT n FROM sim", id="r")

    assert rule.wait() is True
    assert [(emit.at, emit.rows) for emit in rule.emits] == [(START, [{"n": 1.0}]), (START + 10, [{"n": 2.0}])]


@pytest.mark.parametrize("at", ["soon", None, 1.5, 1e99, 2**63, float("nan")])
def test_what_is_no_time_does_not_move_the_clock(session: Session, at: object) -> None:
    with pytest.raises(KuiperError, match="is no time"):
        session.advance(at)  # type: ignore[arg-type]
    with pytest.raises(KuiperError, match="is no time"):
        VirtualClock(at)  # type: ignore[arg-type]

    assert session.clock.now() == START


@pytest.mark.parametrize(
    "given",
    [
        {"actions": ["log"]},
        {"actions": {"log": {}}},
        {"actions": [{"log": 5}]},
        {"actions": 5},
        {"options": [1]},
        {"sql": None},
    ],
    ids=str,
)
def test_what_has_the_wrong_shape_is_refused_in_words(session: Session, given: dict[str, object]) -> None:
    with pytest.raises(KuiperError, match=r"is no|are no"):
        session.rule(**{"sql": "SELECT * FROM demo", **given})  # type: ignore[arg-type]

    assert not session.rules


@pytest.mark.parametrize("method", ["function", "source", "sink"])
def test_what_cannot_be_called_cannot_be_registered(session: Session, method: str) -> None:
    with pytest.raises(KuiperError, match="5 is n"):
        getattr(session, method)(5)


def test_there_are_no_services_until_one_is_added(session: Session) -> None:
    assert (len(session.services), "sample" in session.services, list(session.services)) == (0, False, [])
    with pytest.raises(KuiperError, match=r"there is no .*sample\.yaml"):
        session.services.add("sample.yaml")
    with pytest.raises(KuiperError, match="no service named sample"):
        session.drop("service", "sample")


def test_the_plugins_of_the_notebook_have_a_name() -> None:
    importlib.import_module("kuiper_nb.plugins.installed")  # which must not take the name

    assert kuiper.plugins is kuiper.session().plugins
    kuiper.forget_session()


def test_a_function_may_be_given_its_name_by_place(session: Session) -> None:
    session.function(abs_plus_one := lambda x: abs(x) + 1, "nearly", False)
    rule = session.rule("SELECT nearly(a) AS b FROM demo")

    session.push("demo", {"a": -3})

    assert rule.emits[0].rows == [{"b": abs_plus_one(-3)}]
