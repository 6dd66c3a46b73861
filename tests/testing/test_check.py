"""Tests as files have them: `check` with everything a file brings along."""

from __future__ import annotations

from typing import Any

import pytest

from kuiper_nb import KuiperError
from kuiper_nb.testing import check

DEMO = 'CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")'
WALK = 'CREATE STREAM walk (ts BIGINT, n BIGINT) WITH (TYPE="somewhere", INTERVAL="7", TIMESTAMP="ts")'


def checked(text: str, **given: Any) -> str:
    """What the difference says; '' when there is none."""
    try:
        check(text, streams=[DEMO, WALK], **given)
    except AssertionError as difference:
        return str(difference)
    return ""


AVERAGE = """SELECT device, avg(t) AS t FROM demo GROUP BY device, TUMBLINGWINDOW(ss, 10)
input demo
{"device": "a", "t": 20}
@2s {"device": "a", "t": 30}
{"device": "b", "t": 1}
expect
@10s {"device": "a", "t": 25}
@10s {"device": "b", "t": 1}
"""


def test_rows_in_and_rows_out() -> None:
    assert checked(AVERAGE) == ""


def test_a_difference_is_told_row_by_row() -> None:
    assert checked(AVERAGE.replace("25}", "26}"), name="hot").splitlines() == [
        "test hot failed: 1 row differs",
        '  - @10000 {"device": "a", "t": 26}',
        '  + @10000 {"device": "a", "t": 25.0}    (t)',
        '    @10000 {"device": "b", "t": 1.0}',
    ]


def test_the_moment_counts_where_it_is_given() -> None:
    assert "(the time)" in checked(AVERAGE.replace('@10s {"device": "b"', '@11s {"device": "b"'))
    assert checked(AVERAGE.replace('@10s {"device": "b"', '{"device": "b"')) == ""


def test_nothing_may_be_expected_and_why_nothing_came_is_told() -> None:
    silent = 'SELECT t FROM demo WHERE t > 40\ninput demo\n{"t": 1}\nexpect\n'

    assert checked(silent) == ""
    assert checked(silent + '{"t": 41}\n').splitlines() == [
        "test test failed: 1 row missing",
        '  - {"t": 41}',
        "WHERE removed the only row: t > 40.",
    ]


def test_event_time_needs_no_source_and_late_rows_are_told() -> None:
    text = """SELECT count(*) AS c FROM walk GROUP BY TUMBLINGWINDOW(ss, 1)
    input walk
    {"ts": 100, "n": 1}
    {"ts": 1100, "n": 1}
    {"ts": 200, "n": 1}
    {"ts": 2500, "n": 1}
    expect
    {"c": 1}
    {"c": 1}
    """
    options = {"isEventTime": True, "lateTolerance": "0s"}

    assert checked(text, options=options) == ""
    assert "1 row came too late" in checked(text.replace('{"c": 1}', '{"c": 2}', 1), options=options)


def test_errors_must_be_expected_too() -> None:
    text = 'SELECT t + 1 AS u FROM demo\ninput demo\n{"t": "x"}\n{"t": 1}\nexpect\n{"u": 2}\n'

    assert "1 error is not as expected" in checked(text)
    assert checked(text + 'errors\n{"t": "x"}\n') == ""
    assert checked(text + 'errors\n"invalid operation"\n') == ""
    assert "did not fail as expected: nothing" in checked(text + 'errors\n"nothing"\n{"t": "x"}\n')


def test_functions_and_values_come_along() -> None:
    def twice(x: float) -> float:
        return 2 * x

    text = 'SELECT twice(t) AS d FROM demo WHERE t > {{limit}}\ninput demo\n{"t": 1}\n{"t": 4}\nexpect\n{"d": 8}\n'

    assert checked(text, functions=[("twice", twice, "function")], values={"limit": 3}) == ""


def test_a_test_that_cannot_be_run_is_no_failed_one() -> None:
    with pytest.raises(KuiperError, match="no stream named dmeo"):
        checked("SELECT t FROM demo\ninput dmeo\nexpect")


def test_of_many_rows_only_those_around_a_difference_are_told() -> None:
    rows = "\n".join(f'{{"t": {n}}}' for n in range(40))
    text = f"SELECT t FROM demo\ninput demo\n{rows}\nexpect\n" + rows.replace('{"t": 20}', '{"t": -1}')

    told = checked(text).splitlines()

    assert told[1] == "    … 17 as expected"
    assert told[-1] == "    … 16 as expected"
    assert len(told) == 1 + 1 + 3 + 2 + 3 + 1
