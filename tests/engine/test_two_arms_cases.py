"""What once told the two arms apart, made small: the evaluator and DuckDB answer the same, errors and counts too."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kuiper_nb.engine import vector
from kuiper_nb.sql.values import text

from .arms import START, Answer, Case, answers, hold_together

INF, NAN = math.inf, math.nan
WINDOW = "TUMBLINGWINDOW(ms, 10)"


def together(query: str, *payloads: Any, columns: str = "", **options: Any) -> Answer:
    """The answer both arms give to one query over payloads that come in the first millisecond."""
    (answer,) = hold_together(Case((query,), tuple((START, p) for p in payloads), columns, options))
    return answer


def emitted(answer: Answer) -> list[dict[str, Any]]:
    return [row for _, rows in answer.emits for row in rows]


def by_duckdb(answer: Answer) -> bool:
    """Whether DuckDB computed every row."""
    return set(answer.arms) == {"duckdb"}


# ---- rows without columns


@pytest.mark.parametrize(
    "query", ["SELECT 1 FROM demo", "SELECT 'a' AS s FROM demo", "SELECT nope, 0.1 AS v FROM demo"]
)
def test_constants_come_out_once_a_row(query: str) -> None:
    answer = together(query, [{"a": 1}, {"b": 2}], pa.table({"a": [1, 2]}))

    assert len(emitted(answer)) == 4


def test_plain_columns_alone_come_out_of_dicts() -> None:
    answer = together("SELECT a FROM demo", [{"a": 1.5}, {}, {"a": None}])

    assert emitted(answer) == [{"a": 1.5}, {}, {"a": None}]


def test_a_table_without_columns_still_has_rows() -> None:
    bare = pa.table({"a": [1, 2, 3]}).select([])

    assert emitted(together("SELECT * FROM demo", bare)) == [{}, {}, {}]
    assert emitted(together(f"SELECT count(*) AS n FROM demo GROUP BY {WINDOW}", bare))[0] == {"n": 3}


def test_an_empty_table_is_no_batch() -> None:
    answer = together("SELECT * FROM demo", pa.table({"a": pa.array([], pa.int64())}), [])

    assert answer.emits == []


def test_an_invisible_field_leaves_empty_rows() -> None:
    assert emitted(together("SELECT a + 1 AS b INVISIBLE FROM demo", pa.table({"a": [1, 2]}))) == [{}, {}]


def test_a_column_no_row_has_leaves_no_key() -> None:
    table = pa.table({"a": [1, 2]})

    assert emitted(together("SELECT nope FROM demo GROUP BY COUNTWINDOW(2)", table)) == [{}, {}]
    assert emitted(together("SELECT nope, a + 1 AS b FROM demo", table, sendNilField=True))[0] == {"nope": None, "b": 2}


def test_counting_rows_of_dicts_needs_no_column() -> None:
    assert by_duckdb(together(f"SELECT count(*) AS n FROM demo GROUP BY {WINDOW}", [{"a": [1]}, {"a": {"b": 1}}]))


# ---- rows that do not fit


def test_rows_of_another_type_keep_their_places() -> None:
    rows = [{"x": 1.0, "k": 1}, {"x": "a", "k": 2}, {"x": 2.0, "k": "no"}, {"x": True, "k": 4}, {"x": 3.0, "k": 5}]

    answer = together("SELECT collect(k) AS c FROM demo GROUP BY COUNTWINDOW(2) FILTER (WHERE x != 7 AND k > 0)", rows)

    assert emitted(answer) == [{"c": [1.0, 5.0]}]
    assert len(answer.errors) == 3


def test_plain_columns_pass_rows_of_any_type() -> None:
    rows = [{"p": True}, {"p": "a"}, {"p": False}, {"p": [1.0]}]

    assert emitted(together("SELECT *, p AS a FROM demo", rows))[1] == {"p": "a", "a": "a"}


def test_a_batch_of_nothing_but_dirty_rows_fails_row_by_row() -> None:
    rows: list[dict[str, Any]] = [{"x": "s"}, {"x": True}, {"x": [1]}]

    answer = together("SELECT x + 1 AS u FROM demo", rows)

    assert (answer.emits, len(answer.errors)) == ([], 3)


# ---- floats


@pytest.mark.parametrize(
    "condition", ["x - x > 1", "x - x = x - x", "x - x IN (x - x)", "x - x BETWEEN 0 AND 1", "x * 0 >= 0", "x % 2 > 0"]
)
def test_nan_is_no_number_that_compares(condition: str) -> None:
    answer = together(
        f"SELECT CASE WHEN {condition} THEN 1 ELSE 2 END AS u FROM demo", pa.table({"x": [INF, -INF, 1.0]})
    )

    assert [row["u"] for row in emitted(answer)][:2] == [2, 2]


def test_nan_from_arrow_is_null() -> None:
    nested = pa.array([{"n": NAN, "l": [NAN, 1.0]}, {"n": 2.0, "l": []}])

    answer = together("SELECT x, o, o->n AS n FROM demo", pa.table({"x": [NAN, 1.0], "o": nested}))

    assert emitted(answer)[0] == {"x": None, "o": {"n": None, "l": [None, 1.0]}}


def test_nan_among_halves_is_null_too_and_the_rule_goes_on() -> None:
    halves = pa.array([[NAN, 1.5], [2.5]], pa.list_(pa.float16()))

    answer = together("SELECT l FROM demo", pa.table({"l": halves}))

    assert emitted(answer) == [{"l": [None, 1.5]}, {"l": [2.5]}]


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.timestamp("us", tz="UTC"), pa.timestamp("ms"), pa.date64()])
def test_a_moment_python_cannot_hold_fails_its_row(kind: pa.DataType) -> None:
    day = 86_400_000
    table = pa.table({"n": [1, 2, 3], "t": pa.array([day, day * 10**10, day]).view(kind)})

    answer = together("SELECT n, t FROM demo WHERE n > 0", table)

    assert [row["n"] for row in emitted(answer)] == [1, 3]
    assert ["column t" in str(error) for error in answer.errors] == [True]


def test_a_moment_that_the_rule_does_not_use_may_be_any() -> None:
    far = pa.table({"n": [1], "t": pa.array([2**62]).view(pa.timestamp("us", tz="UTC"))})

    answer = together("SELECT n FROM demo WHERE n > 0", far, far, far)

    assert emitted(answer) == [{"n": 1}] * 3


def test_zero_and_negative_zero_are_groups_apart() -> None:
    answer = together(f"SELECT x, count(*) AS n FROM demo GROUP BY x, {WINDOW}", pa.table({"x": [0.0, -0.0, 0.0]}))

    assert [row["n"] for row in emitted(answer)] == [2, 1]


def test_null_is_not_the_group_of_the_text_nil() -> None:
    table = pa.table({"s": ["<nil>", None, "a,", "a"], "t": ["b", "b", "b", ",b"]})

    assert len(emitted(together(f"SELECT count(*) AS n FROM demo GROUP BY s, t, {WINDOW}", table))) == 4


def test_sums_of_infinities_are_compared_as_the_evaluator_does() -> None:
    query = f"SELECT k, count(*) AS n FROM demo GROUP BY k, {WINDOW} HAVING sum(x) > 1.0"

    together(query, pa.table({"k": [1, 1, 2], "x": [INF, -INF, 3.0]}))


def test_the_least_integer_is_no_special_case() -> None:
    table = pa.table({"a": [-(2**63), -(2**63), 2**63 - 1], "b": [-1, 1, 0]})

    together("SELECT a / b AS q, a % b AS r, a * b AS p, a - 1 AS m, abs(a) AS z FROM demo", table)
    together(f"SELECT sum(a) AS s, avg(a) AS v, sum(a * 2) AS t FROM demo GROUP BY {WINDOW}", table)


def test_bits_with_null_are_false() -> None:
    assert emitted(together("SELECT a & b AS c FROM demo", pa.table({"a": [3, None], "b": [1, 1]}))) == [
        {"c": 1},
        {"c": False},
    ]


def test_a_text_cast_to_a_number_is_no_divisor_known_beforehand() -> None:
    query = """SELECT a / cast(' x ', "bigint") AS u, a % cast('2', "bigint") AS v FROM demo"""

    assert len(together(query, pa.table({"a": [1, 2]})).errors) == 2


@pytest.mark.parametrize("size", [vector.FEW - 1, vector.FEW, vector.FEW + 1])
def test_the_arms_take_over_from_each_other_at_few_rows(size: int) -> None:
    case = Case(("SELECT a + 1 AS b FROM demo",), ((START, pa.table({"a": list(range(size))})),))

    (answer,) = answers(case, vector.FEW)

    assert answer.arms == {"duckdb" if size >= vector.FEW else "exact": size}
    assert emitted(answer) == [{"b": n + 1} for n in range(size)]


# ---- Arrow's other types


def test_moments_keep_their_microseconds() -> None:
    first = datetime.datetime(2024, 1, 1, 0, 0, 0, 1, datetime.UTC)
    table = pa.table({"d": pa.array([first, first], pa.timestamp("us", "UTC")), "k": [1, 2]})

    assert emitted(together("SELECT d, k + 1 AS z FROM demo", table))[0] == {"d": first, "z": 2}
    assert emitted(together(f"SELECT d, count(*) AS n FROM demo GROUP BY d, {WINDOW}", table)) == [{"d": first, "n": 2}]


def test_other_arrow_types_are_read_as_the_nearest_of_ours() -> None:
    table = pa.table(
        {
            "day": pa.array([datetime.date(2024, 1, 1), None], pa.date32()),
            "price": pa.array([decimal.Decimal("1.5"), decimal.Decimal("2.25")]),
            "word": pa.array(["a", "b"]).dictionary_encode(),
            "large": pa.array(["x", None], pa.large_string()),
            "small": pa.array([127, -128], pa.int8()),
            "single": pa.array([1.5, NAN], pa.float32()),
            "half": pa.array(np.array([1, 2], np.float16)),
        }
    )

    answer = together(
        "SELECT day, price * 2 AS p, concat(word, large) AS w, small + 1 AS s, single, half * 2 AS h FROM demo", table
    )

    midnight = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    assert by_duckdb(answer)
    assert emitted(answer) == [
        {"day": midnight, "p": 3.0, "w": "ax", "s": 128, "single": 1.5, "h": 2.0},
        {"day": None, "p": 4.5, "w": "b", "s": -127, "single": None, "h": 4.0},
    ]


def test_unsigned_integers_beyond_64_bits_are_not_cut() -> None:
    together("SELECT u + 1 AS v FROM demo", pa.table({"u": pa.array([2**63, 1], pa.uint64())}))


# ---- users' functions


def test_of_two_failures_of_a_row_the_first_in_the_order_of_the_fields_is_told() -> None:
    table = pa.table({"x": [1.5, 2.0, 0.0]})

    divided = together("SELECT x / 0 AS b, risky(x) AS a FROM demo", table)
    called = together("SELECT risky(x) AS a, x / 0 AS b FROM demo", table)

    assert [message.partition("err:")[2] for _, message, _ in divided.errors] == ["divided by zero"] * 3
    assert called.errors[0][1].endswith("call func risky error: ValueError: no 1.5")


def test_a_failure_inside_case_says_so() -> None:
    answer = together("SELECT CASE WHEN risky(x) = 1 THEN 1 ELSE 2 END AS c FROM demo", pa.table({"x": [1.5]}))

    assert "evaluate case expression error" in answer.errors[0][1]


def test_a_failure_in_the_filter_is_an_error_of_the_row() -> None:
    query = f"SELECT count(*) AS n FROM demo GROUP BY {WINDOW} FILTER (WHERE risky(x) > 1)"

    answer = together(query, pa.table({"x": [1.5, 2.0, 3.0]}))

    assert [message for _, message, _ in answer.errors] == [
        "run Filter error: call func risky error: ValueError: no 1.5"
    ]
    assert emitted(answer)[0] == {"n": 2}


def test_a_function_of_the_select_list_is_not_called_for_rows_that_where_drops() -> None:
    answer = together("SELECT risky(x) AS r FROM demo WHERE typed(x) > 3", pa.table({"x": [1.5, 2.0]}))

    assert (emitted(answer), answer.errors) == ([{"r": 2.0}], [])


def test_answers_of_several_types_stay_what_they_are() -> None:
    assert emitted(together("SELECT moody(x) AS u FROM demo", pa.table({"x": [-1, 2]}))) == [{"u": "low"}, {"u": 2}]


def test_groups_beyond_the_limit_cannot_fail() -> None:
    query = f"SELECT k, longest(p) AS l FROM demo GROUP BY k, {WINDOW} LIMIT 1"

    answer = together(query, pa.table({"k": [1, 2], "p": [False, True]}))

    assert (emitted(answer), answer.errors) == ([{"k": 1, "l": 1}], [])


def test_having_drops_groups_from_the_right_windows() -> None:
    query = f"SELECT k, count(*) AS n FROM demo GROUP BY k, {WINDOW} HAVING count(*) > 1"

    answer = together(query, pa.table({"k": [1, 2, 2]}))

    assert answer.emits == [(START + 10, [{"k": 2, "n": 2}])]


# ---- names and texts

NASTY = [
    "a b", 'q"x', "it's", "a;b", "{x}", "{{x}}", "$1", "%s", "a--b", "/*x*/", "c0", "r", "g", "o0", "w", "n", "guard",
    "key 0", "aggregate 0", "call 0", "x mask", "call 0 argument 0", "first 0", "window_start", "1", "A", "select",
    "\\", "é", "x\n", "'); DROP TABLE feed_0; --", '"; SELECT 1; --', "feed_0", "query_1", "?", ":a", "@a", "rowid",
]  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
def test_names_are_names_whatever_they_say(name: str) -> None:
    case = Case(
        (
            f"SELECT `{name}` + 1 AS `{name}`, `{name}` AS `z z` FROM demo WHERE `{name}` > 1",
            f"SELECT *, typed(`{name}` + 1) AS `y{name}` FROM demo",
            f"SELECT `{name}`, sum(`{name}`) AS `s{name}`, collect(`{name}`) AS `l l` FROM demo "
            f"GROUP BY `{name}`, {WINDOW} HAVING sum(`{name}`) > 1 ORDER BY `{name}` DESC",
            f"SELECT `{name}`, k FROM demo GROUP BY {WINDOW} ORDER BY `{name}` DESC LIMIT 2",
        ),
        ((START, pa.table({name: [1.0, 2.0, 3.0], "k": [1, 1, 2]})),),
    )

    assert all(by_duckdb(answer) and not answer.reasons for answer in hold_together(case))


def test_names_that_differ_in_case_are_two() -> None:
    table = pa.table({"a": [1, 2], "A": [2, 1]})

    assert emitted(together("SELECT a, A, a - A AS d FROM demo WHERE A > a", table)) == [{"a": 1, "A": 2, "d": -1}]
    assert emitted(together(f"SELECT A, sum(a) AS s FROM demo GROUP BY A, {WINDOW}", table)) == [
        {"A": 2, "s": 1},
        {"A": 1, "s": 2},
    ]


def test_an_alias_goes_before_a_column_of_its_name() -> None:
    table = pa.table({"a": [1, 2], "b": [10, 20]})

    assert emitted(together("SELECT a + 1 AS a, a * 2 AS c FROM demo WHERE a > 2", table)) == [{"a": 3, "c": 6}]


def test_an_alias_that_gives_way_to_a_column_does_so_in_windows() -> None:
    table = pa.table({"a": [1], "q": [True], "k": [0]})

    together(f"SELECT a AS s, s AS u, q AS a, k FROM demo GROUP BY k, {WINDOW}", table)


@pytest.mark.parametrize("text", [*NASTY, "'||(SELECT 1)||'", "$$", "E'x'", "\\x41", "\x00x", "\U0001f600", "", "\t"])
def test_texts_are_texts_whatever_they_say(text: str) -> None:
    literal = '"' + "".join(_ESCAPED.get(c, c) for c in text) + '"'
    case = Case(
        (
            f"SELECT concat(s, {literal}) AS u, (s = {literal}) AS v, {literal} AS z FROM demo",
            f"SELECT startswith(s, {literal}) AS w, split_value(s, {literal}, 0) AS p FROM demo",
            f"SELECT CASE s WHEN {literal} THEN {literal} ELSE 'n' END AS y FROM demo",
            f"SELECT min(concat(s, {literal})) AS m FROM demo GROUP BY concat(s, {literal}), {WINDOW}",
        ),
        ((START, pa.table({"s": [text, "a" + text, None, ""]})),),
    )

    assert all(not answer.refused for answer in hold_together(case))


_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\x00": "\\x00"}


@pytest.mark.parametrize(
    "pattern",
    ["a%", "_", "a.c", "(?i)a", "a{2}", "a$", "%$%", "a|b%", "[[:alpha:]]", "\\\\d", "(a)%", "x*?", "\\';--", "\\'%"],
)
def test_like_means_the_same(pattern: str) -> None:
    texts = ["abc", "", "\n", "a\n", "ab\nc", "A", "aa", "\\", "aXc", "é", "1", "$a", "b", "';--"]

    answer = together(f"SELECT (s LIKE '{pattern}') AS u FROM demo", pa.table({"s": texts}))

    assert by_duckdb(answer)


def test_groups_by_text_are_sorted_by_columns_that_are_no_keys() -> None:
    rows = pa.table({"s": ["b", "a", "b"], "a": [4, 5, 6], "k": [2, 1, 3]})
    query = "SELECT a AS u, s, sum(k) AS n FROM demo GROUP BY s, TUMBLINGWINDOW(ms, 10) ORDER BY k"

    (answer,) = hold_together(Case((query,), ((START, rows),)))

    assert answer.emits[0][1] == [{"u": 5, "s": "a", "n": 1}, {"u": 4, "s": "b", "n": 5}]


@pytest.mark.parametrize("odd", [INF, -INF, NAN])
@pytest.mark.parametrize("query", ["SELECT * FROM demo", "SELECT a FROM demo", "SELECT *, b + 1 AS c FROM demo"])
def test_a_column_that_is_sent_as_it_is_must_be_finite_too(query: str, odd: float) -> None:
    answer = together(
        query, [{"a": 1.5, "b": 1}, {"a": odd, "b": 2}, {"b": 3, "a": None}, {"a": "x", "b": 4}, {"b": 5}]
    )

    assert len(emitted(answer)) == 4
    assert [message for _, message, _ in answer.errors] == [f"json: unsupported value: {text(odd)}"]


def test_numbers_too_large_for_a_sum_are_no_infinities() -> None:
    rows = [{"a": 1e308}, {"a": 1.7e308}, {"a": -1e308}]

    assert emitted(together("SELECT * FROM demo", rows)) == rows
