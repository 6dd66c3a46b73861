"""Values as messages and back; and the short way, which must come out as the long one."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuiper_nb.errors import RowFault, ServiceError
from kuiper_nb.services.flat import flat
from kuiper_nb.services.messages import message_of, parameters, value_of
from kuiper_nb.services.schema import compiled

from ..generated import cases

PROTO = """
syntax = "proto3";
import "google/protobuf/wrappers.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/struct.proto";
service S { rpc Call (All) returns (All); rpc Plain (Flat) returns (Flat); }
enum Colour { NONE = 0; RED = 5; }
message Inner { string name = 3; Inner inner = 7; }
message All {
  int32 i = 2; uint64 u = 40; float f = 4; bytes b = 5; bool t = 6; Colour colour = 7; Inner inner = 8;
  repeated Inner inners = 9; map<string, int64> counts = 10; map<int32, Inner> by_number = 11;
  google.protobuf.StringValue text = 12; optional string maybe = 13; oneof one { string left = 14; int64 right = 15; }
  google.protobuf.Timestamp at = 16; google.protobuf.Struct any = 17; repeated Colour colours = 18;
}
message Flat { string some_text = 1; int64 long = 2; int32 short = 3; bool yes = 4; double number = 9; uint32 u = 10; }
"""


@pytest.fixture(scope="module")
def all_of_it() -> Any:
    return compiled("", PROTO, []).rpcs[0].input


@pytest.fixture(scope="module")
def plain() -> Any:
    return compiled("", PROTO, []).rpcs[1].input


@pytest.mark.parametrize(
    "value",
    [
        {"i": 3, "u": 2**63, "f": 0.5, "b": b"\x00\xff", "t": True, "colour": 5},
        {"inner": {"name": "a", "inner": {"name": "b"}}},
        {"inners": [{"name": "a"}, {"name": "b"}], "counts": {"x": 1, "y": 2**60}, "by_number": {"7": {"name": "c"}}},
        {"text": "wrapped", "maybe": "", "left": "l"},
        {"right": 0},
        {"any": {"a": [1, "b", None, {"c": True}]}, "colours": [0, 5]},
    ],
)
def test_what_goes_in_comes_out(all_of_it: Any, value: dict[str, Any]) -> None:
    found = value_of(message_of(all_of_it, [value]))

    assert {name: reduced(found[name], item) for name, item in value.items()} == value


def reduced(found: Any, wanted: Any) -> Any:
    """What was given, of what came: a message has all its fields."""
    if isinstance(wanted, dict):
        return {name: reduced(found[name], item) for name, item in wanted.items()}
    return [reduced(f, w) for f, w in zip(found, wanted, strict=True)] if isinstance(wanted, list) else found


def test_bytea_is_text_where_a_string_is_wanted(all_of_it: Any) -> None:
    found = value_of(message_of(all_of_it, [{"maybe": "é".encode(), "text": b"wrapped"}]))

    assert (found["maybe"], found["text"]) == ("é", "wrapped")


def test_half_a_number_is_cut_to_a_whole_one(all_of_it: Any) -> None:
    found = value_of(message_of(all_of_it, [{"i": -1.9, "u": 2.5, "colour": 1.2}]))

    assert (found["i"], found["u"], found["colour"]) == (-1, 2, 1)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
def test_a_float_that_is_no_number_of_64_bits_is_refused_where_a_whole_one_is_wanted(
    all_of_it: Any, value: float
) -> None:
    for name in ("i", "colour"):
        with pytest.raises(RowFault, match=f"{name}: expected"):
            message_of(all_of_it, [{name: value}])


def test_what_is_not_given_is_zero_or_null_or_not_there(all_of_it: Any) -> None:
    found = value_of(message_of(all_of_it, [{"i": 1}]))

    assert (found["u"], found["b"], found["inners"], found["counts"]) == (0, b"", [], {})
    assert (found["inner"], found["text"], found["maybe"], found["at"]) == (None, None, None, None)
    assert not {"left", "right"} & set(found)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"i": "3"}, "i: expected bigint"),
        ({"i": 2**40}, "i: expected bigint"),
        ({"u": -1}, "u: expected bigint"),
        ({"t": 1}, "t: expected boolean"),
        ({"f": "x"}, "f: expected float"),
        ({"b": "no base64!"}, "illegal string no base64!, must be base64 encoded string"),
        ({"colour": "BLUE"}, "colour: expected one of NONE, RED, or its number"),
        ({"inner": 1}, "inner: expected a struct"),
        ({"maybe": b"\xff"}, "maybe: expected a string, or bytea that is UTF-8"),
        ({"inners": {}}, "inners: expected an array"),
        ({"by_number": {"x": {}}}, "key: expected a whole number"),
    ],
)
def test_what_does_not_fit_is_named(all_of_it: Any, value: dict[str, Any], why: str) -> None:
    with pytest.raises(RowFault, match=why):
        message_of(all_of_it, [value])


def test_types_are_said_in_words(all_of_it: Any) -> None:
    words = {p.name: p.type for p in parameters(all_of_it)}

    assert words["b"] == "bytea"
    assert words["inners"] == "array(struct)"
    assert (words["counts"], words["text"], words["colours"]) == ("struct", "string", "array(bigint)")


VALUES = st.one_of(
    st.none(), st.text(max_size=5), st.integers(-(2**65), 2**65), st.booleans(), st.floats(), st.just(-0.0), st.just({})
)


@settings(max_examples=cases(500), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=st.lists(VALUES, min_size=6, max_size=6))
def test_the_short_way_comes_out_as_the_long_one(plain: Any, arguments: list[Any]) -> None:
    make = flat(plain)
    assert make is not None
    short = make(arguments)
    if short is None:
        return

    long = json_format.MessageToDict(message_of(plain, arguments))
    assert json.dumps(short) == json.dumps({name: long[name] for name in short})
    assert short.keys() == long.keys()
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in short.values())


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ("syntax = 'proto3';\nmessage A { strin x = 1; }\n", '"strin" is not defined', 2),
        ("message {", "Expected message name", 1),
        ("import 'missing.proto';\n", "missing.proto", None),
    ],
)
def test_a_schema_that_is_wrong_says_where(text: str, why: str, line: int | None) -> None:
    with pytest.raises(ServiceError) as error:
        compiled("", text, [])
    assert why in error.value.message
    assert line is None or error.value.line == line
