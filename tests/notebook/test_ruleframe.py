"""A rule as a frame: its table in three modes, its pages, its chart, its failures."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from kuiper_nb import Session
from kuiper_nb.notebook.choices import Choices
from kuiper_nb.notebook.feed import LIMIT, fitted, size
from kuiper_nb.notebook.ruleframe import MOST_SERIES, RuleFrames, number
from kuiper_nb.notebook.tail import MOST, Tail, page


def frames(session: Session, sql: str = "SELECT * FROM demo") -> RuleFrames:
    return RuleFrames(session.rule(sql, id="hot"), str)


def column(frame: Any, name: str) -> list[str]:
    place = frame["table"]["names"].index(name)
    return [row[place] for row in frame["table"]["rows"]]


def test_the_newest_page_comes_first_and_its_newest_row_on_top(session: Session) -> None:
    made = frames(session)
    session.push("demo", [{"n": str(n)} for n in range(50)])

    frame = made.frame(Choices())

    assert column(frame, "n") == [str(n) for n in range(49, 29, -1)]
    assert (frame["table"]["first"], frame["table"]["end"]) == (30, 50)


def test_a_page_stays_while_rows_come(session: Session) -> None:
    made = frames(session)
    session.push("demo", [{"n": str(n)} for n in range(50)])
    choices = Choices(first=10)
    before = column(made.frame(choices), "n")

    session.push("demo", [{"n": str(n)} for n in range(50, 500)])

    assert column(made.frame(choices), "n") == before == [str(n) for n in range(29, 9, -1)]


def test_pages_are_found_again_across_emits_and_after_the_oldest_are_gone(session: Session) -> None:
    rule = session.rule("SELECT n FROM demo", id="few", keep=1000)
    for start in range(0, 3000, 3):
        session.push("demo", [{"n": str(start + i)} for i in range(3)])

    assert [r["n"] for r in page(rule, 2500, 2505)] == ["2500", "2501", "2502", "2503", "2504"]
    assert page(rule, 0, 20) == []


def test_update_keeps_the_newest_row_of_every_key(session: Session) -> None:
    made = frames(session)
    choices = made.choose(Choices(), Choices(mode="update", keys=("d",)))
    session.push("demo", [{"d": "a", "n": 1}, {"d": "b", "n": 2}, {"d": "a", "n": 3}])

    frame = made.frame(choices)

    assert (frame["table"]["keys"], column(frame, "n")) == (["a", "b"], ["3.0", "2.0"])


def test_the_columns_a_rule_groups_by_are_its_keys(session: Session) -> None:
    made = frames(session, "SELECT d, count(*) AS c FROM demo GROUP BY d, TUMBLINGWINDOW(ss, 1)")
    session.push("demo", [{"d": "a"}, {"d": "b"}, {"d": "a"}])
    session.advance(session.clock.now() + 5000)

    frame = made.frame(Choices(mode="update"))

    assert (frame["head"]["keys"], column(frame, "d"), column(frame, "c")) == (["d"], ["a", "b"], ["2", "1"])


def test_single_is_the_newest_row(session: Session) -> None:
    made = frames(session)
    session.push("demo", [{"n": "1"}, {"n": "2"}])

    assert column(made.frame(Choices(mode="single")), "n") == ["2"]


def test_what_is_frozen_stays_and_goes_on_afterwards(session: Session) -> None:
    made = frames(session)
    session.push("demo", {"n": "1"})
    frozen = made.choose(Choices(), Choices(frozen=True))
    made.frame(frozen)

    session.push("demo", {"n": "2"})
    held, counts = column(made.frame(frozen), "n"), made.frame(frozen)["head"]["rows_out"]
    free = made.choose(frozen, Choices())

    assert (held, counts, column(made.frame(free), "n")) == (["1"], 2, ["2", "1"])


def test_a_chart_has_a_line_for_every_column_and_value(session: Session) -> None:
    made = frames(session)
    session.push("demo", [{"d": d, "x": n, "t": n * 2} for n in range(3) for d in "ab"])

    drawn = made.frame(Choices(chart="line", columns=("t",), by="d", x="x"))["chart"]

    assert drawn == {
        "time": False,
        "series": [
            {"name": "a", "points": [[0, 0], [1, 2], [2, 4]]},
            {"name": "b", "points": [[0, 0], [1, 2], [2, 4]]},
        ],
        "left_out": 0,
    }


def test_a_chart_by_time_begins_with_the_first_number_there_is(session: Session) -> None:
    made = frames(session)
    session.push("demo", {"name": "a", "t": 5})
    made.frame(Choices())

    choices = made.choose(Choices(), Choices(chart="bar"))
    drawn = made.frame(choices)["chart"]

    assert (choices.columns, drawn["time"]) == (("t",), True)
    assert drawn["series"] == [{"name": "t", "points": [[session.clock.now(), 5]]}]


def test_a_chart_has_so_many_lines_and_says_how_many_more_there_are(session: Session) -> None:
    made = frames(session)
    session.push("demo", [{"d": n, "t": 1} for n in range(20)])

    drawn = made.frame(Choices(chart="line", columns=("t",), by="d"))["chart"]

    assert (len(drawn["series"]), drawn["left_out"]) == (MOST_SERIES, 20 - MOST_SERIES)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "5", None, [1], b"1"])
def test_what_is_no_number_is_no_point(value: Any) -> None:
    assert number(value) is None


def test_failures_and_late_rows_open_into_their_tables(session: Session) -> None:
    def inverse(x: float) -> float:
        return 1 / x

    session.function(inverse)
    made = frames(session, "SELECT inverse(x) AS y FROM demo")
    session.push("demo", [{"x": 0}, {"x": 2}])

    panel = made.frame(Choices(panel="errors"))["panel"]

    assert panel["names"] == ["at", "message", "where", "row"]
    assert "ZeroDivisionError" in panel["rows"][0][1]
    assert panel["rows"][0][3] == '{"x": 0.0}'
    assert made.frame(Choices(panel="late"))["panel"]["rows"] == []
    assert made.frame(Choices())["panel"] is None


def test_the_widest_longest_and_most_are_still_a_small_frame(session: Session) -> None:
    made = frames(session)
    session.push("demo", [{f"column {c} {'x' * 200}": "ü" * 500 for c in range(300)} for _ in range(100)])
    choices = made.choose(Choices(), Choices(chart="line", panel="errors"))

    frame = fitted(lambda share: made.frame(choices, share))

    assert size(frame) <= LIMIT
    assert len(frame["table"]["rows"]) >= 1
    assert frame["table"]["more"] > 0


def test_a_frame_is_nothing_but_json(session: Session) -> None:
    made = frames(session)
    session.push(
        "demo", pa.table({"t": pa.array([0], pa.timestamp("ms", "UTC")), "b": [b"\x01"], "o": [{"a": [1, None]}]})
    )
    session.push("demo", {"n": float("nan"), "absent": None})

    for mode in ("append", "update", "single"):
        frame = made.frame(Choices(mode=mode, chart="line", columns=("n",)))  # type: ignore[arg-type]
        assert json.loads(json.dumps(frame, allow_nan=False)) == frame


def test_a_tail_reads_on_from_where_it_was_and_passes_over_what_is_too_much(session: Session) -> None:
    rule = session.rule("SELECT n FROM demo", id="hot")
    tail = Tail(rule)
    session.push("demo", [{"n": "1"}, {"n": "2"}])
    first = tail.read()
    session.push("demo", [{"n": str(n)} for n in range(3 * MOST)])
    second, third = tail.read(), tail.read()

    assert (first, second, third, len(tail.rows)) == (True, True, False, MOST)
    assert [tail.rows[0].row, tail.rows[-1].row] == [{"n": str(2 * MOST)}, {"n": str(3 * MOST - 1)}]


@pytest.mark.parametrize(
    "given",
    [
        {"mode": "other"}, {"mode": ["append"]}, {"keys": "a"}, {"keys": [1]}, {"first": "1"}, {"first": True},
        {"frozen": 1}, {"chart": "pie"}, {"columns": {"a": 1}}, {"by": 3}, {"panel": "<b>"}, {"unknown": 1},
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_passed_over(given: dict[str, Any]) -> None:
    assert Choices(first=3).with_those(given) == Choices(first=3)


def test_another_mode_begins_with_the_newest_page() -> None:
    assert Choices(first=3).with_those({"mode": "update"}) == Choices(mode="update")
