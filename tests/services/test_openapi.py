"""An OpenAPI 3 document: each operation is a typed function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kuiper_nb import Session
from kuiper_nb.errors import ServiceError
from kuiper_nb.services.service import Service

from .conftest import written
from .servers import Answered, Asked, Http, as_json

Start = Callable[[Callable[[Asked], Answered]], Http]

DOCUMENT = """
openapi: "3.0.3"
info: {title: Pets, version: "1"}
paths:
  /pets/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get:
      operationId: pet
      summary: One pet.
      parameters:
        - {name: full, in: query, schema: {type: boolean}}
        - {$ref: "#/components/parameters/Room"}
      responses:
        "200": {content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
    delete: {responses: {"204": {description: gone}}}
  /pets:
    post:
      operationId: add-pet
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/New"}}}
      responses:
        default: {content: {application/json: {schema: {type: array, items: {type: number}}}}}
  /raw:
    put:
      operationId: raw
      requestBody: {required: true, content: {application/json: {schema: {type: array, items: {type: string}}}}}
      responses: {"200": {description: anything}}
components:
  parameters:
    Room: {name: X-Room, in: header, schema: {type: string}}
  schemas:
    Pet:
      type: object
      required: [name]
      properties: {name: {type: string}, score: {type: number}, tags: {type: array, items: {type: string}}}
    New:
      type: object
      required: [name]
      properties: {name: {type: string, description: what it is called}, age: {type: integer}}
"""


def pets(session: Session, folder: Path, url: str, document: str = DOCUMENT) -> Service:
    written(folder, "schemas/pets.yaml", document)
    text = f"interfaces:\n  pets: {{address: '{url}', protocol: rest, schemaType: openapi, schemaFile: pets.yaml}}\n"
    return session.services.add(written(folder, "pets_service.yaml", text), replace=True)


def test_operations_are_functions_with_types(session: Session, http: Start, tmp_path: Path) -> None:
    service = pets(session, tmp_path, http(lambda asked: as_json({})).url)

    assert set(service.functions) == {"pet", "delete_pets_id", "add_pet", "raw"}
    pet, add = service.operation("pet"), service.operation("add_pet")
    assert [(p.name, p.type, p.required) for p in pet.parameters] == [
        ("id", "bigint", True),
        ("full", "boolean", False),
        ("X-Room", "string", False),
    ]
    assert (pet.method, pet.help, pet.returns, pet.safe, add.safe) == (
        "GET /pets/{id}",
        "One pet.",
        "struct",
        True,
        False,
    )
    assert [(p.name, p.help) for p in add.parameters] == [("name", "what it is called"), ("age", "")]


def test_arguments_go_where_the_document_says(session: Session, http: Start, tmp_path: Path) -> None:
    server = http(lambda asked: as_json({"name": "rex", "score": 1, "tags": ["a"], "more": True}))
    service = pets(session, tmp_path, server.url)

    assert service.call("pet", 7, True, "kitchen") == {"name": "rex", "score": 1.0, "tags": ["a"], "more": True}
    assert (server.asked[0].path, server.asked[0].headers["x-room"]) == ("/pets/7?full=true", "kitchen")
    service.call("pet", {"id": 8.0})
    assert server.asked[1].path == "/pets/8"


def test_fields_of_the_body_are_arguments(session: Session, http: Start, tmp_path: Path) -> None:
    server = http(lambda asked: as_json([1, 2.5]))
    service = pets(session, tmp_path, server.url)

    assert service.call("add_pet", "rex", 3) == [1.0, 2.5]
    service.call("add_pet", {"name": "tom"})
    assert [asked.json for asked in server.asked] == [{"name": "rex", "age": 3}, {"name": "tom"}]


def test_a_body_may_be_one_argument_and_an_answer_nothing(session: Session, http: Start, tmp_path: Path) -> None:
    server = http(lambda asked: Answered(204, b"") if asked.method == "DELETE" else as_json({"n": 1}))
    service = pets(session, tmp_path, server.url)

    assert service.call("raw", ["a", "b"]) == {"n": 1.0}
    assert service.call("delete_pets_id", 3) is None
    assert server.asked[0].json == ["a", "b"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"name": "a", "score": "n/a"}, r'\$\.score: expected DOUBLE, got "n/a"'),
        ({"score": 1}, r"\$\.name is missing"),
        ({"name": "a", "tags": ["b", 3]}, r"\$\.tags\[1\]: expected STRING, got 3"),
        ([], r"\$: expected STRUCT, got \[\]"),
    ],
)
def test_an_answer_of_another_type_is_told(
    session: Session, http: Start, tmp_path: Path, answer: object, why: str
) -> None:
    service = pets(session, tmp_path, http(lambda asked: as_json(answer)).url)

    with pytest.raises(ServiceError, match=why):
        service.call("pet", 1)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "id is required"),
        (["x"], "id: expected bigint, got 'x'"),
        ([1.5], "id: expected bigint"),
        ([1, "yes"], "full: expected boolean"),
        ([1, True, "r", 4], "require 3 parameters but only got 4"),
    ],
)
def test_arguments_that_do_not_fit_are_told(
    session: Session, http: Start, tmp_path: Path, given: list[object], why: str
) -> None:
    server = http(lambda asked: as_json({}))

    with pytest.raises(ServiceError, match=why):
        pets(session, tmp_path, server.url).call("pet", *given)
    assert server.asked == []


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("swagger: '2.0'\n", "is no OpenAPI 3 document"),
        ("openapi: 3.0.3\npaths: {}\n", "has no operation"),
        ("openapi: 3.1.0\npaths: {/a: {get: {parameters: [{$ref: '#/x'}]}}}\n", "there is no #/x"),
        ("openapi: 3.1.0\npaths: {/a: {get: {parameters: [{$ref: 'http://x'}]}}}\n", "is not in the document"),
        ("openapi: 3.1.0\npaths: {'/a/{b}': {get: {}}}\n", "does not describe b"),
        ("openapi: 3.1.0\nx: {$ref: '#/x'}\npaths: {/a: {$ref: '#/x'}}\n", "leads in a circle"),
        ("openapi: [\n", "pets.yaml"),
    ],
)
def test_a_document_that_is_wrong_is_told(session: Session, tmp_path: Path, document: str, why: str) -> None:
    with pytest.raises(ServiceError, match=why):
        pets(session, tmp_path, "http://localhost:1", document)
