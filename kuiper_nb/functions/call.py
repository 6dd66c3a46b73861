"""How a rule calls a user's function for one row: the newest generation, by name, at every call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contracts import Call, Function
from ..errors import RowFault
from ..sql.evaluate import Frame
from ..sql.resolved import UserCall
from .native import UserFault
from .output import note


class RowCaller:
    """Calls functions of the registry for the exact arm of *rule*; `generations` says which were used."""

    def __init__(self, functions: Mapping[str, Function], rule: str = "") -> None:
        self.functions = functions
        self._rule = rule
        self.generations: dict[str, int] = {}

    def __call__(self, node: UserCall, arguments: tuple[Any, ...], frame: Frame) -> Any:
        """The value for one row or group. Raises RowFault."""
        known = frame.failures.get(node.site)
        if known is not None:
            raise UserFault(known.message, known.where)
        function = self.latest(node.name)
        if function.columnar:
            return self._alone(function, node, arguments)
        return function.one(*arguments)

    def context(self, node: UserCall) -> Mapping[str, Any]:
        """What a function that is no Python of ours may know of a call, in eKuiper's words."""
        return {"ruleId": self._rule, "opId": "op", "instanceId": 0, "funcId": node.site}

    def _alone(self, function: Function, node: UserCall, arguments: tuple[Any, ...]) -> Any:
        """A batch of one row."""
        answer = function.call(Call(tuple([argument] for argument in arguments), 1, self.context(node)))
        for failure in answer.failures.values():
            raise UserFault(failure.message, failure.where)
        return answer.values[0] if isinstance(answer.values, list) else answer.values[0].as_py()

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
