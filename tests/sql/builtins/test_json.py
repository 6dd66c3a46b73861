"""The JSON functions."""

from __future__ import annotations

from typing import Any

import pytest

from .calling import kinds, outcome

SHOP = {"books": [{"t": "A", "p": 8.5}, {"t": "B", "p": 12.0}], "none": None, "empty": [], "o": {}}


def test_a_value_is_written_as_json() -> None:
    assert outcome("to_json", {"b": [1.0, None, True], "a": "<é>"}) == '{"a":"\\u003cé\\u003e","b":[1,null,true]}'
    assert outcome("to_json", float("nan")) == "fault: fail to convert NaN to json"
    assert outcome("to_json", None) is None
    assert outcome("to_json", []) is None


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"a": [1, 2.5]}', {"a": [1.0, 2.5]}),
        (b"[1]", [1.0]),
        ("null", None),
        (None, None),
        ("9007199254740993", 9007199254740992.0),
        (5, "fault: fail to convert 5 to string"),
        ([1], "fault: fail to convert [1] to string"),
    ],
)
def test_json_is_read(document: Any, expected: Any) -> None:
    assert outcome("parse_json", document) == expected


@pytest.mark.parametrize("document", ["", "{", "1e400", "NaN", "01", "1 2"])
def test_what_is_no_json_is_a_fault(document: str) -> None:
    assert outcome("parse_json", document).startswith("fault: fail to parse json: ")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"a": 1}, 1),
        ('{"a": 1}', 1.0),
        ({"a": None}, None),
        ({}, "fault: unknown key a"),
        (None, "fault: invalid data nil for jsonpath"),
        (5, "fault: invalid data 5 for jsonpath"),
        ("{", "fault: data '{' is not a valid json string"),
        ('{"b": 1}', "fault: unknown key a"),
        ([1], "fault: could not select value, invalid key: expected number but got a (string)"),
    ],
)
def test_a_path_is_looked_up(data: Any, expected: Any) -> None:
    assert outcome("json_path_query", data, "$.a") == expected


def test_the_first_of_many_is_taken() -> None:
    assert outcome("json_path_query_first", SHOP, "$.books[?(@.p>5)].t") == "A"
    assert outcome("json_path_query_first", SHOP, "$.books[?(@.p>99)]") == "fault: query result is empty"
    assert outcome("json_path_query_first", SHOP, "$.books[0].t") == "fault: query result (A) is not an array"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.books[0]", True),
        ("$.o", True),
        ("$.none", False),
        ("$.empty", False),
        ("$.missing", False),
        ("$.books[?(@.p>99)]", False),
        ("$[", False),
    ],
)
def test_a_path_exists_when_it_finds_something(path: str, expected: bool) -> None:
    assert outcome("json_path_exists", SHOP, path) is expected


def test_a_path_must_be_a_literal() -> None:
    assert kinds("json_path_query") == ("any", "literal string")
    assert outcome("json_path_query", {}, 5) == "fault: invalid jsonPath, must be a string but got 5"
