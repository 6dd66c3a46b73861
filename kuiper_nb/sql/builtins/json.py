"""Functions on JSON texts and paths into values."""

from __future__ import annotations

from typing import Any

from ...errors import RowFault
from ..jsonpath import compile_path
from ..jsontext import dumps, loads
from ..values import text, to_string
from .entry import Builtin, Kind


def _to_json(value: Any) -> str:
    try:
        return dumps(value)
    except RowFault:
        raise RowFault(f"fail to convert {text(value)} to json") from None


def _parse_json(document: Any) -> Any:
    if document is None:
        return None
    try:
        given = to_string(document)
    except RowFault:
        raise RowFault(f"fail to convert {text(document)} to string") from None
    try:
        return loads(given)
    except RowFault as fault:
        raise RowFault(f"fail to parse json: {fault.message}") from None


def _query(data: Any, path: Any) -> Any:
    """A text is parsed as JSON first."""
    if not isinstance(path, str):
        raise RowFault(f"invalid jsonPath, must be a string but got {text(path)}")
    find = compile_path(path)
    if data is None:
        raise RowFault("invalid data nil for jsonpath")
    if isinstance(data, str):
        try:
            return find(loads(data))
        except RowFault as fault:
            raise fault if _is_json(data) else RowFault(f"data '{data}' is not a valid json string") from None
    if not isinstance(data, (dict, list)):
        raise RowFault(f"invalid data {text(data)} for jsonpath")
    return find(data)


def _is_json(document: str) -> bool:
    try:
        loads(document)
    except RowFault:
        return False
    return True


def _query_first(data: Any, path: Any) -> Any:
    found = _query(data, path)
    if not isinstance(found, list):
        raise RowFault(f"query result ({text(found)}) is not an array")
    if not found:
        raise RowFault("query result is empty")
    return found[0]


def _exists(data: Any, path: Any) -> bool:
    """Whether the path finds something that is neither null nor an empty array."""
    try:
        found = _query(data, path)
    except RowFault:
        return False
    return bool(found) if isinstance(found, list) else found is not None


_PATH: tuple[Kind, Kind] = ("any", "literal string")

BUILTINS: tuple[Builtin, ...] = (
    Builtin("to_json", _to_json, (1, 1), "a value as JSON text"),
    Builtin("parse_json", _parse_json, (1, 1), "the value of a JSON text", ("string",), nulls="call"),
    Builtin("json_path_query", _query, (2, 2), 'what a path such as "$.a[*].b" finds', _PATH, nulls="call"),
    Builtin("json_path_query_first", _query_first, (2, 2), "the first of what a path finds", _PATH, nulls="call"),
    Builtin("json_path_exists", _exists, (2, 2), "whether a path finds anything", _PATH, nulls="call"),
)
