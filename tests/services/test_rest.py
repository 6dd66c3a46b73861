"""REST: what goes out and what comes back, by a schema or without one, against a real server."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from kuiper_nb import Session
from kuiper_nb.contracts import Call
from kuiper_nb.errors import ServiceError

from .conftest import house, plain
from .servers import Answered, Asked, Http, as_json

Start = Callable[[Callable[[Asked], Answered]], Http]


def told(asked: Asked) -> Answered:
    """What was asked, as the answer."""
    return as_json({"text": f"{asked.method} {asked.path}", "longNumber": "7", "guest": {"firstName": "x", "age": 3}})


@pytest.fixture
def server(http: Start) -> Http:
    return http(told)


def test_the_option_of_an_rpc_says_how_it_is_asked(session: Session, server: Http) -> None:
    service = house(session, "rest", server.url)

    assert service.call("Hello", "ann", 3, [1.5]) == {
        "text": "POST /v1/hello",
        "long_number": 7,
        "guest": {"first_name": "x", "age": 3},
    }
    assert server.asked[0].json == {"firstName": "ann", "age": "3", "marks": [1.5]}
    assert server.asked[0].headers["content-type"] == "application/json"


def test_an_object_is_given_by_the_names_of_the_fields(session: Session, server: Http) -> None:
    house(session, "rest", server.url).call("Hello", {"age": 3.0, "first_name": "ann", "other": 1})

    assert server.asked[0].json == {"firstName": "ann", "age": "3"}


@pytest.mark.parametrize(
    ("function", "given", "asked"),
    [
        ("Find", ["rooms/7", 3, "a b", {"age": 4}], "GET /v1/rooms/7/things/3?part=a+b&guest.age=4"),
        ("Find", [{"id": 3, "part": "x"}], "GET /v1/things/3?part=x"),
        ("Find", ["rooms/ü?", 0, "", None], "GET /v1/rooms/%C3%BC%3F/things/0"),
    ],
)
def test_fields_go_into_the_path_and_the_query(
    session: Session, server: Http, function: str, given: list[object], asked: str
) -> None:
    house(session, "rest", server.url).call(function, *given)

    assert f"{server.asked[0].method} {server.asked[0].path}" == asked


def test_a_field_may_be_the_body_and_another_all_of_the_answer(session: Session, http: Start) -> None:
    server = http(lambda asked: as_json("done"))

    value = house(session, "rest", server.url).call("Put", {"room": "r", "name": "n"}, True, ["a", "b"])

    assert value == {"text": "done"}
    assert server.asked[0].path == "/v1/r/things?force=true&tags=a&tags=b"
    assert server.asked[0].json == {"name": "n"}


def test_without_an_option_the_rpc_is_the_path(session: Session, http: Start) -> None:
    server = http(lambda asked: Answered(body=b"fine", headers={"Content-Type": "text/plain"}))

    assert house(session, "rest", f"{server.url}/base/").call("Text", '{"a": 1}') == "fine"
    assert (server.asked[0].method, server.asked[0].path) == ("POST", "/base/Text")
    assert server.asked[0].body == b'{"a": 1}'


def test_nothing_is_asked_with_nothing(session: Session, http: Start) -> None:
    server = http(lambda asked: as_json(7))

    assert house(session, "rest", server.url).call("Tally") == 7
    assert server.asked[0].body == b""


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "require 3 parameters but none"),
        (["a", 1], "require 3 parameters but only got 2"),
        ([{"other": 1}], "require 3 parameters but only got 1"),
        (["a", "1", []], "age: expected bigint, got"),
        ([1, 1, []], "first_name: expected string, got"),
        (["a", math.inf, []], "age: expected bigint, got"),
        (["a", 1, 2], "marks: expected an array, got"),
    ],
)
def test_arguments_that_do_not_fit_are_told(session: Session, server: Http, given: list[object], why: str) -> None:
    with pytest.raises(ServiceError, match=why):
        house(session, "rest", server.url).call("Hello", *given)
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answered(503, b"busy"), "http executor fails to err http return code: 503 and error message busy"),
        (Answered(headers={"Content-Type": "text/html"}), "unsupported resposne content type text/html"),
        (Answered(body=b"[1]"), r"\$: expected STRUCT, got \[1\]"),
        (Answered(body=b'{"text": 1}'), r"\$\.text: expected STRING, got 1"),
        (Answered(body=b'{"long_number": "n/a"}'), r'\$\.long_number: expected BIGINT, got "n/a"'),
        (Answered(body=b'{"guest": {"marks": [1, "x"]}}'), r'\$\.guest\.marks\[1\]: expected DOUBLE, got "x"'),
        (Answered(body=b'{"text": NaN}'), "NaN is no number of JSON"),
        (Answered(body=b'{"text": "a'), "the answer is no JSON"),
        (Answered(body=b"[" * 100_000), "nested too deeply"),
        (Answered(body=b"\xff"), "the answer is no utf-8"),
        (
            Answered(body=b"{}", headers={"Content-Type": "application/json; charset=klingon"}),
            "the answer is no klingon",
        ),
    ],
)
def test_an_answer_that_is_none_is_told_with_its_place(
    session: Session, http: Start, answer: Answered, why: str
) -> None:
    server = http(lambda asked: answer)

    with pytest.raises(ServiceError, match=why):
        house(session, "rest", server.url, "{retry: {attempts: 1}}").call("Hello", "a", 1, [])


def test_without_a_schema_any_method_and_path_may_be_asked(session: Session, http: Start) -> None:
    server = http(lambda asked: as_json({"n": 1, "big": 2**60 + 1}))
    service = plain(session, server.url)

    assert service.call("ask", "post", "/a", {"x": 1}) == {"n": 1.0, "big": 2**60 + 1}
    service.call("ask", "put", "b", 1, "two")
    service.call("ask", "get", "/c?d=1")

    assert [(a.method, a.path, a.body) for a in server.asked] == [
        ("POST", "/a", b'{"x":1}'),
        ("PUT", "/b", b'[1,"two"]'),
        ("GET", "/c?d=1", b""),
    ]


@pytest.mark.parametrize("given", [[], ["get"], [1, "/"], ["get", 1], ["get", "/../x"], ["get", "/a b"]])
def test_a_method_and_a_path_are_needed(session: Session, server: Http, given: list[object]) -> None:
    with pytest.raises(ServiceError):
        plain(session, server.url).call("ask", *given)
    assert server.asked == []


def test_a_rule_asks_for_its_rows(session: Session, http: Start) -> None:
    server = http(lambda asked: as_json({"text": f"hi {asked.json.get('firstName')}"}))
    house(session, "rest", server.url)
    session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", FORMAT="json")')
    rule = session.rule("SELECT Hello(*)->text AS t FROM demo")

    session.push("demo", [{"first_name": name} for name in ("a", "b", "a", "c")])

    assert [row["t"] for row in rule.emits[0].rows] == ["hi a", "hi b", "hi a", "hi c"]
    assert len(server.asked) == 3  # those that are alike are asked once


def counting(asked: list[Asked]) -> Callable[[Asked], Answered]:
    """Answers how often it was asked, as text."""

    def answer(one: Asked) -> Answered:
        asked.append(one)
        return Answered(body=str(len(asked)).encode(), headers={"Content-Type": "text/plain; charset=utf-8"})

    return answer


def test_a_call_that_tells_nothing_is_made_for_each_row_in_their_order(session: Session, http: Start) -> None:
    server = http(counting([]))
    service = plain(session, server.url)

    asked = Call((["post"] * 20, ["/next"] * 20), 20)

    assert service.answer("ask", asked).values == [float(n) for n in range(1, 21)]
    assert service.answer("ask", Call((["post"] * 20, ["/next"] * 20, [{}] * 20), 20)).values == [21.0] * 20


@pytest.mark.parametrize(("method", "options"), [("get", "{}"), ("post", "{idempotent: true}")])
def test_unless_it_is_safe_to_repeat(session: Session, http: Start, method: str, options: str) -> None:
    server = http(counting([]))

    answer = plain(session, server.url, options).answer("ask", Call(([method] * 20, ["/now"] * 20), 20))

    assert answer.values == [1.0] * 20


def test_a_function_without_parameters_is_asked_for_each_row(session: Session, http: Start) -> None:
    server = http(counting([]))
    text = """
