"""msgpack-rpc against a real server: by a schema, or any method."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kuiper_nb import Session
from kuiper_nb.contracts import Call
from kuiper_nb.errors import ServiceError

from . import servers
from .conftest import house


def no(*_: object) -> None:
    raise ValueError("no such room")


@pytest.fixture
def server() -> Iterator[servers.MsgpackRpc]:
    started = servers.MsgpackRpc(
        {
            "Hello": lambda name, age, marks: {"text": f"hi {name}", "long_number": age},
            "getFeature": lambda image: {"feature": [{"type": "cat", "score": len(image)}]},
            "Find": no,
            "Text": lambda text: text.upper(),
            "Put": lambda *_: {"text": 1},
            "add": lambda a, b: a + b,
            "Tally": lambda: 7,
        }
    )
    yield started
    started.close()


def test_fields_are_arguments_and_the_answer_has_types(session: Session, server: servers.MsgpackRpc) -> None:
    service = house(session, "msgpack-rpc", f"tcp://127.0.0.1:{server.port}")

    assert service.call("Hello", "ann", 3, [1.5]) == {"text": "hi ann", "long_number": 3}
    assert service.call("Text", "abc") == "ABC"
    assert service.call("getFeature", b"abcd") == {"feature": [{"type": "cat", "score": 4.0}]}
    assert service.call("Tally") == 7
    assert server.asked[0] == ("Hello", ["ann", 3, [1.5]])
    assert server.asked[-1] == ("Tally", [])


def test_what_fails_is_told(session: Session, server: servers.MsgpackRpc) -> None:
    service = house(session, "msgpack-rpc", f"tcp://127.0.0.1:{server.port}")

    with pytest.raises(ServiceError, match="no such room"):
        service.call("Find", "a", 1, "b", {"first_name": "x"})
    with pytest.raises(ServiceError, match=r"\$\.text: expected STRING, got 1"):
        service.call("Put", {"name": "x"}, True, [])


def test_without_a_schema_any_method_may_be_called(session: Session, server: servers.MsgpackRpc) -> None:
    text = (
        f"interfaces: {{rpc: {{address: 'tcp://127.0.0.1:{server.port}', protocol: msgpack-rpc, schemaless: true}}}}\n"
    )

    assert session.services.add(text, "any").call("rpc", "add", 2, 3) == 5


def test_many_calls_are_under_way_on_one_connection(session: Session, server: servers.MsgpackRpc) -> None:
    service = house(session, "msgpack-rpc", f"tcp://127.0.0.1:{server.port}")

    answer = service.answer("Text", Call(([f"text {n}" for n in range(500)],), 500))

    assert answer.values == [f"TEXT {n}" for n in range(500)]
    assert len(server._open) == 1


def test_a_server_that_goes_fails_what_is_under_way(session: Session) -> None:
    server = servers.MsgpackRpc({})
    service = house(session, "msgpack-rpc", f"tcp://127.0.0.1:{server.port}", "{retry: {attempts: 1}}")
    server.close()

    with pytest.raises(ServiceError, match="no connection"):
        service.call("Text", "a")
