"""The row stage as one prepared query: WHERE, the fields, and which rows the evaluator has to look at after all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..duck import Cursor, Query
from ..sql.grouping import placed
from ..sql.lower import Lowering
from ..sql.lowered import Lowered, any_of, render
from ..sql.syntax import Node
from ..types import NULL, AnyType, table_of
from .typing import Mask, Typing, fed


@dataclass(frozen=True, slots=True)
class Answered:
    """What a row query answered: the values of rows that passed, by name, the places of those rows (None: all of
    them, in order) and the places of rows for the evaluator."""

    table: pa.Table
    places: np.ndarray | None
    exact: np.ndarray | None


class RowQuery:
    """Computes *outputs* of the rows for which *where* holds, over columns of types *typing*, sorted by *order*.

    Raises NotLowered or QueryError when it cannot be made.
    """

    def __init__(
        self,
        cursor: Cursor,
        typing: Typing,
        outputs: Sequence[tuple[str, Node]],
        *,
        where: Node | None = None,
        aliases: Mapping[str, Node] | None = None,
        calls: Mapping[Node, str] | None = None,
        order: Sequence[tuple[Node, bool]] = (),
        order_first: Sequence[str] = (),
        wrapped: bool = False,
        places: bool = False,
    ) -> None:
        columns = dict(typing)
        self._names = [name for name, _ in typing]
        renamed = {name: f"c{i}" for i, name in enumerate(self._names)}
        self._schema = pa.schema([(renamed[name], fed(kind)) for name, kind in typing])
        place = lambda name: placed(renamed[name])  # noqa: E731
        lowering = Lowering(columns, aliases or {}, place, wrapped=wrapped, calls=calls)
        lowered = [lowering.expression(node) for _, node in outputs]
        self.types: dict[str, AnyType] = {name: v.type for (name, _), v in zip(outputs, lowered, strict=True)}
        condition, where_guard = lowering.condition(where) if where is not None else (None, None)
        keys = [(lowering.expression(node), descending) for node, descending in order]
        guards = [where_guard, *(v.guard for v in lowered), *(k.guard for k, _ in keys)]
        guard = any_of([*guards, *(lowering.nan_guard(k) for k, _ in keys)])
        self._guarded = guard is not None
        self._placed = places or self._guarded or bool(order) or not typing
        self._outputs = [name for name, _ in outputs]
        parts = [f"{render(v.sql)} AS o{i}" for i, v in enumerate(lowered) if v.type != NULL]
        self._nulls = [v.type == NULL for v in lowered]
        if guard is not None:
            parts.append(f"coalesce({render(guard)}, true) AS g")
        if self._placed:
            parts.append("r")
            self._schema = self._schema.append(pa.field("r", pa.int64()))
        feed = cursor.feed(self._schema)
        sql = f"SELECT {', '.join(parts) or '1 AS nothing'} FROM {feed.name}"
        kept = any_of([condition, where_guard]) if condition is not None else None
        if kept is not None:
            sql += f" WHERE {render(kept)}"
        if order:
            sql += f" ORDER BY {', '.join([*(f'c{self._names.index(n)}' for n in order_first), *_terms(keys), 'r'])}"
        self._query: Query = cursor.prepare(sql, batch=feed)

    @property
    def text(self) -> str:
        """The SQL, for `explain`."""
        return self._query.text

    def __call__(self, table: pa.Table, misfits: Mask | None = None) -> Answered:
        """Run over *table*, whose columns are those of the typing. Rows in *misfits* are for the evaluator anyway."""
        arrays = list(table.columns)
        rows = table.num_rows
        if self._placed:
            arrays.append(pa.array(np.arange(rows)))
        answer = self._query(batch=table_of(arrays, self._schema))
        places = answer.column("r").to_numpy() if self._placed else None
        exact = None
        if self._guarded:
            guarded = answer.column("g").to_numpy().astype(bool)
            if guarded.any():
                exact = places[guarded]  # type: ignore[index]
                answer, places = answer.filter(pa.array(~guarded)), places[~guarded]  # type: ignore[index]
        if misfits is not None:
            places = np.arange(rows) if places is None else places
            fits = ~misfits[places]
            answer, places = answer.filter(pa.array(fits)), places[fits]
            wrong = np.flatnonzero(misfits)
            exact = wrong if exact is None else np.union1d(exact, wrong)
        return Answered(self._named(answer), places, exact)

    def _named(self, answer: pa.Table) -> pa.Table:
        columns = [pa.nulls(answer.num_rows) if null else answer.column(f"o{i}") for i, null in enumerate(self._nulls)]
        return pa.table(columns, names=self._outputs) if columns else answer.select([])


def _terms(keys: Sequence[tuple[Lowered, bool]]) -> list[str]:
    return [f"{render(k.sql)} {'DESC' if down else 'ASC'} NULLS LAST" for k, down in keys if k.type != NULL]
