"""JSON paths: what they find in a value."""

from __future__ import annotations

from typing import Any

import pytest

from kuiper_nb.errors import RowFault
from kuiper_nb.sql.jsonpath import compile_path

SHOP: dict[str, Any] = {
    "books": [{"t": "A", "p": 8.5, "n": None}, {"t": "B", "p": 12.0}, {"t": "C", "p": 3.0, "x": True}],
    "name": "shop",
    "list": [10.0, 20.0, 30.0],
    "o": {"k-1": 4.0, "i": 2.0},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", SHOP),
        ("$.name", "shop"),
        ('$["name"]', "shop"),
        ("$ . name", "shop"),
        ("name", None),
        ("o.i", None),
        ("list[1]", None),
        ("nowhere.else", None),
        ("name == null", True),
        ("$.books[0]['t']", "A"),
        ('$.o["k-1"]', 4.0),
        ("$.list[1.9]", 20.0),
        ('$.list["1"]', 20.0),
        ("$.list[1+1]", 30.0),
        ("$.list[$.o.i]", 30.0),
        ("$.o[`i`]", 2.0),
        ("$.name(@ == \"shop\")", True),
        ("$.list[0] + 1", 11.0),
        ("-$.list[0]", -10.0),
        ("[$.name, 1]", ["shop", 1.0]),
        ("$.nothing ?? 1", "unknown key nothing"),
        ("null ?? 1", 1.0),
    ],
)  # fmt: skip
def test_a_plain_path_finds_one_value(path: str, expected: Any) -> None:
    assert found(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.books[*].t", ["A", "B", "C"]),
        ("$.books[*].x", [True]),
        ("$.o.*", [4.0, 2.0]),
        ("$..t", ["A", "B", "C"]),
        ("$..[0]", [SHOP["books"][0], 10.0]),
        ('$..["t"]', ["A", "B", "C"]),
        ("$.books[0,2].t", ["A", "C"]),
        ('$.books[1]["t","zz","p"]', ["B", 12.0]),
        ("$.list[0:2]", [10.0, 20.0]),
        ("$.list[1:]", [20.0, 30.0]),
        ("$.list[-1:]", [30.0]),
        ("$.list[:-1]", []),
        ("$.list[::2]", [10.0, 30.0]),
        ("$.list[::-1]", [30.0, 20.0, 10.0]),
        ("$.list[9:]", []),
        ("$.o[0:1]", []),
        ("$.list[0:1][0]", []),
        ("$.missing[*].x", []),
        ("$.list[*](@ > 15)", [False, True, True]),
    ],
)
def test_a_path_with_choices_finds_an_array(path: str, expected: Any) -> None:
    assert found(path) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("(@.p > 5)", ["A", "B"]),
        ("@.p > 5", ["A", "B"]),
        ("(@.p > 5 && @.t == \"B\")", ["B"]),
        ("(@.p > 10 || @.x)", ["B", "C"]),
        ("(@.x)", ["C"]),
        ("(!@.x)", []),
        ("(@.x == true)", ["C"]),
        ("(@.n == null)", ["A"]),
        ("(@.t == 'A')", ["A"]),
        ('(@.t > "A")', ["B", "C"]),
        ('(@.p == "12")', ["B"]),
        ('(@.t =~ "^[AB]$")', ["A", "B"]),
        ('(@.t !~ "A")', ["B", "C"]),
        ('(@.t in ["A", "C"])', ["A", "C"]),
        ("(@.p % 2 == 0)", ["B"]),
        ("(@.p * 2 - 1 >= 16)", ["A", "B"]),
        ("(@.p ** 2 < 10)", ["C"]),
        ("(@.p > $.list[0])", ["B"]),
        ("(-@.p < -5)", ["A", "B"]),
        ("(@.missing != 1)", []),
        ("(@.p / 0 > 1)", ["A", "B", "C"]),
    ],
)  # fmt: skip
def test_a_filter_keeps_what_its_condition_holds_for(condition: str, expected: Any) -> None:
    assert found(f"$.books[?{condition}].t") == expected


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("$.missing", "unknown key missing"),
        ("$.list[3]", "index 3 out of bounds"),
        ("$.list[-1]", "index -1 out of bounds"),
        ("$.list.x", "could not select value, invalid key: expected number but got x (string)"),
        ("$.name.x", "unsupported value type string for select, expected map[string]interface{} or []interface{}"),
        ("$.k-1", "unknown key k"),
        ("name.", "parsing error: name.: unexpected end, expected a name"),
        ("!$.name", "unexpected shop expected bool"),
        ("$.name - 1", "invalid operation (string) - (float64)"),
        ("null > 1", "invalid operation (<nil>) > (float64)"),
        ('"x" && true', "invalid operation (string) && (bool)"),
    ],
)
def test_what_is_not_there_is_a_fault(path: str, message: str) -> None:
    assert found(path) == message


@pytest.mark.parametrize(
    "path",
    ["", "$.", "$[", "$[]", "$.list[", "$.list[0", "$...t", "$.a b", "$.2", "$.a.length()", "$[0,1:2]", "$[1:2:3:4]",
     "$..[0:1]", "$['name']", "$[?(@.t=='AB')]", "$[?(@.p>5]", "length($)", "$ $", "'", "1 and 2"],
)  # fmt: skip
def test_what_is_no_path_is_a_fault(path: str) -> None:
    with pytest.raises(RowFault, match=r"^parsing error: "):
        compile_path(path)


def found(path: str) -> Any:
    """What the path finds in the shop, or why it does not."""
    try:
        return compile_path(path)(SHOP)
    except RowFault as fault:
        return fault.message
