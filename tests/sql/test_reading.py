"""A rule decodes and checks only what it reads, in objects too."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from kuiper_nb import Session, VirtualClock

DDL = 'CREATE STREAM meter (s STRUCT(a BIGINT, t STRUCT(b BIGINT, c STRING)), v BIGINT) WITH (TYPE="memory"'


@pytest.fixture(params=["", ', STRICT_VALIDATION="true"'], ids=["loose", "strict"])
def answered(request):
    def answered(sql: str, pushed: Any) -> tuple[list[Any], int]:
        with Session(clock=VirtualClock(0)) as session:
            session.sql(f'{DDL}, DATASOURCE="meter", FORMAT="json"{request.param})')
            rule = session.rule(sql)
            session.push("meter", pushed)
            return [row for emit in rule.emits for row in emit.rows], len(rule.errors)

    return answered


def test_a_member_that_no_path_reaches_may_have_any_type(answered):
    assert answered("SELECT s->a AS q FROM meter", {"s": {"a": 1, "t": 5}}) == ([{"q": 1}], 0)
    assert answered("SELECT s->t->b AS q FROM meter", {"s": {"t": {"b": 1, "c": True}}}) == ([{"q": 1}], 0)


def test_a_member_that_a_path_reaches_must_be_of_its_type(answered):
    assert answered("SELECT s->a AS q, s->t->c AS r FROM meter", {"s": {"a": 1, "t": 5}}) == ([], 1)


def test_where_the_whole_object_is_used_all_its_members_are_checked(answered):
    row = {"s": {"a": 1, "t": {"b": "x", "c": ""}}, "v": 1}

    assert answered("SELECT s->a AS q, s FROM meter", row) == ([], 1)
    assert answered("SELECT s->a AS q, s->t AS t FROM meter", row) == ([], 1)
    assert answered("SELECT s AS o, o->a AS q FROM meter", row) == ([], 1)
    assert answered("SELECT * FROM meter", row) == ([], 1)


def test_what_stands_in_conditions_is_read_too(answered):
    row = {"s": {"a": 1, "t": {"b": "x"}}}

    assert answered("SELECT s->a AS q FROM meter WHERE s->t->b > 1", row) == ([], 1)


def test_arrow_tables_with_further_members_are_taken_as_they_are(answered):
    table = pa.table({"s": [{"a": 1, "t": {"b": 2, "c": "x"}, "more": True}] * 100, "v": [1] * 100})

    assert answered("SELECT s->a AS q FROM meter", table) == ([{"q": 1}] * 100, 0)
