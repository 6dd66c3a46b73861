"""A Python function of a cell becomes a Function: on values, on whole arrays, or on the values of a group."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, get_type_hints

from ..contracts import Answer, Call, Failure, Function
from ..errors import FunctionError, RowFault
from ..sql.values import described
from .answered import SCALARS, all_returned, as_value, element_hint, returned, scalar_hint
from .arrays import Shape, as_arrow, as_values, given, shape_of
from .faults import UserFault, fault_of, located
from .guard import current, guarded

__all__ = ["UserFault", "as_value", "located", "native"]

_MOST_FAILURES = 1000


def native(
    f: Callable[..., Any], *, name: str | None = None, vectorized: bool = False, aggregate: bool = False
) -> Function:
    """The Function of *f*. Raises FunctionError when its signature cannot be called from SQL."""
    if not callable(f):
        raise FunctionError(f"{f!r} is not a function", "decorate a def")
    called = name or str(getattr(f, "__name__", type(f).__name__))
    if suspends(f):
        raise FunctionError(f"{called} is a coroutine or generator", "a generator is a source: @kuiper.source")
    arity, parameters = _signature(f, called)
    hints = _hints(f)
    shape = shape_of(hints, parameters)
    coerce = () if vectorized or aggregate else tuple(hints.get(p) for p in parameters)
    answers = (element_hint if vectorized else scalar_hint)(hints.get("return"))
    one = _one(f, called, coerce, vectorized, aggregate, shape, answers)
    if vectorized:
        call = _vector_call(f, called, shape, answers)
    else:
        call = _row_call(one, f, called, coerce, aggregate, answers)
    return Function(
        name=called,
        kind="native",
        call=guarded(f"function {called}", call),
        one=one,
        arity=arity,
        aggregate=aggregate,
        vectorized=vectorized,
        returns=hints.get("return"),
        help=inspect.getdoc(f) or "",
        parameters=parameters,
        origin=f,
    )


def suspends(f: Callable[..., Any]) -> bool:
    """Whether calling *f* would only make a coroutine or a generator, and run nothing of it."""
    return inspect.iscoroutinefunction(f) or inspect.isgeneratorfunction(f) or inspect.isasyncgenfunction(f)


def _signature(f: Callable[..., Any], called: str) -> tuple[tuple[int, int | None], tuple[str, ...]]:
    """Arity and parameters of *f*; some functions of C (max) tell neither and get whatever SQL passes."""
    try:
        signature = inspect.signature(f)
    except (ValueError, TypeError):
        return (0, None), ()
    return _arity(called, signature), tuple(signature.parameters)


def _arity(called: str, signature: inspect.Signature) -> tuple[int, int | None]:
    least, most = 0, 0
    unlimited = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            unlimited = True
        elif parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise FunctionError(f"{called}: SQL passes arguments by place, {parameter.name} is keyword-only")
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            most += 1
            least += parameter.default is parameter.empty
    return least, None if unlimited else most


def _hints(f: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(f)
    except Exception:  # a hint that cannot be resolved is no reason to refuse the function
        return {}


def _converted(name: str, value: Any, hint: Any) -> Any:
    """*value* as the parameter's annotation wants it: whole floats for int, ints for float; the rest must fit."""
    if value is None or hint not in SCALARS:
        return value
    if type(value) is hint:
        return value
    if hint is float and type(value) is int:
        return float(value)
    if hint is int and type(value) is float and value.is_integer():
        return int(value)
    raise UserFault(f"call func {name} error: expected {hint.__name__}, but found {described(value)}", "")


def _one(
    f: Callable[..., Any],
    name: str,
    hints: Sequence[Any],
    vectorized: bool,
    aggregate: bool,
    shape: Shape,
    answers: Any,
) -> Callable[..., Any]:
    checked = any(h in SCALARS for h in hints)
    padded = tuple(hints)
    what = f"function {name}"

    def one(*arguments: Any) -> Any:
        guard = current()
        try:
            guard.enter(what)
            if vectorized:
                value = as_values(f(*(given([a], shape) for a in arguments)), 1)[0]
                return returned(name, as_value(name, value), answers)
            if aggregate:
                arguments = tuple(given(a, shape) if shape is not Shape.LIST else a for a in arguments)
            elif checked:
                arguments = tuple(
                    _converted(name, a, h)
                    for a, h in zip(arguments, (*padded, *repeat(None, len(arguments))), strict=False)
                )
            return returned(name, as_value(name, f(*arguments)), answers)
        except (RowFault, KeyboardInterrupt):
            raise
        except BaseException as error:  # a SystemExit of one row is an error of that row
            raise fault_of(name, error) from error
        finally:
            guard.leave()

    return one


def _row_call(
    one: Callable[..., Any], f: Callable[..., Any], name: str, hints: Sequence[Any], aggregate: bool, answers: Any
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
                if len(values) < batch.rows:  # to map, a StopIteration of the function is the end of its columns
                    raise StopIteration
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # the row that raised has been taken; the rest are still to come
                fault = fault_of(name, error)
                failures[len(values)] = Failure(fault.message, fault.where)
                values.append(None)
        if target is f and answers is not None and not set(map(type, values)) <= {answers, type(None)}:
            values = all_returned(name, values, answers, failures)
        return Answer(values, failures)

    return call


def _floats_fit(batch: Call, hints: Sequence[Any]) -> bool:
    """Whether no argument needs converting for a parameter that is annotated float."""
    for column, hint in zip(batch.arguments, hints, strict=False):
        if hint is float and len(column) and type(column[0]) is int:
            return False
    return True


def _vector_call(f: Callable[..., Any], name: str, shape: Shape, answers: Any) -> Callable[[Call], Answer]:
    def call(batch: Call) -> Answer:
        failures: dict[int, Failure] = {}
        values = _halving(f, name, [given(a, shape) for a in batch.arguments], batch.rows, 0, failures)
        return Answer(all_returned(name, values, answers, failures), failures)

    return call


def _halving(
    f: Callable[..., Any], name: str, arguments: list[Any], rows: int, first: int, failures: dict[int, Failure]
) -> Any:
    """Call *f*; where it raises, call it on halves, until the rows at fault are found.

    An answer that is not one value per row is no fault of a row: of one row alone, a sum would look like one.
    """
    try:
        return as_arrow(f(*arguments), rows)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if rows <= 1 or len(failures) >= _MOST_FAILURES or isinstance(error, FunctionError):
            fault = fault_of(name, error)
            for row in range(first, first + rows):
                failures[row] = Failure(fault.message, fault.where)
            return [None] * rows
    half = rows // 2
    left = _halving(f, name, [a[:half] for a in arguments], half, first, failures)
    right = _halving(f, name, [a[half:] for a in arguments], rows - half, first + half, failures)
    return [*as_values(left, half), *as_values(right, rows - half)]
