"""How long the thread of a rule rests."""

from __future__ import annotations

import time

from kuiper_nb import Session
from kuiper_nb.engine.runner import rest_of

QUERY = "SELECT count(*) AS c FROM demo GROUP BY TUMBLINGWINDOW(ms, 400)"


def test_a_rule_rests_until_the_very_moment_its_window_ends() -> None:
    with Session() as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule(QUERY, id="hot", start=False)
        rule.start(by_hand=True)
        end = after = 0
        while after >= end:  # the machine took so long that the window had ended meanwhile
            session.push("demo", {"a": 1})
            rule.step()
            end = (rule.due() or 0) * 1_000_000
            before, rest, after = time.time_ns(), rest_of(rule) * 1e9, time.time_ns()

        assert before + rest - 1_000 <= end <= after + rest + 1_000


def test_a_rule_that_only_a_push_gives_something_to_do_rests_long() -> None:
    with Session() as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule("SELECT a FROM demo", id="hot", start=False)
        rule.start(by_hand=True)

        assert rest_of(rule) == 0.5
