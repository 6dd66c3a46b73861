"""The locked database: queries that are planned once, whatever way their text comes encoded."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from kuiper_nb.duck import Cursor, Duck

SCHEMA = pa.schema([("name", pa.string())])


def _upper_case() -> tuple[Duck, pa.Table, pa.Table]:
    plain = pa.table({"name": pa.array(["a", "b", None])})
    return Duck(), plain, pa.table({"name": plain.column("name").dictionary_encode()})


def test_a_query_answers_the_same_for_text_and_for_text_encoded_as_a_dictionary() -> None:
    duck, plain, encoded = _upper_case()
    cursor = duck.cursor()
    feed = cursor.feed(SCHEMA)
    query = cursor.prepare(f"SELECT upper(name) AS name FROM {feed.name}", batch=feed)

    answers = [query(batch=table).column("name").to_pylist() for table in (plain, encoded, plain, encoded)]

    assert answers == [["A", "B", None]] * 4
    duck.close()


def test_each_encoding_is_planned_once() -> None:
    duck, plain, encoded = _upper_case()
    cursor = duck.cursor()
    feed = cursor.feed(SCHEMA)
    query = cursor.prepare(f"SELECT name FROM {feed.name}", batch=feed)
    for table in (plain, encoded):
        query(batch=table)
    asked = query.schema_calls

    for table in (plain, encoded, encoded, plain):
        query(batch=table)

    assert query.schema_calls == asked
    duck.close()


def test_a_plan_is_made_once_and_its_sources_are_not_asked_for_their_schema_again() -> None:
    duck, plain, _ = _upper_case()
    cursor = duck.cursor()
    left, right = cursor.feed(SCHEMA), cursor.feed(SCHEMA)
    query = cursor.prepare(f"SELECT name FROM {left.name} UNION ALL FROM {right.name}", left=left, right=right)
    query(left=plain, right=plain)
    asked = query.schema_calls

    rows = [query(left=plain, right=plain.slice(0, size)).num_rows for size in range(3)]

    assert (rows, query.schema_calls) == ([3, 4, 5], asked)
    duck.close()


class _OnlyPublic:
    """A connection without the methods that DuckDB does not promise."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._connection, name)


def test_without_the_methods_that_duckdb_does_not_promise_the_answers_are_the_same() -> None:
    cursor = Cursor(_OnlyPublic(duckdb.connect()))  # type: ignore[arg-type]
    feed = cursor.feed(SCHEMA)
    query = cursor.prepare(f"SELECT upper(name) AS name FROM {feed.name}", batch=feed)
    _, plain, encoded = _upper_case()

    answers = [query(batch=table).column("name").to_pylist() for table in (plain, encoded, plain)]

    assert answers == [["A", "B", None]] * 3
    cursor.close()
