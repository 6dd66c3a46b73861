"""The sentences of the dialect as frozen nodes that know where they stood in the text.

Nothing here is resolved: a `Name` may turn out to be a column, an alias or a path into a struct.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ..types import AnyType


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, from 1."""

    line: int = 1
    column: int = 1


NOWHERE = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything in a sentence. Equality ignores where it stood."""

    place: Place = field(default=NOWHERE, compare=False, repr=False)


Expr = Node
"""A node that has a value. It stays a `Node` because resolving puts the nodes of `resolved` in the places of these."""


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A number, text or truth value. `{{…}}` becomes one too."""

    value: int | float | str | bool


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A column, alias or dotted path as written: `amp`, `plant.amp`, `box.w`."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unit(Node):
    """DD, HH, MI, SS or MS, bare: the unit of a window, and null anywhere else."""

    name: str


@dataclass(frozen=True, slots=True)
class Star(Node):
    """`*` or `stream.*`, with EXCEPT and REPLACE."""

    stream: str | None = None
    exclude: tuple[str, ...] = ()
    replace: tuple[SelectItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`left op right`; *op* in upper case: + - * / % & | ^ = != < <= > >= AND OR LIKE "NOT LIKE"."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`value [NOT] BETWEEN low AND high`."""

    value: Expr
    low: Expr
    high: Expr
    negated: bool = False


@dataclass(frozen=True, slots=True)
class In(Node):
    """`value [NOT] IN (a, b)` or, with *items* a single expression, `value IN array`."""

    value: Expr
    items: tuple[Expr, ...] | Expr
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Arrow(Node):
    """`value -> key`, also the dot of a path."""

    value: Expr
    key: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`value[index]`, from 0, negative from the end."""

    value: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """`value[start:stop]`, stop exclusive; a missing bound is None."""

    value: Expr
    start: Expr | None
    stop: Expr | None


@dataclass(frozen=True, slots=True)
class Over(Node):
    """`OVER (PARTITION BY a, b WHEN c)` of an analytic function."""

    partition: tuple[Expr, ...] = ()
    when: Expr | None = None


@dataclass(frozen=True, slots=True)
class Invoke(Node):
    """`name(arguments)`; *name* as written."""

    name: str
    arguments: tuple[Expr, ...]
    over: Over | None = None


@dataclass(frozen=True, slots=True)
class Case(Node):
    """`CASE [subject] WHEN a THEN b … [ELSE c] END`."""

    subject: Expr | None
    branches: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr | None


@dataclass(frozen=True, slots=True)
class Paren(Node):
    """`(inner)`: kept because an unnamed `(amp)` is not called `amp`."""

    inner: Expr


@dataclass(frozen=True, slots=True)
class SelectItem(Node):
    """One field of a SELECT; *alias* '' when unnamed."""

    value: Expr
    alias: str = ""
    invisible: bool = False


@dataclass(frozen=True, slots=True)
class Join(Node):
    """`kind JOIN stream ON condition`."""

    kind: Literal["INNER", "LEFT", "RIGHT", "FULL", "CROSS"]
    stream: str
    alias: str = ""
    on: Expr | None = None


@dataclass(frozen=True, slots=True)
class WindowCall(Node):
    """A window in GROUP BY with its FILTER and OVER (WHEN)."""

    name: str
    arguments: tuple[Expr, ...]
    where: Expr | None = None
    when: Expr | None = None
    partition: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderItem(Node):
    """One key of ORDER BY."""

    value: Expr
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Select(Node):
    """A whole SELECT."""

    items: tuple[SelectItem, ...]
    stream: str
    alias: str = ""
    joins: tuple[Join, ...] = ()
    where: Expr | None = None
    group: tuple[Expr, ...] = ()
    windows: tuple[WindowCall, ...] = ()
    having: Expr | None = None
    order: tuple[OrderItem, ...] = ()
    limit: int | None = None
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ColumnDef(Node):
    """One column of a CREATE."""

    name: str
    type: AnyType
    default: str | int | float | bool | None = None


@dataclass(frozen=True, slots=True)
class Create(Node):
    """CREATE STREAM or CREATE TABLE; option keys in upper case."""

    kind: Literal["stream", "table"]
    name: str
    columns: tuple[ColumnDef, ...]
    options: tuple[tuple[str, str], ...]
    text: str = field(default="", compare=False)
    option_places: tuple[Place, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Show(Node):
    """SHOW STREAMS or SHOW TABLES."""

    kind: Literal["stream", "table"]


@dataclass(frozen=True, slots=True)
class Describe(Node):
    """DESCRIBE STREAM or TABLE."""

    kind: Literal["stream", "table"]
    name: str


@dataclass(frozen=True, slots=True)
class Drop(Node):
    """DROP STREAM or TABLE."""

    kind: Literal["stream", "table"]
    name: str


Statement = Select | Create | Show | Describe | Drop


def walk(node: Any) -> Iterator[Node]:
    """*node* and every node under it, parents first, in the order of the text."""
    if isinstance(node, tuple):
        for item in node:
            yield from walk(item)
    elif isinstance(node, Node):
        yield node
        for f in fields(node):
            yield from walk(getattr(node, f.name))
