"""Emits as one table: Arrow or pandas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..contracts import Row
from ..types import unencoded_table
from .emits import Emit

if TYPE_CHECKING:
    import pandas as pd


def arrow_table(emits: Iterable[Emit]) -> pa.Table:
    """All rows of *emits*, columns in the order they first appear; what has no single type becomes text."""
    tables = list(_tables(emits))
    if not tables:
        return pa.table({})
    return (
        pa.concat_tables(tables, promote_options="permissive")
        if _mergeable(tables)
        else rows_table([row for table in tables for row in table.to_pylist()])
    )


def _mergeable(tables: list[pa.Table]) -> bool:
    try:
        pa.unify_schemas([t.schema for t in tables], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return False
    return True


def _tables(emits: Iterable[Emit]) -> Iterator[pa.Table]:
    """The emits that are Arrow already, and between them one table of all the rows that are not."""
    rows: list[Row] = []
    for emit in emits:
        ready = emit.table()
        if ready is None:
            rows += emit.rows
            continue
        if rows:
            yield rows_table(rows)
            rows = []
        yield unencoded_table(ready)
    if rows:
        yield rows_table(rows)


def rows_table(rows: list[Row]) -> pa.Table:
    """Rows as Arrow."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return pa.table({})
    return pa.table([_array([row.get(name) for row in rows]) for name in names], names=[_utf8(str(n)) for n in names])


def _array(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        texts = [None if v is None else _utf8(v) if isinstance(v, str) else repr(v) for v in values]
        return pa.array(texts, pa.string())


def _utf8(text: str) -> str:
    """*text*, half of a surrogate pair written out: Arrow has no form for it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def frame(emits: Iterable[Emit]) -> pd.DataFrame:
    """All rows of *emits* as a pandas DataFrame."""
    made: pd.DataFrame = arrow_table(emits).to_pandas()
    return made
