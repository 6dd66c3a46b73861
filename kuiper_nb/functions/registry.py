"""The user's functions: name → Function, each redefinition one generation further."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from ..contracts import Function
from ..errors import FunctionError
from ..sql.builtins import find
from ..sql.calls import RESERVED
from ..sql.resolved import UserCall
from .definitions import Definitions


class Registry(Definitions[Function]):
    """Functions of the user, native, portable and external alike."""

    def __init__(self) -> None:
        super().__init__("function")

    def add(self, function: Function, running: Mapping[str, Iterable[UserCall]] = MappingProxyType({})) -> Function:
        """Add *function*, or replace the one of its name; answers it with its generation.

        Raises FunctionError as `check` does.
        """
        self.check(function, running)
        known = replace(function, generation=self.generation(function.name) + 1)
        self.define(function.name, known)
        return known

    def check(self, function: Function, running: Mapping[str, Iterable[UserCall]] = MappingProxyType({})) -> None:
        """Raises FunctionError for a name SQL could not call or that a built-in has, and where the calls of *running*
        rules, by their ids, do not fit it: each of their rows would fail."""
        name = function.name
        if not name.isascii() or not name[:1].isalpha() or not name.replace("_", "a").isalnum():
            raise FunctionError(
                f"SQL cannot call a function named {name}", 'give it a name: @kuiper.function(name="…")'
            )
        if find(name) is not None or name.lower() in RESERVED:
            hint = f'give yours another name: @kuiper.function(name="my_{name}")'
            raise FunctionError(f"{name} is a built-in function of eKuiper and goes before yours", hint)
        misfits = {rule: why for rule, calls in running.items() if (why := _misfit(function, calls))}
        if misfits:
            rules = f"{'rule' if len(misfits) == 1 else 'rules'} {', '.join(misfits)}"
            hint = f"give what is new a default, or drop {next(iter(misfits))} first"
            raise FunctionError(f"{name} {next(iter(misfits.values()))} {rules}", hint)


def _misfit(function: Function, calls: Iterable[UserCall]) -> str:
    """What makes a definition useless to *calls* that were compiled for an earlier one, as `takes 2 arguments` …; ''
    when it fits all of them."""
    least, most = function.arity
    for call in calls:
        if call.name != function.name:
            continue
        if call.aggregate != function.aggregate:
            kinds = ("an aggregate", "no aggregate") if function.aggregate else ("no aggregate", "an aggregate")
            return f"is {kinds[0]} now, but as {kinds[1]} it is called by"
        given = len(call.arguments)
        if given < least or (most is not None and given > most):
            takes = str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
            return f"takes {takes} argument{'' if takes == '1' else 's'} now, but with {given} it is called by"
    return ""
