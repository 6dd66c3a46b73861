"""What a plan's groups are in DuckDB's SQL: their keys, their aggregates, and when not to trust them."""

from __future__ import annotations

from dataclasses import dataclass

from ..sql import resolved as r
from ..sql.grouping import first_of, group_guard, list_of, odd_answer, odd_key, placed
from ..sql.lower import Lowering
from ..sql.lowered import Lowered, NotLowered, Sql, any_of
from ..sql.syntax import Node
from ..types import NULL, STRING, AnyType, ArrayOf
from .groupquery import ORDER
from .hoist import HIDDEN
from .substitute import Split
from .typing import Typing, fed


@dataclass(frozen=True, slots=True)
class Output:
    """One column of the group table. *sql* is None for a key that is a column of texts: it goes in as codes."""

    name: str
    type: AnyType
    sql: Sql | None = None
    column: str = ""


class Aggregation:
    """The group table of *split* over rows with columns of *typing*. Raises NotLowered when it has no DuckDB form.

    *keys* and *values* are its columns; *guard* is true for groups whose windows are for the evaluator; *condition*
    for rows that count. *fed*: what is read of the rows, as (column, name in DuckDB, Arrow type).
    """

    def __init__(self, typing: Typing, split: Split, where: Node | None, wrapped: bool = False) -> None:
        self._types = dict(typing)
        renamed = {name: f"c{i}" for i, (name, _) in enumerate(typing)}
        used: set[str] = set()

        def place(name: str) -> Sql:
            used.add(name)
            return placed(renamed[name])

        self._lowering = Lowering(self._types, split.aliases, place, wrapped=wrapped)
        self._rows: list[Sql | None] = []  # guards of single rows
        self._groups: list[Sql | None] = []  # guards of whole groups
        self.keys = [self._key(number, node) for number, node in enumerate(split.keys)]
        self.values: list[Output] = []
        for node, name in split.aggregates.items():
            assert isinstance(node, r.BuiltinCall)
            self._aggregate(node, name)
        for column, name in split.firsts.items():
            value = self._lowering.expression(r.Column(column))
            self._add(name, first_of(value, ORDER), value.type)
        for node, name in split.lists.items():
            self._list(self._lowering.expression(node), name)
        condition, doubtful = self._lowering.condition(where) if where is not None else (None, None)
        self._rows.append(doubtful)
        self.condition = None if condition is None else any_of([condition, doubtful])
        self.guard = group_guard(self._rows, self._groups)
        self.fed = [(name, renamed[name], fed(kind)) for name, kind in typing if name in used]

    @property
    def typing(self) -> Typing:
        """The columns of the group table."""
        return tuple((output.name, output.type) for output in (*self.keys, *self.values))

    def _key(self, number: int, node: Node) -> Output:
        name = f"{HIDDEN}key {number}"
        if isinstance(node, r.Column) and self._types.get(node.name) == STRING:
            return Output(name, STRING, None, node.name)
        key = self._lowering.expression(node)
        self._rows += [key.guard, *odd_key(key)]
        return Output(name, key.type, key.sql)

    def _add(self, name: str, sql: Sql, kind: AnyType) -> None:
        self.values.append(Output(name, kind, sql))

    def _aggregate(self, node: r.BuiltinCall, name: str) -> None:
        if node.entry.name == "count" and isinstance(node.arguments[0], r.WholeRow):
            lowered = node.entry.lower([]) if node.entry.lower else None
            if lowered is None:
                raise NotLowered("count(*) has no DuckDB form")
            self._add(name, lowered.sql, lowered.type)
            return
        if any(isinstance(a, r.WholeRow) for a in node.arguments):
            raise NotLowered(f"{node.entry.name}(*) looks at whole rows")
        arguments = [self._lowering.expression(a) for a in node.arguments]
        if node.entry.name == "collect":
            self._list(arguments[0], name)
            return
        if node.entry.lower is None or any(a.type == NULL for a in arguments):
            raise NotLowered(f"{node.entry.name} has no DuckDB form")
        lowered = node.entry.lower(arguments)
        if lowered is None:
            raise NotLowered(f"{node.entry.name} over {', '.join(str(a.type) for a in arguments)}")
        self._groups += [lowered.guard, odd_answer(lowered)]
        self._add(name, lowered.sql, lowered.type)

    def _list(self, value: Lowered, name: str) -> None:
        if value.type == NULL:
            raise NotLowered("a list of nulls")
        self._rows.append(value.guard)
        self._add(name, list_of(value, ORDER), ArrayOf(value.type))
