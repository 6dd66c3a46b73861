"""What the tests of services share: a session, and servers that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kuiper_nb import Session, VirtualClock
from kuiper_nb.services.schema import compiled
from kuiper_nb.services.service import Service

from . import servers

START = 1_541_152_486_000

PROTO = """
syntax = "proto3";
package house;
import "google/api/annotations.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/wrappers.proto";

// What a house can be asked.
service House {
  // Greets.
  rpc Hello (Guest) returns (Greeting) {
    option (google.api.http) = { post: "/v1/hello" body: "*" };
  }
  rpc getFeature (google.protobuf.BytesValue) returns (Features);
  rpc Tally (google.protobuf.Empty) returns (google.protobuf.Int64Value) {
    option (google.api.http) = { get: "/v1/count" };
  }
  rpc Find (Query) returns (Greeting) {
    option (google.api.http) = { get: "/v1/{room=rooms/*}/things/{id}" additional_bindings { get: "/v1/things/{id}" } };
  }
  rpc Put (Change) returns (Greeting) {
    option (google.api.http) = { put: "/v1/{thing.room}/things" body: "thing" response_body: "text" };
  }
  rpc Each (Guest) returns (stream Greeting);
  rpc Talk (stream Guest) returns (stream Greeting);
  rpc Text (google.protobuf.StringValue) returns (google.protobuf.StringValue);
}
message Guest { string first_name = 1; int64 age = 2; repeated double marks = 4; }
message Greeting { string text = 1; int64 long_number = 7; Guest guest = 9; }
message Query { string room = 1; int32 id = 2; string part = 3; Guest guest = 4; }
message Thing { string room = 1; string name = 2; }
message Change { Thing thing = 1; bool force = 2; repeated string tags = 3; }
message Feature { string type = 1; float score = 2; }
message Features { repeated Feature feature = 1; }
"""


@pytest.fixture(scope="session")
def schema() -> Any:
    """The house, compiled."""
    return compiled("", PROTO, [])


@pytest.fixture
def session() -> Iterator[Session]:
    """A session by a clock of its own."""
    with Session(clock=VirtualClock(START)) as made:
        yield made


@pytest.fixture
def http() -> Iterator[Callable[[servers.Answer], servers.Http]]:
    """Starts an HTTP server."""
    with ExitStack() as started:
        yield lambda answer, context=None: started.enter_context(servers.http(answer, context))


@pytest.fixture
def grpc(schema: Any) -> Iterator[Callable[..., servers.Grpc]]:
    """Starts a gRPC server of the house."""
    with ExitStack() as started:

        def start(answers: Any, **more: Any) -> servers.Grpc:
            server = servers.Grpc(schema, answers, **more)
            started.callback(server.close)
            return server

        yield start


def house(session: Session, protocol: str, address: str, options: str = "{}", functions: str = "[]") -> Service:
    """A service with one interface of the house."""
    text = f"""
interfaces:
  house:
    address: {address}
    protocol: {protocol}
    options: {options}
    functions: {functions}
    schema: |
{PROTO.replace(chr(10), chr(10) + "      ")}
"""
    return session.services.add(text, "house", replace=True)


def plain(session: Session, address: str, options: str = "{}", name: str = "ask") -> Service:
    """A service with one interface without a schema."""
    text = f"interfaces:\n  {name}: {{address: '{address}', protocol: rest, schemaless: true, options: {options}}}\n"
    return session.services.add(text, name, replace=True)


def written(folder: Path, name: str, text: str) -> Path:
    """A file."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
