"""OpenAPI 3: each operation of a document is a function, its parameters and the fields of its body are the arguments.

Arguments are given one by one (path, query and header parameters, then the fields of the body, each in the order of
the document), or as one object with their names. References lead to other places of the same document only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from ..errors import RowFault, ServiceError
from ..formats import yaml
from . import answers
from .protocol import CallFailed, Operation, Parameter, Reply
from .reading import Described, schema_file
from .rest import SAFE, dumped
from .spec import InterfaceSpec

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_WORDS = {"integer": "bigint", "number": "float", "string": "string", "boolean": "boolean", "object": "struct"}
_BODY = "body"
_DEEPEST = 30


def operations(spec: InterfaceSpec, described: Described) -> tuple[tuple[Operation, ...], tuple[Path, ...]]:
    """All operations, and the file they stand in. Raises ServiceError."""
    files: tuple[Path, ...] = ()
    if spec.schema_text:
        text, place = spec.schema_text, "schema"
    else:
        file = schema_file(spec.schema_file, described.folders)
        text, files, place = file.read_text(encoding="utf-8"), (file,), file.name
    document = _document(text, place)
    found = tuple(_operations(document, place))
    if not found:
        raise ServiceError(f"{place} has no operation", "paths: {/things/{id}: {get: {…}}}")
    names = [operation.name for operation in found]
    for wanted in spec.functions:
        if (wanted.service_name or wanted.name) not in names:
            raise ServiceError(
                f"{place} has no operation {wanted.service_name or wanted.name}", f"it has {', '.join(names)}"
            )
    return found, files


def _document(text: str, place: str) -> _Document:
    try:
        value = json.loads(text) if text.lstrip().startswith("{") else yaml.read(text)
    except yaml.BadYaml as error:
        raise ServiceError(f"{place}: {error.message}", line=error.line, column=error.column, statement=text) from None
    except (ValueError, RecursionError) as error:
        raise ServiceError(f"{place}: {error}") from None
    if not isinstance(value, dict) or not str(value.get("openapi", "")).startswith("3"):
        raise ServiceError(f"{place} is no OpenAPI 3 document", 'it begins with openapi: "3.0.3", or 3.1')
    return _Document(value, place)


class _Document:
    """A document, with its references followed."""

    def __init__(self, value: dict[str, Any], place: str) -> None:
        self.value = value
        self._place = place

    def at(self, value: Any) -> dict[str, Any]:
        """*value*, or what it refers to. Raises ServiceError."""
        for _ in range(_DEEPEST):
            if not isinstance(value, dict):
                return {}
            reference = value.get("$ref")
            if reference is None:
                return value
            value = self._of(str(reference))
        raise ServiceError(f"{self._place}: {reference} leads in a circle")

    def _of(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise ServiceError(f"{self._place}: {reference} is not in the document", "put it under components")
        found: Any = self.value
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                raise ServiceError(f"{self._place}: there is no {reference}")
            found = found[name]
        return found


def _operations(document: _Document, place: str) -> Iterator[Operation]:
    paths = document.value.get("paths")
    for path, item in (paths if isinstance(paths, dict) else {}).items():
        known = document.at(item)
        for method in _METHODS:
            if isinstance(known.get(method), dict):
                yield _operation(document, path, method, known[method], known.get("parameters") or [], place)


def _operation(
    document: _Document, path: str, method: str, given: dict[str, Any], shared: Sequence[Any], place: str
) -> Operation:
    described = {
        (p.get("in"), p.get("name")): p
        for each in (*shared, *(given.get("parameters") or []))
        if (p := document.at(each))
    }
    arguments = [
        _Argument(
            str(p["name"]),
            str(p["in"]),
            p.get("schema"),
            p.get("required") is True or p["in"] == "path",
            p.get("description", ""),
        )
        for p in described.values()
        if p.get("in") in ("path", "query", "header") and p.get("name")
    ]
    for name in re.findall(r"\{([^}]+)\}", path):
        if not any(a.name == name and a.place == "path" for a in arguments):
            raise ServiceError(
                f"{place}: {method.upper()} {path} does not describe {name}", "parameters: [{in: path, …}]"
            )
    body = _body(document, given)
    arguments += body
    answer = _answer(document, given)
    parameters = tuple(
        Parameter(a.name, _word(document, a.schema), a.required, str(a.help))
        for a in sorted(arguments, key=lambda a: not a.required)
    )
    binding = _Binding(
        document, path, method.upper(), {a.name: a for a in arguments}, [p.name for p in parameters], answer
    )
    name = re.sub(r"\W+", "_", str(given.get("operationId") or f"{method} {path}"), flags=re.ASCII).strip("_")
    about = str(given.get("summary") or given.get("description") or "")
    returns = "any" if answer is None else _word(document, answer)
    return Operation(
        name,
        f"{method.upper()} {path}",
        parameters,
        returns=returns,
        help=about,
        safe=method.upper() in SAFE,
        binding=binding,
    )


@dataclass(frozen=True)
class _Argument:
    """*place*: path, query, header, field (of the body) or body (all of it)."""

    name: str
    place: str
    schema: Any
    required: bool
    help: Any = ""


def _body(document: _Document, given: dict[str, Any]) -> list[_Argument]:
    body = document.at(given.get("requestBody"))
    content = body.get("content")
    content = content if isinstance(content, dict) else {}
    kinds = [k for k in content if k.split(";")[0].strip().endswith("json")]
    if not kinds:
        return []
    schema = document.at(document.at(content[kinds[0]]).get("schema"))
    required = body.get("required") is True
    fields = schema.get("properties")
    if not isinstance(fields, dict) or not fields:
        return [_Argument(_BODY, "body", schema, required, body.get("description", ""))]
    needed = schema.get("required") or []
    return [
        _Argument(name, "field", inner, required and name in needed, document.at(inner).get("description", ""))
        for name, inner in fields.items()
    ]


def _answer(document: _Document, given: dict[str, Any]) -> Any:
    """The schema of what is answered when all is well; None where nothing is said."""
    responses = given.get("responses")
    for status, response in (responses if isinstance(responses, dict) else {}).items():
        if str(status).startswith("2") or status == "default":
            content = document.at(response).get("content")
            for kind, media in (content if isinstance(content, dict) else {}).items():
                if kind.split(";")[0].strip().endswith("json"):
                    return document.at(media).get("schema")
    return None


def _kind(schema: Mapping[str, Any]) -> str:
    """The type of a schema; 3.1 may list several, of which null is one."""
    kind = schema.get("type", "")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "")
    return str(kind) or ("object" if "properties" in schema else "")


def _word(document: _Document, schema: Any) -> str:
    known = document.at(schema)
    kind = _kind(known)
    if kind == "array":
        return f"array({_word(document, known.get('items'))})"
    return _WORDS.get(kind, "any")


@dataclass(frozen=True)
class _Binding:
    document: _Document
    path: str
    method: str
    arguments: Mapping[str, _Argument]
    order: Sequence[str]
    answer: Any

    def encode(self, given: Sequence[Any]) -> tuple[str, str, bytes | None, tuple[tuple[str, str], ...]]:
        """Method, path, body, headers. Raises RowFault."""
        named = self._named(given)
        for name, argument in self.arguments.items():
            value = named.get(name)
            if value is None:
                if argument.required:
                    raise RowFault(f"{name} is required")
                continue
            self._check(argument, value)
        path = re.sub(r"\{([^}]+)\}", lambda found: self._segment(found[1], named), self.path)
        query = "&".join(
            f"{quote_plus(name)}={quote_plus(_text(each))}"
            for name, argument in self.arguments.items()
            if argument.place == "query" and named.get(name) is not None
            for each in (named[name] if isinstance(named[name], list) else [named[name]])
        )
        headers = tuple(
            (name, _text(named[name]))
            for name, argument in self.arguments.items()
            if argument.place == "header" and named.get(name) is not None
        )
        if any(not value.isprintable() for _, value in headers):
            raise RowFault("a header cannot have such characters")
        return self.method, f"{path}?{query}" if query else path, self._body(named), headers

    def _named(self, given: Sequence[Any]) -> dict[str, Any]:
        if (
            len(given) == 1
            and isinstance(given[0], Mapping)
            and (set(given[0]) & set(self.arguments) or not self.order)
        ):
            return dict(given[0])
        if len(given) > len(self.order):
            raise RowFault(f"require {len(self.order)} parameters but only got {len(given)}")
        return dict(zip(self.order, given, strict=False))

    def _body(self, named: Mapping[str, Any]) -> bytes | None:
        whole = [name for name, argument in self.arguments.items() if argument.place == "body"]
        if whole:
            return dumped(named[whole[0]]) if named.get(whole[0]) is not None else None
        fields = [name for name, argument in self.arguments.items() if argument.place == "field"]
        return dumped({name: named[name] for name in fields if named.get(name) is not None}) if fields else None

    def _segment(self, name: str, named: Mapping[str, Any]) -> str:
        text = _text(named[name])
        if text in ("", ".", ".."):
            raise RowFault(f"{name} is part of the path and cannot be {text or 'empty'}")
        return quote(text, safe="")

    def _check(self, argument: _Argument, value: Any) -> None:
        known = self.document.at(argument.schema)
        kind, got = _kind(known), type(value)
        fits = {
            "integer": got is int or (got is float and value.is_integer()),
            "number": got in (int, float),
            "string": got is str or not isinstance(value, (int, float, list, dict)),
            "boolean": got is bool,
            "array": isinstance(value, list),
            "object": isinstance(value, Mapping),
        }.get(kind, True)
        if not fits:
            raise RowFault(f"{argument.name}: expected {_WORDS.get(kind, kind)}, got {value!r}"[:200])

    def value(self, given: Sequence[Any]) -> Any:
        """The body of one call among others."""
        body = self.encode(given)[2]
        return None if body is None else json.loads(body)

    def apart(self, value: Any) -> Any:
        """One element of an array of answers. Raises CallFailed."""
        return value if self.answer is None else self._value(self.answer, value, "$", 0)

    def decode(self, reply: Reply) -> Any:
        """The value, as the document says it is. Raises CallFailed."""
        if (failed := answers.refused(reply)) is not None:
            raise failed
        if not reply.body.strip():
            return None
        if self.answer is None:
            return answers.plain(reply)
        return self._value(self.answer, answers.json_of(reply, int), "$", 0)

    def _value(self, schema: Any, value: Any, place: str, depth: int) -> Any:
        known = self.document.at(schema)
        kind, got = _kind(known), type(value)
        if value is None or depth > _DEEPEST:
            return value
        match kind:
            case "object" if isinstance(value, dict):
                fields = known.get("properties") or {}
                missing = [name for name in known.get("required") or [] if name not in value]
                if missing:
                    raise CallFailed("garbage", f"{place}.{missing[0]} is missing", place=f"{place}.{missing[0]}")
                return {
                    name: self._value(fields.get(name, {}), inner, f"{place}.{name}", depth + 1)
                    for name, inner in value.items()
                }
            case "array" if isinstance(value, list):
                return [
                    self._value(known.get("items"), inner, f"{place}[{n}]", depth + 1) for n, inner in enumerate(value)
                ]
            case "integer" if got is int or (got is float and value.is_integer()):
                return int(value)
            case "number" if got in (int, float):
                return float(value)
            case "string" if got is str:
                return value
            case "boolean" if got is bool:
                return value
            case "":
                return value
        name = {"integer": "BIGINT", "number": "DOUBLE", "object": "STRUCT"}.get(kind, kind.upper())
        raise CallFailed("garbage", f"{place}: expected {name}, got {json.dumps(value)[:80]}", place=place)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value)
