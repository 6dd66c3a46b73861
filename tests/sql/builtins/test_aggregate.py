"""Aggregates see a group as a list per argument, and DuckDB's answers are theirs."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from kuiper_nb.errors import RowFault
from kuiper_nb.sql.arrays import NIL_ARRAY
from kuiper_nb.sql.builtins.aggregate import BUILTINS
from kuiper_nb.sql.lowered import Lowered, render
from kuiper_nb.types import BIGINT, BOOLEAN, FLOAT, STRING, to_arrow

from ...generated import cases

TABLE = {builtin.name: builtin for builtin in BUILTINS}
MOST = 2**63 - 1


def over(name: str, *columns: list[Any]) -> Any:
    """What the aggregate makes of a group, or why it fails."""
    try:
        return TABLE[name].reference(*columns)
    except RowFault as fault:
        return f"fails: {fault.message}"


# ---- sums, means, extremes


@pytest.mark.parametrize(
    ("name", "values", "answer"),
    [
        ("sum", [1.5, None, 2.5], 4.0),
        ("sum", [1, 2, None, 4], 7),
        ("sum", [MOST, 2], -MOST),
        ("sum", [None, None], None),
        ("avg", [1.0, None, 2.5], 1.75),
        ("avg", [4, None, 3], 3),
        ("avg", [-4, -3], -3),
        ("avg", [None], None),
        ("min", [3, None, 1], 1),
        ("max", [0.5, 2.5, None], 2.5),
        ("min", ["b", None, "a", "c"], "a"),
        ("max", ["b", "ä", "z"], "ä"),
        ("max", [None, None], None),
        ("count", [None, 0, False, "", [], None], 4),
        ("count", [None], 0),
    ],
)
def test_nulls_do_not_count(name, values, answer):
    assert (over(name, values), type(over(name, values))) == (answer, type(answer))


@pytest.mark.parametrize(
    ("name", "values", "answer"),
    [
        ("sum", [None, 1, 1.5, 2.5], 4),
        ("avg", [4, 1.9, 2.9], 2),
        ("max", [1, 1.9, 1.2], 1),
        ("min", [2, 1.9], 1),
        ("sum", [1, 1e300], 1 - 2**63),
    ],
)
def test_an_integer_that_comes_first_cuts_off_the_floats_after_it(name, values, answer):
    assert (over(name, values), type(over(name, values))) == (answer, int)


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("sum", [1.5, 1], "requires float64 but found int64(1)"),
        ("avg", [1.0, "4"], "requires float64 but found string(4)"),
        ("avg", [1, "4"], "requires int but found string(4)"),
        ("min", [1.0, "x"], "requires float64 but found string(x)"),
        ("max", [1, True], "requires int64 but found bool(true)"),
        ("max", ["a", 1.0], "requires string but found float64(1)"),
        ("min", [True], "found invalid arg bool(true)"),
        ("sum", ["a"], "run sum function error: found invalid arg string(a)"),
        ("avg", [{"a": 1}], "run avg function error: found invalid arg map[string]interface {}(map[a:1])"),
    ],
)
def test_what_the_first_value_rules_out_fails_the_group(name, values, why):
    assert over(name, values) == f"fails: {why}"


# ---- statistics


@pytest.mark.parametrize(
    ("name", "values", "answer"),
    [
        ("var", [2.0, None, 3], 0.25),
        ("var", [4, 4, 4], 0.0),
        ("stddev", [2, 2, 2, 7], 2.165063509461097),
        ("vars", [3, None, 5], 2.0),
        ("stddevs", [3, 4, None], 0.7071067811865476),
        ("stddev", [4.0, None], 0.0),
        ("var", [None, None], None),
        ("vars", [None], None),
    ],
)
def test_variance_and_deviation_leave_nulls_out(name, values, answer):
    assert over(name, values) == answer


@pytest.mark.parametrize("name", ["stddevs", "vars"])
def test_a_sample_of_one_has_no_variance(name):
    assert over(name, [4.0, None]) is None


@pytest.mark.parametrize("name", ["stddev", "stddevs", "var", "vars"])
def test_variance_wants_numbers(name):
    assert over(name, [1.0, True, None]) == ("fails: requires float64 slice but found []interface {}([1 true <nil>])")


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ([1.0, 2.5, 4.0, -1.0], 1.75),
        ([4.0, None, 2.0, None], 3.0),
        ([5, 1, 4], 4),
        ([5, 1, 4, 2], 3.0),
        ([5, 1.9, 4], 4),
        ([None, 1.0], "fails: <nil> should be number"),
        (["x"], "fails: x should be number"),
        (
            [4, None, 2],
            "fails: cannot convert []interface {}([4 <nil> 2]) to int slice for the 1 element: "
            "cannot convert <nil>(<nil>) to int64",
        ),
        (
            [4.0, "x"],
            "fails: cannot convert []interface {}([4 x]) to float slice for the 1 element: "
            "cannot convert string(x) to float64",
        ),
    ],
)
def test_the_median_is_of_the_kind_of_the_first_value(values, answer):
    assert (over("median", values), type(over("median", values))) == (answer, type(answer))


@pytest.mark.parametrize(
    ("share", "cont", "disc"),
    [(0, 10.0, 10.0), (0.1, 10.0, 10.0), (0.3, 15.0, 20.0), (0.5, 25.0, 30.0), (0.95, 45.0, 50.0), (1, 50.0, 50.0)],
)
def test_percentiles_of_five(share, cont, disc):
    values = [10.0, 50, None, 20.0, 40.0, 30.0]

    assert over("percentile_cont", values, [share] * 6) == cont
    assert over("percentile_disc", values, [share] * 6) == disc


def test_the_first_share_that_is_not_null_counts_for_the_group():
    assert over("percentile_disc", [1.0, 2.0, 3.0], [None, 1.0, 0.1]) == 3.0
    assert over("percentile_cont", [1.0, 2.0, 3.0], [0.5, 0.9, 0.1]) == 1.5


@pytest.mark.parametrize("name", ["percentile_cont", "percentile_disc"])
@pytest.mark.parametrize("share", [-0.5, 1.5])
def test_a_share_lies_between_0_and_1(name, share):
    assert over(name, [1.0, 2.0], [share] * 2) == "fails: percentile exec with error: Input is outside of range."


@pytest.mark.parametrize("name", ["percentile_cont", "percentile_disc"])
def test_percentiles_of_nothing_one_and_the_wrong_thing(name):
    assert over(name, [None, None], [0.5, 0.5]) is None
    assert over(name, [None, 7], [0.5, 0.5]) == 7.0
    assert over(name, ["x"], [0.5]) == "fails: requires float64 slice but found []interface {}([x])"
    assert over(name, [1.0], [None]) == (
        "fails: the second parameter requires float64 but found []interface {}([<nil>])"
    )


# ---- values as they are


def test_collect_keeps_everything_in_order():
    assert over("collect", [1, None, "x", [2]]) == [1, None, "x", [2]]


def test_collect_of_a_window_without_rows_is_an_array_that_shows_as_null():
    assert TABLE["collect"].nulls == "call"
    assert over("collect", []) is NIL_ARRAY


def test_merge_agg_lets_later_objects_win_and_ignores_the_rest():
    assert over("merge_agg", [{"a": 1, "b": 1}, 5, None, {"b": 2, "c": 3}, {"a": None}]) == {"a": None, "b": 2, "c": 3}
    assert [over("merge_agg", values) for values in ([None, 5], [{}])] == [None, None]


def test_deduplicate_keeps_the_first_row_of_every_value():
    rows = [{"k": "a", "v": 1}, {"k": "b", "v": 2}, {"k": "a", "v": 3}, {"v": 4}, {"k": None}]

    assert over("deduplicate", rows, ["a", "b", "a", None, None], [True] * 5) == [rows[0], rows[1], rows[3]]


def test_deduplicate_takes_values_that_print_alike_for_one():
    assert over("deduplicate", [{"k": 1}, {"k": "1"}, {"k": 1.0}], [1, "1", 1.0], [True] * 3) == [{"k": 1}]


def test_deduplicate_without_all_answers_the_last_row_if_its_value_is_new():
    rows = [{"k": "a"}, {"k": "b"}]

    assert over("deduplicate", rows, ["a", "b"], [False] * 2) == {"k": "b"}
    assert over("deduplicate", rows, ["a", "a"], [False] * 2) is None


def test_last_value_is_the_last_one_or_the_last_that_is_not_null():
    assert over("last_value", [1, [2], None], [False] * 3) is None
    assert over("last_value", [1, [2], None], [True] * 3) == [2]
    assert over("last_value", [None, None], [True] * 2) is None


# ---- what DuckDB makes of a group is what the reference makes of it


@cache
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def by_duckdb(lowered: Lowered | None, groups: list[list[Any]], kind) -> list[tuple[Any, bool]]:
    """The value of the aggregate expression over each group, and whether it must not be trusted."""
    assert lowered is not None
    guard = exp.false() if lowered.guard is None else lowered.guard
    rows = pa.table(
        {
            "c0": pa.array([value for group in groups for value in group], to_arrow(kind)),
            "n": [number for group in groups for number in range(len(group))],
            "g": [number for number, group in enumerate(groups) for _ in group],
        }
    )
    select = f"SELECT {render(lowered.sql)}, {render(guard)} FROM rows GROUP BY g ORDER BY g"
    answers = connection().register("rows", rows).execute(select).fetchall()
    assert all(guarded in (True, False) for _, guarded in answers)
    return answers


def agrees(answer: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(answer, float):
        same = math.isnan(answer) and math.isnan(expected)
        return same or math.isclose(answer, expected, rel_tol=1e-9)
    return (answer, type(answer)) == (expected, type(expected))


def lowered_over(name: str, kind, guard: exp.Expr | None = None) -> Lowered | None:
    lower = TABLE[name].lower
    return None if lower is None else lower([Lowered(exp.column("c0"), kind, guard)])


LOWERED = [
    (name, kind)
    for kind in (BIGINT, FLOAT, STRING, BOOLEAN)
    for name in sorted(TABLE)
    if lowered_over(name, kind) is not None
]
STRANGE = [0.1, -0.1, 1e308, -1e308, 1e-320, math.inf, -math.inf, math.nan, 1e15, 1e15 + 0.125, 0.0, -0.0]
VALUES = {
    BIGINT: st.one_of(st.integers(-20, 20), st.integers(-(2**63), MOST), st.sampled_from([MOST, -MOST - 1, 2**53 + 1])),
    FLOAT: st.one_of(st.integers(-40, 40).map(lambda n: n / 8), st.floats(-1e6, 1e6), st.sampled_from(STRANGE)),
    STRING: st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=3),
    BOOLEAN: st.booleans(),
}


def test_what_has_a_lowering_and_for_what():
    spread = {"stddev", "stddevs", "var", "vars"}
    by_kind = {kind: {name for name, of in LOWERED if of == kind} for kind in (BIGINT, FLOAT, STRING, BOOLEAN)}

    assert by_kind == {
        BIGINT: {"sum", "avg", "min", "max", "count", *spread},
        FLOAT: {"sum", "avg", "min", "max", "count", "median", *spread},
        STRING: {"min", "max", "count"},
        BOOLEAN: {"count"},
    }


@pytest.mark.parametrize(("name", "kind"), LOWERED)
@settings(max_examples=cases(40))
@given(data=st.data())
def test_duckdb_agrees_or_says_that_it_does_not(name, kind, data):
    column = st.lists(st.one_of(st.none(), VALUES[kind], VALUES[kind]), min_size=1, max_size=12)
    groups = data.draw(st.lists(column, min_size=1, max_size=12))
    lowered = lowered_over(name, kind)

    answers = by_duckdb(lowered, groups, kind)

    trusted = [
        (group, answer, over(name, group)) for group, (answer, no) in zip(groups, answers, strict=True) if not no
    ]
    assert [entry for entry in trusted if not agrees(*entry[1:])] == []
    assert all(
        lowered.type == {int: BIGINT, float: FLOAT, str: STRING}[type(a)] for _, a, _ in trusted if a is not None
    )
    assert lowered.null or all(answer is not None for _, answer, _ in trusted)


@pytest.mark.parametrize(
    ("name", "kind", "column"),
    [
        ("sum", BIGINT, [MOST, 1]),
        ("avg", BIGINT, [-MOST, -MOST]),
        ("max", FLOAT, [math.nan, 1.0]),
        ("median", FLOAT, [1.0, None]),
        ("stddev", FLOAT, [1e308, -1e308]),
        ("var", FLOAT, [0.1, 0.1, 0.1]),
    ],
)
def test_groups_for_the_evaluator_are_guarded(name, kind, column):
    assert by_duckdb(lowered_over(name, kind), [column], kind)[0][1] is True


@pytest.mark.parametrize(
    ("name", "kind", "column"),
    [
        ("sum", BIGINT, [MOST, -1, 1, None]),
        ("avg", FLOAT, [None, None]),
        ("median", FLOAT, [1.0, 3.0]),
        ("vars", FLOAT, [4.0]),
        ("stddev", BIGINT, [20, 21, 23]),
    ],
)
def test_ordinary_groups_are_not(name, kind, column):
    assert by_duckdb(lowered_over(name, kind), [column], kind)[0][1] is False


@pytest.mark.parametrize(("name", "kind"), LOWERED)
def test_a_doubtful_row_makes_its_group_doubtful(name, kind):
    doubtful = lowered_over(name, kind, exp.EQ(this=exp.column("n"), expression=exp.Literal.number(1)))
    column = {BIGINT: [1, 2, 3], FLOAT: [1.0, 2.0, 3.0], STRING: ["a", "b", "c"], BOOLEAN: [True, False, True]}[kind]

    answers = by_duckdb(doubtful, [column[:1], column[:2], column], kind)

    assert [guarded for _, guarded in answers] == [False, True, True]


def test_count_star_counts_rows():
    lowered = TABLE["count"].lower([])

    assert by_duckdb(lowered, [[None, 1, None], [2]], BIGINT) == [(3, False), (1, False)]
