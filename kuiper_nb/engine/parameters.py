"""The parameters of a rule: `$threshold` in its SQL, a value that may change while it runs, from batch to batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

import pyarrow as pa

from ..errors import PlanError, did_you_mean
from ..sql import resolved as r
from ..sql.plan import Plan
from ..sql.syntax import Node, Parameter
from ..types import BIGINT, BOOLEAN, FLOAT, STRING, AnyType, to_arrow
from .hoist import HIDDEN
from .typing import Typing

_KINDS: dict[type, AnyType] = {bool: BOOLEAN, int: BIGINT, float: FLOAT, str: STRING}


class Parameters(Mapping[str, Any]):
    """The values that the batch under way is computed with. `set` is for the next one, from any thread.

    *given* are the newest values: it stays the same dict as long as the rule lives.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.given: dict[str, Any] = {}
        self._current: dict[str, Any] = {}

    def set(self, values: Mapping[str, Any], *, all_of_them: bool = False) -> None:
        """Give values, which count from the next micro-batch on. Raises PlanError, and then none of them does.

        *all_of_them*: afterwards none may be without a value.
        """
        for name in values:
            if name not in self.names:
                hint = did_you_mean(name, self.names) if self.names else "a parameter stands in the SQL as $name"
                raise PlanError(f"there is no parameter ${name}", hint)
        self.given.update({name: _value(name, value) for name, value in values.items()})
        if all_of_them:
            self.require()

    def require(self) -> None:
        """Raises PlanError unless every parameter has a value."""
        for name in self.names:
            if name not in self.given:
                hint = f"--set {name}=30 on the first line of the cell, or rule.set({name}=30) before it is started"
                raise PlanError(f"parameter ${name} has no value", hint)

    def renew(self) -> None:
        """A micro-batch begins: what was set counts from now on."""
        if self.names:
            self._current = dict(self.given)

    # ---- to DuckDB they are columns of the batch

    def typed(self, typing: Typing) -> Typing:
        """*typing* with the columns of the parameters; one that has no value yet counts as a number."""
        values = self._current or self.given
        return (*typing, *((column(name), _KINDS[type(values.get(name, 0.0))]) for name in self.names))

    def beside(self, table: pa.Table) -> pa.Table:
        """*table* with the columns of the parameters."""
        for name in self.names:
            value = self._current[name]
            kind = to_arrow(_KINDS[type(value)])
            table = table.append_column(column(name), pa.repeat(pa.scalar(value, kind), table.num_rows))
        return table

    def __getitem__(self, name: str) -> Any:
        return self._current[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current)

    def __len__(self) -> int:
        return len(self._current)


def column(name: str) -> str:
    """The column of parameter *name*."""
    return f"{HIDDEN}${name}"


def as_columns(plan: Plan) -> Plan:
    """*plan* with a column in the place of every parameter."""
    if not plan.parameters:
        return plan

    def turned(value: Any) -> Any:
        if isinstance(value, Parameter):
            return r.Column(column(value.name), place=value.place)
        if isinstance(value, Node):
            return r.rebuilt(value, turned)
        if isinstance(value, tuple):
            return tuple(turned(item) for item in value)
        if isinstance(value, dict):
            return {key: turned(item) for key, item in value.items()}
        return value

    found = {f.name: turned(getattr(plan, f.name)) for f in fields(plan)}
    found["fields"] = tuple(replace(f, node=turned(f.node)) for f in plan.fields)
    found["order"] = tuple(replace(key, node=turned(key.node)) for key in plan.order)
    return replace(plan, **found)


def _value(name: str, value: Any) -> bool | int | float | str:
    """*value* as a parameter holds it; NumPy's scalars are Python's. Raises PlanError."""
    if hasattr(value, "item") and not isinstance(value, (list, tuple)):
        value = value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise PlanError(f"parameter ${name} does not fit into 64 bits: {value}")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise PlanError(f"parameter ${name} is {value}, which is no number that SQL knows")
        return float(value)
    if isinstance(value, str):
        return str(value)
    hint = "a number, a text or a truth value; a moment as its milliseconds"
    raise PlanError(f"parameter ${name} cannot be a {type(value).__name__}", hint)
