"""The dialect: which sentences there are, how operators bind, and what is said about a wrong sentence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kuiper_nb.errors import ParseError
from kuiper_nb.sql.parser import parse, parse_rule
from kuiper_nb.sql.printer import printed
from kuiper_nb.sql.syntax import (
    Binary,
    ColumnDef,
    Constant,
    Create,
    Describe,
    Drop,
    In,
    Invoke,
    Name,
    OrderItem,
    Place,
    Select,
    SelectItem,
    Show,
    Star,
    Unit,
    WindowCall,
)
from kuiper_nb.types import BIGINT, FLOAT, STRING, ArrayOf, StructOf


def expression(text: str) -> object:
    return parse_rule(f"SELECT {text} FROM demo").items[0].value


def refusal(text: str) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(text)
    return caught.value


# ---- operators


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b % c", "(a / b) % c"),
        ("a + b | c ^ d", "((a + b) | c) ^ d"),
        ("a * b & c", "(a * b) & c"),
        ("a = 1 OR b = 2 AND c = 3", "(a = 1) OR ((b = 2) AND (c = 3))"),
        ("a = 1 = TRUE", "(a = 1) = true"),
        ("a + 1 > b * 2", "(a + 1) > (b * 2)"),
        ("a * b->c", "(a * b)->c"),
        ("x -> y -> z", "x->y->z"),
        ("a->b[1]->c", "a->b[1]->c"),
        ("a ! b", "a = b"),
        ("a-1", "a - 1"),
        ("3 - -2", "3 - -2"),
        ("a - .5", "a - 0.5"),
        ("a BETWEEN 1 AND b + 1", "a BETWEEN 1 AND (b + 1)"),
        ("a NOT LIKE 'x%'", 'a NOT LIKE "x%"'),
    ],
)
def test_operators_bind_on_five_levels_and_to_the_left(written: str, means: str) -> None:
    assert printed(expression(written)).replace("TRUE", "true") == means  # type: ignore[arg-type]


def test_a_dotted_path_is_one_name_and_an_arrow_an_operator() -> None:
    assert expression("a * o.w") == Binary("*", Name(("a",)), Name(("o", "w")))
    assert expression("a.b.c") == Name(("a", "b", "c"))


def test_a_list_after_in_is_a_list_and_a_name_an_array() -> None:
    assert expression("a IN (1, 2)") == In(Name(("a",)), (Constant(1), Constant(2)))
    assert expression("a NOT IN tags") == In(Name(("a",)), Name(("tags",)), negated=True)


# ---- literals and names


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("- 12", -12),
        ("5.", 5.0),
        (".5", 0.5),
        ("007", 7),
        ("99999999999999999999", 2**63 - 1),
        ("-99999999999999999999", -(2**63)),
        ('"x"', "x"),
        ("'x'", "x"),
        ('"it\'s"', "it's"),
        (r'"a\n\t\"\\"', 'a\n\t"\\'),
        (r'"\u00e9"', "é"),
        ("true", True),
        ("FALSE", False),
    ],
)
def test_literals_are_numbers_texts_and_truth_values(written: str, value: object) -> None:
    found = expression(written)
    assert found == Constant(value)  # type: ignore[arg-type]
    assert type(found.value) is type(value)  # type: ignore[union-attr, attr-defined]


def test_back_quotes_make_any_name() -> None:
    assert expression("`my col`") == Name(("my col",))
    assert expression("`select`.b") == Name(("select", "b"))


@pytest.mark.parametrize("word", ["null", "stream", "count_", "units", "order1", "topic", "windows", "mid"])
def test_words_that_are_not_reserved_are_names(word: str) -> None:
    assert expression(word) == Name((word,))


@pytest.mark.parametrize("written", ["abs(a)", "abs( a , )", "abs (a)"])
def test_a_call_may_end_with_a_comma(written: str) -> None:
    assert expression(written) == Invoke("abs", (Name(("a",)),))


# ---- sentences


def test_a_select_has_all_its_clauses() -> None:
    text = (
        "select a as b, * from demo as d where a > 1 group by k, tumblingwindow(ss, 10) filter (where x = 1) "
        "having count(*) > 2 order by b desc, k limit 3"
    )

    found = parse_rule(text)

    assert found == Select(
        items=(SelectItem(Name(("a",)), "b"), SelectItem(Star())),
        stream="demo",
        alias="d",
        where=Binary(">", Name(("a",)), Constant(1)),
        group=(Name(("k",)),),
        windows=(WindowCall("tumblingwindow", (Unit("SS"), Constant(10)), Binary("=", Name(("x",)), Constant(1))),),
        having=Binary(">", Invoke("count", (Star(),)), Constant(2)),
        order=(OrderItem(Name(("b",)), descending=True), OrderItem(Name(("k",)))),
        limit=3,
    )


def test_a_star_leaves_out_and_replaces() -> None:
    found = expression("* EXCEPT(a, b) REPLACE(c + 1 AS c)")

    assert found == Star(None, ("a", "b"), (SelectItem(Binary("+", Name(("c",)), Constant(1)), "c"),))


def test_a_star_leaves_out_and_replaces_as_an_argument_too() -> None:
    found = expression('f("post", * EXCEPT(a) REPLACE(1 AS b))')

    assert found == Invoke("f", (Constant("post"), Star(None, ("a",), (SelectItem(Constant(1), "b"),))))


def test_a_stream_is_declared_with_columns_and_options() -> None:
    (found,) = parse(
        "CREATE STREAM demo (a BIGINT, tags ARRAY(STRING), box STRUCT(w FLOAT, l FLOAT), n BIGINT DEFAULT 5,) "
        'WITH (DATASOURCE="demo", format="json", SHARED=TRUE,)'
    )

    assert found == Create(
        "stream",
        "demo",
        (
            ColumnDef("a", BIGINT),
            ColumnDef("tags", ArrayOf(STRING)),
            ColumnDef("box", StructOf((("w", FLOAT), ("l", FLOAT)))),
            ColumnDef("n", BIGINT, 5),
        ),
        (("DATASOURCE", "demo"), ("FORMAT", "json"), ("SHARED", "TRUE")),
    )


def test_statements_are_separated_by_semicolons_and_comments_are_not_read() -> None:
    found = parse("; show streams; -- what there is; more\n DESCRIBE TABLE t; /* a ; b */ drop stream `my-s`;")

    assert found == (Show("stream"), Describe("table", "t"), Drop("stream", "my-s"))


def test_what_follows_the_semicolon_of_a_rule_is_not_read() -> None:
    assert parse_rule('SELECT a, ";" AS s FROM demo; anything at all').items[0] == SelectItem(Name(("a",)))


def test_a_rule_is_a_select() -> None:
    with pytest.raises(ParseError, match="is not a select statement") as caught:
        parse_rule("SHOW STREAMS")
    assert caught.value.hint == "a rule starts with SELECT"


def test_nodes_know_where_they_stood() -> None:
    found = parse_rule("SELECT a,\n  b + 1 AS c FROM demo")

    assert [item.place for item in found.items] == [Place(1, 8), Place(2, 3)]


# ---- values from Python


def test_a_placeholder_becomes_a_literal_and_never_text() -> None:
    values = {"limit": 3, "name": '"; DROP STREAM demo', "many": [1, 2], "at": datetime(2024, 1, 1, tzinfo=UTC)}

    found = parse_rule(
        "SELECT {{limit}} AS n FROM demo WHERE s = {{name}} AND i IN {{many}} AND t > {{at}}", values.__getitem__
    )

    assert found.items[0].value == Constant(3)
    assert printed(found.where) == (  # type: ignore[arg-type]
        '((s = "\\"; DROP STREAM demo") AND (i IN (1, 2))) AND (t > 1704067200000)'
    )


@pytest.mark.parametrize("value", [None, object(), [1], {"a": 1}])
def test_a_value_that_is_no_literal_is_refused_in_a_placeholder(value: object) -> None:
    with pytest.raises(ParseError):
        parse("SELECT {{x}} FROM demo", lambda text: value)


def test_members_of_a_struct_may_have_defaults() -> None:
    (create,) = parse('CREATE STREAM s (a STRUCT(w BIGINT DEFAULT 7, x STRING)) WITH (DATASOURCE="s")')
    assert isinstance(create, Create)
    assert create.columns[0].type == StructOf((("w", BIGINT), ("x", STRING)), (("w", 7),))


# ---- refusals


@pytest.mark.parametrize(
    ("text", "place", "found", "hint"),
    [
        ("SELECT a b FROM demo", (1, 10), "b", "an alias needs AS"),
        ("SELECT a FROM demo d", (1, 20), "d", "an alias needs AS: AS d"),
        ("SELECT a <> 1 FROM demo", (1, 11), ">", "write != for"),
        ("SELECT a == 1 FROM demo", (1, 11), "=", "write = for"),
        ("SELECT a IS NULL FROM demo", (1, 10), "IS", "write isnull(x) = TRUE"),
        ("SELECT a FROM demo WHERE a IS NOT NULL", (1, 28), "IS", "write isnull(x) = TRUE"),
        ("SELECT DISTINCT a FROM demo", (1, 17), "a", "there is no DISTINCT"),
        ("SELECT a || b FROM demo", (1, 11), "|", "write concat(a, b)"),
        ("SELECT a FROM demo WHERE a = 1 && b = 2", (1, 33), "&", "write AND"),
        ("SELECT a FROM demo LEFT OUTER JOIN t ON a = b", (1, 25), "OUTER", "LEFT JOIN"),
        ("SELECT a FROM demo LIMIT 5 OFFSET 2", (1, 28), "OFFSET", "there is no OFFSET"),
        ("SELECT a AS from FROM demo", (1, 13), "from", "back-quote it"),
        ('SELECT a AS "b" FROM demo', (1, 13), '"b"', "cannot name a column or alias"),
        ("SELECT a FROM demo LIMIT x", (1, 26), "x", "a number"),
        ("SHOW STREAM", (1, 6), "STREAM", "STREAMS or TABLES"),
        ('CREATE STREAM x (a BIGINTT) WITH (DATASOURCE="x")', (1, 20), "BIGINTT", "did you mean BIGINT?"),
        ('CREATE STREAM x (a INTEGER) WITH (DATASOURCE="x")', (1, 20), "INTEGER", "did you mean BIGINT?"),
        ('CREATE STREAM x (a ?) WITH (DATASOURCE="x")', (1, 20), "?", "expected a type (BIGINT"),
        ("SELECT count(*) FORM demo", (1, 17), "FORM", "did you mean FROM?"),
        ("SELECT a FROM demo WHRE a > 1", (1, 20), "WHRE", "did you mean WHERE?"),
        ("SELECT a FROM demo GROUPBY a", (1, 20), "GROUPBY", "did you mean GROUP?"),
        ("SELECT +12 FROM demo", (1, 8), "+", "expected"),
    ],
)
def test_a_wrong_sentence_is_pointed_at_with_what_would_have_worked(
    text: str, place: tuple[int, int], found: str, hint: str
) -> None:
    error = refusal(text)

    assert ((error.line, error.column), error.message) == (place, f'found "{found}", which does not fit here')
    assert hint in error.hint


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("SELECT a FROM demo\nWHERE a >", (2, 10), "the statement ends too early", "expected"),
        ("SELECT a FROM", (1, 14), "the statement ends too early", "a stream name"),
        ("SELECT count(a FROM demo GROUP BY TUMBLINGWINDOW(ss, 10", (1, 16), 'found "FROM", which', "expected ), OR"),
        ("SELECT abs(a, b", (1, 16), "the statement ends too early", "a comma"),
        ("", (1, 1), "there is no statement", "SELECT"),
        (" ; ", (1, 3), "there is no statement", "SELECT"),
    ],
)
def test_a_sentence_without_an_end_is_told_apart(text: str, place: tuple[int, int], message: str, hint: str) -> None:
    error = refusal(text)

    assert (error.line, error.column) == place
    assert error.message.startswith(message)
    assert hint in error.hint


def test_the_caret_stands_under_the_place() -> None:
    error = refusal("SELECT a\nFROM demo\nWHERE a <> 1")

    assert error.caret() == "WHERE a <> 1\n         ^"
    assert str(error).splitlines()[1:3] == ["WHERE a <> 1", "         ^"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a NOT IN () FROM demo",
        "SELECT a IN (1,) FROM demo",
        "SELECT NOT a FROM demo",
        "SELECT FROM demo",
        "SELECT a, FROM demo",
        "SELECT a FROM demo WHERE",
        "SELECT a FROM demo GROUP a",
        "SELECT abs(a,,) FROM demo",
        'SELECT "\\q" FROM demo',
        'SELECT "\\\'" FROM demo',
        'SELECT "a\nb" FROM demo',
        'SELECT "open FROM demo',
        "SELECT v[1:1] FROM demo",
        "SELECT v[0:0] FROM demo",
        "SELECT v[:0] FROM demo",
        "SELECT v[2:1] FROM demo",
        "SELECT v[1 + 1] FROM demo",
        "SELECT CASE END FROM demo",
        "SELECT CASE WHEN a > 1 THEN 2 FROM demo",
        'SELECT a->"key" FROM demo',
        "SELECT a->1 FROM demo",
        "CREATE STREAM x (s STRUCT()) WITH (DATASOURCE='x')",
        "CREATE STREAM x (a BIGINT DATASOURCE='x')",
        "CREATE VIEW x AS SELECT 1",
        "UPDATE demo SET a = 1",
    ],
)
def test_what_the_dialect_does_not_have_is_refused_with_a_place(text: str) -> None:
    error = refusal(text)

    assert error.line is not None
    assert error.column is not None
    assert error.statement == text


@pytest.mark.parametrize("text", ["v[n + 1]", "v[(1)]", "v[1:-3]", "v[-2:-1]", "v[:]", "v[n:n]"])
def test_indexes_and_slices_are_expressions(text: str) -> None:
    assert printed(expression(text)) == text  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [r"'\ud83d'", r"'\U00110000'", "'\ud83d'", "`\ud83d`"])
def test_half_a_character_is_refused(text: str) -> None:
    assert "character" in refusal(f"SELECT {text} AS r FROM demo").message
