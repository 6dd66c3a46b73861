"""All windows that close in a batch as one aggregate query: a row per window and group, ordered by first row."""

from __future__ import annotations

import pyarrow as pa

from ..duck import Cursor
from ..sql import resolved as r
from ..sql.grouping import first_of, group_guard, list_of, odd_answer, odd_key, placed
from ..sql.lower import Lowering
from ..sql.lowered import Lowered, NotLowered, Sql, any_of, render
from ..sql.syntax import Node
from ..types import NULL, STRING, AnyType, ArrayOf, table_of
from .codes import coded, decoded
from .hoist import HIDDEN
from .substitute import Split
from .typing import Typing, fed

WINDOW, ORDER = "w", "n"


class SpanQuery:
    """Groups the rows of a table with columns of *typing*, a window number and an order number.

    The answer has the columns of *split* and the window number; *guarded* says that a column "guard" marks groups whose
    windows are for the evaluator. Raises NotLowered or QueryError when it cannot be made.
    """

    def __init__(
        self,
        cursor: Cursor,
        typing: Typing,
        split: Split,
        where: Node | None,
        wrapped: bool = False,
    ) -> None:
        renamed = {name: f"c{i}" for i, (name, _) in enumerate(typing)}
        used: set[str] = set()

        def place(name: str) -> Sql:
            used.add(name)
            return placed(renamed[name])

        columns = dict(typing)
        self._lowering = Lowering(columns, split.aliases, place, wrapped=wrapped)
        self._columns: list[tuple[str, AnyType]] = []
        self._parts: list[str] = []
        self._guards: list[Sql | None] = []
        self._row_guards: list[Sql | None] = []
        self._coded: dict[int, str] = {}  # keys that are columns of texts, by number: they go in as codes
        for number, node in enumerate(split.keys):
            if isinstance(node, r.Column) and columns.get(node.name) == STRING:
                self._coded[number] = node.name
                self._add(f"{HIDDEN}key {number}", placed(f"k{number}"), STRING)
                continue
            key = self._lowering.expression(node)
            self._row_guards += [key.guard, *odd_key(key)]
            self._add(f"{HIDDEN}key {number}", key.sql, key.type)
        for node, name in split.aggregates.items():
            assert isinstance(node, r.BuiltinCall)
            self._aggregate(node, name)
        for column, name in split.firsts.items():
            self._first(column, name)
        for node, name in split.lists.items():
            self._list(self._lowering.expression(node), name)
        condition, where_guard = self._lowering.condition(where) if where is not None else (None, None)
        self._row_guards.append(where_guard)
        self._guard = group_guard(self._row_guards, self._guards)
        self.guarded = bool(self._guard)
        self._fed = [name for name, _ in typing if name in used]
        fields = [(renamed[name], fed(columns[name])) for name in self._fed]
        fields += [(f"k{number}", pa.int32()) for number in self._coded]
        self._schema = pa.schema([*fields, (WINDOW, pa.int32()), (ORDER, pa.int64())])
        feed = cursor.feed(self._schema)
        self._query = cursor.prepare(self._sql(feed.name, len(split.keys), condition, where_guard), batch=feed)

    @property
    def text(self) -> str:
        """The SQL, for `explain`."""
        return self._query.text

    @property
    def typing(self) -> Typing:
        """The columns of the answer."""
        return tuple(self._columns)

    def __call__(self, table: pa.Table, windows: pa.Array, order: pa.Array) -> pa.Table:
        """A row per window and group, with the columns of the split, "w" and, if guarded, "guard"."""
        columns = [_combined(table.column(name)) for name in self._fed]
        keys = {number: coded(table.column(name)) for number, name in self._coded.items()}
        columns += [_combined(codes) for codes, _ in keys.values()]
        answer = self._query(batch=table_of([*columns, windows, order], self._schema))
        arrays = [
            pa.nulls(answer.num_rows) if kind == NULL else answer.column(f"o{i}")
            for i, (_, kind) in enumerate(self._columns)
        ]
        for number, (_, texts) in keys.items():
            arrays[number] = decoded(arrays[number], texts)
        names = [name for name, _ in self._columns]
        extra = ["w", "guard"] if self.guarded else ["w"]
        return pa.table([*arrays, *(answer.column(name) for name in extra)], names=[*names, *extra])

    # ---- making it

    def _sql(self, feed: str, keys: int, condition: Sql | None, where_guard: Sql | None) -> str:
        parts = [WINDOW, *self._parts]
        if self.guarded:
            parts.append(f"{self._guard} AS guard")
        grouping = [WINDOW, *(f"o{i}" for i in range(keys) if self._columns[i][1] != NULL)]
        kept = f"{WINDOW} >= 0"
        if condition is not None:
            passed = any_of([condition, where_guard])
            assert passed is not None
            kept += f" AND ({render(passed)})"
        order = f"{WINDOW}, min({ORDER})" if keys else WINDOW
        return f"SELECT {', '.join(parts)} FROM {feed} WHERE {kept} GROUP BY {', '.join(grouping)} ORDER BY {order}"

    def _add(self, name: str, sql: Sql, kind: AnyType) -> None:
        if kind != NULL:
            self._parts.append(f"{render(sql)} AS o{len(self._columns)}")
        self._columns.append((name, kind))

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
        self._guards += [lowered.guard, odd_answer(lowered)]
        self._add(name, lowered.sql, lowered.type)

    def _first(self, column: str, name: str) -> None:
        value = self._lowering.expression(r.Column(column))
        self._add(name, first_of(value, ORDER), value.type)

    def _list(self, value: Lowered, name: str) -> None:
        if value.type == NULL:
            raise NotLowered("a list of nulls")
        self._row_guards.append(value.guard)
        self._add(name, list_of(value, ORDER), ArrayOf(value.type))


def _combined(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Few chunks: DuckDB pays some microseconds for each."""
    return column if column.num_chunks <= 64 else pa.chunked_array([column.combine_chunks()])
