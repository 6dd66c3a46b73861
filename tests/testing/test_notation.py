from __future__ import annotations

import pytest

from kuiper_nb import KuiperError
from kuiper_nb.testing.notation import Arrival, Expected, script


def test_sections_hold_rows_with_their_times() -> None:
    read = script(
        """
        SELECT a
        FROM demo;
        input demo
        {"a": 1}
        @2s {"a": 2}
        [{"a": 3}, {"a": 4}]
        # a comment
        @1m
        expect
        {"a": 1}
        @1500 {"a": 2}
        errors
        "no number"
        {"a": "x"}
        """
    )

    assert read.query.split() == ["SELECT", "a", "FROM", "demo"]
    assert read.arrivals == (
        Arrival("demo", 0, {"a": 1}),
        Arrival("demo", 2000, {"a": 2}),
        Arrival("demo", 2000, [{"a": 3}, {"a": 4}]),
        Arrival("demo", 60_000, None),
    )
    assert read.expected == (Expected({"a": 1}), Expected({"a": 2}, 1500))
    assert read.errors == ("no number", {"a": "x"})
    assert read.until == 60_000


def test_the_clock_runs_until_the_last_row_that_is_expected() -> None:
    assert script("hot\ninput demo\nexpect\n@10s {}").until == 10_000


def test_streams_are_merged_by_time() -> None:
    read = script('SELECT a FROM x\ninput x\n@3 {"a": 1}\ninput `y`\n{"a": 2}\n@3 {"a": 3}\nexpect')

    assert [(arrival.stream, arrival.at) for arrival in read.arrivals] == [("y", 0), ("x", 3), ("y", 3)]
    assert read.streams == ("x", "y")


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "a test begins with a SELECT", None),
        ("SELECT a FROM demo", "says nothing of what it expects", None),
        ('SELECT a FROM demo\ninput demo\n{"a": 1\nexpect', "this is no JSON", 3),
        ("SELECT a FROM demo\ninput demo\n7\nexpect", "a row that comes in is a JSON object", 3),
        ("SELECT a FROM demo\ninput demo\nexpect\n[1]", "an expected row is a JSON object", 4),
        ("SELECT a FROM demo\ninput demo\n@soon {}\nexpect", "@soon is no time", 3),
        ("SELECT a FROM demo\ninput demo\n@-1 {}\nexpect", "@-1 lies before the start", 3),
    ],
)
def test_a_slip_is_shown_where_it_is(text: str, message: str, line: int | None) -> None:
    with pytest.raises(KuiperError) as caught:
        script(text)

    assert message in caught.value.message
    assert caught.value.hint
    assert caught.value.line == line
