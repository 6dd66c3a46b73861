"""Output rows put together: from a computed table, or from the dicts that came in and the values DuckDB computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from ..contracts import Row
from ..sql.plan import OutputField, Plan
from ..types import unencoded_table


def visible(plan: Plan, table: pa.Table) -> tuple[pa.Table, frozenset[str]]:
    """*table* without invisible fields, and the fields that leave no key where they are null."""
    hidden = [f.name for f in plan.fields if f.invisible and f.name in table.column_names]
    nil = plan.options.send_nil_field
    omitted = frozenset(f.name for f in plan.fields if f.kind == "value" and not (f.alias and nil))
    return (table.drop_columns(hidden) if hidden else table), omitted


def rows_of(table: pa.Table, omitted: frozenset[str], size: int) -> list[Row]:
    """The *size* rows of *table*; the columns in *omitted* leave no key where they are null."""
    if not table.num_columns:  # then Arrow does not know how many rows there are
        return [{} for _ in range(size)]
    rows: list[Row] = unencoded_table(table).to_pylist()
    sparse = [name for name in table.column_names if name in omitted and table.column(name).null_count]
    for name in sparse:
        for row in rows:
            if row[name] is None:
                del row[name]
    return rows


def assembled(plan: Plan, rows: Sequence[Row], computed: pa.Table, places: np.ndarray | None) -> list[Row]:
    """Output rows of the dicts at *places* (None: all): columns and `*` from the dicts, values from *computed*."""
    excluded = frozenset(name for f in plan.fields if f.kind == "star" for name in f.star.exclude)
    named = excluded | {f.name for f in plan.fields if f.kind != "star"}
    hidden = {f.name for f in plan.fields if f.kind == "column" and f.name in excluded}
    fields = [f for f in plan.fields if not f.invisible and f.name not in hidden]
    values = {name: computed.column(name).to_pylist() for name in computed.column_names}
    nil = plan.options.send_nil_field
    chosen = range(len(rows)) if places is None else places.tolist()
    return [_row(fields, rows[place], number, values, named, nil) for number, place in enumerate(chosen)]


def _row(
    fields: Sequence[OutputField],
    row: Row,
    number: int,
    values: Mapping[str, list[object]],
    named: frozenset[str],
    nil: bool,
) -> Row:
    out: Row = {}
    for f in fields:
        if f.kind == "star":
            out.update((k, v) for k, v in row.items() if k not in named)
        elif f.kind == "column":
            column = f.node.name  # type: ignore[attr-defined]
            if column in row:
                out[f.name] = row[column]
            elif nil:
                out[f.name] = None
        else:
            value = values[f.name][number]
            if value is not None or (nil and f.alias):
                out[f.name] = value
    return out
