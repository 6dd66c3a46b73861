"""What may be pushed as a table, and what is refused by name."""

from __future__ import annotations

from collections import OrderedDict

import pandas as pd
import pyarrow as pa
import pytest

from kuiper_nb import KuiperError, Session

from .conftest import rows


def test_what_has_no_columns_cannot_be_pushed(session: Session) -> None:
    for data in (pd.Series([1]), pd.DataFrame({"a": [1]}).groupby("a"), pa.chunked_array([[1]])):
        with pytest.raises(KuiperError, match="cannot be pushed"):
            session.push("demo", data)


def test_a_column_that_comes_twice_is_named(session: Session) -> None:
    for data in (pd.DataFrame([[1, 2]], columns=["a", "a"]), pa.table([[1], [2]], names=["a", "a"])):
        with pytest.raises(KuiperError, match="column a comes 2 times"):
            session.push("demo", data)


def test_a_column_of_several_types_comes_in_row_by_row(session: Session) -> None:
    rule = session.rule("SELECT * FROM demo", id="r")
    session.push("demo", pd.DataFrame({"a": [1, "x", None, float("nan")], "n": [1, 2, 3, 4]}))

    assert rows(rule) == [{"a": 1, "n": 1}, {"a": "x", "n": 2}, {"a": None, "n": 3}, {"a": None, "n": 4}]


@pytest.mark.parametrize("copies", [1, 100])
@pytest.mark.parametrize("columns", ["", "a BIGINT"])
def test_an_item_of_a_list_that_is_no_row_fails_alone(session: Session, copies: int, columns: str) -> None:
    session.sql(f'CREATE STREAM mixed ({columns}) WITH (TYPE="memory", DATASOURCE="mixed")')
    rule = session.rule("SELECT a FROM mixed", id="r")

    session.push("mixed", [{"a": 1}, None, OrderedDict(a=2), 3] * copies)

    assert [row["a"] for row in rows(rule)] == [1, 2] * copies
    assert [error.row for error in rule.errors] == [None, 3] * copies
    assert rule.errors[0].message == "item 1 of the list is a NoneType, not a row"
    assert (rule.status.rows_in, rule.status.errored) == (4 * copies, 2 * copies)


def test_a_list_without_any_row_is_refused_whole_and_names_an_item(session: Session) -> None:
    rule = session.rule("SELECT a FROM demo", id="r")

    with pytest.raises(KuiperError, match="item 0 of the list is a int"):
        session.push("demo", [1, 2])

    assert rule.status.rows_in == 0
