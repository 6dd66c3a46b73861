"""Compiling: what a sentence cannot mean is refused at its place, with the nearest name that would have worked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.contracts import Answer, Call, Function
from kuiper_nb.errors import KuiperError, PlanError
from kuiper_nb.sql.compiler import compile_select
from kuiper_nb.sql.parser import parse_rule
from kuiper_nb.sql.plan import Options, Plan
from kuiper_nb.types import BIGINT, FLOAT, STRING
from kuiper_nb.windowing.spec import Count, Hopping, Tumbling, Unit


def answer(call: Call) -> Answer:
    return Answer([None] * call.rows)


STREAMS: Mapping[str, Stream] = {
    "demo": Stream("demo"),
    "plant": Stream(
        "plant",
        (Field("amp", FLOAT), Field("volt", BIGINT), Field("tag", STRING), Field("ts", BIGINT)),
        {"TIMESTAMP": "ts"},
    ),
    "ref": Stream("ref", kind="table"),
}
FUNCTIONS: Mapping[str, Function] = {
    "fahrenheit": Function("fahrenheit", "native", answer, lambda c: c, (1, 2)),
    "spread": Function("spread", "native", answer, lambda v: v, (1, 1), aggregate=True),
}


def compiled(text: str, **options: object) -> Plan:
    return compile_select(parse_rule(text), STREAMS, FUNCTIONS, Options.of(options))


def refusal(text: str, **options: object) -> KuiperError:
    with pytest.raises(KuiperError) as caught:
        compiled(text, **options)
    return caught.value


# ---- names


@pytest.mark.parametrize(
    ("text", "message", "hint", "column"),
    [
        ("SELECT * FROM dmo", "stream dmo not found", "did you mean demo?", 15),
        ("SELECT ampp FROM plant", "unknown field ampp", "did you mean amp?", 8),
        ("SELECT amp FROM plant WHERE vlt > 1", "unknown field vlt", "did you mean volt?", 29),
        ("SELECT AMP FROM plant", "field AMP not found in stream plant", "did you mean amp?", 8),
        ("SELECT plant.ampp FROM plant", "unknown field ampp", "did you mean amp?", 8),
        ("SELECT abss(a) FROM demo", "function abss not found", "did you mean abs?", 8),
        ("SELECT 1 + fahrenheitt(a) FROM demo", "function fahrenheitt not found", "did you mean fahrenheit?", 12),
        ("SELECT Fahrenheit(a) FROM demo", "function Fahrenheit not found", "did you mean fahrenheit?", 8),
        ("SELECT other.* FROM plant", "stream other not found", "FROM names plant", 8),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(text: str, message: str, hint: str, column: int) -> None:
    error = refusal(text)

    assert isinstance(error, PlanError)
    assert (error.message, error.hint, error.line, error.column) == (message, hint, 1, column)
    assert error.statement == text


def test_a_schemaless_stream_may_have_any_column() -> None:
    assert compiled("SELECT whatever FROM demo").columns == {"whatever"}


def test_an_alias_goes_before_a_column_and_the_stream_name_qualifies() -> None:
    plan = compiled("SELECT p.amp AS a, plant.volt, a + 1 AS b FROM plant AS p WHERE a > 1")

    assert [field.name for field in plan.fields] == ["a", "volt", "b"]
    assert plan.columns == {"amp", "volt", "ts"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT a, a FROM demo", "duplicate field definition a"),
        ("SELECT a AS x, b AS X FROM demo", "duplicate alias X"),
        ("SELECT amp AS x, volt AS x FROM plant", "duplicate alias x"),
        ("SELECT a AS b, b AS a FROM demo", "select fields have cycled alias"),
    ],
)
def test_two_fields_of_one_name_and_circles_are_refused(text: str, message: str) -> None:
    assert refusal(text).message == message


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("amp", "amp"),
        ("plant.amp", "amp"),
        ("a->b", "kuiper_field_0"),
        ("(a)", "kuiper_field_0"),
        ("a + 1", "kuiper_field_0"),
        ("Count(*)", "count"),
        ("fahrenheit(a)", "fahrenheit"),
        ("WINDOW_END()", "window_end"),
        ('"x"', "kuiper_field_0"),
    ],
)
def test_a_field_without_alias_gets_a_name(written: str, name: str) -> None:
    stream = "plant" if "amp" in written else "demo"
    assert compiled(f"SELECT {written} FROM {stream}").fields[0].name == name


# ---- calls


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("abs()", "Expect 1 arguments but found 0."),
        ("abs(1, 2)", "Expect 1 arguments but found 2."),
        ("fahrenheit()", "Expect 1 to 2 arguments but found 0."),
        ("fahrenheit(a, 1, 2)", "Expect 1 to 2 arguments but found 3."),
        ("concat()", "Expect at least 1 arguments but found 0."),
    ],
)
def test_the_wrong_number_of_arguments_is_refused(call: str, wanted: str) -> None:
    name = call.partition("(")[0]
    assert refusal(f"SELECT {call} FROM demo").message == f"validate function {name} error: {wanted}"


def test_a_literal_of_the_wrong_kind_is_refused_where_it_stands() -> None:
    error = refusal("SELECT upper(5) FROM demo")

    assert error.message == "validate function upper error: Expect string type for parameter 1."
    assert error.column == 14


@pytest.mark.parametrize("call", ["sum(sum(a))", "spread(count(*))", "sum(spread(a))", "spread(spread(a))"])
def test_an_aggregate_of_an_aggregate_is_refused(call: str) -> None:
    assert "aggregate argument is not allowed" in refusal(f"SELECT {call} FROM demo").message


def test_calls_of_user_functions_are_listed_in_the_plan() -> None:
    plan = compiled("SELECT fahrenheit(a) AS f, fahrenheit(f, 2) AS g FROM demo WHERE fahrenheit(b) > 1")

    assert [call.name for call in plan.calls] == ["fahrenheit"] * 3


def test_over_is_for_analytic_functions() -> None:
    assert refusal("SELECT abs(a) OVER (WHEN b > 1) FROM demo").message == "Found OVER after non analytic function abs"


# ---- windows


@pytest.mark.parametrize(
    ("window", "spec"),
    [
        ("TUMBLINGWINDOW(ss, 10)", Tumbling(Unit.SS, 10)),
        ("tumblingwindow(MI,1)", Tumbling(Unit.MI, 1)),
        ("HOPPINGWINDOW(ms, 500, 100)", Hopping(Unit.MS, 500, 100)),
        ("COUNTWINDOW(5)", Count(5, 5)),
        ("COUNTWINDOW(5, 2)", Count(5, 2)),
        ("COUNTWINDOW(5, 0)", Count(5, 5)),
        ("COUNTWINDOW(5, -1)", Count(5, 1)),
    ],
)
def test_a_window_is_a_spec(window: str, spec: object) -> None:
    assert compiled(f"SELECT count(*) FROM demo GROUP BY {window}").window == spec


@pytest.mark.parametrize(
    "window",
    [
        "TUMBLINGWINDOW(ss)",
        "TUMBLINGWINDOW(ss, 10, 5)",
        "TUMBLINGWINDOW('ss', 10)",
        "TUMBLINGWINDOW(xx, 10)",
        "TUMBLINGWINDOW(ss, 0)",
        "TUMBLINGWINDOW(ss, -1)",
        "TUMBLINGWINDOW(ss, 1.5)",
        "TUMBLINGWINDOW(ss, a)",
        "HOPPINGWINDOW(ss, 10)",
        "HOPPINGWINDOW(ss, 10, 0)",
        "COUNTWINDOW()",
        "COUNTWINDOW(0)",
        "COUNTWINDOW(2, 3)",
        "COUNTWINDOW('2')",
    ],
)
def test_a_window_that_cannot_be_is_refused_where_it_stands(window: str) -> None:
    error = refusal(f"SELECT count(*) FROM demo GROUP BY {window}")

    assert error.line == 1
    assert (error.column or 0) >= len("SELECT count(*) FROM demo GROUP BY ")


def test_a_table_has_no_windows() -> None:
    error = refusal("SELECT count(*) FROM ref GROUP BY TUMBLINGWINDOW(ss, 10)")

    assert error.message == "cannot run window for TABLE sources"


def test_keys_alone_are_no_window() -> None:
    error = refusal("SELECT a FROM demo GROUP BY a")

    assert error.message == "select stmt group by should be used with window"
    assert error.hint == "add a window: GROUP BY key, TUMBLINGWINDOW(ss, 10)"


def test_a_count_window_has_no_event_time() -> None:
    error = refusal("SELECT count(*) FROM plant GROUP BY COUNTWINDOW(5)", isEventTime=True)

    assert "unsupported window type 5" in error.message


# ---- clauses


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "SELECT a FROM demo GROUP BY TUMBLINGWINDOW(ss, 1) HAVING a > 1",
            "Not allowed to call non-aggregate functions in HAVING clause",
        ),
        (
            "SELECT a FROM demo GROUP BY sum(a), TUMBLINGWINDOW(ss, 1)",
            "Not allowed to call aggregate functions in GROUP BY clause",
        ),
        (
            "SELECT a FROM demo GROUP BY TUMBLINGWINDOW(ss, 1) FILTER (WHERE sum(a) > 1)",
            "Not allowed to call aggregate functions in the FILTER of a window",
        ),
    ],
)
def test_aggregates_stand_where_groups_are(text: str, message: str) -> None:
    assert refusal(text).message == message


def test_a_pattern_that_is_no_regular_expression_is_refused() -> None:
    assert refusal('SELECT a FROM demo WHERE b LIKE "(("').message.startswith("invalid LIKE pattern")


def test_event_time_needs_a_timestamp() -> None:
    error = refusal("SELECT a FROM demo", isEventTime=True)

    assert error.message == "event time rule needs a TIMESTAMP, and stream demo has none"
    assert error.hint == 'add TIMESTAMP="column" to the WITH options of demo'


@pytest.mark.parametrize("options", [{"lateTolerance": "soon"}, {"isEventTime": "perhaps"}])
def test_an_option_that_cannot_be_is_refused(options: dict[str, object]) -> None:
    assert isinstance(refusal("SELECT amp FROM plant", **options), PlanError)


# ---- what is worth knowing


def test_a_window_in_processing_time_over_a_stream_with_timestamp_is_noted() -> None:
    (note,) = compiled("SELECT count(*) FROM plant GROUP BY TUMBLINGWINDOW(ss, 1)").notes

    assert "plant has TIMESTAMP=ts, but the rule is in processing time" in note


def test_a_text_that_is_also_a_column_is_noted() -> None:
    assert compiled('SELECT amp FROM plant WHERE tag = "amp"').notes == (
        '"amp" is a text, not the column amp; write amp without quotes',
    )


# ---- the plan


def test_where_looks_at_rows_before_the_window_in_processing_time_and_after_it_in_event_time() -> None:
    text = "SELECT count(*) AS n FROM plant WHERE amp > 1 GROUP BY TUMBLINGWINDOW(ss, 1)"

    assert compiled(text).where_first is True
    assert compiled(text, isEventTime=True).where_first is False


def test_the_same_text_and_definitions_give_the_same_plan() -> None:
    text = "SELECT fahrenheit(avg(amp)) AS f FROM plant GROUP BY tag, TUMBLINGWINDOW(ss, 10)"

    assert compiled(text) == compiled(text)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT amp FROM plant WHERE volt > 1", {"amp", "volt", "ts"}),
        ("SELECT * FROM plant", {"amp", "volt", "tag", "ts"}),
        ("SELECT * FROM demo", None),
        ("SELECT count(*) FROM demo GROUP BY TUMBLINGWINDOW(ss, 1)", None),
        ("SELECT a FROM demo ORDER BY b", {"a", "b"}),
    ],
)
def test_a_plan_knows_the_columns_it_reads(text: str, columns: set[str] | None) -> None:
    assert compiled(text).columns == columns


def test_a_slip_in_the_name_of_a_window_is_a_slip() -> None:
    assert refusal("SELECT count(*) FROM demo GROUP BY TUMBLNGWINDOW(ss, 10)").hint == "did you mean TUMBLINGWINDOW?"
