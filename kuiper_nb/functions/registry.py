"""The user's functions: name → Function, each redefinition one generation further."""

from __future__ import annotations

from dataclasses import replace

from ..contracts import Function
from ..errors import FunctionError
from ..sql.builtins import find
from ..sql.calls import RESERVED
from .definitions import Definitions


class Registry(Definitions[Function]):
    """Functions of the user, native, portable and external alike."""

    def __init__(self) -> None:
        super().__init__("function")

    def add(self, function: Function) -> Function:
        """Add *function*, or replace the one of its name; answers it with its generation.

        Raises FunctionError for a name SQL could not call or that a built-in has.
        """
        name = function.name
        if not name.isascii() or not name[:1].isalpha() or not name.replace("_", "a").isalnum():
            raise FunctionError(
                f"SQL cannot call a function named {name}", 'give it a name: @kuiper.function(name="…")'
            )
        if find(name) is not None or name.lower() in RESERVED:
            hint = f'give yours another name: @kuiper.function(name="my_{name}")'
            raise FunctionError(f"{name} is a built-in function of eKuiper and goes before yours", hint)
        known = replace(function, generation=self.generation(name) + 1)
        self.define(name, known)
        return known
