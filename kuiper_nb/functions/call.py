"""How a rule calls a user's function for one row: the newest generation, by name, at every call."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..contracts import Answer, Call, Failure, Function
from ..errors import RowFault
from ..sql.evaluate import Frame
from ..sql.resolved import UserCall
from .native import UserFault
from .output import note


@dataclass(frozen=True, slots=True)
class Asked:
    """A call, and its arguments for one row."""

    node: UserCall
    arguments: tuple[Any, ...]


class Waiting(BaseException):
    """A row has come to a call that is to be made for many rows at once."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


class RowCaller:
    """Calls functions of the registry for the exact arm of *rule*; `generations` says which were used."""

    def __init__(self, functions: Mapping[str, Function], rule: str = "") -> None:
        self.functions = functions
        self._rule = rule
        self.generations: dict[str, int] = {}
        self._waits = False
        self._kept: dict[int, dict[Any, deque[Any]]] = {}

    def __call__(self, node: UserCall, arguments: tuple[Any, ...], frame: Frame) -> Any:
        """The value for one row or group. Raises RowFault, or Waiting inside `waiting`."""
        known = frame.failures.get(node.site)
        if known is not None:
            raise UserFault(known.message, known.where)
        held = frame.answers.get(node.site)
        if held is not None and _same(held[0], arguments):
            return _answered(held[1])
        function = self.latest(node.name)
        if function.columnar:
            if self._waits:
                raise Waiting(Asked(node, arguments))
            return self._alone(function, node, arguments)
        if not self._waits:
            return function.one(*arguments)
        value = function.one(*arguments)
        frame.answers[node.site] = arguments, value  # the row is evaluated again, and this need not be
        return value

    def context(self, node: UserCall) -> Mapping[str, Any]:
        """What a function that is no Python of ours may know of a call, in eKuiper's words."""
        return {"ruleId": self._rule, "opId": "op", "instanceId": 0, "funcId": node.site}

    def _alone(self, function: Function, node: UserCall, arguments: tuple[Any, ...]) -> Any:
        """A batch of one row."""
        answer = function.call(Call(tuple([argument] for argument in arguments), 1, self.context(node)))
        for failure in answer.failures.values():
            raise UserFault(failure.message, failure.where)
        return answer.values[0] if isinstance(answer.values, list) else answer.values[0].as_py()

    # ---- many rows at once

    def elsewhere(self, name: str) -> bool:
        """Whether a function is answered by another process, or a server."""
        function = self.functions.get(name)
        return function is not None and function.columnar

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, who comes to a call that is made elsewhere waits for the others."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    def keep(self, node: UserCall, columns: Sequence[Any], answer: Answer) -> None:
        """Answers that no column holds: whoever evaluates the rows, in their order, need not ask for them again."""
        rows = zip(*columns, strict=True) if columns else iter([()] * len(answer.values))
        values = answer.values if isinstance(answer.values, list) else answer.values.to_pylist()
        kept = self._kept.setdefault(node.site, {})
        for place, row in enumerate(rows):
            kept.setdefault(row, deque()).append(answer.failures.get(place, values[place]))

    def at_hand(self, frame: Frame, asked: Asked) -> bool:
        """Whether the answer was kept; then the frame has it. Equal calls have theirs in the order of the rows, should
        they differ."""
        kept = self._kept.get(asked.node.site)
        try:
            if kept is None or asked.arguments not in kept:
                return False
        except TypeError:  # an object or an array
            return False
        answers = kept[asked.arguments]
        frame.answers[asked.node.site] = asked.arguments, answers.popleft() if len(answers) > 1 else answers[0]
        return True

    def forget(self) -> None:
        """The batch is over."""
        self._kept.clear()

    def latest(self, name: str) -> Function:
        """The function as it is defined now; RowFault when it was dropped."""
        function = self.functions.get(name)
        if function is None:
            raise RowFault(f"call func {name} error: the function has been dropped")
        if self.generations.get(name) != function.generation:
            if name in self.generations:
                note(f"function {name}: generation {function.generation} is in use")
            self.generations[name] = function.generation
        return function


def _same(before: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    return before == now and list(map(type, before)) == list(map(type, now))


def _answered(found: Any) -> Any:
    if isinstance(found, Failure):
        raise UserFault(found.message, found.where)
    return found
