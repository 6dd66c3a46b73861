"""The cases as one plain DuckDB query each, over the whole file, with DuckDB's own defaults."""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from .events import GROUP, Data
from .ours import fahrenheit
from .tally import Tally

_AGGREGATES = "count(*) AS n, avg(value) AS mean, max(value) AS most"
_FILTER = "SELECT key, value * 1.8 + 32 AS f FROM '{parquet}' WHERE value > 20"
_CALL = "SELECT key, fahrenheit(value) AS f FROM '{parquet}'"
_TUMBLING = f"SELECT (ts // 10000 + 1) * 10000 AS at, key, {_AGGREGATES} FROM '{{parquet}}' GROUP BY ALL"
_HOPPING = f"""
    SELECT "at", key, {_AGGREGATES}
    FROM (SELECT unnest([(ts // 5000 + 1) * 5000, (ts // 5000 + 2) * 5000]) AS "at", key, value FROM '{{parquet}}')
    GROUP BY ALL
"""
_LINES = f"""
    SELECT (ts // 10000 + 1) * 10000 AS "at", key, {_AGGREGATES}
    FROM read_json(
        '{{lines}}', format = 'newline_delimited', columns = {{{{ts: 'BIGINT', key: 'VARCHAR', value: 'DOUBLE'}}}}
    )
    GROUP BY ALL
"""


def _query(sql: str, kind: str = "") -> Callable[[Data, Tally], None]:
    def case(data: Data, tally: Tally) -> None:
        with duckdb.connect() as connection:
            if kind:
                connection.create_function("fahrenheit", fahrenheit, ["DOUBLE"], "DOUBLE", type=kind)
            relation = connection.sql(sql.format(parquet=data.parquet, lines=data.lines))
            for batch in relation.to_arrow_reader(GROUP):
                tally.add(batch)

    return case


def _vectorised(data: Data, tally: Tally) -> None:
    import pyarrow as pa

    with duckdb.connect() as connection:
        call = lambda column: pa.chunked_array([pa.array(fahrenheit(column.to_numpy()))])  # noqa: E731
        connection.create_function("fahrenheit", call, ["DOUBLE"], "DOUBLE", type="arrow")
        for batch in connection.sql(_CALL.format(parquet=data.parquet)).to_arrow_reader(GROUP):
            tally.add(batch)


CASES: dict[str, Callable[[Data, Tally], None]] = {
    "W1": _query(_FILTER),
    "W2": _query(_TUMBLING),
    "W3": _query(_HOPPING),
    "W4row": _query(_CALL, "native"),
    "W4vec": _vectorised,
    "JSON": _query(_LINES),
}


def first_row(data: Data) -> object:
    """The first row of the filter over a file."""
    return duckdb.sql(_FILTER.format(parquet=data.parquet)).limit(1).fetchall()
