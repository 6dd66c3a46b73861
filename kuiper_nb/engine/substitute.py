"""Expressions over groups split in two: what DuckDB aggregates, and what is computed from that afterwards."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field

from ..sql import resolved as r
from ..sql import syntax as s
from ..sql.lowered import NotLowered
from ..sql.plan import Plan
from ..sql.syntax import Node
from .hoist import HIDDEN, Call, is_call


@dataclass(slots=True)
class Split:
    """What the expressions of a plan need of every group, each under the column name it gets.

    *aggregates*: aggregate calls. *firsts*: columns of the group's first row. *lists*: arguments of aggregates that
    Python answers (`called`), one list of all values each. *bounds*: window functions. *keys*: the group keys.
    *columns*: what rows may have.
    """

    keys: tuple[Node, ...]
    aliases: Mapping[str, Node]
    columns: Container[str]
    aggregates: dict[Node, str] = field(default_factory=dict)
    firsts: dict[str, str] = field(default_factory=dict)
    lists: dict[Node, str] = field(default_factory=dict)
    called: dict[Call, tuple[str, ...]] = field(default_factory=dict)
    bounds: dict[str, str] = field(default_factory=dict)

    def over_groups(self, node: Node) -> Node:
        """*node* with everything that looks at rows replaced by a column of the group table."""
        node = self.expanded(node)
        for number, key in enumerate(self.keys):
            if node == key:
                return r.Column(f"{HIDDEN}key {number}")
        if is_call(node) and node.aggregate and not _collected(node):
            names = tuple(
                self.lists.setdefault(a, f"{HIDDEN}list {len(self.lists)}") for a in map(self.expanded, node.arguments)
            )
            self.called[node] = names
            return node
        if isinstance(node, r.BuiltinCall) and node.aggregate:
            return r.Column(self.aggregates.setdefault(node, f"{HIDDEN}aggregate {len(self.aggregates)}"))
        if isinstance(node, r.Bound):
            which = "window_trigger" if node.which == "event_time" else node.which
            return r.Column(self.bounds.setdefault(which, HIDDEN + which))
        if isinstance(node, r.Column):
            return r.Column(self.firsts.setdefault(node.name, f"{HIDDEN}first {len(self.firsts)}"))
        return r.rebuilt(node, self.over_groups)

    def over_rows(self, change: Callable[[Node], Node]) -> Split:
        """The same groups, with every expression over rows replaced by what *change* makes of it."""

        def within(call: Node) -> Node:
            return r.rebuilt(call, lambda a: a if isinstance(a, r.WholeRow) else change(a))

        return Split(
            tuple(change(self.expanded(key)) for key in self.keys),
            self.aliases,
            self.columns,
            {within(call): name for call, name in self.aggregates.items()},
            self.firsts,
            {change(node): name for node, name in self.lists.items()},
            self.called,
            self.bounds,
        )

    def expanded(self, node: Node) -> Node:
        """*node* with aliases replaced by what they stand for."""
        return expanded(node, self.aliases, self.columns)


def _collected(node: Node) -> bool:
    """Whether the call answers the very list it would get."""
    return isinstance(node, r.BuiltinCall) and node.entry.name == "collect"


def expanded(node: Node, aliases: Mapping[str, Node], columns: Container[str] | None = None) -> Node:
    """*node* with aliases replaced by what they stand for.

    One that gives way to a column stays, unless it is known which *columns* rows may have: then it is an alias where
    there is no such column, and NotLowered where there is, because it differs from row to row.
    """
    if isinstance(node, r.AliasRef):
        if not node.column_first or (columns is not None and node.name not in columns):
            return expanded(aliases[node.name], aliases, columns)
        if columns is not None:
            raise NotLowered(f"{node.name} is a column or an alias, row by row")
    return r.rebuilt(node, lambda child: expanded(child, aliases, columns))


def looked_at(plan: Plan) -> frozenset[str] | None:
    """The columns that windows of *plan* look at; None for whole rows. `count(*)` looks at none."""
    found: set[str] = set()

    def whole(node: Node) -> bool:
        if isinstance(node, r.Column) or (isinstance(node, r.AliasRef) and node.column_first):
            found.add(node.name)
        counting = isinstance(node, r.BuiltinCall) and node.entry.name == "count"
        if isinstance(node, (s.Star, r.WholeRow)):
            return True
        below = [whole(child) for child in r.children(node) if not (counting and isinstance(child, r.WholeRow))]
        return any(below)

    roots = [plan.where, plan.window_filter, plan.having, *plan.group, *(key.node for key in plan.order)]
    roots += [*(f.node for f in plan.fields), *plan.aliases.values()]
    wholes = [whole(node) for node in roots if node is not None]
    return None if any(wholes) else frozenset(found)
