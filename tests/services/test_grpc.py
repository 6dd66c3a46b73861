"""gRPC, by a schema or by reflection, against a real server that also fails in every way it can."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc as grpc_library
import pytest
import trustme
from google.protobuf import message_factory
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from kuiper_nb import Session
from kuiper_nb.contracts import Call
from kuiper_nb.errors import ServiceError

from . import servers
from .conftest import house

Start = Callable[..., servers.Grpc]


@pytest.fixture
def made(schema: Any) -> Callable[..., Any]:
    """Makes a message that an rpc answers."""
    outputs = {rpc.name: message_factory.GetMessageClass(rpc.output) for rpc in schema.rpcs}
    return lambda rpc, **fields: outputs[rpc](**fields)


@pytest.fixture
def server(grpc: Start, made: Callable[..., Any]) -> servers.Grpc:
    def feature(asked: Any, context: Any) -> Any:
        return made("getFeature", feature=[{"type": "cat", "score": len(asked.value) / 4}])

    def each(asked: Any, context: Any) -> Any:
        return (made("Each", text=f"{asked.first_name} {n}") for n in range(int(asked.age)))

    return grpc(
        {
            "Hello": lambda asked, context: made("Hello", text=f"hi {asked.first_name}", long_number=2**60),
            "getFeature": feature,
            "Each": each,
            "Tally": lambda asked, context: made("Tally", value=7),
        }
    )


def address(server: servers.Grpc) -> str:
    return f"tcp://localhost:{server.port}"


def test_a_function_of_a_stream_of_images_needs_no_code(session: Session, server: servers.Grpc) -> None:
    house(session, "grpc", address(server))
    session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", FORMAT="BINARY")')
    rule = session.rule("SELECT getFeature(self) FROM demo")

    session.push("demo", b"\xff\xd8 an image")

    assert [list(row.values()) for emit in rule.emits for row in emit.rows] == [
        [{"feature": [{"type": "cat", "score": 2.75}]}]
    ]


def test_values_go_and_come_by_the_schema(session: Session, server: servers.Grpc) -> None:
    service = house(session, "grpc", address(server), functions="[{name: greet, serviceName: Hello}]")

    assert service.call("greet", "ann", 3, [1, 2.5]) == {"text": "hi ann", "long_number": 2**60, "guest": None}
    assert service.call("greet", {"first_name": "bob"})["text"] == "hi bob"
    assert service.call("Tally") == 7
    assert "Hello" not in service.functions


def test_a_stream_of_answers_is_an_array(session: Session, server: servers.Grpc) -> None:
    service = house(session, "grpc", address(server))

    assert [each["text"] for each in service.call("Each", "a", 3, [])] == ["a 0", "a 1", "a 2"]
    assert service.operation("Each").returns == "array(struct)"
    assert "Talk" not in service.functions  # it takes a stream


def test_a_server_says_what_it_offers(session: Session, grpc: Start, schema: Any, made: Callable[..., Any]) -> None:
    server = reflecting(grpc, schema, {"Hello": lambda asked, context: made("Hello", text="hi")})
    text = f"interfaces: {{house: {{address: 'tcp://127.0.0.1:{server.port}', protocol: grpc, reflection: true}}}}\n"

    service = session.services.add(text, "told")

    assert service.call("Hello", "a", 1, [])["text"] == "hi"
    assert {"Hello", "Each", "Tally"} <= set(service.functions)


def reflecting(grpc: Start, schema: Any, answers: Any) -> servers.Grpc:
    """A server with reflection over the pool of the schema."""
    pool = schema.rpcs[0].input.file.pool
    servicer = reflection.ReflectionServicer(["house.House"], pool=pool)
    return grpc(
        answers,
        prepare=lambda server: reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server),
    )


def test_a_server_that_does_not_say_is_told(session: Session, server: servers.Grpc) -> None:
    text = f"interfaces: {{house: {{address: 'tcp://127.0.0.1:{server.port}', protocol: grpc, reflection: true}}}}\n"

    with pytest.raises(ServiceError, match="the server does not say what it offers"):
        session.services.add(text, "silent")
    assert "silent" not in session.services


@pytest.mark.parametrize(
    ("code", "why", "kind"),
    [
        ("NOT_FOUND", "not found: no such room", "status"),
        ("PERMISSION_DENIED", "permission denied: no such room", "auth"),
        ("INTERNAL", "internal: no such room", "status"),
    ],
)
def test_a_refusal_is_told_in_words(session: Session, grpc: Start, code: str, why: str, kind: str) -> None:
    server = grpc({"Hello": lambda asked, context: context.abort(grpc_library.StatusCode[code], "no such room")})
    service = house(session, "grpc", address(server))

    with pytest.raises(ServiceError, match=why):
        service.call("Hello", "a", 1, [])
    assert service.status.errors == {kind: 1}


def test_what_a_server_does_not_have_is_told(session: Session, server: servers.Grpc) -> None:
    with pytest.raises(ServiceError, match="unimplemented"):
        house(session, "grpc", address(server)).call("Text", "a")


def test_an_answer_that_is_too_long_is_refused(session: Session, grpc: Start, made: Callable[..., Any]) -> None:
    server = grpc({"Hello": lambda asked, context: made("Hello", text="x" * 10_000)})

    with pytest.raises(ServiceError, match="longer than maxResponse, 1,024 bytes"):
        house(session, "grpc", address(server), "{maxResponse: 1KiB}").call("Hello", "a", 1, [])


def test_an_answer_that_is_no_message_is_told(session: Session, grpc: Start) -> None:
    server = grpc({"Hello": lambda asked, context: b"\xff\xff\xff"})

    with pytest.raises(ServiceError, match="the answer is no Greeting"):
        house(session, "grpc", address(server)).call("Hello", "a", 1, [])


def test_the_deadline_is_kept_and_told_to_the_server(session: Session, grpc: Start) -> None:
    left: list[float] = []
    over = threading.Event()

    def slow(asked: Any, context: Any) -> Any:
        left.append(context.time_remaining())
        over.wait(10)
        return b""

    server = grpc({"Hello": slow})
    began = time.monotonic()
    with pytest.raises(ServiceError, match="no answer within"):
        house(session, "grpc", address(server), "{deadline: 300ms}").call("Hello", "a", 1, [])
    took = time.monotonic() - began
    over.set()

    assert took < 2
    assert left[0] <= 0.5


def test_metadata_goes_with_each_call(session: Session, grpc: Start, made: Callable[..., Any]) -> None:
    seen: list[dict[str, Any]] = []

    def hello(asked: Any, context: Any) -> Any:
        seen.append(dict(context.invocation_metadata()))
        return made("Hello", text="hi")

    options = "{headers: {X-Room: kitchen}, auth: {bearer: a-token}}"
    house(session, "grpc", address(grpc({"Hello": hello})), options).call("Hello", "a", 1, [])

    assert (seen[0]["x-room"], seen[0]["authorization"]) == ("kitchen", "Bearer a-token")


def test_a_server_that_is_not_there_fails_every_row(session: Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    service = house(session, "grpc", f"tcp://127.0.0.1:{port}", "{deadline: 500ms}")

    answer = service.answer("Tally", Call((), 3))

    assert len(answer.failures) == 3
    assert f"no connection to 127.0.0.1:{port}" in answer.failures[0].message or "within" in answer.failures[0].message
    assert service.status.interfaces[0].reachable is False


def test_a_server_that_starts_again_is_found_again(session: Session, schema: Any, made: Callable[..., Any]) -> None:
    answers = {"Hello": lambda asked, context: made("Hello", text="hi")}
    server = servers.Grpc(schema, answers)
    service = house(session, "grpc", f"tcp://127.0.0.1:{server.port}", "{idempotent: true, deadline: 10s}")
    assert service.call("Hello", "a", 1, [])["text"] == "hi"

    for _ in range(3):
        server.close()
        server = servers.Grpc(schema, answers, port=server.port)
        assert service.call("Hello", "a", 1, [])["text"] == "hi"
    server.close()


# ---- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def secured(authority: trustme.CA, *names: str) -> grpc_library.ServerCredentials:
    """What a server shows."""
    made = authority.issue_cert(*names)
    chain = b"".join(part.bytes() for part in made.cert_chain_pems)
    return grpc_library.ssl_server_credentials([(made.private_key_pem.bytes(), chain)])


@pytest.mark.parametrize("scheme", ["grpcs", "tcp"])
def test_a_private_authority_is_believed(
    session: Session, grpc: Start, made: Callable[..., Any], authority: trustme.CA, tmp_path: Path, scheme: str
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    answers = {"Hello": lambda asked, context: made("Hello", text="hi")}
    server = grpc(answers, credentials=secured(authority, "localhost"))

    service = house(session, "grpc", f"{scheme}://localhost:{server.port}", f"{{tls: {{ca: '{tmp_path / 'ca.pem'}'}}}}")

    assert service.call("Hello", "a", 1, [])["text"] == "hi"


@pytest.mark.parametrize("names", [("elsewhere.example",), ("localhost",)])
def test_a_server_that_is_not_known_is_refused(
    session: Session, grpc: Start, made: Callable[..., Any], authority: trustme.CA, tmp_path: Path, names: tuple[str]
) -> None:
    """By a certificate of another name, or of another authority."""
    believed = authority if names[0] != "localhost" else trustme.CA()
    believed.cert_pem.write_to_path(tmp_path / "ca.pem")
    asked: list[Any] = []
    server = grpc({"Hello": lambda message, context: asked.append(message)}, credentials=secured(authority, *names))
    options = f"{{tls: {{ca: '{tmp_path / 'ca.pem'}'}}, deadline: 1s, retry: {{attempts: 1}}}}"

    with pytest.raises(ServiceError):
        house(session, "grpc", f"grpcs://localhost:{server.port}", options).call("Hello", "a", 1, [])
    assert asked == []


def test_skipping_verification_is_refused_where_it_cannot_be(session: Session) -> None:
    with pytest.raises(ServiceError, match="gRPC verifies every certificate"):
        house(session, "grpc", "grpcs://localhost:1", "{insecureSkipVerify: true}")


QUIET = """
from google.protobuf import message_factory
from kuiper_nb import Session
from kuiper_nb.services.schema import compiled
from tests.services.conftest import PROTO, house
from tests.services.servers import Grpc

schema = compiled("", PROTO, [])
Greeting = message_factory.GetMessageClass(schema.rpcs[0].output)
with Session() as session:
    server = Grpc(schema, {"Hello": lambda asked, context: Greeting(text="hi")})
    service = house(session, "grpc", f"tcp://127.0.0.1:{server.port}", "{retry: {attempts: 1}}")
    for _ in range(3):
        service.call("Hello", "a", 1, [])
        server.close()
        service.dry("Hello", "a", 1, [])
        server = Grpc(schema, {"Hello": lambda asked, context: Greeting(text="hi")}, port=server.port)
        while service.dry("Hello", "a", 1, []).error:
            pass
    server.close()
"""


def test_connections_that_a_server_closes_are_no_news_for_the_terminal() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=False, cwd=root)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
