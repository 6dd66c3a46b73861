"""What may come next in an unfinished statement. The place is where the ┃ stands."""

from __future__ import annotations

import pytest

from kuiper_nb.sql.expected import Expected, expected, spelled


def at(text: str) -> Expected | None:
    return expected(text.replace("┃", ""), text.index("┃"))


def found(text: str) -> Expected:
    wanted = at(text)
    assert wanted is not None
    return wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("┃", ("CREATE", "DESCRIBE", "DROP", "SELECT", "SHOW")),
        ("SHOW ┃", ("STREAMS", "TABLES")),
        ("DROP ┃", ("STREAM", "TABLE")),
        ("CREATE STREAM demo (a ┃", ("ARRAY", "BIGINT", "FLOAT", "STRING", "DATETIME", "BOOLEAN", "BYTEA", "STRUCT")),
        ("CREATE STREAM demo (a BIGINT) ┃", ("WITH",)),
        ("SELECT a FROM demo GROUP BY TUMBLINGWINDOW(┃", ("SS", "MS", "MI", "HH", "DD")),
        ("SELECT lag(a) OVER (┃", ("PARTITION BY", "WHEN")),
        ("SELECT a FROM demo; ┃", ("CREATE", "DESCRIBE", "DROP", "SELECT", "SHOW")),
    ],
)
def test_words_are_those_that_the_grammar_accepts(text: str, words: tuple[str, ...]) -> None:
    assert found(text).words == words


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("SELECT ┃", "expression"),
        ("SELECT a, te┃ FROM demo", "expression"),
        ("SELECT avg(┃) FROM demo", "expression"),
        ("SELECT * FROM demo WHERE ┃", "expression"),
        ("SELECT * EXCEPT (┃) FROM demo", "column"),
        ("SELECT * FROM ┃", "source"),
        ("SELECT * FROM a INNER JOIN ┃", "source"),
        ("DROP STREAM ┃", "stream"),
        ("DESCRIBE TABLE ┃", "table"),
        ("CREATE STREAM demo () WITH (┃", "option"),
        ('CREATE STREAM demo () WITH (TYPE="memory", ┃)', "option"),
        ("CREATE STREAM demo () WITH (TYPE=┃)", "value"),
        ('CREATE STREAM demo () WITH (TYPE="me┃', "value"),
        ("SELECT a AS ┃", ""),
        ("CREATE STREAM ┃", ""),
        ("SELECT a->┃", ""),
    ],
)
def test_the_slot_says_what_kind_of_name_fits(text: str, slot: str) -> None:
    assert found(text).slot == slot


@pytest.mark.parametrize("text", ["SELECT a, FROM demo WHERE ┃", "SELECT ) FROM demo WHERE x > ┃"])
def test_what_is_wrong_before_the_place_does_no_harm(text: str) -> None:
    assert found(text).slot == "expression"


def test_behind_a_mistake_streams_still_follow_from() -> None:
    assert found("SELECT a, FROM ┃").slot == "source"


@pytest.mark.parametrize(
    "text", ["SELECT {{x┃", "SELECT 1 -- and ┃", "SELECT /* ┃ */ 1", "SELECT 'a text ┃", "SELECT 3┃", "SELECT 3.5┃"]
)
def test_nothing_fits_in_comments_texts_numbers_and_placeholders(text: str) -> None:
    assert at(text) is None


def test_the_word_that_is_typed_is_told_apart_from_its_qualifier() -> None:
    wanted = found("SELECT d.te┃ FROM demo AS d")

    assert (wanted.qualifier, wanted.typed, wanted.words) == ("d", "te", ())


def test_sources_are_known_by_alias_and_by_name_also_from_behind_the_place() -> None:
    assert found("SELECT ┃ FROM demo AS d INNER JOIN `odd one` ON d.a = 1").sources == (
        ("d", "demo"), ("demo", "demo"), ("odd one", "odd one"),
    )  # fmt: skip


def test_a_from_in_a_text_or_comment_reads_nothing() -> None:
    assert found('SELECT "from a", ┃ -- from b\nFROM demo').sources == (("demo", "demo"),)


def test_each_statement_stands_for_itself() -> None:
    wanted = found('DROP STREAM a; SELECT "x;y", ┃ FROM b; DROP STREAM c')

    assert (wanted.slot, wanted.sources) == ("expression", (("b", "b"),))


def test_a_value_knows_its_key_the_other_options_and_the_columns() -> None:
    wanted = found('CREATE STREAM x (a BIGINT, `b c` ARRAY(FLOAT)) WITH (TYPE="file", timestamp="┃", FORMAT="json")')

    assert (wanted.option, wanted.typed, wanted.declared) == ("TIMESTAMP", '"', ("a", "b c"))
    assert dict(wanted.options) == {"TYPE": "file", "TIMESTAMP": "", "FORMAT": "json"}


def test_windows_fit_in_group_by_alone() -> None:
    assert found("SELECT a FROM demo GROUP BY b, ┃").windows
    assert not found("SELECT ┃ FROM demo").windows


def test_names_are_spelled_so_that_they_can_be_read_back() -> None:
    assert [spelled(name) for name in ("device", "odd one", "select", "ü")] == [
        "device",
        "`odd one`",
        "`select`",
        "`ü`",
    ]


def test_no_place_of_any_text_makes_it_raise() -> None:
    text = (
        'CREATE STREAM x (a BIGINT) WITH (TYPE="m", EXTRA=\'{"a": 1}\'); SELECT `a b`, {{x}} -- c\nFROM x GROUP BY )('
    )

    for offset in range(len(text) + 1):
        expected(text, offset)
