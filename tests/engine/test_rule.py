"""A rule from its start to its end: states, replacing, dropping, failing rows, restarts, sinks, chains."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from kuiper_nb import KuiperError, NotSupported, Rule, Session, VirtualClock
from kuiper_nb.errors import CatalogError, ClockError, ConnectorError

from ..conftest import START, rows


def messages(rule: Rule) -> list[str]:
    return [error.message for error in rule.errors]


# ---- rows that fail


def test_a_row_that_fails_becomes_an_error_while_its_neighbours_go_on(session: Session) -> None:
    rule = session.rule("SELECT a / b AS c FROM demo", id="r")

    session.push("demo", [{"a": 6, "b": 2}, {"a": 1, "b": 0}, {"a": "x", "b": 1}, {"a": 9, "b": 3}])

    assert rows(rule) == [{"c": 3.0}, {"c": 3.0}]
    assert [error.row for error in rule.errors] == [{"a": 1.0, "b": 0.0}, {"a": "x", "b": 1.0}]
    assert rule.status.state == "running"


def test_the_metadata_of_a_row_is_sent_with_it_on_request(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo", id="r", options={"sendMetaToSink": True})

    session.push("demo", {"a": 1})

    assert rows(rule) == [{"a": 1.0, "__meta": {"topic": "demo"}}]


def test_rows_of_a_window_have_no_metadata_to_send(session: Session) -> None:
    with pytest.raises(KuiperError, match="sendMetaToSink, it can not be applied to window"):
        session.rule("SELECT a FROM demo GROUP BY COUNTWINDOW(2)", options={"sendMetaToSink": True})


def test_bytes_fail_whole_and_dicts_one_by_one(session: Session) -> None:
    session.sql('CREATE STREAM typed (a BIGINT) WITH (TYPE="memory", DATASOURCE="typed")')
    rule = session.rule("SELECT a FROM typed", id="r")

    session.push("typed", b'[{"a": 1}, {"a": "x"}]')
    session.push("typed", [{"a": 1}, {"a": "x"}])

    assert rows(rule) == [{"a": 1}]
    assert (rule.status.rows_in, rule.status.errored, len(rule.errors)) == (3, 2, 2)


def test_a_row_that_fails_before_the_window_does_not_take_the_window_with_it(session: Session) -> None:
    rule = session.rule("SELECT count(*) AS n FROM demo WHERE a / b > 0 GROUP BY TUMBLINGWINDOW(ss, 1)", id="r")

    session.push("demo", [{"a": 1, "b": 1}, {"a": 1, "b": 0}, {"a": 2, "b": 1}])
    session.advance(START + 1000)

    assert [emit.rows for emit in rule.emits][-1] == [{"n": 2}]
    assert (rule.status.errored, rule.status.window_errors) == (1, 0)


def test_a_window_that_fails_is_one_error_and_the_next_goes_out(session: Session) -> None:
    rule = session.rule("SELECT sum(a) AS s FROM demo GROUP BY TUMBLINGWINDOW(ss, 1)", id="r")

    session.push("demo", [{"a": 1}, {"a": "x"}], at=START + 10)
    session.push("demo", [{"a": 1}, {"a": 2}], at=START + 1010)
    session.advance(START + 2000)

    assert [emit.rows for emit in rule.emits if emit.rows != [{}]] == [[{"s": 3.0}]]
    assert (rule.status.errored, rule.status.window_errors, len(rule.errors)) == (0, 1, 1)


def test_an_error_goes_to_the_sinks_when_the_rule_says_so(session: Session) -> None:
    told: list[Any] = []
    texts: list[Any] = []

    def payload_of(payload: bytes) -> None:
        texts.append(payload)

    session.sink(told.append, name="tell")
    session.sink(payload_of, name="text_of")
    actions: list[dict[str, Any]] = [{"tell": {}}, {"text_of": {}}]

    loud = session.rule("SELECT 1 / a AS b FROM demo", id="loud", options={"sendError": True}, actions=actions)
    session.push("demo", {"a": 0})

    assert told == [[{"error": messages(loud)[0]}]]
    assert texts == [messages(loud)[0].encode()]
    assert rows(loud) == []


def test_an_error_stays_in_the_rule_otherwise(session: Session) -> None:
    told: list[Any] = []
    session.sink(told.append, name="tell")
    rule = session.rule("SELECT 1 / a AS b FROM demo", id="quiet", actions=[{"tell": {}}])

    session.push("demo", [{"a": 0}, {"a": 1}])

    assert (told, len(rule.errors)) == ([[{"b": 1.0}]], 1)


def test_a_sink_that_fails_is_an_error_of_the_rule_and_the_other_sinks_get_theirs(session: Session) -> None:
    got: list[Any] = []

    def breaking(rows: list[dict[str, Any]]) -> None:
        raise OSError("disk full")

    session.sink(breaking)
    session.sink(got.append, name="keep")
    rule = session.rule("SELECT a FROM demo", id="r", actions=[{"breaking": {}}, {"keep": {}}])

    session.push("demo", {"a": 1})

    assert got == [[{"a": 1.0}]]
    assert messages(rule) == ["sink breaking failed: OSError: disk full"]
    assert rule.status.state == "running"


# ---- life


def test_a_rule_may_wait_to_be_started(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo", id="r", start=False)
    session.push("demo", {"a": 1})
    stopped = rule.status.state

    rule.start()
    session.push("demo", {"a": 2})

    assert (stopped, rule.status.state, rows(rule)) == ("stopped", "running", [{"a": 2.0}])


def test_a_stopped_rule_sends_nothing_more_not_even_its_open_window(session: Session) -> None:
    rule = session.rule("SELECT count(*) AS n FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)", id="r")
    session.push("demo", {"a": 1}, at=START + 1)
    rule.stop()
    emitted = len(rule.emits)

    session.push("demo", {"a": 1}, at=START + 20_000)

    assert (rule.status.state, len(rule.emits)) == ("stopped", emitted)


def test_a_started_rule_is_not_started_again(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo", id="r")

    rule.start()
    session.push("demo", {"a": 1})

    assert rows(rule) == [{"a": 1.0}]


def test_a_dropped_rule_is_gone(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo", id="r")

    rule.drop()

    assert (dict(session.rules), rule.status.state) == ({}, "stopped")
    with pytest.raises(KuiperError, match="rule r was dropped"):
        rule.start()


def test_a_reused_id_replaces_the_rule(session: Session) -> None:
    first = session.rule("SELECT a FROM demo", id="r")
    second = session.rule("SELECT a + 1 AS b FROM demo", id="r")

    session.push("demo", {"a": 1})

    assert (first.status.state, rows(first)) == ("stopped", [])
    assert (second.status.generation, rows(second)) == (2, [{"b": 2.0}])
    assert session.rules["r"] is second


def test_a_statement_that_is_wrong_leaves_the_old_rule_running(session: Session) -> None:
    first = session.rule("SELECT a FROM demo", id="r")

    with pytest.raises(KuiperError):
        session.rule("SELECT abss(a) FROM demo", id="r")
    session.push("demo", {"a": 1})

    assert session.rules["r"] is first
    assert rows(first) == [{"a": 1.0}]


def test_rules_without_an_id_get_one(session: Session) -> None:
    made = [session.rule("SELECT a FROM demo") for _ in range(2)]

    assert [rule.id for rule in made] == list(session.rules)
    assert len(session.rules) == 2


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        (("stream", "demo"), "stream demo is used by rule r"),
        (("function", "double"), "function double is used by rule r"),
        (("sink", "keep"), "sink keep is used by rule r"),
    ],
)
def test_what_a_rule_uses_is_not_dropped(session: Session, drop: tuple[str, str], message: str) -> None:
    session.function(lambda a: a * 2, name="double")
    session.sink(lambda rows: None, name="keep")
    rule = session.rule("SELECT double(a) AS b FROM demo", id="r", actions=[{"keep": {}}])

    with pytest.raises(CatalogError) as caught:
        session.drop(*drop)
    rule.drop()
    session.drop(*drop)

    assert (caught.value.message, caught.value.hint) == (message, "drop r first")


def test_a_sink_of_a_rule_that_is_not_started_yet_is_in_use_as_well(session: Session) -> None:
    session.sink(lambda rows: None, name="keep")
    session.rule("SELECT a FROM demo", id="r", actions=[{"keep": {}}], start=False)

    with pytest.raises(CatalogError, match="sink keep is used by rule r"):
        session.drop("sink", "keep")


@pytest.mark.parametrize(
    ("kind", "name"), [("rule", "x"), ("stream", "demmo"), ("function", "f"), ("sink", "s"), ("source", "s")]
)
def test_what_is_not_there_cannot_be_dropped(session: Session, kind: str, name: str) -> None:
    with pytest.raises(CatalogError):
        session.drop(kind, name)


def test_an_unknown_sink_is_refused_before_anything_runs(session: Session) -> None:
    session.sink(lambda rows: None, name="keeper")

    with pytest.raises(ConnectorError) as caught:
        session.rule("SELECT a FROM demo", id="r", actions=[{"keepr": {}}])

    assert (caught.value.message, caught.value.hint) == ("sink type keepr not found", "did you mean keeper?")
    assert dict(session.rules) == {}


# ---- bounded input


def test_a_source_that_ends_flushes_its_windows(session: Session) -> None:
    session.stream("t", pa.table({"ts": [START, START + 10, START + 1500], "v": [1, 2, 4]}), timestamp="ts")
    sql = "SELECT sum(v) AS s FROM t GROUP BY TUMBLINGWINDOW(ss, 1)"

    flushed = session.rule(sql, id="ours", options={"isEventTime": True})
    kept = session.rule(sql, id="ekuiper", options={"isEventTime": True, "flushAtEnd": False, "lateTolerance": 0})

    assert (flushed.wait(), kept.wait()) == (True, True)
    assert [row["s"] for row in rows(flushed)] == [3, 4]
    assert [row["s"] for row in rows(kept)] == [3]


def test_waiting_for_what_never_ends_is_refused(session: Session) -> None:
    rule = session.rule("SELECT count(*) AS n FROM demo GROUP BY TUMBLINGWINDOW(ss, 1)", id="r")

    with pytest.raises(KuiperError, match="would be waited for without end"):
        rule.wait()


def test_waiting_for_emits_jumps_from_timer_to_timer(session: Session) -> None:
    rule = session.rule("SELECT count(*) AS n FROM demo GROUP BY TUMBLINGWINDOW(ss, 1)", id="r")
    before = len(rule.emits)

    assert rule.wait(emits=before + 3) is True
    ats = [emit.at for emit in rule.emits]
    assert {later - earlier for earlier, later in zip(ats[before:], ats[before + 1 :], strict=False)} == {1000}


def test_waiting_ends_with_its_timeout_on_the_virtual_clock(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo", id="r")

    assert rule.wait(timeout=5) is False
    assert session.clock.now() == START + 5000


# ---- time


def test_the_clock_never_goes_back(session: Session) -> None:
    with pytest.raises(ClockError):
        session.push("demo", {"a": 1}, at=START - 1)
    with pytest.raises(ClockError):
        session.advance(START - 1)


def test_timers_fire_one_by_one_at_their_own_times_before_the_push(session: Session) -> None:
    rule = session.rule("SELECT count(*) AS n, window_end() AS e FROM demo GROUP BY TUMBLINGWINDOW(ss, 1)", id="r")
    session.push("demo", {"a": 1})

    session.push("demo", {"a": 2}, at=START + 3500)

    ends = [emit.at for emit in rule.emits]
    assert ends == sorted(ends)
    assert [emit.rows[0].get("e", emit.at) for emit in rule.emits] == ends
    assert sum(row.get("n", 0) for row in rows(rule)) == 1


# ---- chains


def test_rules_chained_through_memory_keep_the_types(session: Session) -> None:
    session.sql('CREATE STREAM numbers (i BIGINT, x FLOAT, b BYTEA) WITH (TYPE="memory", DATASOURCE="numbers")')
    session.sql('CREATE STREAM mid () WITH (TYPE="memory", DATASOURCE="mid")')
    session.rule("SELECT i, x, b, i / 2 AS half FROM numbers", id="first", actions=[{"memory": {"topic": "mid"}}])
    second = session.rule("SELECT *, i / 2 AS again FROM mid", id="second")

    session.push("numbers", {"i": 7, "x": 7, "b": "aGk="})

    (row,) = rows(second)
    assert row == {"i": 7, "x": 7.0, "b": b"hi", "half": 3, "again": 3}
    assert (type(row["i"]), type(row["x"])) == (int, float)


def test_a_chain_goes_through_windows_at_the_moment_of_the_first(session: Session) -> None:
    session.sql('CREATE STREAM mid () WITH (TYPE="memory", DATASOURCE="mid")')
    first = session.rule(
        "SELECT count(*) AS n FROM demo GROUP BY COUNTWINDOW(2)", id="first", actions=[{"memory": {"topic": "mid"}}]
    )
    second = session.rule("SELECT n * 10 AS m FROM mid", id="second")

    session.push("demo", [{"a": 1}, {"a": 2}], at=START + 5)

    assert [emit.at for emit in first.emits] == [START + 5]
    assert [(emit.at, emit.rows) for emit in second.emits] == [(START + 5, [{"m": 20}])]


# ---- restarts


def failing_source(failures: int) -> Any:
    """A source that fails so many times and then delivers one row."""
    tries = {"count": 0}

    def shaky() -> Any:
        tries["count"] += 1
        if tries["count"] <= failures:
            raise OSError(f"try {tries['count']}")
        yield {"n": tries["count"]}

    return shaky


@pytest.mark.parametrize(
    ("attempts", "state", "found"),
    [(0, "stopped by error", []), (1, "stopped by error", []), (2, "stopped", [{"n": 3}])],
)
def test_a_source_that_fails_is_tried_again_as_often_as_the_rule_says(
    session: Session, attempts: int, state: str, found: list[dict[str, int]]
) -> None:
    session.source(failing_source(failures=2), name="shaky")
    session.sql('CREATE STREAM s () WITH (TYPE="shaky")')
    rule = session.rule("SELECT n FROM s", id="r", options={"restartStrategy": {"attempts": attempts, "delay": 0}})

    rule.wait(timeout=600)

    assert (rule.status.state, rows(rule)) == (state, found)
    assert messages(rule)[0] == "source shaky failed: OSError: try 1"


# ---- what nobody should do


def test_a_function_that_ends_python_is_an_error_of_its_row(session: Session) -> None:
    def leave(a: float) -> float:
        raise SystemExit(1)

    session.function(leave)
    rule = session.rule("SELECT leave(a) AS x FROM demo", id="r")

    session.push("demo", [{"a": 1}, {"a": 2}])

    assert (rule.status.state, rule.status.errored) == ("running", 2)


def test_the_rows_of_a_step_that_broke_off_are_counted(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = session.rule("SELECT a FROM demo", id="r")
    monkeypatch.setattr("kuiper_nb.engine.pipeline.Pipeline._pass", lambda *_: 1 / 0)

    session.push("demo", [{"a": 1}, {"a": 2}])

    assert rule.status.state == "stopped by error"
    assert (rule.status.rows_in, rule.status.errored) == (2, 2)


def test_waiting_for_a_source_without_end_or_pace_ends_after_the_timeout(session: Session) -> None:
    def endless() -> Any:
        while True:
            yield {"a": 1}

    session.source(endless)
    session.sql('CREATE STREAM flood () WITH (TYPE="endless")')
    rule = session.rule("SELECT a FROM flood", id="r")

    assert not rule.wait(timeout=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"isEventtime": True}, "did you mean isEventTime"),
        ({"bufferLength": -1}, "bufferLength is a whole number"),
        ({"bufferLength": "many"}, "bufferLength is a whole number"),
        ({"bufferLength": float("inf")}, "bufferLength is a whole number"),
        ({"concurrency": -1}, "concurrency is a whole number"),
        ({"qos": "x"}, "qos is a whole number"),
        ({"checkpointInterval": -5}, "checkpointInterval is a duration from 0 on"),
    ],
)
def test_an_option_that_is_a_slip_is_refused(session: Session, options: dict[str, Any], message: str) -> None:
    with pytest.raises(KuiperError, match=message):
        session.rule("SELECT a FROM demo", id="r", options=options)


@pytest.mark.parametrize(("name", "off", "on"), [("qos", 0, 1), ("cron", "", "0 * * * *"), ("duration", "", "10s")])
def test_an_option_that_a_rule_would_rely_on_is_refused_by_name(session: Session, name: str, off: Any, on: Any) -> None:
    session.rule("SELECT a FROM demo", options={name: off})

    with pytest.raises(NotSupported, match=f"option {name} of a rule is not supported yet"):
        session.rule("SELECT a FROM demo", options={name: on})


# ---- long expressions


@pytest.mark.parametrize(("count", "times"), [(250, 1), (250, 100)])
def test_a_long_chain_is_computed_by_either_arm(session: Session, count: int, times: int) -> None:
    rule = session.rule(f"SELECT {' + '.join(['a'] * count)} AS s FROM demo WHERE {' AND '.join(['a = 1'] * count)}")

    session.push("demo", [{"a": 1}] * times)

    assert rows(rule) == [{"s": float(count)}] * times


@pytest.mark.parametrize("count", [400, 20_000])
def test_a_chain_beyond_all_measure_is_refused(session: Session, count: int) -> None:
    with pytest.raises(KuiperError, match="nested too deeply"):
        session.rule(f"SELECT {' + '.join(['a'] * count)} AS s FROM demo")


# ---- what is null in every row


@pytest.mark.parametrize("field", ["ss", "ms AS x", "dd + 1 AS x", "hh[0] AS x"])
def test_the_bare_unit_of_a_window_is_null_anywhere_else(session: Session, field: str) -> None:
    rule = session.rule(f"SELECT {field} FROM demo ORDER BY ss")

    session.push("demo", {"ss": 4})

    assert rows(rule) == [{}]


def test_an_aggregate_in_where_is_null_without_a_window(session: Session) -> None:
    rules = [
        session.rule(f"SELECT a FROM demo WHERE {condition}")
        for condition in ("count(*) = 1", "max(a) > 0", "isnull(sum(a)) = TRUE")
    ]

    session.push("demo", {"a": 1})

    assert [rows(rule) for rule in rules] == [[], [], [{"a": 1.0}]]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 2**63 - 1, 1e300, -(2**60)])
@pytest.mark.parametrize("way", ["a row", "rows", "arrow"])
def test_a_time_beyond_all_times_is_a_fault_of_its_row(wrong: float, way: str) -> None:
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", TIMESTAMP="ts")')
        rule = session.rule(
            "SELECT count(*) AS n FROM demo GROUP BY TUMBLINGWINDOW(ss, 1)", options={"isEventTime": True}
        )
        row = {"ts": wrong, "v": 1}
        session.push("demo", pa.table({"ts": [wrong], "v": [1]}) if way == "arrow" else [row] if way == "rows" else row)
        session.push("demo", [{"ts": START + 100}, {"ts": START + 5_000}])

        assert rule.status.state == "running"
        assert rule.emits[0].rows == [{"n": 1}]
        assert len(rule.errors) == 1
        assert "ts" in rule.errors[0].message
