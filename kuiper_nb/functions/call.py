"""How a rule calls a user's function for one row: the newest generation, by name, at every call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contracts import Function
from ..errors import RowFault
from ..sql.evaluate import Frame
from ..sql.resolved import UserCall
from .native import UserFault
from .output import note


class RowCaller:
    """Calls functions of the registry for the exact arm; `generations` says which were used."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.functions = functions
        self.generations: dict[str, int] = {}

    def __call__(self, node: UserCall, arguments: tuple[Any, ...], frame: Frame) -> Any:
        """The value for one row or group. Raises RowFault."""
        known = frame.failures.get(node.site)
        if known is not None:
            raise UserFault(known.message, known.where)
        function = self.latest(node.name)
        return function.one(*arguments)

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