interfaces:
  door:
    address: ADDRESS
    protocol: rest
    schema: |
      syntax = "proto3";
      import "google/protobuf/empty.proto";
      import "google/protobuf/wrappers.proto";
      service Door { rpc Knock (google.protobuf.Empty) returns (google.protobuf.Int64Value); }
"""
    session.services.add(text.replace("ADDRESS", server.url), "door")
    session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", FORMAT="json")')
    rule = session.rule("SELECT Knock() AS n, a FROM demo")

    session.push("demo", [{"a": 1}, {"a": 1}, {"a": 1}])

    assert [row["n"] for row in rule.emits[0].rows] == [1, 2, 3]


@pytest.mark.parametrize(
    ("body", "value"), [(b"true", True), (b"name1", "name1"), (b'{"a": 1}', {"a": 1.0}), (b"", None)]
)
def test_plain_text_is_json_where_it_reads_as_such(session: Session, http: Start, body: bytes, value: Any) -> None:
    server = http(lambda asked: Answered(body=body, headers={"Content-Type": "text/plain; charset=utf-8"}))

    assert plain(session, server.url).call("ask", "post", "/") == value


def test_all_of_a_row_but_some_columns_is_a_body(session: Session, http: Start) -> None:
    server = http(lambda asked: as_json({}))
    plain(session, server.url)
    session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", FORMAT="json")')
    session.rule('SELECT ask("post", "/", * EXCEPT(b) REPLACE(upper(a) AS a)) AS it FROM demo')

    session.push("demo", {"a": "x", "b": "y", "c": "z"})

    assert server.asked[0].json == {"a": "X", "c": "z"}


def test_what_the_service_is_told_stands_in_the_dry_call(session: Session, server: Http) -> None:
    dry = house(session, "rest", server.url, "{headers: {X-Room: kitchen}}").dry("Hello", "ann", 3, [])

    assert dry.request.splitlines()[0] == f"POST {server.url}/v1/hello"
    assert "X-Room: kitchen" in dry.request
    assert json.loads(dry.request.splitlines()[-1]) == {"firstName": "ann", "age": "3"}
    assert dry.reply.startswith("status 200")
    assert server.asked[0].headers["x-room"] == "kitchen"
