"""Aggregates in two steps: of rows a part, which DuckDB exports as a state, and of parts the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from .lowered import Sql, call, render

_FOLDED = frozenset(
    ("sum", "count", "min", "max", "avg", "bool_or", "stddev_pop", "stddev_samp", "var_pop", "var_samp")
)
_FIRST = "arg_min_null"
_WHOLE = frozenset(("list", "quantile_disc"))  # their state is as large as the rows themselves
_SIGNATURE = {"count": "count_star"}

Typed = Callable[[str], str]
"""Answers the DuckDB type of an expression over rows, both as SQL."""


class NotFolded(Exception):
    """An aggregate whose parts would be no smaller than the rows."""


@dataclass(slots=True)
class Folding:
    """Takes aggregate expressions apart. *parts*: what to compute of rows, by the name of its column.

    *order* is the column that says which of two rows came first. Raises NotFolded.
    """

    order: str
    typed: Typed
    parts: dict[str, str] = field(default_factory=dict)

    def whole(self, value: Sql) -> Sql:
        """*value*, an expression over the aggregates of rows, as one over parts."""
        return value.copy().transform(self._combined)

    def _combined(self, node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Anonymous):
            return node
        name = str(node.this)
        if name in _WHOLE:
            raise NotFolded(f"{name} needs all rows")
        if name == _FIRST:
            return call(_FIRST, exp.column(self._part(render(node))), exp.column(self.order))
        if name not in _FOLDED:
            return node
        part = self._part(f"{render(node)} EXPORT_STATE")
        types = [self.typed(render(argument)) for argument in node.expressions]
        signature = name if types else _SIGNATURE[name]
        state = call("to_aggregate_state", exp.column(part), signature, exp.Array(expressions=_literals(types)))
        return call("finalize", call("combine_aggr", state))

    def _part(self, sql: str) -> str:
        for name, known in self.parts.items():
            if known == sql:
                return name
        name = f"p{len(self.parts)}"
        self.parts[name] = sql
        return name


def _literals(texts: list[str]) -> list[exp.Expr]:
    return [exp.Literal.string(text) for text in texts]
