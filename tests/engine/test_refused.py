"""Rows that WHERE fails on again: they fail with the same words, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from kuiper_nb import Session, VirtualClock
from kuiper_nb.engine.emits import Newest

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


def test_errors_that_wait_are_made_in_order_and_the_oldest_let_go():
    newest: Newest[int] = Newest(keep=10)
    newest.append(0)
    newest.later(4, lambda: [1, 2, 3, 4])
    newest.later(4, lambda: [5, 6, 7, 8])
    newest.append(9)

    assert list(newest) == list(range(10))

    newest.later(3, lambda: [10, 11, 12])

    assert (list(newest), len(newest), newest[-1], newest.dropped) == (list(range(3, 13)), 10, 12, 3)


def test_what_nobody_looked_at_is_let_go_unmade():
    newest: Newest[int] = Newest(keep=3)
    newest.later(4, lambda: pytest.fail("made"))
    newest.later(3, lambda: [5, 6, 7])

    assert list(newest) == [5, 6, 7]
    assert newest.dropped == 4


def test_sinks_get_the_errors_that_nobody_else_looked_at():
    with Session(clock=VirtualClock(START)) as session:
        session.sql('CREATE STREAM mixed () WITH (TYPE="memory", DATASOURCE="mixed", FORMAT="json")')
        seen: list[str] = []

        def collected(item: Any) -> None:
            seen.extend(
                "error" if "error" in row else str(row["b"]) for row in (item if isinstance(item, list) else [item])
            )

        session.sink(collected)
        rule = session.rule(
            "SELECT b FROM mixed WHERE a > 0",
            options={"sendError": True},
            actions=[{"collected": {"sendSingle": True}}],
        )
        rows = [{"a": "n/a" if n % 3 else 1, "b": n} for n in range(300)]
        for _ in range(2):
            session.push("mixed", rows)

        assert len(rule.errors) == 400
        assert rule.status.errors == 400
        assert sorted(seen) == sorted((["error"] * 200 + [str(float(n)) for n in range(0, 300, 3)]) * 2)
