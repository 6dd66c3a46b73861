"""Functions on objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import RowFault
from ..arrays import Texts, is_array
from ..syntax import Constant
from ..values import text, to_string
from .entry import Builtin

_PAIRS = "each argument should be [][2]interface{}"


def _object(value: Any, message: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RowFault(message)
    return value


def _keys(value: Any) -> Texts:
    return Texts(_object(value, "the argument should be map[string]interface{}"))


def _values(value: Any) -> list[Any]:
    return list(_object(value, "the argument should be map[string]interface{}").values())


def _items(value: Any) -> list[Any]:
    return [[k, v] for k, v in _object(value, "first argument should be map[string]interface{}").items()]


def _from_lists(keys: Any, values: Any) -> dict[str, Any]:
    if not is_array(keys):
        raise RowFault("first argument should be []string")
    if not is_array(values):
        raise RowFault("second argument should be []interface{}")
    if len(keys) != len(values):
        raise RowFault("the length of the arguments should be same")
    if not all(isinstance(key, str) for key in keys):
        raise RowFault("first argument should be []string")
    return dict(zip(keys, values, strict=True))


def _zip(pairs: Any) -> dict[str, Any]:
    if not is_array(pairs):
        raise RowFault(_PAIRS)
    found = {}
    for pair in pairs:
        if pair is None:
            continue
        if not is_array(pair) or len(pair) != 2:
            raise RowFault(_PAIRS)
        if not isinstance(pair[0], str):
            raise RowFault("the first element in the list item should be string")
        found[pair[0]] = pair[1]
    return found


def _concat(*objects: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for value in objects:
        if value is not None:
            found |= _object(value, f"the argument should be map[string]interface{{}}, got {text(value)}")
    return found


def _construct(*arguments: Any) -> dict[str, Any]:
    found = {}
    for key, value in zip(arguments[::2], arguments[1::2], strict=True):
        if key is not None:
            try:
                found[to_string(key)] = value
            except RowFault:
                raise RowFault(f"key {text(key)} is not a string") from None
    return found


def _check_construct(arguments: Sequence[Any]) -> str:
    if len(arguments) % 2:
        return "the args must be key value pairs"
    for number, key in enumerate(arguments[::2]):
        if isinstance(key, Constant) and not isinstance(key.value, str):
            return f"Expect string type for parameter {2 * number + 1}."
    return ""


def _erase(*arguments: Any) -> dict[str, Any]:
    if len(arguments) != 2:
        raise RowFault(f"the argument number should be 2, got {len(arguments)}")
    value, erased = arguments
    given = _object(value, f"the first argument should be map[string]interface{{}}, got {text(value)}")
    if isinstance(erased, list):
        gone = {to_string(key, "all") for key in erased}
    elif isinstance(erased, str):
        gone = {erased}
    else:
        raise RowFault("the argument should be slice or string")
    return {k: v for k, v in given.items() if k not in gone}


def _size(value: Any) -> int:
    if value is None:
        return 0
    return len(_object(value, f"the first argument should be map[string]any, got {text(value)}"))


def _pick(value: Any, *keys: Any) -> dict[str, Any] | None:
    """Keys that are not there, or no texts, are passed over."""
    if value is None:
        return None
    given = _object(value, f"the first argument should be a map, got {text(value)}")
    wanted: Sequence[Any] = keys[0] if isinstance(keys[0], list) else keys if isinstance(keys[0], str) else ()
    found: dict[str, Any] = {}
    for key in wanted:
        if isinstance(key, str):
            path = key.split(".")
            picked, there = _at(given, path)
            found = _placed(found, path, picked) if there else found
    return found


def _at(value: dict[str, Any], path: Sequence[str]) -> tuple[Any, bool]:
    """What stands at the path, and whether there is such a path."""
    here: Any = value
    for key in path:
        if not isinstance(here, dict) or key not in here:
            return None, False
        here = here[key]
    return here, True


def _placed(into: dict[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """*into* with the value at the path, beside what was picked before; nothing that was given is changed."""
    if len(path) == 1:
        return into | {path[0]: value}
    below = into.get(path[0])
    return into | {path[0]: _placed(below if isinstance(below, dict) else {}, path[1:], value)}


def _to_pairs(value: Any) -> list[Any]:
    given = _object(value, f"the first argument should be map[string]interface{{}}, got {text(value)}")
    return [{"key": k, "value": v} for k, v in given.items()]


_ONE, _TWO = (1, 1), (2, 2)

BUILTINS: tuple[Builtin, ...] = (
    Builtin("keys", _keys, _ONE, "the keys of an object"),
    Builtin("values", _values, _ONE, "the values of an object"),
    Builtin("items", _items, _ONE, "an array of [key, value]"),
    Builtin("object", _from_lists, _TWO, "an object of an array of keys and one of values"),
    Builtin("zip", _zip, _ONE, "an object of an array of [key, value]"),
    Builtin("object_concat", _concat, (2, None), "the objects merged, later ones win", nulls="call"),
    Builtin(
        "object_construct",
        _construct,
        (0, None),
        "an object of key, value, key, value …",
        nulls="call",
        check=_check_construct,
    ),
    Builtin("erase", _erase, (2, None), "the object without a key, or an array of keys"),
    Builtin("object_size", _size, _ONE, "how many keys an object has", nulls="call"),
    Builtin("object_pick", _pick, (2, None), "the object of only these keys; a.b picks within", nulls="call"),
    Builtin("obj_to_kvpair_array", _to_pairs, _ONE, 'an array of {"key": …, "value": …}'),
)
