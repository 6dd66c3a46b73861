"""The groups of spans: of rows at once, or of rows folded into parts before their spans are finished."""

from __future__ import annotations

from functools import cached_property

import pyarrow as pa

from ..duck import Cursor
from ..sql.folding import Folding, NotFolded
from ..sql.lowered import Sql, render
from ..sql.syntax import Node
from ..types import NULL
from .aggregation import Aggregation
from .codes import Integers
from .groupquery import GUARD, ORDER, Column, GroupQuery, Groups
from .ordering import Order
from .substitute import Split
from .typing import Typing


class SpanGroups:
    """The group table of *split* over rows with columns of *typing*, *where* they count.

    Where a column `guard` is true, the window is for the evaluator. Raises NotLowered or QueryError.
    """

    def __init__(
        self, cursor: Cursor, typing: Typing, split: Split, where: Node | None, *, wrapped: bool = False
    ) -> None:
        self._cursor = cursor
        self._aggregation = made = Aggregation(typing, split, where, wrapped)
        self._texts = [key for key in made.keys if key.sql is None]
        self._keys = [key for key in made.keys if key.sql is not None and key.type != NULL]
        self._values = [(v.name, v.sql) for v in made.values if v.sql is not None and v.type != NULL]
        if made.guard is not None:
            self._values.append((GUARD, made.guard))
        self._nulls = [output.name for output in (*made.keys, *made.values) if output.type == NULL]
        self._condition = "" if made.condition is None else render(made.condition)
        self._fed = [(name, kind) for _, name, kind in made.fed]
        self._direct = self._over_rows([Column(name, render(sql)) for name, sql in self._values])

    @property
    def texts(self) -> list[str]:
        """The SQL that is used, for `explain`."""
        return [self._direct.text]

    @property
    def typing(self) -> Typing:
        """The columns of the group table."""
        return self._aggregation.typing

    @property
    def folds(self) -> bool:
        """Whether rows can be folded into parts that are fewer."""
        return self._folding is not None

    def of_rows(self, table: pa.Table, windows: Integers, order: Order) -> Groups:
        """The groups of the rows of *table*; *windows* has -1 for rows of none. Raises QueryError."""
        return self._whole(self._direct(*self._columns(table), windows, order))

    def parts_of(self, table: pa.Table, panes: Integers, order: Order) -> Groups:
        """Parts of groups: rows of one pane (0, 1, …) are folded. Raises QueryError."""
        return self._fold(*self._columns(table), panes, order)

    def of_parts(self, parts: pa.Table, windows: Integers, order: Order) -> Groups:
        """The groups of what `parts_of` answered. Raises QueryError."""
        query = self._combine(parts.schema)
        fed = [parts.column(name) for name in (*(key.name for key in self._keys), *self._parted.parts)]
        texts = [parts.column(key.name) for key in self._texts]
        return self._whole(query(fed, texts, windows, order))

    # ---- queries

    def _over_rows(self, columns: list[Column]) -> GroupQuery:
        keys = [Column(key.name, _rendered(key.sql), key=True) for key in self._keys]
        texts = [key.name for key in self._texts]
        return GroupQuery(self._cursor, self._fed, texts, [*keys, *columns], self._condition)

    @cached_property
    def _folding(self) -> tuple[Folding, list[Column]] | None:
        feed = self._cursor.feed(pa.schema([*self._fed, (ORDER, pa.int64())]))
        folding = Folding(ORDER, lambda sql: self._cursor.types(f"SELECT {sql} FROM {feed.name}")[0])
        try:
            return folding, [Column(name, render(folding.whole(sql))) for name, sql in self._values]
        except NotFolded:
            return None

    @property
    def _parted(self) -> Folding:
        assert self._folding is not None
        return self._folding[0]

    @cached_property
    def _fold(self) -> GroupQuery:
        return self._over_rows([Column(name, sql) for name, sql in self._parted.parts.items()])

    def _combine(self, schema: pa.Schema) -> GroupQuery:
        if self._combining is None:
            assert self._folding is not None
            keys = [(f"k{i}", key.name) for i, key in enumerate(self._keys)]
            fed = [(placed, schema.field(name).type) for placed, name in keys]
            fed += [(name, schema.field(name).type) for name in self._parted.parts]
            columns = [Column(name, placed, key=True) for placed, name in keys]
            texts = [key.name for key in self._texts]
            self._combining = GroupQuery(self._cursor, fed, texts, [*columns, *self._folding[1]])
        return self._combining

    _combining: GroupQuery | None = None

    # ---- tables

    def _columns(self, table: pa.Table) -> tuple[list[pa.ChunkedArray], list[pa.ChunkedArray]]:
        fed = [table.column(name) for name, _, _ in self._aggregation.fed]
        return fed, [table.column(key.column) for key in self._texts]

    def _whole(self, groups: Groups) -> Groups:
        table = groups.table
        for name in self._nulls:
            table = table.append_column(name, pa.nulls(table.num_rows))
        names = [name for name, _ in self.typing]  # queries over the groups take their columns by place
        table = table.select([*names, *(name for name in table.column_names if name == GUARD)]) if names else table
        return Groups(table, groups.windows, groups.order)


def _rendered(sql: Sql | None) -> str:
    assert sql is not None
    return render(sql)
