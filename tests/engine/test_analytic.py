"""Analytic and set-returning functions in running rules: what a row is given on arrival, what becomes of it later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from kuiper_nb import KuiperError, Rule, Session, VirtualClock

START = 1_541_152_486_000
EVENT_TIME = {"isEventTime": True, "lateTolerance": 0}


def fed(session: Session, sql: str, *payloads: Any, options: dict[str, Any] | None = None) -> Rule:
    """A rule that has seen the payloads, one every 100 ms from START + 100 on."""
    rule = session.rule(sql, options=options)
    feed(session, payloads)
    return rule


def feed(session: Session, payloads: Iterable[Any]) -> None:
    for payload in payloads:
        session.push("demo", payload, at=session.clock.now() + 100)


def values(*numbers: float | None) -> list[dict[str, float | None]]:
    return [{"v": n} for n in numbers]


def rows(rule: Rule) -> list[dict[str, Any]]:
    return [row for emit in rule.emits for row in emit.rows]


def windows(rule: Rule) -> list[list[dict[str, Any]]]:
    return [emit.rows for emit in rule.emits]


def messages(rule: Rule) -> list[str]:
    return [error.message for error in rule.errors]


def refused(session: Session, sql: str) -> str:
    with pytest.raises(KuiperError) as caught:
        session.rule(sql)
    return caught.value.message


# ---- when they are evaluated


def test_rows_that_where_drops_are_remembered(session: Session) -> None:
    rule = fed(session, "SELECT v, lag(v) AS p FROM demo WHERE v != 2", *values(1, 2, 3))

    assert rows(rule) == [{"v": 1}, {"v": 3, "p": 2}]


def test_two_calls_of_one_text_remember_apart(session: Session) -> None:
    sql = "SELECT changed_col(true, v) AS a, changed_col(true, v) AS b FROM demo WHERE had_changed(true, v)"

    assert rows(fed(session, sql, *values(1, 1, 2))) == [{"a": 1, "b": 1}, {"a": 2, "b": 2}]


def test_inner_calls_go_first(session: Session) -> None:
    rule = fed(session, "SELECT lag(lag(v)) AS pp, latest(lag(v), 0) AS l FROM demo", *values(1, 2, 3))

    assert rows(rule) == [{"l": 0}, {"l": 1}, {"pp": 1, "l": 2}]


def test_a_call_may_look_at_an_alias_that_holds_a_later_call(session: Session) -> None:
    rule = fed(session, "SELECT lag(p) AS pp, lag(v) AS p FROM demo", *values(1, 2, 3))

    assert rows(rule) == [{}, {"p": 1}, {"pp": 1, "p": 2}]


def test_a_row_that_fails_is_an_error_without_the_words_of_select(session: Session) -> None:
    rule = fed(session, "SELECT acc_max(v) AS m FROM demo", *values(1, None, 3))

    assert rows(rule) == [{"m": 1}, {"m": 3}]
    assert messages(rule) == ["call func acc_max error: the value should be number"]


def test_a_batch_is_looked_at_row_by_row(session: Session) -> None:
    rule = fed(session, "SELECT acc_sum(v) AS s FROM demo", values(*range(200)))

    assert [row["s"] for row in rows(rule)] == [n * (n + 1) / 2 for n in range(200)]
    assert dict(rule.status.arms) == {"exact": 200}


def test_the_memory_of_a_rule_begins_anew_when_it_starts_again(session: Session) -> None:
    rule = fed(session, "SELECT lag(v) AS p, last_hit_count() AS n FROM demo", *values(1, 2))
    rule.stop()
    rule.start()
    feed(session, values(3, 4))

    assert rows(rule) == [{"n": 0}, {"p": 1, "n": 1}, {"n": 0}, {"p": 3, "n": 1}]


def test_two_rules_of_one_statement_remember_apart(session: Session) -> None:
    first = fed(session, "SELECT acc_count(v) AS c FROM demo", *values(1, 2))
    second = fed(session, "SELECT acc_count(v) AS c FROM demo", *values(3))

    assert rows(first) == [{"c": 1}, {"c": 2}, {"c": 3}]
    assert rows(second) == [{"c": 1}]


# ---- OVER


def test_partitions_remember_apart_and_their_keys_are_texts(session: Session) -> None:
    sql = "SELECT lag(v) OVER (PARTITION BY k) AS p FROM demo"
    keys = [1, "1", "", None, "<nil>"]

    rule = fed(session, sql, *[{"v": n, "k": k} for n, k in enumerate(keys)], {"v": 5})

    assert rows(rule) == [{}, {"p": 0}, {}, {}, {"p": 3}, {"p": 4}]


def test_two_keys_are_not_run_together(session: Session) -> None:
    sql = "SELECT lag(v) OVER (PARTITION BY g, h) AS p FROM demo"

    rule = fed(session, sql, {"v": 1, "g": "a", "h": "bc"}, {"v": 2, "g": "ab", "h": "c"})

    assert rows(rule) == [{}, {}]


def test_when_keeps_rows_out_only_where_it_is_plainly_false(session: Session) -> None:
    sql = "SELECT acc_count(v) OVER (WHEN w) AS c FROM demo"

    rule = fed(session, sql, *[{"v": 1, "w": w} for w in (True, False, None, "x")], {"v": 1})

    assert rows(rule) == [{"c": 1}, {"c": 1}, {"c": 2}, {"c": 3}, {"c": 4}]


def test_a_when_that_fails_does_not_keep_the_row_out(session: Session) -> None:
    rule = fed(session, "SELECT acc_count(v) OVER (WHEN 1 / v > 0) AS c FROM demo", *values(0, 1, -1))

    assert rows(rule) == [{"c": 1}, {"c": 2}, {"c": 2}]


# ---- windows


def test_windows_show_what_rows_were_given_when_they_arrived(session: Session) -> None:
    rule = fed(session, "SELECT v, lag(v) AS p FROM demo GROUP BY COUNTWINDOW(2)", *values(1, 2, 3, 4))

    assert windows(rule) == [[{"v": 1}, {"v": 2, "p": 1}], [{"v": 3, "p": 2}, {"v": 4, "p": 3}]]


def test_overlapping_windows_do_not_count_a_row_twice(session: Session) -> None:
    rule = fed(session, "SELECT collect(acc_sum(v)) AS s FROM demo GROUP BY COUNTWINDOW(2, 1)", *values(1, 2, 3))

    assert windows(rule) == [[{"s": [1, 3]}], [{"s": [3, 6]}]]


def test_groups_show_the_value_of_their_first_row(session: Session) -> None:
    sql = "SELECT k, lag(v) AS p, count(*) AS c FROM demo GROUP BY k, COUNTWINDOW(4) ORDER BY k"

    rule = fed(session, sql, *[{"v": n, "k": k} for n, k in enumerate("abab")])

    assert windows(rule) == [[{"k": "a", "c": 2}, {"k": "b", "p": 0, "c": 2}]]


def test_where_before_a_window_drops_rows_after_they_were_remembered(session: Session) -> None:
    sql = "SELECT v, lag(v) AS p FROM demo WHERE v > 1 GROUP BY TUMBLINGWINDOW(ss, 1)"
    rule = fed(session, sql, *values(1, 2, 1, 3))
    session.advance(START + 1000)

    assert windows(rule) == [[{"v": 2, "p": 1}, {"v": 3, "p": 1}]]


def test_filter_and_group_keys_may_ask_for_earlier_rows(session: Session) -> None:
    sql = (
        "SELECT lag(v) AS p, count(*) AS c FROM demo "
        "GROUP BY had_changed(true, v), COUNTWINDOW(3) FILTER (WHERE v >= lag(v))"
    )

    rule = fed(session, sql, *values(1, 1, 0, 2, 2))

    assert sorted(windows(rule)[0], key=str) == [{"p": 0, "c": 1}, {"p": 1, "c": 2}]


def test_an_aggregate_is_not_there_yet_when_a_row_arrives(session: Session) -> None:
    rule = fed(session, "SELECT lag(sum(v)) AS s FROM demo GROUP BY COUNTWINDOW(1)", *values(1))

    assert rows(rule) == []
    assert messages(rule) == ["call func lag error: there is no aggregate yet when a row arrives"]


def test_having_looks_at_groups_and_not_at_earlier_rows(session: Session) -> None:
    sql = "SELECT count(*) AS c FROM demo GROUP BY COUNTWINDOW(2) HAVING count(*) > lag(v)"

    assert refused(session, sql) == "Not allowed to call non-aggregate functions in HAVING clause"


# ---- event time


@pytest.fixture
def timed() -> Iterable[Session]:
    with Session(clock=VirtualClock(START)) as opened:
        opened.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", TIMESTAMP="ts")')
        yield opened


def at(*times: int) -> list[dict[str, int]]:
    return [{"ts": START + t, "v": t} for t in times]


def test_rows_out_of_order_are_remembered_in_the_order_of_their_times(timed: Session) -> None:
    options = {"isEventTime": True, "lateTolerance": 500}

    rule = fed(timed, "SELECT v, lag(v) AS p FROM demo", *at(300, 100, 400, 200, 1000), options=options)

    assert rows(rule) == [{"v": 100}, {"v": 200, "p": 100}, {"v": 300, "p": 200}, {"v": 400, "p": 300}]


def test_windows_of_event_time_see_rows_in_the_order_of_their_times(timed: Session) -> None:
    sql = "SELECT v, lag(v) AS p FROM demo GROUP BY TUMBLINGWINDOW(ss, 1)"
    options = {"isEventTime": True, "lateTolerance": 500}

    rule = fed(timed, sql, at(300, 100), *at(400, 200, 1100, 1700), options=options)

    assert windows(rule) == [[{"v": 100}, {"v": 200, "p": 100}, {"v": 300, "p": 200}, {"v": 400, "p": 300}]]
    assert rule.status.waiting == 2


def test_rows_that_still_waited_are_remembered_at_the_end_of_the_input(session: Session) -> None:
    data = [{"t": START + t, "v": t} for t in (300, 100, 1200)]
    session.sql('CREATE STREAM short () WITH (TYPE="simulator", DATASOURCE="x", TIMESTAMP="t", CONF_KEY="short")')
    session.configure("source", "simulator", {"short": {"data": data, "loop": False, "interval": 1}})
    sql = "SELECT collect(lag(v)) AS p FROM short GROUP BY TUMBLINGWINDOW(ss, 1)"
    rule = session.rule(sql, options={"isEventTime": True, "lateTolerance": 5000})
    rule.wait()

    assert windows(rule) == [[{"p": [None, 100]}], [{"p": [300]}]]


# ---- hits


def test_a_condition_counts_the_rows_it_lets_through(session: Session) -> None:
    rule = fed(session, "SELECT v FROM demo WHERE v > 1 AND last_hit_count() < 2", *values(2, 1, 3, 4, 5))

    assert rows(rule) == [{"v": 2}, {"v": 3}]


def test_a_field_counts_the_rows_before_it_and_so_does_each_call(session: Session) -> None:
    sql = "SELECT last_hit_count() AS a, last_hit_count() AS b FROM demo WHERE v > 1"

    assert rows(fed(session, sql, *values(2, 1, 3))) == [{"a": 0, "b": 0}, {"a": 1, "b": 1}]


def test_an_alias_in_a_condition_counts_with_the_condition(session: Session) -> None:
    rule = fed(session, "SELECT v, last_hit_count() AS n FROM demo WHERE v > 1 AND n < 2", *values(2, 1, 3, 4))

    assert rows(rule) == [{"v": 2, "n": 0}, {"v": 3, "n": 1}]


def test_the_time_of_the_last_hit_is_the_time_of_its_row(session: Session) -> None:
    rule = fed(session, "SELECT v, last_hit_time() AS t FROM demo", *values(1, 2, 3))

    assert rows(rule) == [{"v": 1, "t": 0}, {"v": 2, "t": START + 100}, {"v": 3, "t": START + 200}]


def test_the_time_of_the_last_hit_is_event_time_where_that_rules(timed: Session) -> None:
    rule = fed(timed, "SELECT v, last_hit_time() AS t FROM demo", *at(10, 20, 30), options=EVENT_TIME)

    assert rows(rule) == [{"v": 10, "t": 0}, {"v": 20, "t": START + 10}, {"v": 30, "t": START + 20}]


def test_a_condition_on_groups_counts_the_groups_it_lets_through(session: Session) -> None:
    sql = "SELECT sum(v) AS s FROM demo GROUP BY COUNTWINDOW(1) HAVING sum(v) > 1 AND last_agg_hit_count() < 2"

    assert windows(fed(session, sql, *values(2, 1, 3, 4))) == [[{"s": 2}], [{"s": 3}]]


def test_groups_are_counted_in_the_order_they_go_out(session: Session) -> None:
    sql = "SELECT v, last_agg_hit_count() AS n FROM demo GROUP BY v, COUNTWINDOW(3) ORDER BY v DESC"

    assert windows(fed(session, sql, *values(2, 3, 1))) == [[{"v": 3, "n": 0}, {"v": 2, "n": 1}, {"v": 1, "n": 2}]]


def test_the_time_of_the_last_group_is_that_of_its_window(session: Session) -> None:
    rule = fed(session, "SELECT last_agg_hit_time() AS t FROM demo GROUP BY COUNTWINDOW(1)", *values(1, 2))

    assert windows(rule) == [[{"t": 0}], [{"t": START + 100}]]


def test_hits_of_rows_are_not_for_windows(session: Session) -> None:
    sql = "SELECT last_hit_count() AS n FROM demo GROUP BY COUNTWINDOW(1)"

    assert refused(session, sql) == "function last_hit_count is not allowed in an aggregate query"


# ---- changed_cols


def test_changed_columns_are_those_of_the_rows_that_go_out(session: Session) -> None:
    sql = 'SELECT changed_cols("c_", true, v, v + 1, abs(v)) FROM demo WHERE v != 2'

    rule = fed(session, sql, *values(1, 2, 1, 3))

    assert rows(rule) == [{"c_v": 1, "c_": 2, "c_abs": 1}, {}, {"c_v": 3, "c_": 4, "c_abs": 3}]


def test_all_columns_can_be_watched(session: Session) -> None:
    rule = fed(session, 'SELECT changed_cols("", false, *) FROM demo', {"a": 1, "b": 1}, {"a": 1, "b": None}, {})

    assert rows(rule) == [{"a": 1, "b": 1}, {"b": None}]
    assert messages(rule)[0].endswith("call func changed_cols error: expect more than two args but got 2")


def test_with_an_alias_the_changes_are_one_object(session: Session) -> None:
    rule = fed(session, 'SELECT changed_cols("c_", true, v) AS z FROM demo', *values(1, 1, 2))

    assert rows(rule) == [{"z": {"c_v": 1}}, {"z": None}, {"z": {"c_v": 2}}]


def test_changed_cols_stands_in_select_and_knows_no_partitions(session: Session) -> None:
    where = 'SELECT v FROM demo WHERE changed_cols("c_", true, v)'
    over = 'SELECT changed_cols("c_", true, v) OVER (PARTITION BY v) FROM demo'

    assert refused(session, where) == "function changed_cols can only be used inside the select clause"
    assert refused(session, over) == "Found OVER after non analytic function changed_cols"


# ---- set-returning functions


def test_a_row_becomes_as_many_messages_as_its_array_has_elements(session: Session) -> None:
    payloads = [{"id": 1, "x": [1, {"k": 2, "id": 9}]}, {"id": 2, "x": []}, {"id": 3, "x": 5}, {"id": 4, "x": [3]}]

    rule = fed(session, "SELECT id, unnest(x) AS e FROM demo", *payloads)

    assert rows(rule) == [{"id": 1, "e": 1}, {"id": 9, "k": 2}, {"id": 4, "e": 3}]
    assert messages(rule) == [
        "can't find the result from the e function",
        "the argument for the e function should be array",
    ]


def test_limit_cuts_the_rows_of_each_message(session: Session) -> None:
    payloads = [{"x": [1, 2, 3]}, {"x": [4]}]

    assert rows(fed(session, "SELECT unnest(x) FROM demo LIMIT 2", *payloads)) == [
        {"unnest": 1},
        {"unnest": 2},
        {"unnest": 4},
    ]
    assert rows(fed(session, "SELECT unnest(x) FROM demo LIMIT 0", *payloads)) == []


def test_in_a_window_all_rows_are_one_emit_and_one_bad_row_spoils_it(session: Session) -> None:
    sql = "SELECT id, unnest(x) AS e FROM demo GROUP BY COUNTWINDOW(2) ORDER BY id DESC LIMIT 3"
    payloads = [{"id": 1, "x": [1, 2]}, {"id": 2, "x": [3, 4]}, {"id": 3, "x": [5]}, {"id": 4}]

    rule = fed(session, sql, *payloads)

    assert windows(rule) == [[{"id": 2, "e": 3}, {"id": 2, "e": 4}, {"id": 1, "e": 1}]]
    assert messages(rule) == ["can't find the result from the e function"]


def test_groups_become_rows_too(session: Session) -> None:
    sql = "SELECT k, unnest(collect(v)) AS e FROM demo GROUP BY k, COUNTWINDOW(3) ORDER BY k"

    rule = fed(session, sql, {"k": "b", "v": 1}, {"k": "a", "v": 2}, {"k": "b", "v": 3})

    assert windows(rule) == [[{"k": "a", "e": 2}, {"k": "b", "e": 1}, {"k": "b", "e": 3}]]


def test_extract_spreads_an_object_over_the_row(session: Session) -> None:
    rule = fed(session, "SELECT a, extract(o) FROM demo", {"a": 1, "o": {"b": 2, "a": 3}}, {"a": 1, "o": "x"})

    assert rows(rule) == [{"a": 3, "b": 2}]
    assert messages(rule)[0].endswith("call func extract error: extract should use map")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "SELECT unnest(x) AS a, extract(y) AS b FROM demo",
            "select clause shouldn't has multi set-returning-functions.",
        ),
        ("SELECT length(unnest(x)) AS a FROM demo", "select clause shouldn't has nested set-returning-functions."),
        ("SELECT unnest(unnest(x)) AS a FROM demo", "select clause shouldn't has nested set-returning-functions."),
        ("SELECT x FROM demo WHERE unnest(x) > 1", "select statement shouldn't has srf except fields."),
        ("SELECT x FROM demo ORDER BY unnest(x)", "select statement shouldn't has srf except fields."),
    ],
)
def test_set_returning_functions_are_fields_of_their_own(session: Session, sql: str, message: str) -> None:
    assert refused(session, sql) == message
