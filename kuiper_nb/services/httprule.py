"""The google.api.http option of an rpc: which of its fields go into the path, the query and the body.

    template    "/" segment { "/" segment } [ ":" verb ]
    segment     "*" | "**" | literal | "{" field { "." field } [ "=" segments ] "}"

eKuiper takes neither `additional_bindings`, `response_body`, `custom` nor dotted fields, and escapes nothing; here all
of it counts, as google/api/http.proto says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

from google.protobuf.descriptor import Descriptor

from ..errors import RowFault, ServiceError

_VARIABLE = re.compile(r"\{(?P<path>[A-Za-z_][\w.]*)(?:=(?P<pattern>[^}]+))?\}")
_PATTERNS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True)
class Variable:
    """A field in the path, and what its value must look like."""

    path: tuple[str, ...]
    pattern: re.Pattern[str]
    several: bool
    """Whether it may hold more than one segment: then its `/` are none of the data."""


@dataclass(frozen=True)
class Binding:
    """One way to ask: texts and variables in turn, beginning and ending with a text. *body* is "*", a field, or ""."""

    method: str
    texts: tuple[str, ...]
    variables: tuple[Variable, ...]
    body: str = ""
    response: str = ""

    @property
    def template(self) -> str:
        """As it is written, without patterns."""
        inner = [f"{{{'.'.join(variable.path)}}}" for variable in self.variables]
        return "".join(text + (inner[number] if number < len(inner) else "") for number, text in enumerate(self.texts))

    def path(self, value: Mapping[str, Any]) -> str:
        """The path for a message (by the names of its fields). Raises RowFault for a value that does not fit."""
        found = [self.texts[0]]
        for variable, text in zip(self.variables, self.texts[1:], strict=True):
            found += [_segment(variable, _at(value, variable.path)), text]
        return "".join(found)

    def rest(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """The message without what the path has."""
        found = dict(value)
        for variable in self.variables:
            _without(found, variable.path)
        return found

    def fits(self, value: Mapping[str, Any]) -> bool:
        """Whether the path has a value for each variable."""
        return all(_at(value, variable.path) not in (None, "") for variable in self.variables)


def bindings(rule: Any, message: Descriptor) -> tuple[Binding, ...]:
    """What a rule says, its additional bindings last. Raises ServiceError for fields that *message* does not have."""
    found = [_binding(rule, message)]
    found += [_binding(more, message) for more in rule.additional_bindings]
    return tuple(found)


def _binding(rule: Any, message: Descriptor) -> Binding:
    method = rule.WhichOneof("pattern")
    if method is None:
        raise ServiceError("a google.api.http option without a path", 'post: "/v1/…"')
    template = rule.custom.path if method == "custom" else getattr(rule, method)
    texts, variables = parsed(template)
    for variable in variables:
        _check(variable.path, message, template)
    if rule.body not in ("", "*"):
        _check((rule.body,), message, template)
    name = rule.custom.kind if method == "custom" else method
    return Binding(name.upper(), texts, variables, rule.body, rule.response_body)


def parsed(template: str) -> tuple[tuple[str, ...], tuple[Variable, ...]]:
    """The texts and variables of a template. Raises ServiceError."""
    texts, variables, at = [], [], 0
    if not template.startswith("/"):
        raise ServiceError(f"the path {template} does not begin with /", "/v1/things/{name}")
    for found in _VARIABLE.finditer(template):
        texts.append(template[at : found.start()])
        pattern = found["pattern"] or "*"
        segments = pattern.split("/")
        expression = "/".join(_EXPRESSIONS.get(segment, re.escape(segment)) for segment in segments)
        several = len(segments) > 1 or "**" in segments
        variables.append(Variable(tuple(found["path"].split(".")), re.compile(expression, re.DOTALL), several))
        at = found.end()
    texts.append(template[at:])
    if any("{" in text or "}" in text for text in texts):
        raise ServiceError(f"the path {template} has a brace too many", "/v1/things/{name}, /v1/{name=things/*}")
    return tuple(texts), tuple(variables)


_EXPRESSIONS = {"*": "[^/]+", "**": ".*"}


def _check(path: tuple[str, ...], message: Descriptor, template: str) -> None:
    inner: Any = message
    for name in path:
        if inner is None or name not in inner.fields_by_name:
            raise ServiceError(f"{template}: {message.name} has no field {'.'.join(path)}", "as the message spells it")
        inner = inner.fields_by_name[name].message_type


def _at(value: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = value
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _without(value: dict[str, Any], path: tuple[str, ...]) -> None:
    name, *more = path
    inner = value.get(name)
    if not more:
        value.pop(name, None)
    elif isinstance(inner, Mapping):
        value[name] = dict(inner)
        _without(value[name], tuple(more))


def _segment(variable: Variable, value: Any) -> str:
    name = ".".join(variable.path)
    if value is None or isinstance(value, (Mapping, list, bytes)):
        raise RowFault(f"{name} is part of the path and has no value")
    text = _text(value)
    if not variable.pattern.fullmatch(text) and variable.several:
        raise RowFault(f"{name} is part of the path, and {text} does not look like {variable.pattern.pattern}")
    if text in ("", ".", ".."):
        raise RowFault(f"{name} is part of the path and cannot be {text or 'empty'}")
    if variable.several and any(part in (".", "..") for part in text.split("/")):
        raise RowFault(f"{name} is part of the path and leads elsewhere: {text}")
    return quote(text, safe="/" if variable.several else "")


def query(value: Mapping[str, Any]) -> str:
    """What is left, as `a=1&b.c=2`: fields of messages by dots, repeated ones one by one."""
    return "&".join(f"{quote_plus(name)}={quote_plus(_text(item))}" for name, item in _flat(value, ""))


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{name}.")
        elif isinstance(item, list):
            for each in item:
                yield from _flat(each, f"{prefix}{name}.") if isinstance(each, Mapping) else [(f"{prefix}{name}", each)]
        elif item is not None:
            yield f"{prefix}{name}", item


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
