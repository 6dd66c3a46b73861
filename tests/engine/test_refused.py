"""Rows that WHERE fails on again: they fail with the same words, and nothing else does."""

from __future__ import annotations

from typing import Any

from kuiper_nb import Session, VirtualClock

START = 1_700_000_000_000


def failed(where: str, rows: list[dict[str, Any]]) -> tuple[list[tuple[str, Any]], int]:
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM mixed () WITH (TYPE="memory", DATASOURCE="mixed", FORMAT="json")')
        rule = session.rule(f"SELECT a, b FROM mixed WHERE {where}")
        for row in rows:
            session.push("mixed", row)
        one_by_one = [(error.message, error.row) for error in rule.errors], rule.status.rows_out
        again = session.rule(f"SELECT a, b FROM mixed WHERE {where}")
        session.push("mixed", rows * 20)
        assert [(error.message, error.row) for error in again.errors] == one_by_one[0] * 20
        assert again.status.rows_out == one_by_one[1] * 20
    return one_by_one


def test_a_text_that_failed_fails_again_with_its_own_row():
    errors, passed = failed("a > 0", [{"a": "n/a", "b": 1}, {"a": 1, "b": 2}, {"a": "n/a", "b": 3}, {"a": "", "b": 4}])

    assert [row["b"] for _, row in errors] == [1.0, 3.0, 4.0]
    assert errors[0][0] == "run Where error: invalid operation string(n/a) > int64(0)"
    assert errors[2][0] == "run Where error: invalid operation string() > int64(0)"
    assert passed == 1


def test_values_that_are_equal_but_print_otherwise_are_told_apart():
    errors, _ = failed(
        "a > b", [{"a": 0.0, "b": "x"}, {"a": -0.0, "b": "x"}, {"a": True, "b": "x"}, {"a": 1, "b": "x"}]
    )

    assert len({message for message, _ in errors}) == 4


def test_a_text_fails_only_beside_the_values_it_failed_beside():
    errors, passed = failed("a > b", [{"a": "x", "b": None}, {"a": "x", "b": 1}, {"a": "x", "b": "w"}, {"a": "x"}])

    assert [row.get("b") for _, row in errors] == [1.0]
    assert passed == 1


def test_arrays_and_objects_are_looked_at_each_time():
    errors, passed = failed("a > 0", [{"a": "x", "b": 1}, {"a": [1], "b": 2}, {"a": {}, "b": 3}, {"a": 5, "b": 4}])

    assert (len(errors), passed) == (3, 1)


def test_what_a_function_or_an_earlier_row_decides_is_not_remembered():
    errors, passed = failed("lag(b) = 1 AND a > 0", [{"a": "x", "b": 1}, {"a": "x", "b": 1}, {"a": "x", "b": 2}] * 2)

    assert errors
    assert passed == 0


def test_a_window_remembers_too():
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM mixed () WITH (TYPE="memory", DATASOURCE="mixed", FORMAT="json")')
        rule = session.rule("SELECT count(*) AS n FROM mixed WHERE a > 0 GROUP BY TUMBLINGWINDOW(ss, 10)")
        session.push("mixed", [{"a": "n/a"}, {"a": 1}] * 100)
        session.push("mixed", [{"a": "n/a"}, {"a": 1}] * 100)
        session.advance(START + 10_000)

        assert [row for emit in rule.emits for row in emit.rows] == [{"n": 200}]
        assert len(rule.errors) == 200
