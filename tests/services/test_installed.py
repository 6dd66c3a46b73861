"""The services of a session: added, edited while rules run, shadowed, recorded, dropped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kuiper_nb import Session
from kuiper_nb.contracts import Call
from kuiper_nb.errors import CatalogError, KuiperError, ServiceError

from .conftest import PROTO, house, plain, written
from .servers import Answered, Asked, Http, as_json

Start = Callable[[Callable[[Asked], Answered]], Http]


def named(url: str, name: str = "ask") -> str:
    return f"interfaces:\n  {name}: {{address: '{url}', protocol: rest, schemaless: true}}\n"


def edited(file: Path, text: str) -> None:
    """Write a file so that it counts as edited, however coarse the clock of the disk is."""
    before = file.stat().st_mtime_ns
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(before + 1_000_000, before + 1_000_000))


def running(session: Session) -> Callable[[], list[object]]:
    """A rule that asks; answers what a row gets."""
    session.sql('CREATE STREAM demo (a STRING) WITH (TYPE="memory", DATASOURCE="demo", FORMAT="json")')
    rule = session.rule('SELECT ask("get", a) AS f FROM demo', id="asking")

    def push() -> list[object]:
        before = len(rule.emits)
        session.push("demo", {"a": "/"})
        return [row["f"] for emit in list(rule.emits)[before:] for row in emit.rows]

    return push


def test_an_edited_file_counts_from_the_next_batch(session: Session, http: Start, tmp_path: Path) -> None:
    old, new = http(lambda asked: as_json("old")), http(lambda asked: as_json("new"))
    file = written(tmp_path, "sample.yaml", named(old.url))
    service = session.services.add(file)
    push = running(session)
    assert push() == ["old"]

    edited(file, named(new.url))
    asked = len(old.asked)

    assert push() == ["new"]
    assert (len(old.asked), service.generation) == (asked, 2)


def test_an_edit_that_is_wrong_is_told_and_changes_nothing(session: Session, http: Start, tmp_path: Path) -> None:
    server = http(lambda asked: as_json("fine"))
    file = written(tmp_path, "sample.yaml", named(server.url))
    service = session.services.add(file)
    push = running(session)

    edited(file, "interfaces: {ask: {address: 1}}\n")

    assert push() == ["fine"]
    assert (service.status.status, service.generation) == ("error", 1)
    assert "address" in service.status.errMsg
    edited(file, named(server.url))
    assert push() == ["fine"]
    assert service.status.status == "running"


def test_an_edit_may_not_take_away_what_rules_call(session: Session, http: Start, tmp_path: Path) -> None:
    server = http(lambda asked: as_json("fine"))
    file = written(tmp_path, "sample.yaml", named(server.url))
    service = session.services.add(file)
    push = running(session)

    edited(file, named(server.url, "other"))

    assert push() == ["fine"]
    assert "used by rule asking: function ask" in service.status.errMsg


def test_an_edited_schema_counts_too(session: Session, http: Start, tmp_path: Path) -> None:
    server = http(lambda asked: as_json({"text": "x"}))
    proto = written(tmp_path, "schemas/house.proto", PROTO)
    text = f"interfaces: {{house: {{address: '{server.url}', protocol: rest, schemaFile: house.proto}}}}\n"
    service = session.services.add(written(tmp_path, "house.yaml", text))
    assert "Hello" in service.functions

    edited(proto, PROTO.replace("rpc Hello", "rpc Greet"))
    service.refresh()

    assert "Greet" in service.functions
    assert ("Greet" in session.functions, "Hello" in session.functions) == (True, False)


def test_a_name_is_taken_once(session: Session, http: Start, tmp_path: Path) -> None:
    url = http(lambda asked: as_json(1)).url
    file = written(tmp_path, "sample.yaml", named(url))
    session.services.add(file)

    with pytest.raises(ServiceError, match="invalid name sample: duplicate"):
        session.services.add(file)
    assert session.services.add(file, replace=True).generation == 2
    with pytest.raises(ServiceError, match="cannot be called"):
        session.services.add(named(url), "no name")


def test_a_function_has_one_owner_unless_the_user_says_who_wins(session: Session, http: Start) -> None:
    url = http(lambda asked: as_json("service")).url
    session.function(lambda method, path: "python", name="ask")

    with pytest.raises(ServiceError, match="function ask is already defined by Python"):
        session.services.add(named(url), "sample")
    assert "sample" not in session.services

    session.services.add(named(url), "sample", wins=True)
    assert session.functions["ask"].kind == "external"
    session.function(lambda method, path: "python", name="ask")
    assert session.functions["ask"].kind == "native"
    session.drop("service", "sample")
    assert "ask" in session.functions


def test_what_a_schema_brings_along_is_left_to_who_names_it(session: Session, http: Start, tmp_path: Path) -> None:
    url = http(lambda asked: as_json({"text": "x"})).url
    session.function(lambda a: a, name="Text")
    first = house(session, "rest", url, functions="[{name: Hello, serviceName: Hello}]")
    written(tmp_path, "schemas/house.proto", PROTO)
    named_put = "functions: [{name: Put, serviceName: Put}]"
    text = f"interfaces: {{b: {{address: '{url}', protocol: rest, schemaFile: house.proto, {named_put}}}}}\n"

    second = session.services.add(written(tmp_path, "second.yaml", text))

    assert session.functions["Text"].kind == "native"
    assert "Text is not called: that of Python goes before it" in first.status.notes
    assert session.services.owner("Hello") == "house"
    assert session.services.owner("Put") == "second"  # which names it
    assert set(second.functions) == {"Put"}


def test_a_built_in_function_goes_before(session: Session, http: Start) -> None:
    service = session.services.add(named(http(lambda asked: as_json(1)).url, "count"), "sample")

    assert service.functions == {}
    assert "count of count is a built-in function of eKuiper, which goes before it" in service.status.notes


def test_of_two_interfaces_the_one_that_names_a_function_has_it(session: Session, http: Start) -> None:
    first, second = http(lambda asked: as_json({"text": "1"})), http(lambda asked: as_json({"text": "2"}))
    indented = PROTO.replace("\n", "\n      ")
    interface = "  {0}:\n    address: {1}\n    protocol: rest\n    functions: {2}\n    schema: |\n      {3}\n"
    text = "interfaces:\n" + interface.format("a", first.url, "[]", indented)
    text += interface.format("b", second.url, "[{name: Hello, serviceName: Hello}]", indented)

    service = session.services.add(text, "two")

    assert service.call("Hello", "a", 1, [])["text"] == "2"
    service.call("Find", {"room": "rooms/1", "id": 1})
    assert (len(first.asked), len(second.asked)) == (1, 1)


def test_what_a_rule_uses_cannot_be_dropped(session: Session, http: Start) -> None:
    service = plain(session, http(lambda asked: as_json("x")).url)
    push = running(session)
    push()

    with pytest.raises(ServiceError, match="service ask is used by rule asking: function ask"):
        service.drop()
    with pytest.raises(CatalogError, match="function ask is answered by service ask"):
        session.drop("function", "ask")
    session.drop("rule", "asking")
    service.drop()
    assert ("ask" in session.services, "ask" in session.functions) == (False, False)


def test_a_service_that_cannot_be_bound_leaves_nothing(session: Session) -> None:
    for text in (
        "interfaces: {a: {address: 'http://169.254.169.254', protocol: rest, schemaless: true}}\n",
        "interfaces: {a: {address: 'tcp://localhost:1', protocol: grpc}}\n",
        "interfaces: {a: {address: 'tcp://localhost:1', protocol: grpc, schemaFile: missing.proto}}\n",
        "interfaces: {a: {address: 'http://localhost:1', protocol: rest}}\n",
        "interfaces: {a: {address: 'tcp://localhost:1', protocol: grpc, schema: 'message {'}}\n",
    ):
        with pytest.raises(KuiperError):
            session.services.add(text, "broken")
    assert (len(session.services), len(session.functions)) == (0, 0)


def test_what_was_recorded_answers_without_a_network(session: Session, http: Start, tmp_path: Path) -> None:
    server = http(lambda asked: as_json(asked.path) if asked.path != "/2" else Answered(404, b"none"))
    service, tape = plain(session, server.url, "{retry: {attempts: 1}}"), tmp_path / "tapes" / "calls.jsonl"
    call = Call((["get"] * 5, [f"/{n % 3}" for n in range(5)]), 5)

    service.record(tape)
    live = service.answer("ask", call)
    service.live()
    service.replay(tape)
    asked = len(server.asked)
    played = service.answer("ask", call)

    assert (played.values, played.failures) == (live.values, live.failures)
    assert len(server.asked) == asked
    with pytest.raises(ServiceError, match=r"there is no recorded answer for GET /9 in calls\.jsonl"):
        service.call("ask", "get", "/9")


def test_the_same_calls_make_the_same_recording(session: Session, http: Start, tmp_path: Path) -> None:
    server = http(lambda asked: as_json(asked.path))
    tapes = []
    for turn in range(2):
        service, tape = plain(session, server.url), tmp_path / f"{turn}.jsonl"
        service.record(tape)
        paths = [f"/{n}" for n in range(50)]
        service.answer("ask", Call((["get"] * 50, paths if turn else paths[::-1]), 50))
        service.live()
        tapes.append(tape.read_bytes())

    assert tapes[0] == tapes[1]


@pytest.mark.parametrize("text", ["x\n", "{}\n", '{"interface": "a", "target": "b", "body": "c"}\n'])
def test_a_recording_that_is_none_is_told(session: Session, http: Start, tmp_path: Path, text: str) -> None:
    service = plain(session, http(lambda asked: as_json(1)).url)

    with pytest.raises(ServiceError, match="line 1 is no recorded answer"):
        service.replay(written(tmp_path, "calls.jsonl", text))
    with pytest.raises(ServiceError, match="cannot read"):
        service.replay(tmp_path / "missing.jsonl")


def test_the_status_counts_what_has_been_done(session: Session, http: Start) -> None:
    server = http(lambda asked: as_json({"text": "x"}) if b"good" in asked.body else Answered(404, b"no"))
    service = house(session, "rest", server.url)

    service.answer("Hello", Call((["good", "bad", "good"], [1, 1, 1], [[], [], []]), 3))

    (one,) = service.status.interfaces
    assert (one.calls, one.rows, one.errors, one.reachable) == (2, 3, {"status": 1}, True)
    assert "Hello('bad', 1, [])" in one.last_failure
    assert one.p99 >= one.p50 > 0
