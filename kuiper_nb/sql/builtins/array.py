"""Functions on arrays. Positions count from 0; 1 equals 1.0, but true is no number."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ...errors import RowFault
from ..arrays import NIL_ARRAY, Texts, is_array
from ..syntax import Invoke, Paren
from ..values import described, text, to_int, to_string, utf8
from .entry import Builtin, Scope

_FIRST = "first argument should be array of interface{}"
_SECOND = "second argument should be array of interface{}"
_MOST = 10_000_000  # elements that one call may make: a slip must not take the machine's memory


def _array(value: Any, message: str = _FIRST) -> list[Any]:
    if not is_array(value):
        raise RowFault(message)
    array: list[Any] = value
    return array


def _key(value: Any) -> Any:
    """What tells values apart; RowFault for those that eKuiper cannot compare."""
    if isinstance(value, (list, dict, bytes)):
        raise RowFault(f"{text(value)} cannot be compared")
    return (type(value) is bool, value)


def _same(one: Any, other: Any) -> bool:
    """`==`, which fails only for two values of the same uncomparable kind."""
    for kind in (list, dict, bytes):
        if isinstance(one, kind) or isinstance(other, kind):
            if isinstance(one, kind) and isinstance(other, kind):
                raise RowFault(f"{text(one)} cannot be compared with {text(other)}")
            return False
    return bool(_key(one) == _key(other))


def _create(*values: Any) -> list[Any] | None:
    return [v for v in values if v is not None] or None


def _position(array: Any, value: Any) -> int:
    if array is None:
        return -1
    return next((i for i, item in enumerate(_array(array)) if _same(item, value)), -1)


def _last_position(array: Any, value: Any) -> int:
    if array is None:
        return -1
    items = _array(array)
    return next((i for i in range(len(items) - 1, -1, -1) if _same(items[i], value)), -1)


def _element_at(container: Any, at: Any) -> Any:
    if isinstance(container, dict):
        if not isinstance(at, str):
            raise RowFault("second argument should be string")
        return container.get(at)
    array = _array(container, "first argument should be []interface{} or map[string]interface{}")
    index = to_int(at, "strict")
    if not -len(array) <= index < len(array):
        raise RowFault("index out of range")
    return array[index]


def _contains(array: Any, value: Any) -> bool:
    return _position(array, value) >= 0


def _contains_any(array: Any, others: Any) -> bool:
    if array is None:
        return False
    items, wanted = _array(array), _array(others, _SECOND)
    return any(_same(item, other) for item in items for other in wanted)


def _remove(array: Any, value: Any) -> list[Any] | None:
    return None if array is None else [item for item in _array(array) if not _same(item, value)]


def _unique(items: Sequence[Any], seen: set[Any]) -> list[Any]:
    """The items not yet *seen*, each once."""
    found = []
    for item in items:
        key = _key(item)
        if key not in seen:
            seen.add(key)
            found.append(item)
    return found


def _intersect(array: Any, other: Any) -> list[Any]:
    mine, theirs = _array(array), _array(other, _SECOND)
    keys = {_key(item) for item in mine}
    return [item for item in _unique(theirs, set()) if _key(item) in keys]


def _union(array: Any, other: Any) -> list[Any]:
    mine = [] if array is None else _array(array)
    theirs = [] if other is None else _array(other, _SECOND)
    return _unique([*mine, *theirs], set())


def _except(array: Any, other: Any) -> list[Any] | None:
    if array is None:
        return None
    mine = _array(array)
    theirs = [] if other is None else _array(other, _SECOND)
    return _unique(mine, {_key(item) for item in theirs})


def _distinct(array: Any) -> list[Any]:
    """What cannot be compared, and moments, stay as they are."""
    seen: set[Any] = set()
    found: list[Any] = []
    for item in _array(array):
        found += [item] if isinstance(item, (list, dict, bytes, datetime)) else _unique([item], seen)
    return found


def _extreme(better: Callable[[Any, Any], bool]) -> Callable[[Any], Any]:
    """The least or greatest of the elements that are not null; the first of them says what type all must have."""

    def extreme(array: Any) -> Any:
        values = [v for v in _array(array) if v is not None]
        if not values:
            return None
        kind = type(values[0])
        if kind not in (int, float, str):
            raise RowFault(f"found invalid arg {described(values[0])}")
        found = values[0]
        for value in values:
            if kind is int and type(value) is float:
                value = to_int(value)
            if type(value) is not kind:
                wanted = {int: "int64", float: "float64", str: "string"}[kind]
                raise RowFault(f"requires {wanted} but found {described(value)}")
            found = value if better(value, found) else found
        return found

    return extreme


def _repeat(value: Any, count: Any) -> list[Any]:
    times = _whole(count, "second")
    if not 0 <= times <= _MOST:
        raise RowFault(f"second argument should be between 0 and {_MOST}, found {times}")
    return [value] * times


def _sequence(start: Any, stop: Any, step: Any = None) -> list[Any]:
    first, last = _whole(start, "first"), _whole(stop, "second")
    by = (1 if first < last else -1) if step is None else _whole(step, "third")
    if by == 0:
        raise RowFault("invalid step: should not be zero")
    distance = abs(last - first) // abs(by)
    count = (distance if (last < first) == (by < 0) else -distance) + 1
    if not 0 <= count <= _MOST:
        raise RowFault(f"{count} elements from {first} to {last} by {by}")
    return [first + i * by for i in range(count)]


def _whole(value: Any, which: str) -> int:
    if type(value) is not int:
        raise RowFault(f"{which} argument should be int")
    return value


# Functions whose result is what eKuiper calls an int; literals, BIGINT columns and arithmetic are int64 instead.
_INT_RESULTS = frozenset((
    "cast", "length", "numbytes", "indexof", "sign", "bitand", "bitor", "bitxor", "bitnot", "count", "object_size",
    "cardinality", "array_cardinality", "array_position", "array_last_position",
    "day", "day_of_month", "day_of_year", "month", "hour", "minute", "second", "microsecond",
))  # fmt: skip


def _only_ints(entry: Builtin, which: Sequence[tuple[int, str]]) -> Builtin:
    """*entry* whose calls accept, in the arguments named, only what is an int by the way it is written.

    eKuiper tells int from int64, values here do not, so it is decided by the syntax. `cast(n, "bigint")` makes an int.
    """

    def bind(arguments: Sequence[Any]) -> Builtin:
        for index, name in which:
            if index < len(arguments) and not _is_int(arguments[index]):
                message = f'{name} argument should be int: cast(…, "bigint") makes one'
                return replace(entry, reference=_refusing(message))
        return entry

    return replace(entry, bind=bind)


def _is_int(argument: Any) -> bool:
    while isinstance(argument, Paren):
        argument = argument.inner
    return isinstance(argument, Invoke) and argument.name.lower() in _INT_RESULTS


def _refusing(message: str) -> Callable[..., Any]:
    def refuse(*arguments: Any) -> Any:
        raise RowFault(message)

    return refuse


def _cardinality(array: Any) -> int:
    return sum(item is not None for item in _array(array))


def _flatten(array: Any) -> list[Any]:
    found: list[Any] = []
    for item in _array(array):
        found += item if is_array(item) else [item]
    return found or NIL_ARRAY


def _concat(*arrays: Any) -> list[Any]:
    found: list[Any] = []
    for array in arrays:
        found += [] if array is None else _array(array, "array elements should be array")
    return found or NIL_ARRAY


def _map(scope: Scope, name: Any, array: Any) -> list[Any]:
    """Nulls reach the function; an element it fails for becomes {}."""
    from . import table

    if not isinstance(name, str):
        raise RowFault("first argument should be string")
    items = _array(array, _SECOND)
    entry = table().get(name)
    if entry is None:
        raise RowFault(f"unknown built-in function: {name}.")
    if entry.kind != "scalar":
        raise RowFault("first argument should be a scalar function.")
    least, most = entry.arity
    if least > 1 or most == 0:
        raise RowFault(f"validate {name} arguments failed")
    return [_mapped(scope, entry, item) for item in items]


def _mapped(scope: Scope, entry: Builtin, item: Any) -> Any:
    if item is None and entry.nulls in ("zero", "false"):
        return 0 if entry.nulls == "zero" else False
    if item is None and entry.nulls == "nil":
        if entry.name == "to_json":
            return "null"
        if entry.arguments[0] != "string":
            return {}
        item = ""  # functions on texts take null for the empty text
    try:
        return entry.reference(scope, item) if entry.scope else entry.reference(item)
    except RowFault:
        return {}


def _join(array: Any, delimiter: Any, replacement: Any = "") -> str:
    items = _array(array)
    if not isinstance(delimiter, str):
        raise RowFault("second argument should be string")
    if not isinstance(replacement, str):
        raise RowFault("third argument should be string")
    shown = [replacement if item is None else item for item in items if item is not None or replacement]
    return delimiter.join(_joined(item) for item in shown)


def _joined(item: Any) -> str:
    try:
        return to_string(item, "all")
    except RowFault:
        raise RowFault("array elements should be string") from None


def _shuffle(array: Any) -> list[Any]:
    items = _array(array)
    return random.sample(items, len(items))


def _sort(array: Any) -> list[Any]:
    """By the text of the elements: 10 comes before 9."""
    if not isinstance(array, list):
        raise RowFault("array elements should be array")
    ordered = sorted(array, key=lambda item: utf8(text(item)))
    return Texts(ordered) if isinstance(array, Texts) else ordered


def _from_pairs(array: Any) -> dict[str, Any]:
    found = {}
    for pair in _array(array):
        if not isinstance(pair, dict):
            raise RowFault("array item should be map[string]interface{}")
        if pair.keys() != {"key", "value"} or not isinstance(pair["key"], str):
            raise RowFault("array item should be key-value pair")
        found[pair["key"]] = pair["value"]
    return found


_ONE, _TWO = (1, 1), (2, 2)
_SHUFFLE = Builtin("array_shuffle", _shuffle, _ONE, "the elements in random order", steady=False)
_REPEAT = Builtin("repeat", _repeat, _TWO, "an array of a value n times; n an int, as cast and length make it")
_SEQUENCE = Builtin("sequence", _sequence, (2, 3), "the integers from start to stop, both included, by a step")

BUILTINS: tuple[Builtin, ...] = (
    Builtin("array_create", _create, (0, None), "an array of the arguments that are not null", nulls="call"),
    Builtin("array_position", _position, _TWO, "where a value first is, -1 when nowhere", nulls="call"),
    Builtin("array_last_position", _last_position, _TWO, "where a value last is, -1 when nowhere", nulls="call"),
    Builtin("element_at", _element_at, _TWO, "the element at an index (negative from the end) or of a key"),
    Builtin("array_contains", _contains, _TWO, "whether a value is among the elements", nulls="call"),
    Builtin("array_contains_any", _contains_any, _TWO, "whether two arrays share an element", nulls="call"),
    Builtin("array_remove", _remove, _TWO, "the array without a value", nulls="call"),
    Builtin("array_intersect", _intersect, _TWO, "the elements of the second array that the first has too, each once"),
    Builtin("array_union", _union, _TWO, "the elements of both arrays, each once", nulls="call"),
    Builtin("array_except", _except, _TWO, "the elements that the second array lacks, each once", nulls="call"),
    Builtin("array_distinct", _distinct, _ONE, "the elements, each once"),
    Builtin("array_max", _extreme(lambda new, old: bool(new > old)), _ONE, "the greatest element"),
    Builtin("array_min", _extreme(lambda new, old: bool(new < old)), _ONE, "the least element"),
    _only_ints(_REPEAT, [(1, "second")]),
    _only_ints(_SEQUENCE, [(0, "first"), (1, "second"), (2, "third")]),
    Builtin("array_cardinality", _cardinality, _ONE, "how many elements are not null", nulls="zero"),
    Builtin("array_flatten", _flatten, _ONE, "the elements of the arrays in an array, one level"),
    Builtin("array_concat", _concat, (1, None), "the arrays one after the other", nulls="call"),
    Builtin("array_map", _map, _TWO, "a built-in function of each element", scope=True),
    Builtin("array_join", _join, (2, 3), "the elements as one text, with a delimiter and a text for nulls"),
    _SHUFFLE,
    Builtin("array_sort", _sort, _ONE, "the elements in the order of their texts"),
    Builtin("kvpair_array_to_obj", _from_pairs, _ONE, 'the object of an array of {"key": …, "value": …}'),
)
