"""A Python function of a cell becomes a Function: on values, on whole arrays, or on the values of a group."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, get_type_hints

import numpy as np
import pyarrow as pa

from ..contracts import Answer, Call, Failure, Function
from ..errors import FunctionError, RowFault
from ..sql.values import described
from .arrays import Shape, as_arrow, as_values, given, shape_of

_MOST_FAILURES = 1000


class UserFault(RowFault):
    """A user's function raised; *where* is the file (or cell) and line it happened at."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


def native(
    f: Callable[..., Any], *, name: str | None = None, vectorized: bool = False, aggregate: bool = False
) -> Function:
    """The Function of *f*. Raises FunctionError when its signature cannot be called from SQL."""
    if not callable(f):
        raise FunctionError(f"{f!r} is not a function", "decorate a def")
    if inspect.iscoroutinefunction(f) or inspect.isgeneratorfunction(f):
        raise FunctionError(f"{f.__name__} is a coroutine or generator", "a generator is a source: @kuiper.source")
    signature = inspect.signature(f)
    arity = _arity(f, signature)
    hints = _hints(f)
    parameters = tuple(signature.parameters)
    called = name or f.__name__
    shape = shape_of(hints, parameters)
    coerce = () if vectorized or aggregate else tuple(hints.get(p) for p in parameters)
    one = _one(f, called, coerce, vectorized, aggregate, shape)
    return Function(
        name=called,
        kind="native",
        call=_vector_call(f, called, shape) if vectorized else _row_call(one, f, called, coerce, aggregate),
        one=one,
        arity=arity,
        aggregate=aggregate,
        vectorized=vectorized,
        returns=hints.get("return"),
        help=inspect.getdoc(f) or "",
        parameters=parameters,
    )


def _arity(f: Callable[..., Any], signature: inspect.Signature) -> tuple[int, int | None]:
    least, most = 0, 0
    unlimited = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            unlimited = True
        elif parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise FunctionError(f"{f.__name__}: SQL passes arguments by place, {parameter.name} is keyword-only")
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            most += 1
            least += parameter.default is parameter.empty
    return least, None if unlimited else most


def _hints(f: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(f)
    except Exception:  # a hint that cannot be resolved is no reason to refuse the function
        return {}


def located(error: BaseException) -> str:
    """The last place of *error* in code that is not ours: `file:line`; '' when there is none."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "kuiper_nb" not in frame.filename.replace("\\", "/").split("/")[-3:]:
            return f"{frame.filename}:{frame.lineno}"
    return ""


def _fault(name: str, error: Exception) -> UserFault:
    if isinstance(error, UserFault):
        return error
    said = str(error)
    message = f"call func {name} error: {type(error).__name__}{': ' + said if said else ''}"
    return UserFault(message, located(error))


def _converted(name: str, value: Any, hint: Any) -> Any:
    """*value* as the parameter's annotation wants it: whole floats for int, ints for float; the rest must fit."""
    if value is None or hint not in (int, float, str, bool):
        return value
    if type(value) is hint:
        return value
    if hint is float and type(value) is int:
        return float(value)
    if hint is int and type(value) is float and value.is_integer():
        return int(value)
    raise UserFault(f"call func {name} error: expected {hint.__name__}, but found {described(value)}", "")


def _one(
    f: Callable[..., Any], name: str, hints: Sequence[Any], vectorized: bool, aggregate: bool, shape: Shape
) -> Callable[..., Any]:
    checked = any(h in (int, float, str, bool) for h in hints)
    padded = tuple(hints)

    def one(*arguments: Any) -> Any:
        try:
            if vectorized:
                return as_values(f(*(given([a], shape) for a in arguments)), 1)[0]
            if aggregate:
                return as_value(name, f(*(given(a, shape) if shape is not Shape.LIST else a for a in arguments)))
            if checked:
                arguments = tuple(
                    _converted(name, a, h)
                    for a, h in zip(arguments, (*padded, *repeat(None, len(arguments))), strict=False)
                )
            return as_value(name, f(*arguments))
        except RowFault:
            raise
        except Exception as error:
            raise _fault(name, error) from error

    return one


def as_value(name: str, value: Any) -> Any:
    """What a function answered, as a value a row may hold. Raises UserFault for anything else."""
    if value is None or type(value) in (int, float, str, bool, bytes, list, dict):
        return value
    if isinstance(value, (np.generic, pa.Scalar)):
        return value.item() if isinstance(value, np.generic) else value.as_py()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return list(value)
    if hasattr(value, "isoformat") and hasattr(value, "tzinfo") and hasattr(value, "year"):
        return value
    if isinstance(value, (int, float, str, bytes)):
        return value
    kind = type(value).__name__
    raise UserFault(f"call func {name} error: it returned a {kind}, which no row can hold", "")


def _row_call(
    one: Callable[..., Any], f: Callable[..., Any], name: str, hints: Sequence[Any], aggregate: bool
) -> Callable[[Call], Answer]:
    """Row by row, at the speed of the function itself: the loop is in C, and goes on behind a row that failed."""
    plain = not aggregate and not any(h in (int, str, bool) for h in hints)

    def call(batch: Call) -> Answer:
        target = f if plain and _floats_fit(batch, hints) else one
        columns = [iter(column) for column in batch.arguments]
        values: list[Any] = []
        failures: dict[int, Failure] = {}
        while len(values) < batch.rows:
            try:
                values.extend(map(target, *columns) if columns else (target() for _ in range(batch.rows - len(values))))
            except Exception as error:  # the row that raised has been taken; the rest are still to come
                fault = _fault(name, error)
                failures[len(values)] = Failure(fault.message, fault.where)
                values.append(None)
        return Answer(values, failures)

    return call


def _floats_fit(batch: Call, hints: Sequence[Any]) -> bool:
    """Whether no argument needs converting for a parameter that is annotated float."""
    for column, hint in zip(batch.arguments, hints, strict=False):
        if hint is float and len(column) and type(column[0]) is int:
            return False
    return True


def _vector_call(f: Callable[..., Any], name: str, shape: Shape) -> Callable[[Call], Answer]:
    def call(batch: Call) -> Answer:
        failures: dict[int, Failure] = {}
        values = _halving(f, name, [given(a, shape) for a in batch.arguments], batch.rows, 0, failures)
        return Answer(values, failures)

    return call


def _halving(
    f: Callable[..., Any], name: str, arguments: list[Any], rows: int, first: int, failures: dict[int, Failure]
) -> Any:
    """Call *f*; where it raises, call it on halves, until the rows at fault are found."""
    try:
        return as_arrow(f(*arguments), rows)
    except Exception as error:
        if rows <= 1 or len(failures) >= _MOST_FAILURES:
            fault = _fault(name, error)
            for row in range(first, first + rows):
                failures[row] = Failure(fault.message, fault.where)
            return [None] * rows
    half = rows // 2
    left = _halving(f, name, [a[:half] for a in arguments], half, first, failures)
    right = _halving(f, name, [a[half:] for a in arguments], rows - half, first + half, failures)
    return [*as_values(left, half), *as_values(right, rows - half)]
