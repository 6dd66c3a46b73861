"""Functions that remember: what a call saw of the rows before is kept in a small machine, one for each partition.

An entry of kind "analytic" makes its machine with `reference()`; see `Machine`. One of kind "state" computes what a
last_hit_… call remembers after a hit: `reference(before, time)`. changed_cols, of kind "columns", makes its
`ChangedColumns` with `reference()`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from ...errors import RowFault
from ..resolved import AliasRef, Column, WholeRow
from ..syntax import Constant
from ..values import text, to_int
from .entry import Builtin


class Machine(Protocol):
    """The state of one call in one partition."""

    def __call__(self, arguments: tuple[Any, ...], counts: bool) -> Any:
        """Take the arguments of the next row and answer its value; *counts* is what WHEN says. Raises RowFault."""
        ...


def identical(left: Any, right: Any) -> bool:
    """Equal and of the same type, all the way down: 1 is not 1.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(identical(v, right[k]) for k, v in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(identical, left, right))
    return bool(left == right)


def _flag(value: Any, which: str) -> bool:
    if isinstance(value, bool):
        return value
    raise RowFault(f"{which} arg is not a bool but got {text(value)}")


class Lag:
    """A queue as long as the offset; until it is full the answer is the default of the first row."""

    __slots__ = ("_default", "_queue")

    def __init__(self) -> None:
        self._queue: deque[Any] | None = None
        self._default: Any = None

    def __call__(self, arguments: tuple[Any, ...], counts: bool) -> Any:
        value, offset, default, flag = (arguments + (None, 1, None, True)[len(arguments) :])[:4]
        ignore_null = _flag(flag, "fourth")
        if self._queue is None:
            length = to_int(offset, "strict")
            if length < 0:
                raise RowFault(f"the offset should not be negative but got {length}")
            self._queue, self._default = deque(maxlen=length), default if length else None
        full = self._queue and len(self._queue) == self._queue.maxlen
        answer = self._queue[0] if full else self._default
        if counts and not (ignore_null and value is None):
            self._queue.append(value)
        return answer


class Latest:
    """The last value that was not null."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: Any = None

    def __call__(self, arguments: tuple[Any, ...], counts: bool) -> Any:
        value, default = (*arguments, None)[:2]
        if counts and value is not None:
            self._last = value
        return default if self._last is None else self._last


class ChangedColumn:
    """The value, where it is not the one saved last."""

    __slots__ = ("_saved",)

    def __init__(self) -> None:
        self._saved: Any = None

    def __call__(self, arguments: tuple[Any, ...], counts: bool) -> Any:
        ignore_null, value = _flag(arguments[0], "first"), arguments[1]
        if not counts or (ignore_null and value is None) or identical(value, self._saved):
            return None
        self._saved = value
        return value


class HadChanged:
    """Whether any of the values is not the one saved last; each is saved for itself.

    *rows* are the places of the arguments written `*`; there ignoring null means ignoring the columns that are null.
    """

    __slots__ = ("_rows", "_saved")

    def __init__(self, rows: frozenset[int] = frozenset()) -> None:
        self._rows = rows
        self._saved: dict[int, Any] = {}

    def __call__(self, arguments: tuple[Any, ...], counts: bool) -> bool:
        if not counts:
            return False
        ignore_null, changed = _flag(arguments[0], "first"), False
        for place, given in enumerate(arguments[1:], 1):
            saved, value = self._saved.get(place), given
            if ignore_null and place in self._rows:
                value = (saved or {}) | {k: v for k, v in given.items() if v is not None}
            if (ignore_null and value is None) or identical(value, saved):
                continue
            self._saved[place] = value
            changed = True
        return changed


class Accumulator:
    """Something that grows from row to row; with a second and third argument only between a begin and a reset."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open = False
        self._clear()

    def __call__(self, arguments: tuple[Any, ...], counts: bool) -> Any:
        value, *conditions = arguments
        if conditions:
            self._begin(conditions)
        if counts and (self._open or not conditions):
            self._add(value)
        if conditions and conditions[1]:
            self._open = False
        return self._answer()

    def _begin(self, conditions: Sequence[Any]) -> None:
        for condition, which in zip(conditions, ("onBegin", "onReset"), strict=True):
            if not isinstance(condition, bool):
                raise RowFault(f"{which} should be boolean")
        if not self._open:
            self._clear()
            self._open = conditions[0]

    def _clear(self) -> None:
        raise NotImplementedError

    def _add(self, value: Any) -> None:
        raise NotImplementedError

    def _answer(self) -> float | int:
        raise NotImplementedError


