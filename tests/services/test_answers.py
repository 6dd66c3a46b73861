"""Answers of any kind: what they become has the types of the schema, or the row fails with the place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from kuiper_nb.services import messages
from kuiper_nb.services.answers import plain, typed
from kuiper_nb.services.protocol import CallFailed, Reply
from kuiper_nb.services.schema import compiled

from ..generated import cases
from .test_messages import PROTO

ALL = compiled("", PROTO, []).rpcs[0].output
_F = FieldDescriptor
WHOLE = {_F.CPPTYPE_INT32, _F.CPPTYPE_INT64, _F.CPPTYPE_UINT32, _F.CPPTYPE_UINT64, _F.CPPTYPE_ENUM}
JSON = "application/json"

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6), st.sampled_from(["RED", "7", "-1", "AAE=", "1e3", "NaN", "2024-01-01T00:00:00Z"]),
)  # fmt: skip
NAMES = [name for field in ALL.fields for name in (field.name, field.json_name)]
names = st.sampled_from([*NAMES, "name", "else", ""])


def any_json() -> st.SearchStrategy[Any]:
    """Any JSON, much of it under names that the schema has."""
    nested = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=12
    )
    return nested | st.dictionaries(names, leaves | st.lists(leaves, max_size=2), max_size=3)


def reply(body: bytes, kind: str = JSON) -> Reply:
    return Reply(200, (body,), {"content-type": kind})


def outcome(read: Callable[[], Any]) -> Any:
    """What is read, or why it cannot be."""
    try:
        return read()
    except CallFailed as failed:
        return failed


def misfits(descriptor: Any, value: Any, place: str = "$") -> list[str]:
    """The places where *value* is not what SQL has for the schema."""
    if not isinstance(value, dict):
        return [f"{place}: {value!r}"]
    known = {field.name: field for field in descriptor.fields}
    found = [f"{place}.{name}: unknown" for name in value if name not in known]
    for name, item in value.items():
        if name in known:
            found += _misfits(known[name], item, f"{place}.{name}")
    return found


def _misfits(field: Any, value: Any, place: str) -> list[str]:
    if value is None:
        return []
    if messages.is_map(field):
        inner = field.message_type.fields_by_name["value"]
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            return [f"{place}: {value!r}"]
        return [why for key, item in value.items() for why in _one(inner, item, f"{place}.{key}")]
    if field.is_repeated:
        if not isinstance(value, list):
            return [f"{place}: {value!r}"]
        return [why for number, item in enumerate(value) for why in _one(field, item, f"{place}[{number}]")]
    return _one(field, value, place)


def _one(field: Any, value: Any, place: str) -> list[str]:
    if value is None:
        return []
    if field.message_type is not None:
        if messages.is_wrapper(field.message_type):
            return _one(field.message_type.fields[0], value, place)
        if field.message_type.full_name.startswith("google.protobuf."):
            return []  # any JSON
        return misfits(field.message_type, value, place)
    if field.type == _F.TYPE_BYTES:
        right = type(value) is bytes
    elif field.cpp_type in WHOLE:
        right = type(value) is int and -(2**63) <= value < 2**64
    elif field.cpp_type in (_F.CPPTYPE_DOUBLE, _F.CPPTYPE_FLOAT):
        right = type(value) is float
    else:
        right = type(value) is {_F.CPPTYPE_BOOL: bool, _F.CPPTYPE_STRING: str}[field.cpp_type]
    return [] if right else [f"{place}: {value!r}"]


@settings(max_examples=cases(400))
@given(any_json())
def test_any_json_becomes_what_the_schema_says_or_fails_with_its_place(value: Any) -> None:
    found = outcome(lambda: typed(reply(json.dumps(value).encode()), ALL))

    if isinstance(found, CallFailed):
        assert (found.kind, found.place[:1]) == ("garbage", "$")
        assert found.message.startswith((found.place, "the answer is no JSON"))
    else:
        assert misfits(ALL, found) == []


@settings(max_examples=cases(400))
@given(
    st.binary(max_size=40) | any_json().map(lambda value: json.dumps(value).encode()[:-1]),
    st.sampled_from([JSON, "text/plain", "text/html", "application/json; charset=utf-16", "x/y; charset=\x00", ""]),
)
def test_any_bytes_become_a_value_or_a_failure(body: bytes, kind: str) -> None:
    for found in (outcome(lambda: typed(reply(body, kind), ALL)), outcome(lambda: plain(reply(body, kind)))):
        if isinstance(found, CallFailed):
            assert found.kind == "garbage"
        else:
            json.dumps(found, default=repr)  # it is data, whatever it is


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ('{"i": 1e300}', "$.i: expected BIGINT, got 1e+300"),
        ('{"i": true}', "$.i: expected BIGINT, got true"),
        ('{"i": "1"}', '$.i: expected BIGINT, got "1"'),
        ('{"i": [1]}', "$.i: expected BIGINT, got [1]"),
        ('{"i": 18446744073709551616}', "$.i: expected BIGINT, got 18446744073709551616"),
        ('{"counts": {"x": -9223372036854775809}}', "$.counts.x: expected BIGINT, got -9223372036854775809"),
        ('{"u": "1.0"}', '$.u: expected BIGINT, got "1.0"'),
        ('{"u": ""}', '$.u: expected BIGINT, got ""'),
        ('{"f": "0.5"}', '$.f: expected DOUBLE, got "0.5"'),
        ('{"f": false}', "$.f: expected DOUBLE, got false"),
        ('{"b": "%%%"}', '$.b: expected BYTEA in base64, got "%%%"'),
        ('{"b": 1}', "$.b: expected STRING, got 1"),
        ('{"t": 1}', "$.t: expected BOOLEAN, got 1"),
        ('{"t": "true"}', '$.t: expected BOOLEAN, got "true"'),
        ('{"colour": "BLUE"}', '$.colour: expected BIGINT, got "BLUE"'),
        ('{"inner": []}', "$.inner: expected STRUCT, got []"),
        ('{"inner": {"name": 1}}', "$.inner.name: expected STRING, got 1"),
        ('{"inner": {"inner": {"inner": {"name": {}}}}}', "$.inner.inner.inner.name: expected STRING, got {}"),
        ('{"inners": {}}', "$.inners: expected ARRAY, got {}"),
        ('{"inners": [{"name": "a"}, 2]}', "$.inners[1]: expected STRUCT, got 2"),
        ('{"inners": [{"name": "a"}, {"name": false}]}', "$.inners[1].name: expected STRING, got false"),
        ('{"counts": []}', "$.counts: expected STRUCT, got []"),
        ('{"counts": {"x": "many"}}', '$.counts.x: expected BIGINT, got "many"'),
        ('{"by_number": {"7": 1}}', "$.by_number.7: expected STRUCT, got 1"),
        ('{"byNumber": {"7": {"name": 1}}}', "$.byNumber.7.name: expected STRING, got 1"),
        ('{"text": {"value": "a"}}', '$.text: expected STRING, got {"value": "a"}'),
        ('{"maybe": 1e400}', "the answer is no JSON: 1e400 is beyond all floats"),
        ('{"f": NaN}', "the answer is no JSON: NaN is no number of JSON"),
        ('{"f": Infinity}', "the answer is no JSON: Infinity is no number of JSON"),
        ('{"colours": ["RED", "BLUE"]}', '$.colours[1]: expected BIGINT, got "BLUE"'),
        ("[]", "$: expected STRUCT, got []"),
        ('"text"', '$: expected STRUCT, got "text"'),
        ("null", "$: expected STRUCT, got null"),
        ("7", "$: expected STRUCT, got 7"),
        ("", "the answer is no JSON: Expecting value: line 1 column 1 (char 0)"),
        ("{", "the answer is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("{} {}", "the answer is no JSON: Extra data: line 1 column 4 (char 3)"),
        ("<html></html>", "the answer is no JSON: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(given: str, why: str) -> None:
    with pytest.raises(CallFailed) as failed:
        typed(reply(given.encode()), ALL)

    assert failed.value.message == why


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ('{"i": 3, "I": 4}', {"i": 3}),
        ('{"i": 3.0}', {"i": 3}),
        ('{"u": "18446744073709551615"}', {"u": 2**64 - 1}),
        ('{"u": 9007199254740993}', {"u": 2**53 + 1}),
        ('{"f": 1}', {"f": 1.0}),
        ('{"b": "AAE="}', {"b": b"\x00\x01"}),
        ('{"colour": "RED"}', {"colour": 5}),
        ('{"colour": 77}', {"colour": 77}),
        ('{"i": -1.5, "u": 2.9}', {"i": -1, "u": 2}),
        ('{"inner": null}', {"inner": None}),
        ('{"inners": [null, {}]}', {"inners": [None, {}]}),
        ('{"byNumber": {"7": {"name": "x"}}}', {"by_number": {"7": {"name": "x"}}}),
        ('{"text": "wrapped", "left": "l"}', {"text": "wrapped", "left": "l"}),
        ('{"any": {"a": [1, null]}}', {"any": {"a": [1, None]}}),
        ("{}", {}),
        ('{"nobody": "knows"}', {}),
    ],
)
def test_what_fits_is_taken(given: str, found: dict[str, Any]) -> None:
    assert typed(reply(given.encode()), ALL) == found


def test_nesting_without_end_is_a_failure() -> None:
    for body in (b'{"inner":' * 100_000, b"[" * 100_000 + b"]" * 100_000):
        with pytest.raises(CallFailed, match=r"nested too deeply|no JSON"):
            typed(reply(body), ALL)
