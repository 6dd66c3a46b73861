"""`$name`: a value that changes from batch to batch, and means the same in both arms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuiper_nb import KuiperError, Session
from kuiper_nb.sql.parser import parse_rule
from kuiper_nb.sql.printer import printed

from ..conftest import START, rows
from ..generated import cases
from .arms import DUCKDB, EXACT, Case, answers, assert_equal, forced, hold_together
from .strategies import DDL, histories

# ---- both arms

VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "i": st.sampled_from([0, 1, 2, -3, 7, 2**62]),
    "f": st.sampled_from([0.0, 1.5, -2.25, 100.0, 123456789.5]),
    "t": st.sampled_from(["", "a", "abc", "it's", 'q"d', "äß"]),
    "b": st.booleans(),
}
ROWS = (
    "SELECT a, $i AS i, $f AS f, $t AS t, $b AS b FROM demo",
    "SELECT * FROM demo WHERE a > $i",
    "SELECT *, x * $f AS y2 FROM demo WHERE x < $f OR s = $t",
    "SELECT a + $i AS sum, a / $i AS part, a % $i AS rest FROM demo",
    "SELECT concat(s, $t) AS st, length($t) AS n FROM demo WHERE p = $b",
    "SELECT CASE WHEN a > $i THEN $t ELSE 'low' END AS c FROM demo",
    "SELECT a FROM demo WHERE a BETWEEN $i AND 5",
    "SELECT a FROM demo WHERE a IN (1, $i, 3) AND s NOT IN ($t, 'b')",
    "SELECT risky(a) AS r FROM demo WHERE a != $i",
    "SELECT typed($f) AS d, doubled(x) AS e FROM demo WHERE x > $f",
    "SELECT s FROM demo WHERE s LIKE $t",
    "SELECT $i FROM demo",
    "SELECT b AS c, c + $i AS d FROM demo WHERE d > 0",
    "SELECT lag(a) AS l FROM demo WHERE a > $i",
)
WINDOWS = (
    "SELECT k, count(*) AS c, sum(x) AS s, $i AS i FROM demo GROUP BY k, TUMBLINGWINDOW(ms, 10)",
    "SELECT sum(x * $f) AS s, window_end() AS e FROM demo WHERE a > $i GROUP BY TUMBLINGWINDOW(ms, 10)",
    "SELECT k, max(x) + $f AS m FROM demo GROUP BY k, HOPPINGWINDOW(ms, 20, 10) HAVING count(*) > $i",
    "SELECT k, sum(x * $f) AS s, count(*) AS c FROM demo GROUP BY k, HOPPINGWINDOW(ms, 40, 10)",
    "SELECT count(*) AS c FROM demo GROUP BY HOPPINGWINDOW(ms, 40, 10) HAVING count(*) >= $i",
    "SELECT k, sum(typed(x + $f)) AS s FROM demo GROUP BY k, TUMBLINGWINDOW(ms, 10)",
    "SELECT a, s FROM demo WHERE s != $t GROUP BY TUMBLINGWINDOW(ms, 10) ORDER BY a",
    "SELECT *, $t AS t2 FROM demo GROUP BY TUMBLINGWINDOW(ms, 10)",
    "SELECT count(*) AS c FROM demo GROUP BY s = $t, TUMBLINGWINDOW(ms, 10)",
    "SELECT k, count(*) AS c FROM demo GROUP BY k, TUMBLINGWINDOW(ms, 10) FILTER(WHERE x > $f)",
    "SELECT longest(a) AS n, typed($f) AS d FROM demo GROUP BY k, TUMBLINGWINDOW(ms, 10)",
    "SELECT k, min(a) AS m FROM demo GROUP BY k, TUMBLINGWINDOW(ms, 10) ORDER BY min(a) * $i, k LIMIT 2",
)
house = settings(max_examples=cases(45))


@st.composite
def cases(draw: st.DrawFn, queries: tuple[str, ...], *, window: bool) -> Case:
    """A query, a history, and values that change before every push, their types now and then too."""
    arrow, typed, query = draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from(queries))
    pushes = draw(histories(window=window, arrow=arrow))
    names = parse_rule_names(query)
    values = []
    for _ in pushes:
        given = {name: draw(VALUES[name]) for name in names}
        if "i" in given and draw(st.booleans()):
            given["i"] = draw(VALUES["f"])
        values.append(given)
    event_time = window and draw(st.booleans())
    options = {"isEventTime": event_time, "lateTolerance": 0}
    return Case((query,), pushes, DDL if typed else "", options, tuple(values))


def parse_rule_names(query: str) -> list[str]:
    return sorted({word[1] for word in query.replace("(", " ").replace(",", " ").split() if word.startswith("$")})


@house
@given(cases(ROWS, window=False))
def test_rows_mean_the_same_in_both_arms(case: Case) -> None:
    hold_together(case)


@house
@given(cases(WINDOWS, window=True))
def test_windows_mean_the_same_in_both_arms(case: Case) -> None:
    hold_together(case)


@house
@given(cases((*ROWS[:8], *WINDOWS), window=True))
def test_a_parameter_that_stands_still_means_what_its_literal_means(case: Case) -> None:
    values = case.parameters[0]
    text = case.queries[0]
    for name, value in values.items():
        text = text.replace(
            f"${name}", json.dumps(value, ensure_ascii=False) if not isinstance(value, bool) else str(value)
        )
    fixed = replace(case, parameters=(values,))
    literal = replace(case, queries=(text,), parameters=())

    for few in (EXACT, DUCKDB):
        one, other = answers(fixed, few), answers(literal, few)
        for answer in (*one, *other):
            answer.errors = [(at, "", row) for at, _, row in answer.errors]  # their texts quote the SQL
        assert_equal(literal, other, one)


@pytest.mark.parametrize("query", ["SELECT a FROM demo WHERE a > $i", WINDOWS[1], WINDOWS[2]])
def test_duckdb_takes_them_as_columns_and_keeps_its_plan(session: Session, query: str) -> None:
    values = dict.fromkeys(parse_rule_names(query), 1)
    session.sql(f'CREATE STREAM typed ({DDL}) WITH (TYPE="memory", DATASOURCE="typed")')
    with forced(DUCKDB):
        rule = session.rule(query.replace("demo", "typed"), parameters=values)
        texts = []
        for n in range(4):
            rule.set(**dict.fromkeys(values, n))
            session.push("typed", [{"a": 5, "x": 2.5, "k": 1}] * 3, at=START + 10 * n)
            session.advance(START + 10 * n + 9)
            assert rule._vector is not None
            texts.append(rule._vector.sketch()[0])

    assert rule.status.arms == {"duckdb": 12}
    assert texts[1] == texts[2] == texts[3]


# ---- how they behave


def test_a_value_counts_from_the_next_batch_on(session: Session) -> None:
    rule = session.rule("SELECT t FROM demo WHERE t > $threshold", parameters={"threshold": 30})
    session.push("demo", [{"t": 20}, {"t": 40}])
    rule.set(threshold=10)
    session.push("demo", [{"t": 20}])

    assert rows(rule) == [{"t": 40.0}, {"t": 20.0}]
    assert dict(rule.parameters) == {"threshold": 10}


def test_a_batch_under_way_is_not_torn(session: Session) -> None:
    @session.function
    def nudge(value: float) -> float:
        session.rules["hot"].set(k=int(value))
        return value

    rule = session.rule("SELECT nudge(t) AS n, $k AS k FROM demo", id="hot", parameters={"k": 0})
    session.push("demo", [{"t": 1}, {"t": 2}])
    session.push("demo", {"t": 3})

    assert [row["k"] for row in rows(rule)] == [0, 0, 2]


def test_a_window_is_computed_with_the_value_of_its_end(session: Session) -> None:
    rule = session.rule("SELECT sum(t * $k) AS s FROM demo GROUP BY TUMBLINGWINDOW(ss, 1)", parameters={"k": 1})
    session.push("demo", {"t": 5}, at=START + 100)
    rule.set(k=2)
    session.advance(START + 1000)

    assert rows(rule) == [{"s": 10.0}]


def test_overlapping_windows_are_not_folded_with_a_value_that_may_change(session: Session) -> None:
    query = "SELECT sum(t * $k) AS s FROM demo GROUP BY HOPPINGWINDOW(ms, 40, 10)"
    rule = session.rule(query, options={"isEventTime": False}, parameters={"k": 1})
    for step in range(1, 7):
        session.push("demo", pa.table({"t": [1.0] * 100}), at=START + 10 * step - 5)
        rule.set(k=step)
        session.advance(START + 10 * step)

    assert rows(rule) == [{"s": 100.0 * min(step, 4) * step} for step in range(1, 7)]
    assert rule.status.arms == {"duckdb": 600}


def test_whether_empty_windows_are_sent_may_change_with_a_value(session: Session) -> None:
    query = "SELECT count(*) AS c FROM demo GROUP BY TUMBLINGWINDOW(ms, 10) HAVING 0 = $off"
    rule = session.rule(query, parameters={"off": 1})
    session.advance(START + 20)
    rule.set(off=0)
    session.advance(START + 40)

    assert len(rule.emits) == 2


def test_a_row_that_failed_with_one_value_may_pass_with_another(session: Session) -> None:
    rule = session.rule("SELECT t FROM demo WHERE t > $least", parameters={"least": 1})
    session.push("demo", {"t": "high"})
    rule.set(least="a")
    session.push("demo", {"t": "high"})

    assert (rule.status.errored, rows(rule)) == (1, [{"t": "high"}])


def test_without_a_value_a_rule_does_not_start(session: Session) -> None:
    before = session.rule("SELECT t FROM demo", id="hot")

    with pytest.raises(KuiperError) as caught:
        session.rule("SELECT t FROM demo WHERE t > $threshold", id="hot")

    assert caught.value.message == "parameter $threshold has no value"
    assert "--set threshold=30" in caught.value.hint
    assert session.rules["hot"] is before
    assert before.active


def test_a_value_may_be_given_before_the_start(session: Session) -> None:
    rule = session.rule("SELECT t FROM demo WHERE t > $threshold", start=False)
    with pytest.raises(KuiperError, match=r"\$threshold has no value"):
        rule.start()
    rule.set(threshold=1)
    rule.start()
    session.push("demo", {"t": 2})

    assert rows(rule) == [{"t": 2.0}]


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ({"treshold": 1}, "there is no parameter $treshold", "did you mean threshold?"),
        ({"threshold": None}, "parameter $threshold cannot be a NoneType", "a number, a text"),
        ({"threshold": [1]}, "parameter $threshold cannot be a list", "a number, a text"),
        ({"threshold": float("nan")}, "parameter $threshold is nan", ""),
        ({"threshold": 2**63}, "does not fit into 64 bits", ""),
    ],
)
def test_a_wrong_value_is_refused_and_changes_nothing(
    session: Session, values: dict[str, Any], message: str, hint: str
) -> None:
    rule = session.rule("SELECT t FROM demo WHERE t > $threshold", parameters={"threshold": 7})

    with pytest.raises(KuiperError) as caught:
        rule.set(**values)

    assert message in caught.value.message
    assert hint in caught.value.hint
    assert rule.parameters.given == {"threshold": 7}


def test_a_rule_without_parameters_says_how_to_have_some(session: Session) -> None:
    with pytest.raises(KuiperError) as caught:
        session.rule("SELECT t FROM demo").set(threshold=1)

    assert "$name" in caught.value.hint


def test_numpy_scalars_are_values_too(session: Session) -> None:
    rule = session.rule("SELECT $k AS k FROM demo", parameters={"k": np.int64(3)})
    session.push("demo", {"t": 1})

    assert rows(rule) == [{"k": 3}]
    assert type(rows(rule)[0]["k"]) is int


def test_values_outlive_a_stream_that_is_defined_anew(session: Session) -> None:
    rule = session.rule("SELECT $k AS k FROM demo", id="hot", parameters={"k": 1})
    rule.set(k=5)
    session.sql('CREATE STREAM demo (t BIGINT) WITH (TYPE="memory", DATASOURCE="demo")', replace=True)
    session.push("demo", {"t": 1})

    assert rows(session.rules["hot"]) == [{"k": 5}]


def test_a_replay_has_the_values_of_the_rule(session: Session, tmp_path: Any) -> None:
    rule = session.rule("SELECT t FROM demo WHERE t > $k", id="hot", parameters={"k": 1})
    session.record("demo", tmp_path / "demo.jsonl")
    session.push("demo", [{"t": 1}, {"t": 2}, {"t": 3}])
    session.rules["record_demo"].stop()
    rule.set(k=2)

    assert rows(session.replay(tmp_path / "demo.jsonl", "hot")) == [{"t": 3.0}]
    assert rows(session.replay(tmp_path / "demo.jsonl", "hot", parameters={"k": 0})) == [
        {"t": 1.0},
        {"t": 2.0},
        {"t": 3.0},
    ]


def test_why_names_the_value(session: Session) -> None:
    rule = session.rule("SELECT t FROM demo WHERE t > $threshold", parameters={"threshold": 30})
    session.push("demo", {"t": 1})

    assert rule.why() == "WHERE removed the only row: t > $threshold, and $threshold is 30."


def test_a_slow_thread_may_set_while_batches_pass(session: Session) -> None:
    rule = session.rule("SELECT $k AS k FROM demo", parameters={"k": 0})
    for n in range(50):
        rule.set(k=float(n) if n % 2 else n)
        session.push("demo", pa.table({"t": list(range(60))}))

    assert [emit.rows[0]["k"] for emit in rule.emits] == list(range(50))
    assert all(len({row["k"] for row in emit.rows}) == 1 for emit in rule.emits)


# ---- in the SQL


def test_it_is_printed_as_it_is_written() -> None:
    assert printed(parse_rule("SELECT a FROM demo WHERE a > $x_1 + 1").where) == "a > ($x_1 + 1)"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT a FROM demo GROUP BY TUMBLINGWINDOW(ss, $n)", "a whole number, written out"),
        ("SELECT a FROM demo LIMIT $n", 'found "$n"'),
        ("SELECT a FROM $stream", 'found "$stream"'),
        ("SELECT a AS $b FROM demo", 'found "$b"'),
        ("SELECT $1 FROM demo", 'found "$"'),
    ],
)
def test_where_no_value_can_stand_it_is_refused(session: Session, query: str, message: str) -> None:
    with pytest.raises(KuiperError) as caught:
        session.rule(query)

    assert message in caught.value.message


def test_explain_shows_the_name(session: Session) -> None:
    session.sql('CREATE STREAM typed (t BIGINT) WITH (TYPE="memory", DATASOURCE="typed")')
    told = session.rule("SELECT t FROM typed WHERE t > $threshold", start=False).explain()

    assert "t > $threshold" in told
    assert "WHERE" in told
