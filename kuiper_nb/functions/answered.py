"""What a user's function answered, as a value that a row may hold, all the way down, and as its annotation says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np
import pyarrow as pa

from ..contracts import Answer, Failure
from ..errors import RowFault
from ..sql.values import described
from ..types import from_arrow, plain
from .faults import UserFault, fault_of

SCALARS = (int, float, str, bool)
_DEPTH = 100
_LEAST, _MOST = -(2**63), 2**63 - 1
_FREE = frozenset({float, bool, NoneType, bytes})


def as_value(name: str, value: Any) -> Any:
    """What a function answered, as a value a row may hold. Raises UserFault for anything else."""
    kind = type(value)
    if kind in _FREE:
        return value
    if kind is int and _LEAST <= value <= _MOST:
        return value
    if kind is str and value.isascii():
        return value
    try:
        return _held(name, value, 0)
    except (RowFault, KeyboardInterrupt):
        raise
    except BaseException as error:  # an attribute of the value may be the user's code
        raise fault_of(name, error) from error


def returned(name: str, value: Any, hint: Any) -> Any:
    """*value* as the return annotation says it is: whole floats for int, ints for float; the rest must fit."""
    if value is None or hint is None or type(value) is hint:
        return value
    if hint is float and type(value) is int:
        return float(value)
    if hint is int and type(value) is float and value.is_integer() and _LEAST <= value <= _MOST:
        return int(value)
    if hint is not bool and isinstance(value, hint) and not isinstance(value, bool):
        return value
    message = f"call func {name} error: it is annotated to return {hint.__name__}, but returned {described(value)}"
    raise UserFault(message, "")


def scalar_hint(hint: Any) -> Any:
    """int, float, str or bool when *hint* is that, or that or None; else None: nothing is checked."""
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        hint = kinds[0] if len(kinds) == 1 else None
    return hint if hint in SCALARS else None


def element_hint(hint: Any) -> Any:
    """What a vectorised function says of each value it answers: `scalar_hint` of `-> float`, `-> list[float]` or
    `-> NDArray[np.float64]`; None where it says nothing (`-> pa.Array`)."""
    arguments = get_args(hint)
    if get_origin(hint) is np.ndarray and len(arguments) == 2:
        kinds = get_args(arguments[1])
        kind = kinds[0] if kinds and isinstance(kinds[0], type) else object
        return next((plain for family, plain in _FAMILIES if issubclass(kind, family)), None)
    if len(arguments) == 1 and isinstance(get_origin(hint), type) and issubclass(get_origin(hint), Iterable):
        return scalar_hint(arguments[0])
    return scalar_hint(hint)


_FAMILIES = ((np.bool_, bool), (np.integer, int), (np.floating, float), (np.str_, str))


def all_returned(name: str, values: Any, hint: Any, failures: dict[int, Failure]) -> Any:
    """The answers of a batch, a list or Arrow, as the annotation says they are; what is not is a failure of its row."""
    if hint is None:
        return values
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        if _ARROW[hint](values.type) or pa.types.is_null(values.type):
            return values
        if hint is float and pa.types.is_integer(values.type):
            return values.cast(pa.float64(), safe=False)
        values = values.to_pylist()
    found: list[Any] = []
    for row, value in enumerate(values):
        try:
            found.append(returned(name, as_value(name, value), hint))
        except UserFault as fault:
            failures.setdefault(row, Failure(fault.message, fault.where))
            found.append(None)
    return found


def all_held(name: str, answer: Answer) -> Answer:
    """The answer with values that rows may hold; a row whose value is none has failed. Arrow stays Arrow, if it can."""
    if isinstance(answer.values, list):
        return answer
    column = held_column(answer.values)
    if column is not None:
        return Answer(column, answer.failures)
    failures = dict(answer.failures)
    return Answer(held_values(name, answer.values, failures), failures)


def held_column(values: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The column in a type of ours; None where it has none, or a value that no row can hold."""
    column = plain(pa.chunked_array([values]) if isinstance(values, pa.Array) else values)
    return None if column is None or from_arrow(column.type) is None else column


def held_values(name: str, values: Iterable[Any], failures: dict[int, Failure]) -> list[Any]:
    """The values as rows may hold them; what no row can hold is a failure of its row."""
    found: list[Any] = []
    for row, value in enumerate(values):
        try:
            found.append(as_value(name, value))
        except RowFault as fault:
            failures.setdefault(row, Failure(fault.message))
            found.append(None)
    return found


_ARROW: dict[Any, Callable[[pa.DataType], bool]] = {
    int: pa.types.is_signed_integer,
    float: pa.types.is_floating,
    bool: pa.types.is_boolean,
    str: lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
}


def _held(name: str, value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _FREE:
        return value
    if _is_missing(value):
        return None
    if isinstance(value, (np.generic, pa.Scalar)):
        return _held(name, value.item() if isinstance(value, np.generic) else value.as_py(), _deeper(name, depth))
    if isinstance(value, int):
        return value if _LEAST <= value <= _MOST else _refuse(name, "n integer beyond 64 bits")
    if isinstance(value, str):
        return value if _is_unicode(value) else _refuse(name, " text with a lone surrogate")
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_held(name, item, _deeper(name, depth)) for item in value]
    if kind is dict:
        return {_key(name, key): _held(name, item, _deeper(name, depth)) for key, item in value.items()}
    if isinstance(value, (float, bytes)):
        return value
    if isinstance(value, date):
        return _moment(value)
    return _refuse(name, f" {kind.__name__}")


def _moment(value: date) -> datetime:
    """A moment, in UTC where it names no zone, as among the values that are pushed; a date is its midnight, and what
    pandas knows beyond microseconds is cut off.
    """
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if type(value) is not datetime:
        value = datetime.combine(value.date(), value.timetz())
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _key(name: str, key: Any) -> str:
    if not isinstance(key, str):
        _refuse(name, f" dict with a key that is a {type(key).__name__}")
    if not _is_unicode(key):
        _refuse(name, " text with a lone surrogate")
    return str(key)


def _deeper(name: str, depth: int) -> int:
    """One level down; a list that holds itself never ends, and would take the interpreter's stack with it."""
    if depth >= _DEPTH:
        _refuse(name, f" value nested deeper than {_DEPTH} levels")
    return depth + 1


def _refuse(name: str, what: str) -> Any:
    raise UserFault(f"call func {name} error: it returned a{what}, which no row can hold", "")


def _is_missing(value: Any) -> bool:
    """Whether it is the null of pandas; a cell that has not imported pandas cannot have one."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is getattr(pandas, "NaT", pandas) or value is getattr(pandas, "NA", pandas))


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