def _number(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise RowFault("the value should be number")


class AccSum(Accumulator):
    """The sum; null adds nothing."""

    __slots__ = ("_sum",)

    def _clear(self) -> None:
        self._sum = 0.0

    def _add(self, value: Any) -> None:
        self._sum += 0.0 if value is None else _number(value)

    def _answer(self) -> float:
        return self._sum


class AccCount(Accumulator):
    """How many were not null."""

    __slots__ = ("_count",)

    def _clear(self) -> None:
        self._count = 0

    def _add(self, value: Any) -> None:
        self._count += value is not None

    def _answer(self) -> int:
        return self._count


class AccAvg(Accumulator):
    """The mean; null is an error."""

    __slots__ = ("_count", "_sum")

    def _clear(self) -> None:
        self._sum, self._count = 0.0, 0

    def _add(self, value: Any) -> None:
        self._sum += _number(value)
        self._count += 1

    def _answer(self) -> float:
        return self._sum / self._count if self._count else 0.0


class AccExtreme(Accumulator):
    """The least, or the greatest, as *sign* (1 or -1) says; null is an error, and none yet is 0."""

    __slots__ = ("_found", "_sign")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        super().__init__()

    def _clear(self) -> None:
        self._found: float | None = None

    def _add(self, value: Any) -> None:
        number = _number(value)
        if self._found is None or not self._found * self._sign < number * self._sign:
            self._found = number

    def _answer(self) -> float:
        return 0.0 if self._found is None else self._found


class ChangedColumns:
    """The columns whose value is not the one saved last, under their names with a prefix."""

    __slots__ = ("_saved",)

    def __init__(self) -> None:
        self._saved: dict[str, Any] = {}

    def __call__(self, prefix: Any, ignore_null: Any, columns: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        """Take (name, value) pairs. Raises RowFault."""
        if not isinstance(prefix, str):
            raise RowFault(f"first arg is not a string but got {text(prefix)}")
        if not isinstance(ignore_null, bool):
            raise RowFault(f"second arg is not a bool but got {text(ignore_null)}")
        pairs, changed = list(columns), {}
        if not pairs:
            raise RowFault("expect more than two args but got 2")
        for name, value in pairs:
            if (ignore_null and value is None) or identical(value, self._saved.get(name)):
                continue
            self._saved[name] = changed[prefix + name] = value
        return changed


def _expects(wanted: str, *counts: int) -> Callable[[Sequence[Any]], str]:
    return lambda given: "" if len(given) in counts else f"{wanted} but got {len(given)}."


def _check_lag(given: Sequence[Any]) -> str:
    if not 1 <= len(given) <= 4:
        return f"expect one to four args but got {len(given)}."
    offset = given[1] if len(given) > 1 else None
    if isinstance(offset, (Column, AliasRef)):
        return "Expect int type for parameter 2."
    if isinstance(offset, Constant) and type(offset.value) is int and offset.value < 0:
        return "the index should not be a negative integer"
    return ""


def _had_changed(given: Sequence[Any]) -> Builtin:
    rows = frozenset(i for i, argument in enumerate(given) if isinstance(argument, WholeRow))
    return replace(_HAD_CHANGED, reference=partial(HadChanged, rows))


_ANY = (0, None)  # the check of the function counts, with a message of its own
_HAD_CHANGED = Builtin(
    "had_changed", HadChanged, (2, None), "Whether one of the values changed: had_changed(ignoreNull, v, …)",
    ("bool", "any"), "call", "analytic", bind=_had_changed,
)  # fmt: skip


def _accumulator(name: str, make: Callable[[], Machine], help: str) -> Builtin:
    check = _expects("Expect 1/3 arguments", 1, 3)
    return Builtin(name, make, _ANY, help, nulls="call", kind="analytic", check=check)


def _later(before: int, time: int) -> int:
    return time


def _more(before: int, time: int) -> int:
    return before + 1


def _hit(name: str, after: Callable[[int, int], int], help: str) -> Builtin:
    return Builtin(name, after, (0, 0), help, nulls="call", kind="state")


BUILTINS: tuple[Builtin, ...] = (
    Builtin(
        "lag", Lag, _ANY, "An earlier row's value: lag(v, offset 1, default null, ignoreNull true)",
        ("any", "int", "any", "bool"), "call", "analytic", check=_check_lag,
    ),
    Builtin(
        "latest", Latest, _ANY, "The last value that was not null: latest(v, default)", nulls="call", kind="analytic",
        check=_expects("expect one or two args", 1, 2),
    ),
    Builtin(
        "changed_col", ChangedColumn, (2, 2), "The value where it changed, else null: changed_col(ignoreNull, v)",
        ("bool", "any"), "call", "analytic",
    ),
    _HAD_CHANGED,
    _accumulator("acc_sum", AccSum, "The sum so far: acc_sum(v, begin, reset)"),
    _accumulator("acc_avg", AccAvg, "The mean so far: acc_avg(v, begin, reset)"),
    _accumulator("acc_min", partial(AccExtreme, 1), "The least so far: acc_min(v, begin, reset)"),
    _accumulator("acc_max", partial(AccExtreme, -1), "The greatest so far: acc_max(v, begin, reset)"),
    _accumulator("acc_count", AccCount, "How many so far were not null: acc_count(v, begin, reset)"),
    _hit("last_hit_count", _more, "How many rows met the condition before this one"),
    _hit("last_hit_time", _later, "When a row last met the condition, ms; 0 before the first"),
    _hit("last_agg_hit_count", _more, "How many groups met the condition before this one"),
    _hit("last_agg_hit_time", _later, "When a group last met the condition, ms; 0 before the first"),
    Builtin(
        "changed_cols", ChangedColumns, (3, None), "The columns that changed: changed_cols(prefix, ignoreNull, a, …)",
        nulls="call", kind="columns",
    ),
)  # fmt: skip
