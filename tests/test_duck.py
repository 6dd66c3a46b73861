"""The locked database: queries that are planned once, whatever way their text comes encoded."""

from __future__ import annotations

import pyarrow as pa

from kuiper_nb.duck import Duck

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
