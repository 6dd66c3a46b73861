"""Calls taken out of expressions, of user functions and of built-in ones without a DuckDB form: in which order they are
made, and for which rows.

DuckDB computes the arguments, Python (or a plugin, or a service) answers the whole batch, the answer joins as a
column. A call in a branch of CASE, or behind AND or OR, is made only for rows that get there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeGuard

from ..sql import resolved as r
from ..sql import syntax as s
from ..sql.syntax import Node

HIDDEN = "`"
"""What the columns a query needs for itself begin with: no name in SQL holds a back-quote."""

Path = tuple[tuple[Node, bool], ...]
"""Conditions that must have been true, or not true, for a call to be reached."""


Call = r.UserCall | r.BuiltinCall


def is_call(node: Node) -> TypeGuard[Call]:
    """Whether Python answers it: a user's function, or a built-in one that has no DuckDB form."""
    if isinstance(node, r.BuiltinCall):
        return node.entry.lower is None and node.entry.kind in ("scalar", "aggregate") and not node.entry.scope
    return isinstance(node, r.UserCall)


def has_call(node: Node | None) -> bool:
    """Whether there is a call in *node*."""
    return any(is_call(inner) for inner in r.walk(node))


@dataclass(slots=True)
class Site:
    """One call: where its answer goes, and the paths that lead to it."""

    call: Call
    column: str
    level: int
    paths: list[Path] = field(default_factory=list)

    @property
    def always(self) -> bool:
        """Whether every row gets there."""
        return any(not path for path in self.paths)


def sites(nodes: Iterable[Node | None], where: Node | None = None) -> list[Site]:
    """The calls in *nodes* (aliases expanded), inner ones and those their paths need on lower levels, from level 0.

    Those in *where* come first; when there are any, the others are made only for rows for which *where* holds.
    """
    found: dict[Call, Site] = {}

    def visit(node: Node, path: Path) -> int:
        """The level on which *node* can be computed: above every call in it."""
        if isinstance(node, s.Case):
            return _case(node, path)
        if isinstance(node, s.Binary) and node.op in ("AND", "OR"):
            first = visit(node.left, path)
            return max(first, visit(node.right, (*path, (node.left, node.op == "AND"))))
        level = max((visit(child, path) for child in r.children(node)), default=0)
        if not is_call(node):
            return level
        level = max([level, *(_level(condition) for condition, _ in path)])
        site = found.setdefault(node, Site(node, f"{HIDDEN}call {len(found)}", level))
        site.level = max(site.level, level)
        site.paths.append(path)
        return site.level + 1

    def _level(node: Node) -> int:
        return max((found[n].level + 1 for n in r.walk(node) if is_call(n) and n in found), default=0)

    def _case(node: s.Case, path: Path) -> int:
        levels = [visit(node.subject, path)] if node.subject is not None else [0]
        passed: Path = path
        for when, then in node.branches:
            levels.append(visit(when, passed))
            test: Node = when if node.subject is None else s.Binary("=", node.subject, when)
            levels.append(visit(then, (*passed, (test, True))))
            passed = (*passed, (test, False))
        if node.otherwise is not None:
            levels.append(visit(node.otherwise, passed))
        return max(levels)

    behind: Path = ()
    if where is not None:
        visit(where, ())
        behind = ((where, True),) if found else ()
    for node in nodes:
        if node is not None:
            visit(node, behind)
    return sorted(found.values(), key=lambda site: site.level)
