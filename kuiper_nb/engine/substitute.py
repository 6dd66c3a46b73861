"""Expressions over groups split in two: what DuckDB aggregates, and what is computed from that afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..sql import resolved as r
from ..sql.syntax import Node


@dataclass(slots=True)
class Split:
    """What the expressions of a plan need of every group, each under the column name it gets.

    *aggregates*: aggregate calls. *firsts*: columns of the group's first row. *lists*: arguments of the user's aggregates,
    one list of all values each. *bounds*: window functions. *keys*: the group keys.
    """

    keys: tuple[Node, ...]
    aliases: Mapping[str, Node]
    aggregates: dict[Node, str] = field(default_factory=dict)
    firsts: dict[str, str] = field(default_factory=dict)
    lists: dict[Node, str] = field(default_factory=dict)
    user_calls: dict[r.UserCall, tuple[str, ...]] = field(default_factory=dict)
    bounds: dict[str, str] = field(default_factory=dict)

    def over_groups(self, node: Node) -> Node:
        """*node* with everything that looks at rows replaced by a column of the group table."""
        node = self.expanded(node)
        for number, key in enumerate(self.keys):
            if node == key:
                return r.Column(f"key {number}")
        if isinstance(node, r.BuiltinCall) and node.aggregate:
            return r.Column(self.aggregates.setdefault(node, f"aggregate {len(self.aggregates)}"))
        if isinstance(node, r.UserCall) and node.aggregate:
            names = tuple(self.lists.setdefault(a, f"list {len(self.lists)}") for a in map(self.expanded, node.arguments))
            self.user_calls[node] = names
            return node
        if isinstance(node, r.Bound):
            which = "window_trigger" if node.which == "event_time" else node.which
            return r.Column(self.bounds.setdefault(which, which))
        if isinstance(node, r.Column):
            return r.Column(self.firsts.setdefault(node.name, f"first {len(self.firsts)}"))
        return r.rebuilt(node, self.over_groups)

    def expanded(self, node: Node) -> Node:
        """*node* with aliases replaced by what they stand for."""
        return expanded(node, self.aliases)


def expanded(node: Node, aliases: Mapping[str, Node]) -> Node:
    """*node* with aliases replaced by what they stand for; one that gives way to a column stays."""
    if isinstance(node, r.AliasRef) and not node.column_first:
        return expanded(aliases[node.name], aliases)
    return r.rebuilt(node, lambda child: expanded(child, aliases))


def user_calls(node: Node | None) -> list[r.UserCall]:
    """The user's functions called in *node*, inner calls first."""
    found: list[r.UserCall] = []

    def visit(n: Node) -> None:
        for child in r.children(n):
            visit(child)
        if isinstance(n, r.UserCall) and n not in found:
            found.append(n)

    if node is not None:
        visit(node)
    return found
