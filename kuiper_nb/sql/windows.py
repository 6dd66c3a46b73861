"""The window of a GROUP BY as a spec: arity, units and lengths checked here, meaning in the windowing room."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import NotSupported, PlanError
from ..windowing.spec import Count, Hopping, Spec, Tumbling, Unit
from . import syntax as s

Refuse = Callable[..., PlanError]
_ARITY = {"tumblingwindow": 2, "hoppingwindow": 3}


def window_spec(call: s.WindowCall, event_time: bool, refuse: Refuse) -> Spec:
    """The spec of *call*. Raises PlanError for wrong arguments, NotSupported for kinds that are not here yet."""
    if call.name == "countwindow":
        return _count(call, event_time, refuse)
    if call.name not in _ARITY:
        place = call.place
        statement = refuse("").statement
        raise NotSupported(
            f"{call.name} is not supported yet",
            "TUMBLINGWINDOW, HOPPINGWINDOW and COUNTWINDOW are",
            line=place.line,
            column=place.column,
            statement=statement,
        )
    wanted = _ARITY[call.name]
    if len(call.arguments) != wanted:
        shape = "(ss, 10)" if wanted == 2 else "(ss, 10, 5)"
        message = f"The arguments for {call.name} should be {wanted}."
        raise refuse(message, f"{call.name.upper()}{shape}: unit, length{', hop' if wanted == 3 else ''}", call.place)
    unit, *lengths = call.arguments
    if not isinstance(unit, s.Unit):
        message = f"The first argument for {call.name} is a unit"
        raise refuse(message, "DD, HH, MI, SS or MS, without quotes", unit.place)
    numbers = [_length(call, length, refuse) for length in lengths]
    if call.name == "tumblingwindow":
        return Tumbling(Unit(unit.name), numbers[0])
    return Hopping(Unit(unit.name), numbers[0], numbers[1])


def _integer(node: s.Node) -> int | None:
    return node.value if isinstance(node, s.Constant) and type(node.value) is int else None


def _length(call: s.WindowCall, node: s.Node, refuse: Refuse) -> int:
    value = _integer(node)
    if value is None:
        raise refuse(f"a length of {call.name} is a whole number, written out", "TUMBLINGWINDOW(ss, 10)", node.place)
    if value <= 0:
        raise refuse(f"a length of {call.name} is greater than 0, not {value}", "", node.place)
    return value


def _count(call: s.WindowCall, event_time: bool, refuse: Refuse) -> Count:
    numbers = [_integer(a) for a in call.arguments]
    if not 1 <= len(numbers) <= 2 or any(n is None for n in numbers):
        message = "COUNTWINDOW takes the number of rows and, if wanted, every how many of them it emits"
        raise refuse(message, "COUNTWINDOW(5) or COUNTWINDOW(5, 2)", call.place)
    length = numbers[0] or 0
    interval = numbers[1] if len(numbers) == 2 and numbers[1] is not None else length
    if length <= 0:
        raise refuse(f"Invalid parameter value {length}.", "the number of rows is greater than 0", call.place)
    if interval > length:
        message = f"The second parameter value {interval} should be less than the first parameter {length}."
        raise refuse(message, "", call.place)
    if event_time:
        raise refuse(
            "a count window has no event time (unsupported window type 5)", "leave isEventTime out", call.place
        )
    return Count(length, length if interval == 0 else max(interval, 1))
