"""`{{expression}}` in the SQL of a cell: where it ends, what is said of a wrong one; and what errors call things."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kuiper_nb.errors import ParseError
from kuiper_nb.sql.parser import parse_rule
from kuiper_nb.sql.syntax import Constant

NAMES: dict[str, Any] = {"d": {"a": {"b": 1}}, "n": 3}


def evaluated(expression: str) -> Any:
    return eval(expression, NAMES)


def value(text: str) -> Any:
    found = parse_rule(f"SELECT {text} AS x FROM demo WHERE y = 1", evaluated).items[0].value
    assert isinstance(found, Constant)
    return found.value


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        ('{{ "}}" }}', "}}"),
        ("{{ '}}' }}", "}}"),
        ('{{ {"a":{"b":1}}["a"]["b"] }}', 1),
        ('{{ {"a":{"b":{"c":{"d":2}}}}["a"]["b"]["c"]["d"] }}', 2),
        ('{{ {"a":{"b":{"c":{"d":{"e":{"f":6}}}}}}["a"]["b"]["c"]["d"]["e"]["f"] }}', 6),
        ("{{len(str({1:{2:{3:{4:{5:{6:{7:{8:{}}}}}}}}}))}}", 42),
        ("{{" + "len({**{**{**{**{**{**{}}}}}}})" + "}}", 0),
        ("{{ f'{n}}}' }}", "3}"),
        ('{{ f"{ {1: {2: {3: {4: {5: 0}}}}}[1] }" }}', "{2: {3: {4: {5: 0}}}}"),
        ('{{ """}}\n"}}""" }}', '}}\n"}}'),
        ("{{ r'\\\\' + '}}' }}", "\\" * 2 + "}}"),
        ("{{ (1 +\n 2) }}", 3),
        ("{{ n#}}", 3),
        ("{{ ';' }}", ";"),
        ("{{len({1,2})}}", 2),
        ("{{max({1,2})}}", 2),
        ('{{ "\\"}}" + "{" }}', '"}}{'),
        ("{{n}}", 3),
        ("'{{n}}{{n}}'", "33"),
        ('\'{{ d["a"]["b"] }}\'', "1"),
        ('\'{{ {"a":{"b":1}}["a"]["b"] }} and {{n}}\'', "1 and 3"),
        ("'{{ \"}}\" }}!'", "}}!"),
        ("'{{ {\"a\":1}}}'", "{'a': 1}"),
        ("'{{ never closed'", "{{ never closed"),
    ],
)
def test_a_placeholder_ends_with_its_expression(text: str, worth: Any) -> None:
    assert value(text) == worth


def test_two_placeholders_are_two() -> None:
    found = parse_rule("SELECT {{n}} AS a, {{n + 1}} AS b FROM demo", evaluated)

    assert [item.value for item in found.items] == [Constant(3), Constant(4)]


def test_a_placeholder_in_a_comment_or_a_name_is_none() -> None:
    text = "SELECT a /* {{ nowhere( }} */ AS `{{x}}` -- {{ 1 +\nFROM demo WHERE b = {{ n }}; what follows {{"
    found = parse_rule(text, evaluated)

    assert (found.items[0].alias, found.where.right) == ("{{x}}", Constant(3))  # type: ignore[union-attr]


def test_an_error_behind_a_placeholder_points_at_its_place_in_the_text() -> None:
    with pytest.raises(ParseError) as raised:
        parse_rule("SELECT {{ ({1: {2: {3: {4: {5: {}}}}}} and\n 1) }} AS a FRM demo", evaluated)

    assert (raised.value.line, raised.value.column) == (2, 13)
    assert raised.value.caret() == " 1) }} AS a FRM demo\n            ^"


@pytest.mark.parametrize("text", ["SELECT a {{n + 1}} FROM demo", "SELECT a FROM demo {{n + 1}}"])
def test_a_placeholder_in_the_wrong_place_is_shown_as_written(text: str) -> None:
    with pytest.raises(ParseError) as raised:
        parse_rule(text, evaluated)

    assert raised.value.message == 'found "{{n + 1}}", which does not fit here'


@pytest.mark.parametrize("text", ["{{}}", "{{  }}", "'{{}}'", "'a {{ }} b'"])
def test_an_empty_placeholder_is_refused(text: str) -> None:
    with pytest.raises(ParseError) as raised:
        value(text)

    assert raised.value.message == "an empty {{ }}"
    assert raised.value.hint == "write a Python expression between the braces: {{limit}}"
    assert raised.value.column == 8


@pytest.mark.parametrize("text", ["{{ 1 + }}", "{{ it's }}", "{{ } }}", "'{{ 1 + }}'"])
def test_a_wrong_expression_is_named(text: str) -> None:
    with pytest.raises(ParseError, match=r"^\{\{.*\}\} failed: "):
        value(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("SELECT , FROM demo", "expected (, *, CASE, a column, a value, stream.*"),
        ("SELECT a FROM demo WHERE )", "expected (, CASE, a column, a value"),
        ("SELECT a FROM demo WHERE a IN 3", "expected (, a column, a value"),
        ("SELECT a FROM demo LIMIT x", "expected -, a number"),
        ('CREATE STREAM s () WITH (TYPE , "memory")', "expected ="),
    ],
)
def test_what_was_expected_is_named_as_a_user_would(text: str, hint: str) -> None:
    with pytest.raises(ParseError) as raised:
        parse_rule(text, evaluated)

    assert raised.value.hint == hint


@pytest.mark.parametrize(
    "start", ["SELECT a ", "SELECT a[1 ", "SELECT f(a ", "SELECT * ", "SELECT a FROM demo WHERE a "]
)
@pytest.mark.parametrize("wrong", [")", "]", "?", "4", "{{n}}", ":"])
def test_no_name_of_the_grammar_is_shown(start: str, wrong: str) -> None:
    with pytest.raises(ParseError) as raised:
        parse_rule(start + wrong, evaluated)

    assert not re.search(r"_|PLACEHOLDER|STAR|COLUMN|BANG|[LR]SQB|DOT|COLON|[A-Z]+_OP|ANON|UNIT", raised.value.hint)
