"""Text that comes as Arrow dictionaries is text."""

from __future__ import annotations

import pyarrow as pa

from kuiper_nb import Session, VirtualClock

STREAM = 'CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo", FORMAT="json")'
PLAIN = pa.table({"name": pa.array(["a", "b"] * 50)})
ENCODED = pa.table({"name": PLAIN.column("name").dictionary_encode()})


def test_a_window_takes_tables_that_encode_their_text_differently() -> None:
    with Session(clock=VirtualClock(1000)) as session:
        session.sql(STREAM)
        rule = session.rule("SELECT name, count(*) AS n FROM demo GROUP BY name, COUNTWINDOW(200)")

        for table in (ENCODED, PLAIN, PLAIN, ENCODED):
            session.push("demo", table)

        both = [{"name": "a", "n": 100}, {"name": "b", "n": 100}]
        assert [emit.rows for emit in rule.emits] == [both, both]


def test_results_hold_text_and_no_dictionaries() -> None:
    with Session(clock=VirtualClock(1000)) as session:
        session.sql(STREAM)
        rule = session.rule("SELECT name FROM demo")

        session.push("demo", ENCODED)

        assert rule.arrow().schema == PLAIN.schema
        assert rule.emits[0].rows == PLAIN.to_pylist()


def test_a_vectorised_function_on_arrow_gets_text() -> None:
    def kind(names: pa.Array) -> pa.Array:
        return pa.array([str(names.type)] * len(names))

    with Session(clock=VirtualClock(1000)) as session:
        session.sql(STREAM)
        session.function(kind, vectorized=True)
        rule = session.rule("SELECT kind(name) AS kind FROM demo")

        session.push("demo", ENCODED)

        assert rule.emits[0].rows == [{"kind": "string"}] * 100
