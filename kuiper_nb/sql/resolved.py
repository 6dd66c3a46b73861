"""The nodes that replace names and calls once it is known what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from .builtins.entry import Builtin
from .syntax import Node, SelectItem


@dataclass(frozen=True, slots=True)
class Column(Node):
    """A column of the stream."""

    name: str


NOTHING = Column("`")
"""What is null in every row: no column can have this name."""


@dataclass(frozen=True, slots=True)
class AliasRef(Node):
    """An alias of the SELECT list. *column_first*: a column of that name, where the row has one, goes before the
    alias."""

    name: str
    column_first: bool = False


@dataclass(frozen=True, slots=True)
class WholeRow(Node):
    """`*` as an argument: the whole row as an object, but for what EXCEPT and REPLACE say."""

    exclude: tuple[str, ...] = ()
    replace: tuple[SelectItem, ...] = ()


@dataclass(frozen=True, slots=True)
class MetaRef(Node):
    """meta(key) or, with *key* None, meta(*)."""

    key: str | None


@dataclass(frozen=True, slots=True)
class Bound(Node):
    """window_start(), window_end(), window_trigger() or event_time()."""

    which: Literal["window_start", "window_end", "window_trigger", "event_time"]


@dataclass(frozen=True, slots=True)
class BuiltinCall(Node):
    """A call of a built-in function, scalar or aggregate."""

    entry: Builtin
    arguments: tuple[Node, ...]

    @property
    def aggregate(self) -> bool:
        """Whether it looks at all rows of a group."""
        return self.entry.kind == "aggregate"


@dataclass(frozen=True, slots=True)
class UserCall(Node):
    """A call of a user's function: native, portable or external. *site* numbers the calls of a statement."""

    name: str
    arguments: tuple[Node, ...]
    aggregate: bool = False
    site: int = 0


@dataclass(frozen=True, slots=True)
class AnalyticCall(Node):
    """A call that remembers earlier rows. Its value is computed when the row arrives, before WHERE and the window.

    What it remembers is kept apart for every *site* (which call of the statement) and every value of *partition*.
    """

    entry: Builtin
    arguments: tuple[Node, ...]
    partition: tuple[Node, ...] = ()
    when: Node | None = None
    site: int = 0


@dataclass(frozen=True, slots=True)
class LastHit(Node):
    """last_hit_count() and its kin: what the *site* remembers of its hits. In another *clause* it counts anew."""

    entry: Builtin
    clause: str
    site: int = 0

    @property
    def aggregate(self) -> bool:
        """Whether its hits are groups."""
        return "_agg_" in self.entry.name


@dataclass(frozen=True, slots=True)
class ChangedCols(Node):
    """changed_cols(prefix, ignoreNull, …): the columns that changed, as an object; an alias is the name there."""

    entry: Builtin
    prefix: Node
    ignore_null: Node
    columns: tuple[SelectItem, ...]
    site: int = 0


@dataclass(frozen=True, slots=True)
class RowNumber(Node):
    """row_number(): from 1 over the rows of an emit, counted after HAVING and before ORDER BY."""


def children(node: Node) -> list[Node]:
    """The nodes directly under *node*, in the order of the text."""
    found: list[Node] = []

    def collect(value: Any) -> None:
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            for item in value:
                collect(item)

    for f in fields(node):
        collect(getattr(node, f.name))
    return found


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """*node* with every node directly under it replaced by what *change* makes of it."""

    def turn(value: Any) -> Any:
        if isinstance(value, Node):
            return change(value)
        if isinstance(value, tuple):
            return tuple(turn(item) for item in value)
        return value

    changes = {f.name: turn(getattr(node, f.name)) for f in fields(node) if f.name != "place"}
    if all(changes[name] is getattr(node, name) for name in changes):
        return node
    return replace(node, **changes)


def walk(node: Node | None) -> list[Node]:
    """*node* and everything under it, parents first."""
    if node is None:
        return []
    found = [node]
    for child in children(node):
        found.extend(walk(child))
    return found


def reach(node: Node | None, aliases: Mapping[str, Node]) -> Iterator[Node]:
    """*node*, everything under it and, once each, under the aliases it uses."""
    entered: set[str] = set()
    waiting = walk(node)
    while waiting:
        found = waiting.pop()
        yield found
        if isinstance(found, AliasRef) and found.name not in entered:
            entered.add(found.name)
            waiting.extend(walk(aliases.get(found.name)))
